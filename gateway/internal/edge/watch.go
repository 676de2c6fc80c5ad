package edge

import (
	"encoding/json"
	"net/http"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	"example.com/redress/services/kit/clock"
)

// keepAlive is how often a silent stream shows that it lives, so that proxies
// do not cut it.
const keepAlive = 15 * time.Second

// watch sends the status of a complaint as server-sent events: the present one,
// then each change the caller may see. The id of an event is the version.
func (e *edge) watch(w http.ResponseWriter, r *http.Request, name string) {
	stream, err := e.intake.WatchComplaint(outgoing(r), &intakev1.WatchComplaintRequest{Name: name})
	if err != nil {
		writeStatus(w, r, err)
		return
	}
	first, err := stream.Recv()
	if err != nil {
		writeStatus(w, r, err)
		return
	}
	out := http.NewResponseController(w)
	// A stream has no end that a deadline for the whole answer could know.
	_ = out.SetWriteDeadline(time.Time{}) // a server without deadlines has none to lift
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no")
	changes, ended := make(chan *intakev1.WatchComplaintResponse), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			m, err := stream.Recv()
			if err != nil {
				return
			}
			select {
			case changes <- m:
			case <-r.Context().Done():
				return
			}
		}
	}()
	alive := clock.System().NewTicker(keepAlive)
	defer alive.Stop()
	for m := first; ; {
		if m != nil && !sendEvent(w, m.GetEtag(), m) {
			return
		}
		if out.Flush() != nil {
			return
		}
		m = nil
		select {
		case m = <-changes:
		case <-alive.C:
			if _, err := w.Write([]byte(": alive\n\n")); err != nil {
				return
			}
		case <-ended:
			// The client reconnects by itself; the next first event shows where things are.
			return
		case <-r.Context().Done():
			return
		case <-e.closing:
			return
		}
	}
}

func sendEvent(w http.ResponseWriter, id string, m proto.Message) bool {
	data, err := marshal(m)
	if err != nil {
		return false
	}
	_, err = w.Write([]byte("id: " + id + "\nevent: complaint\ndata: " + string(data) + "\n\n")) //nolint:gosec // JSON in an event stream, no page
	return err == nil
}

// marshal writes m as JSON on one line, without protojson's random spaces.
func marshal(m proto.Message) ([]byte, error) {
	raw, err := protojson.Marshal(m)
	if err != nil {
		return nil, err
	}
	var compact json.RawMessage = raw
	return json.Marshal(compact)
}

func writeMessage(w http.ResponseWriter, code int, m proto.Message) {
	data, err := marshal(m)
	if err != nil {
		http.Error(w, `{"error":{}}`, http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if etag := etagOf(m); etag != "" {
		w.Header().Set("ETag", `"`+etag+`"`)
	}
	w.WriteHeader(code)
	_, _ = w.Write(data) //nolint:gosec // JSON, no page; if the client is gone nobody is left to tell
}
