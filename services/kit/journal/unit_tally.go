package journal

import (
	"fmt"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// Tally reads the tally of the key into the message; one never set leaves it
// empty. Whoever sets it later in this Unit does so only if nobody else has
// meanwhile; otherwise the closure runs again.
//
// Source: DESIGN section 3: rules over more than one resource.
func (u *Unit) Tally(name string, into proto.Message) error {
	t, err := u.tally(name)
	if err != nil {
		return err
	}
	if err := proto.Unmarshal(t.value, into); err != nil {
		return u.fail(fmt.Errorf("tally %s: %w", name, err))
	}
	return nil
}

// SetTally stores the tally of the key.
func (u *Unit) SetTally(name string, m proto.Message) error {
	t, err := u.tally(name)
	if err != nil {
		return err
	}
	value, err := deterministic.Marshal(m)
	if err != nil {
		return u.fail(fmt.Errorf("tally %s: %w", name, err))
	}
	u.own.tallies[u.key(name)] = &tally{revision: t.revision, value: value, dirty: true}
	return nil
}

// serial begins the keys of serials.
const serial = "serial:"

// Serial returns the next number of the key: 1, 2, 3 without gaps, as a write
// that is refused takes none. Its keys are apart from those of Tally.
func (u *Unit) Serial(name string) (int64, error) {
	name = serial + name
	n := &wrapperspb.Int64Value{}
	if err := u.Tally(name, n); err != nil {
		return 0, err
	}
	n.Value++
	return n.Value, u.SetTally(name, n)
}

func (u *Unit) tally(name string) (*tally, error) {
	at := u.key(name)
	if t, ok := u.own.tallies[at]; ok {
		return t, nil
	}
	return u.g.tally(at)
}
