package seal

import (
	"context"
	"fmt"
	"io/fs"

	"github.com/google/uuid"
)

// reserveSize is how many keys are made ahead at once, with one sync. A process
// that ends leaves at most so many slots unused for each organisation it served.
const reserveSize = 128

// reserve holds new subjects of one organisation whose keys are on the disk.
type reserve struct {
	ready  []string
	making chan struct{} // closed when the keys under way are made; nil if none are
	err    error         // of the last making
}

// Reserve returns a new subject of the organisation, whose key is on the disk and
// whom nobody else was given: an id without meaning. It waits for no disk but when
// more are wanted than were made ahead. A subject that is not used after all costs
// one slot of the log.
//
// Source: docs/adr/0012.
func (s *FileStore) Reserve(ctx context.Context, organization string) (string, error) {
	for {
		s.mu.Lock()
		if s.closed {
			s.mu.Unlock()
			return "", fmt.Errorf("key store: %w", fs.ErrClosed)
		}
		r := s.reserve[organization]
		if r == nil {
			r = &reserve{}
			s.reserve[organization] = r
		}
		if len(r.ready) <= reserveSize/2 && r.making == nil {
			r.making = make(chan struct{})
			s.makers.Go(func() { s.fill(organization, r) })
		}
		if len(r.ready) > 0 {
			subject := r.ready[0]
			r.ready = r.ready[1:]
			s.mu.Unlock()
			return subject, nil
		}
		making := r.making
		s.mu.Unlock()
		select {
		case <-ctx.Done():
			return "", context.Cause(ctx)
		case <-making:
		}
		s.mu.RLock()
		err := r.err
		s.mu.RUnlock()
		if err != nil {
			return "", err
		}
	}
}

// fill makes keys ahead.
func (s *FileStore) fill(organization string, r *reserve) {
	subjects, err := s.makeAhead(organization)
	s.mu.Lock()
	defer s.mu.Unlock()
	r.ready = append(r.ready, subjects...)
	r.err = err
	close(r.making)
	r.making = nil
}

func (s *FileStore) makeAhead(organization string) ([]string, error) {
	subjects, ids := make([]string, reserveSize), make([]slotID, reserveSize)
	for i := range subjects {
		id, err := uuid.NewV7() // in order of time: they are looked up by index
		if err != nil {
			return nil, fmt.Errorf("key store: %w", err)
		}
		subjects[i] = id.String()
		ids[i] = keyID(organization, subjects[i])
	}
	err := s.locked(func() error {
		if err := s.catchUp(); err != nil {
			return err
		}
		return s.add(map[slotID][]byte{}, ids...)
	})
	if err != nil {
		return nil, err
	}
	return subjects, nil
}
