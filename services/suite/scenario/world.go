package scenario

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	"example.com/redress/services/kit/authn"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/suite"
)

// organization is the one of every row: each has a suite of its own.
const organization = "scenario"

// customerRef is the account of the customer who complains.
const customerRef = "customers/customer-1"

// tokenLife outlives any row.
const tokenLife = 24 * time.Hour

// world is the suite of one row and what the row has done so far.
type world struct {
	play   *play
	suite  *suite.Suite
	data   string
	zone   *time.Location
	labels map[string]string
	tokens map[string]string

	actor      string
	registered int
	complaint  string
	number     string // of the newest complaint
	claim      string
	report     string
	named      map[string]string
	newest     map[string]string // by pattern, "goods/*"
	sighted    map[string]int    // in which order notices were first seen
}

// settings are those of a suite of which nobody but this process knows.
func settings(data string, start time.Time) suite.Config {
	var c suite.Config
	c.Defaults()
	c.Process.Data = data
	c.GRPC.Listen, c.Gateway.Listen = "127.0.0.1:0", "127.0.0.1:0"
	c.Notification.Mailbox.Listen = "127.0.0.1:0"
	c.Organization = suite.Organization{}
	c.VirtualClock = start.UTC().Format(time.RFC3339)
	return c
}

// migrate makes a data folder with every schema and key in place. Rows copy it: to
// migrate each anew would take most of their time.
func migrate(ctx context.Context, data string) error {
	s, err := suite.New(ctx, settings(data, time.Unix(0, 0)), "scenario", io.Discard)
	if err != nil {
		return err
	}
	return errors.Join(s.Start(ctx), s.Stop(context.WithoutCancel(ctx)))
}

// open starts the suite of a row and puts its pack in force, unless the row does.
func open(ctx context.Context, p *play, template, data string) (_ *world, err error) {
	if err := os.CopyFS(data, os.DirFS(template)); err != nil {
		return nil, err
	}
	if err := restrict(data, template); err != nil {
		return nil, err
	}
	w := &world{
		play: p, data: data, zone: p.pack.policy.Calendar().Location(), labels: p.labels(),
		tokens: map[string]string{}, named: map[string]string{}, newest: map[string]string{}, sighted: map[string]int{},
	}
	start, err := w.first()
	if err != nil {
		return nil, err
	}
	if w.suite, err = suite.New(ctx, settings(data, start), "scenario", io.Discard); err != nil {
		return nil, err
	}
	if err := w.suite.Start(ctx); err != nil {
		return nil, errors.Join(err, w.suite.Stop(context.WithoutCancel(ctx)))
	}
	if err := w.settle(ctx); err != nil {
		return nil, errors.Join(err, w.close(context.WithoutCancel(ctx)))
	}
	return w, nil
}

// settle gives the organisation its directory and, unless the row does, its policy.
func (w *world) settle(ctx context.Context) error {
	if err := w.suite.Organize(ctx, organization, "", nil, w.play.table()); err != nil {
		return err
	}
	if !w.play.activates() {
		if err := w.force(ctx, w.play.pack.values); err != nil {
			return fmt.Errorf("put the pack in force: %w", err)
		}
	}
	return w.suite.Settle(ctx)
}

// close stops the suite and removes its data.
func (w *world) close(ctx context.Context) error {
	return errors.Join(w.suite.Stop(ctx), os.RemoveAll(w.data))
}

// restrict gives the copies the modes of what they are copies of: keys that others
// may read are refused.
func restrict(data, template string) error {
	return filepath.WalkDir(template, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(template, path)
		if err != nil {
			return err
		}
		return os.Chmod(filepath.Join(data, rel), info.Mode().Perm())
	})
}

// by returns a context that carries the person's token and nothing else.
func (w *world) by(ctx context.Context, principal string) context.Context {
	if w.tokens[principal] == "" {
		token, err := w.suite.Minter.Mint(authn.Identity{Principal: principal, Organization: organization}, tokenLife)
		if err != nil {
			token = "none: " + err.Error() // the call says that it was refused
		}
		w.tokens[principal] = token
	}
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+w.tokens[principal])
}

// acting is the context of who acts now.
func (w *world) acting(ctx context.Context) context.Context {
	if w.actor == customer {
		return w.by(ctx, customerRef)
	}
	return w.by(ctx, "people/"+personID(w.actor))
}

// reading is the context of the one who reads results.
func (w *world) reading(ctx context.Context) context.Context { return w.by(ctx, "people/"+reader) }

func (w *world) conn(service string) grpc.ClientConnInterface { return w.suite.Conn(service) }

// first returns the instant of the first move; the suite starts a minute before it.
func (w *world) first() (time.Time, error) {
	for _, m := range w.play.moves {
		if m.GetAt() == "" {
			continue
		}
		at, err := time.ParseInLocation(time.DateTime, m.GetAt(), w.zone)
		return at.Add(-time.Minute), err
	}
	return time.Time{}, errors.New("no move says when")
}

// steps of time after a plus sign.
func units() map[string]time.Duration {
	return map[string]time.Duration{
		"s": time.Second, "min": time.Minute, "h": time.Hour, "day": 24 * time.Hour, "days": 24 * time.Hour, "week": 7 * 24 * time.Hour, "weeks": 7 * 24 * time.Hour,
	}
}

// after reads "+24 h"; ok is false for what does not begin with a plus sign.
func after(at string) (d time.Duration, ok bool, err error) {
	rest, ok := strings.CutPrefix(at, "+")
	if !ok {
		return 0, false, nil
	}
	figure, unit, _ := strings.Cut(strings.TrimSpace(rest), " ")
	n, err := strconv.Atoi(figure)
	if step := units()[unit]; err == nil && step > 0 && n > 0 {
		return time.Duration(n) * step, true, nil
	}
	return 0, true, fmt.Errorf("at is %q; write an instant, %q, or a time from now, %q", at, "2026-04-08 17:20:00", "+24 h")
}

