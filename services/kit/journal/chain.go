package journal

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"time"

	"google.golang.org/protobuf/proto"

	eventv1 "example.com/redress/proto/gen/redress/event/v1"
)

// deterministic makes the bytes of a message the same every time this binary writes it.
var deterministic = proto.MarshalOptions{Deterministic: true} //nolint:gochecknoglobals // a constant, if Go had constants of structs

// Digest returns the digest of an event: SHA-256 over the previous digest, the
// cause's digest (empty without a cause), organisation, resource, version and
// body, in this order. Each is preceded by its length as eight bytes, big
// endian; the version is eight bytes, big endian. So no two events share an input.
//
// Source: docs/adr/0001.
func Digest(ev *eventv1.Event) []byte {
	h := sha256.New()
	field(h, ev.PreviousDigest)
	field(h, ev.GetCause().GetDigest())
	field(h, []byte(ev.Organization))
	field(h, []byte(ev.Resource))
	field(h, binary.BigEndian.AppendUint64(nil, uint64(ev.Version)))
	field(h, ev.Body)
	return h.Sum(nil)
}

func field(h hash.Hash, b []byte) {
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(b))))
	h.Write(b)
}

// Body decodes the body of an event.
func Body(ev *eventv1.Event) (*eventv1.EventBody, error) {
	body := &eventv1.EventBody{}
	if err := proto.Unmarshal(ev.GetBody(), body); err != nil {
		return nil, fmt.Errorf("body of event %d in shard %d of %s: %w", ev.GetSequence(), ev.GetShard(), ev.GetService(), err)
	}
	return body, nil
}

func typeURL(m proto.Message) string {
	return "type.googleapis.com/" + string(m.ProtoReflect().Descriptor().FullName())
}

// instant turns stored microseconds into a time.
func instant(micros int64) time.Time { return time.UnixMicro(micros).UTC() }
