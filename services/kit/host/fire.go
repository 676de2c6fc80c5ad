package host

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/timerindex"
	"example.com/redress/services/kit/timers"
)

// arm tells the engine which timers a commit armed; those that only a background
// loop looks at are not its business.
func (h *Host) arm(all []journal.Timer) {
	if h.engine == nil {
		return
	}
	var out []timers.Timer
	for _, t := range all {
		if h.def.Fire[Pattern(t.Name)] != nil {
			out = append(out, engineTimer(t))
		}
	}
	h.engine.Arm(out...)
}

func engineTimer(t journal.Timer) timers.Timer {
	return timers.Timer{Organization: t.Organization, Name: t.Name, Shard: t.Shard, At: t.At, Generation: t.Generation}
}

// timerStore is the journal as the engine sees it.
type timerStore struct{ h *Host }

// DueTimers implements timers.Store.
func (s timerStore) DueTimers(ctx context.Context, shard int32, before time.Time, limit int) ([]timers.Timer, error) {
	found, err := s.h.Journal.DueTimers(ctx, shard, before, limit)
	if err != nil {
		return nil, err
	}
	out := make([]timers.Timer, len(found))
	for i, t := range found {
		out[i] = engineTimer(t)
	}
	return out, nil
}

// NextTimer implements timers.Store.
func (s timerStore) NextTimer(ctx context.Context) (time.Time, bool, error) {
	return s.h.Journal.NextTimer(ctx)
}

// Fire implements timers.Store.
func (s timerStore) Fire(ctx context.Context, t timers.Timer) error {
	h := s.h
	fire := h.def.Fire[Pattern(t.Name)]
	if fire == nil {
		return nil // an older binary's kind: nothing to do with it here
	}
	due := journal.Timer{Organization: t.Organization, Name: t.Name, Shard: t.Shard, At: t.At, Generation: t.Generation}
	work := journal.Work{Traceparent: traceparent(ctx), Actor: &eventv1.Actor{Principal: "services/" + h.def.Name}}
	row, fired, err := h.Journal.Fire(ctx, work, due, fire)
	if fired {
		now := h.Clock.Now()
		h.measures.Fired(now.Sub(row.At))
		if h.onFired != nil {
			h.onFired(row, now)
		}
	}
	return err
}

// Due returns at most limit timers of a background kind whose instant has come,
// of all organisations, earliest first.
func (h *Host) Due(ctx context.Context, pattern string, limit int) ([]journal.Timer, error) {
	return h.Journal.BackgroundTimers(ctx, pattern, h.Clock.Now(), limit)
}

// heartbeats remembers the heartbeats of the timer index as notes of the store.
type heartbeats struct{ j *journal.Journal }

const heartbeatNote = "timer-index-heartbeats"

// LoadHeartbeats implements timers.Memory.
func (m heartbeats) LoadHeartbeats(ctx context.Context) (map[int32]timerindex.Heartbeat, error) {
	raw, err := m.j.Note(ctx, heartbeatNote)
	if err != nil || raw == "" {
		return nil, err
	}
	out := map[int32]timerindex.Heartbeat{}
	if err := json.Unmarshal([]byte(raw), &out); err != nil {
		return nil, fmt.Errorf("heartbeats: %w", err)
	}
	return out, nil
}

// SaveHeartbeats implements timers.Memory. Replicas may overwrite each other
// with a lower number of the same incarnation; the next sweep raises it again.
func (m heartbeats) SaveHeartbeats(ctx context.Context, beats map[int32]timerindex.Heartbeat) error {
	saved, err := m.LoadHeartbeats(ctx)
	if err != nil {
		return err
	}
	if saved == nil {
		saved = map[int32]timerindex.Heartbeat{}
	}
	for shard, b := range beats {
		if old, ok := saved[shard]; ok && old.Incarnation == b.Incarnation && old.Number > b.Number {
			continue
		}
		saved[shard] = b
	}
	raw, err := json.Marshal(saved)
	if err != nil {
		return fmt.Errorf("heartbeats: %w", err)
	}
	return m.j.SetNote(ctx, heartbeatNote, string(raw))
}