// checkTime refuses what is no time, and a first one that counts from nothing.
func checkTime(at string, placed bool) error {
	_, relative, err := after(at)
	if err != nil {
		return err
	}
	if relative && !placed {
		return fmt.Errorf("at is %q, but it is no time yet: begin with an instant", at)
	}
	if !relative {
		if _, err := time.Parse(time.DateTime, at); err != nil {
			return fmt.Errorf("at is %q; write an instant, %q, or a time from now, %q", at, "2026-04-08 17:20:00", "+24 h")
		}
	}
	return nil
}

// advance moves time, firing on the way whatever falls due.
func (w *world) advance(ctx context.Context, at string) error {
	d, relative, err := after(at)
	if err != nil {
		return err
	}
	to := w.suite.Now().Add(d)
	if !relative {
		if to, err = time.ParseInLocation(time.DateTime, at, w.zone); err != nil {
			return err
		}
	}
	return w.suite.Advance(ctx, to)
}

// move makes one move. It returns what was seen where something was expected, and a
// line for the verbose log.
func (w *world) move(ctx context.Context, m *move) (seen []sighting, line string, err error) {
	if m.GetAt() != "" {
		if err := w.advance(ctx, m.GetAt()); err != nil {
			return nil, "", fmt.Errorf("advance to %s: %w", m.GetAt(), err)
		}
	}
	if m.GetAs() != "" {
		w.actor = m.GetAs()
	}
	if err := w.answer(m); err != nil {
		return nil, "", err
	}
	line = w.suite.Now().In(w.zone).Format(time.DateTime)
	if m.GetActivate() != nil {
		s, err := w.activate(ctx, m)
		if err != nil {
			return nil, line + " activate", err
		}
		if s != nil {
			seen = append(seen, *s)
		}
	}
	if m.GetDesignate() != nil {
		if err := w.designate(ctx, m); err != nil {
			return nil, line + " designate", err
		}
	}
	if m.GetCall() != policyv1.Act_ACT_UNSPECIFIED {
		s, said, err := w.call(ctx, m)
		line += " " + w.actor + " " + word(m.GetCall()) + said
		if err != nil {
			return nil, line, err
		}
		if s != nil {
			seen = append(seen, *s)
		}
	}
	if m.GetExpect() == nil {
		return seen, line, nil
	}
	s, err := w.look(ctx, m)
	if err != nil {
		return nil, line, err
	}
	return append(seen, s), line, nil
}

// call makes the act of a move, or has it refused.
func (w *world) call(ctx context.Context, m *move) (*sighting, string, error) {
	a, _ := w.play.pack.words.act(m.GetCall(), m.GetWith().GetFields()) // looked at before the row was played
	in := &input{world: w, move: m, values: m.GetWith().GetFields(), taken: map[string]bool{}}
	refused := m.GetRefused() != nil
	var before map[string]string
	if refused {
		in.beforeLast = func() (err error) { before, err = w.versions(ctx); return err }
	}
	if refused && !a.prepares {
		if err := in.beforeLast(); err != nil {
			return nil, "", err
		}
	}
	made, err := a.do(ctx, w, in)
	if err == nil && refused {
		return nil, "", fmt.Errorf("%s was done; it must be refused by %s", word(m.GetCall()), m.GetRefused().GetRule())
	}
	if !refused {
		if err != nil {
			return nil, "", fmt.Errorf("%s: %w", word(m.GetCall()), err)
		}
		if m.GetName() != "" {
			w.named[m.GetName()] = made
		}
		return nil, "", w.suite.Settle(ctx)
	}
	f, ok := fault.As(err)
	if !ok || in.wrong {
		return nil, "", fmt.Errorf("%s: %w", word(m.GetCall()), err)
	}
	if err := w.suite.Settle(ctx); err != nil {
		return nil, "", err
	}
	now, err := w.versions(ctx)
	if err != nil {
		return nil, "", err
	}
	if changed := difference(before, now); len(changed) > 0 {
		return nil, "", fmt.Errorf("%s was refused, but something changed: %s", word(m.GetCall()), strings.Join(changed, ", "))
	}
	s := w.refusal(m, f)
	return &s, " refused: " + f.Reason, nil
}

func difference(before, now map[string]string) []string {
	var out []string
	for name, v := range now {
		if before[name] != v {
			out = append(out, fmt.Sprintf("%s (version %s, was %s)", name, v, none(before[name])))
		}
	}
	for name := range before {
		if _, ok := now[name]; !ok {
			out = append(out, name+" (gone)")
		}
	}
	slices.Sort(out)
	return out
}

func none(s string) string {
	if s == "" {
		return "not there"
	}
	return s
}

// explain writes an error with everything a refusal says.
func explain(err error) error {
	f, ok := fault.As(err)
	if !ok {
		return err
	}
	var b strings.Builder
	_, _ = fmt.Fprintf(&b, "%v [%s", err, f.Reason)
	if f.Rule.GetRule() != "" {
		_, _ = fmt.Fprintf(&b, ", rule %s, clause %s", f.Rule.GetRule(), f.Rule.GetClause())
	}
	for _, v := range f.Violations {
		_, _ = fmt.Fprintf(&b, "; %s: %s", v.Field, v.Reason)
		if v.Text.GetEn() != "" {
			_, _ = fmt.Fprintf(&b, " (%s)", v.Text.GetEn())
		}
	}
	b.WriteString("]")
	return errors.New(b.String())
}
