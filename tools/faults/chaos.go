package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"example.com/redress/tools/faults/world"
)

// The faults.
const (
	killService  = "service killed"
	killPostgres = "PostgreSQL killed"
	killRedis    = "Redis killed"
	flushRedis   = "Redis emptied"
	oldRedis     = "Redis back to an old dump"
	pauseService = "service stopped for 1 to 60 s"
	cutSQL       = "connections to PostgreSQL cut"
	slowSQL      = "connections to PostgreSQL slow"
	halfRedis    = "connections to Redis half open"
	cutPeers     = "connections to a service cut"
	halfPeers    = "connections to a service half open"
	replace      = "service replaced under load"
	redisAway    = "Redis away until clocks are late"
	promote      = "Redis primary lost, stale replica promoted"
	fillDisk     = "disk of PostgreSQL full"
	killClocks   = "every process with clocks killed while they fire"
	killDue      = "PostgreSQL killed while clocks fall due"
	flushArmed   = "Redis emptied of armed clocks"
	roll         = "service rolled between two versions"
)

// redisLosses are the faults that count as a loss of Redis.
func redisLosses() []string { return []string{killRedis, flushRedis, oldRedis, promote} }

// chaos does faults to a world, one after the other, as drawn from r.
type chaos struct {
	w    *world.World
	r    *rand.Rand
	say  func(format string, args ...any)
	done map[string]int

	// versions are the folders of the old programs and of the new.
	versions [2]string
	// rolls are what is still to be replaced, and by which of the versions.
	rolls []step
	// passes is how often all have been replaced.
	passes int
}

// step is the replacement of one service.
type step struct {
	service string
	to      string
}

