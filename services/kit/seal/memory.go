package seal

import (
	"context"

	typev1 "example.com/redress/proto/gen/redress/type/v1"
)

// memory holds the texts that were sealed in one call, by token, so that the
// call's answer shows them without fetching the key and opening each again. It
// lives as long as the call and is not for concurrent use.
type memory struct{ texts map[string]remark }

type remark struct {
	class typev1.DataClass
	text  string
}

type memoryKey struct{}

// Remember returns a context in which [Open] knows the texts that [Seal] and
// [SealRequest] have sealed in it: for an RPC that answers with what it was sent.
func Remember(ctx context.Context) context.Context {
	return context.WithValue(ctx, memoryKey{}, &memory{texts: map[string]remark{}})
}

// remembered returns the context's memory; nil, which remembers nothing, if there is none.
func remembered(ctx context.Context) *memory {
	m, _ := ctx.Value(memoryKey{}).(*memory)
	return m
}

func (m *memory) add(token string, class typev1.DataClass, text string) {
	if m != nil {
		m.texts[token] = remark{class, text}
	}
}

func (m *memory) of(token string) (remark, bool) {
	if m == nil {
		return remark{}, false
	}
	r, ok := m.texts[token]
	return r, ok
}
