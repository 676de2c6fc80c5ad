package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/clock"
)

// World is the suite from outside.
type World struct {
	// GRPC returns a connection over the network to the port of a service.
	GRPC func(service string) grpc.ClientConnInterface
	// Edge is the address of the JSON edge.
	Edge string
	// Token returns a token for people/x, customers/x or apps/x.
	Token func(principal string) (string, error)
	// Pass lets business time pass. In real time it only waits where Real says so.
	Pass func(ctx context.Context, d time.Duration) error
	// SurveyToken returns the token of the survey link in the customer's mailbox,
	// "" while none has come; nil where the story cannot look into a mailbox.
	SurveyToken func(ctx context.Context, number string) (string, error)
	// Out takes the story.
	Out io.Writer
}

// patience is how long the story waits for one service to hear of another, in machine time.
const patience = 20 * time.Second

// as returns a context whose calls carry the token of the principal.
func (w *World) as(ctx context.Context, principal string) (context.Context, error) {
	token, err := w.Token(principal)
	if err != nil {
		return nil, err
	}
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token, "accept-language", "en"), nil
}

// call runs one RPC as the principal.
func call[Q, R any](ctx context.Context, w *World, principal string, rpc func(context.Context, Q, ...grpc.CallOption) (R, error), req Q) (R, error) {
	var none R
	ctx, err := w.as(ctx, principal)
	if err != nil {
		return none, err
	}
	answer, err := rpc(ctx, req)
	if err != nil {
		return none, fmt.Errorf("%s, %T: %w", principal, req, err)
	}
	return answer, nil
}

// until repeats look until it reports true: what one service did reaches the
// next over its feed. A service that has just started and has not heard yet who
// is who answers UNAVAILABLE, which asks to be tried again; other errors end it.
func (w *World) until(ctx context.Context, what string, look func(context.Context) (bool, error)) error {
	ctx, cancel := clock.System().WithTimeout(ctx, patience)
	defer cancel()
	for {
		ok, err := look(ctx)
		switch {
		case err != nil && !unavailable(err):
			return fmt.Errorf("wait until %s: %w", what, err)
		case err == nil && ok:
			return nil
		}
		if clock.System().Pause(ctx, 20*time.Millisecond) != nil {
			return errors.Join(fmt.Errorf("waited %s in vain until %s", patience, what), err)
		}
	}
}

// json runs one request of the mobile client and returns the decoded answer.
func (w *World) json(ctx context.Context, principal, method, path string, body []byte, contentType string) (map[string]any, error) {
	token, err := w.Token(principal)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, method, w.Edge+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Accept-Language", "zh-CN")
	if body != nil {
		req.Header.Set("Content-Type", contentType)
		req.Header.Set("Idempotency-Key", id())
	}
	return w.send(req)
}

func (w *World) send(req *http.Request) (_ map[string]any, err error) {
	client := http.Client{Timeout: patience}
	answer, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() {
		if closeErr := answer.Body.Close(); err == nil {
			err = closeErr
		}
	}()
	raw, err := io.ReadAll(io.LimitReader(answer.Body, 4<<20))
	if err != nil {
		return nil, err
	}
	if answer.StatusCode >= http.StatusBadRequest {
		return nil, fmt.Errorf("%s %s: %s: %s", req.Method, req.URL.Path, answer.Status, raw)
	}
	var out map[string]any
	if json.Unmarshal(raw, &out) != nil {
		return map[string]any{"page": string(raw)}, nil
	}
	return out, nil
}

// say tells one step of the story.
func (w *World) say(zh, en string) {
	fmt.Fprintf(w.Out, "  · %s\n    %s\n", zh, en)
}

// part begins a part of the story.
func (w *World) part(zh, en string) { fmt.Fprintf(w.Out, "\n%s  %s\n", zh, en) }

func id() string { return uuid.NewString() }

func yes() *typev1.Fact { return &typev1.Fact{Value: &typev1.Fact_Flag{Flag: true}} }

func text(s string) *typev1.Fact { return &typev1.Fact{Value: &typev1.Fact_Text{Text: s}} }

func choice(s string) *typev1.Fact { return &typev1.Fact{Value: &typev1.Fact_Choice{Choice: s}} }

func score(n int32) *typev1.Fact { return &typev1.Fact{Value: &typev1.Fact_Score{Score: n}} }

func choices(s ...string) *typev1.Fact {
	return &typev1.Fact{Value: &typev1.Fact_Choices{Choices: &typev1.Choices{Values: s}}}
}
