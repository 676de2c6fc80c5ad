package main

import (
	"context"
	"fmt"
	"math/rand/v2"
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
	redisAway    = "Redis away for a quarter of a minute"
	promote      = "Redis primary lost, stale replica promoted"
	fillDisk     = "disk of PostgreSQL full"
	killClocks   = "every process with clocks killed"
)

// redisLosses are the faults that count as a loss of Redis.
func redisLosses() []string { return []string{killRedis, flushRedis, oldRedis, promote} }

// chaos does faults to a world, one after the other, as drawn from r.
type chaos struct {
	w    *world.World
	r    *rand.Rand
	say  func(format string, args ...any)
	done map[string]int
}

// deck is how often each fault is to happen, in an order that r draws.
func deck(r *rand.Rand, counts map[string]int) []string {
	var out []string
	for _, kind := range []string{killService, killPostgres, killRedis, flushRedis, oldRedis, pauseService, cutSQL, slowSQL, halfRedis, cutPeers, halfPeers, replace, redisAway, killClocks, promote, fillDisk} {
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
		wait(ctx, 15*time.Second)
		return c.w.Redis.Start(ctx)
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
		c.say("%s", kind)
		for n := range s.Instances() {
			s.Kill(n)
		}
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
		return s.Replace(ctx, c.w.Binaries, time.Duration(2+c.r.IntN(3))*time.Second)
	}
	return nil
}

// through lets a proxy misbehave for a while.
func (c *chaos) through(ctx context.Context, kind string, p *world.Proxy, m world.Mode, most time.Duration) {
	d := 200*time.Millisecond + time.Duration(c.r.Int64N(int64(most)))
	c.say("%s for %s", kind, d)
	p.Set(m)
	wait(ctx, d)
	p.Set(world.Pass)
}