// deck is how often each fault is to happen, in an order that r draws.
func deck(r *rand.Rand, counts map[string]int) []string {
	var out []string
	for _, kind := range []string{killService, killPostgres, killRedis, flushRedis, oldRedis, pauseService, cutSQL, slowSQL, halfRedis, cutPeers, halfPeers, replace, redisAway, killClocks, killDue, flushArmed, promote, fillDisk, roll} {
		for range counts[kind] {
			out = append(out, kind)
		}
	}
	r.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

// play does each fault of the deck, with a pause of up to gap between two.
func (c *chaos) play(ctx context.Context, deck []string, gap time.Duration) error {
	for _, kind := range deck {
		if !wait(ctx, gap/4+time.Duration(c.r.Int64N(int64(gap)))) {
			return ctx.Err()
		}
		if err := c.one(ctx, kind); err != nil {
			return fmt.Errorf("%s: %w", kind, err)
		}
		c.done[kind]++
	}
	return nil
}

// wait is false if ctx ended first.
func wait(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

func (c *chaos) service() *world.Service {
	names := append(world.Names(), "routing", "intake", "gateway") // those two carry most
	return c.w.Services[names[c.r.IntN(len(names))]]
}

func (c *chaos) one(ctx context.Context, kind string) error {
	switch kind {
	case killService:
		s := c.service()
		n := c.r.IntN(s.Instances())
		c.say("%s: %s %d", kind, s.Name, n)
		for !s.Kill(n) { // it is just being started
			if !wait(ctx, 50*time.Millisecond) {
				return ctx.Err()
			}
		}
	case killPostgres:
		c.say("%s", kind)
		c.w.Postgres.Kill()
		wait(ctx, time.Duration(c.r.IntN(1500))*time.Millisecond)
		return c.w.Postgres.Start(ctx)
	case killRedis:
		c.say("%s", kind)
		if err := c.w.Redis.Kill(ctx, false); err != nil {
			return err
		}
		wait(ctx, time.Duration(c.r.IntN(3000))*time.Millisecond)
		return c.w.Redis.Start(ctx)
	case flushRedis:
		c.say("%s", kind)
		_, err := c.w.Redis.Do(ctx, "flushall")
		return err
	case oldRedis:
		if err := c.w.Redis.Save(ctx); err != nil {
			return err
		}
		wait(ctx, time.Duration(500+c.r.IntN(4000))*time.Millisecond)
		c.say("%s", kind)
		if err := c.w.Redis.Kill(ctx, true); err != nil {
			return err
		}
		return c.w.Redis.Start(ctx)
	case redisAway:
		c.say("%s", kind)
		if err := c.w.Redis.Kill(ctx, false); err != nil {
			return err
		}
		c.clocks(ctx, -time.Hour, -plantedLate-2*time.Second)
		return c.w.Redis.Start(ctx)
	case killDue:
		c.clocks(ctx, 0, away)
		c.say("%s", kind)
		c.w.Postgres.Kill()
		wait(ctx, away)
		return c.w.Postgres.Start(ctx)
	case flushArmed:
		c.clocks(ctx, away/3, time.Minute)
		c.say("%s", kind)
		_, err := c.w.Redis.Do(ctx, "flushall")
		return err
	case promote:
		d := time.Duration(500+c.r.IntN(4000)) * time.Millisecond
		c.say("%s, %s behind", kind, d)
		return c.w.Redis.Promote(ctx, d)
	case fillDisk:
		d := time.Duration(1000+c.r.IntN(4000)) * time.Millisecond
		c.say("%s for %s", kind, d)
		return c.w.Postgres.Full(ctx, d)
	case killClocks:
		s := c.w.Services["routing"]
		c.w.ToSQL.Set(world.Slow) // each that is claimed from the index is in hand for a while
		c.clocks(ctx, -time.Hour, -away/6)
		c.say("%s", kind)
		for n := range s.Instances() {
			s.Kill(n)
		}
		c.w.ToSQL.Set(world.Pass)
	case pauseService:
		s := c.service()
		d := time.Duration(1000+c.r.IntN(8000)) * time.Millisecond
		if c.r.IntN(6) == 0 {
			d = time.Duration(10+c.r.IntN(51)) * time.Second
		}
		n := c.r.IntN(s.Instances())
		c.say("%s: %s %d for %s", kind, s.Name, n, d)
		s.Pause(ctx, n, d)
	case cutSQL:
		c.through(ctx, kind, c.w.ToSQL, world.Cut, 2*time.Second)
	case slowSQL:
		c.through(ctx, kind, c.w.ToSQL, world.Slow, 4*time.Second)
	case halfRedis:
		c.through(ctx, kind, c.w.ToRedis, world.HalfOpen, 4*time.Second)
	case cutPeers:
		c.through(ctx, kind, c.service().Front, world.Cut, 2*time.Second)
	case halfPeers:
		c.through(ctx, kind, c.service().Front, world.HalfOpen, 5*time.Second)
	case replace:
		s := c.service()
		c.say("%s: %s", kind, s.Name)
		return s.Replace(ctx, s.Programs(), func() { wait(ctx, time.Duration(2+c.r.IntN(3))*time.Second) })
	case roll:
		return c.roll(ctx)
	}
	return nil
}

// pass plans to replace every service once, in an order that is drawn, by the new
// programs if the old ones run and by the old ones if not; one that is drawn goes
// back to where it was, and then on again.
func (c *chaos) pass() {
	names := append(world.Names(), "gateway")
	c.r.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	from, to := c.versions[c.passes%2], c.versions[(c.passes+1)%2]
	c.passes++
	back := c.r.IntN(len(names))
	for i, name := range names {
		c.rolls = append(c.rolls, step{name, to})
		if i == back {
			c.rolls = append(c.rolls, step{name, from}, step{name, to})
		}
	}
}

// roll replaces the next service by another version. While both stand beside each
// other, connections are cut again and again, so that now one and now the other
// serves those who call, and every second time one of them is killed.
func (c *chaos) roll(ctx context.Context) error {
	if len(c.rolls) == 0 {
		c.pass()
	}
	next := c.rolls[0]
	c.rolls = c.rolls[1:]
	s := c.w.Services[next.service]
	victim := c.r.IntN(2 * 2 * s.Instances()) // half of the time there is no such one
	return s.Replace(ctx, next.to, func() {
		c.say("%s: %s, %s programs beside the others", roll, s.Name, map[bool]string{true: "old", false: "new"}[next.to == c.versions[0]])
		for i := range besides {
			s.Front.Set(world.Cut)
			s.Front.Set(world.Pass)
			if i == besides/2 && victim < s.Instances() && s.Kill(victim) {
				c.say("%s: %s %d", killService, s.Name, victim)
				c.done[killService]++
			}
			wait(ctx, time.Second)
		}
	})
}

// besides is for how many seconds two versions of a service stand beside each other.
const besides = 5

// The faults that defects of the timer index need come when they meet this many clocks.
const (
	met  = 3
	away = 1500 * time.Millisecond
)

// clocks waits until some clocks are due between two instants from now, at most for a minute.
func (c *chaos) clocks(ctx context.Context, from, to time.Duration) {
	query := fmt.Sprintf("SELECT count(*) FROM %s.timers, (SELECT extract(epoch FROM now()) * 1000000 AS now) x WHERE name LIKE '%%/clocks/%%' AND fire_time BETWEEN now + %d AND now + %d",
		world.Schema("routing"), from.Microseconds(), to.Microseconds())
	for end := time.Now().Add(time.Minute); time.Now().Before(end); {
		out, err := c.w.Postgres.Do(ctx, c.w.Database, query)
		if n, _ := strconv.Atoi(out); err == nil && n >= met {
			return
		}
		if !wait(ctx, 20*time.Millisecond) {
			return
		}
	}
	c.say("fewer than %d clocks were due between %s and %s from now", met, from, to)
}

// through lets a proxy misbehave for a while.
func (c *chaos) through(ctx context.Context, kind string, p *world.Proxy, m world.Mode, most time.Duration) {
	d := 200*time.Millisecond + time.Duration(c.r.Int64N(int64(most)))
	c.say("%s for %s", kind, d)
	p.Set(m)
	wait(ctx, d)
	p.Set(world.Pass)
}
