package edge

import (
	"net/url"
	"strings"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"github.com/grpc-ecosystem/grpc-gateway/v2/utilities"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// strictQuery reads query parameters and refuses those the request does not
// have: a filter with a typing error would otherwise answer with everything.
type strictQuery struct{ runtime.DefaultQueryParser }

// Parse implements runtime.QueryParameterParser.
func (p *strictQuery) Parse(m proto.Message, values url.Values, filter *utilities.DoubleArray) error {
	for key := range values {
		path, _, _ := strings.Cut(key, "[") // of a map: field[key]
		if !hasField(m.ProtoReflect().Descriptor(), path) {
			return status.Errorf(codes.InvalidArgument, "unknown parameter %q", key)
		}
	}
	return p.DefaultQueryParser.Parse(m, values, filter)
}

// hasField reports whether a message has the field a dotted path names, by the
// names of the proto or of JSON.
func hasField(m protoreflect.MessageDescriptor, path string) bool {
	head, rest, more := strings.Cut(path, ".")
	f := m.Fields().ByName(protoreflect.Name(head))
	if f == nil {
		f = m.Fields().ByJSONName(head)
	}
	if f == nil || !more {
		return f != nil
	}
	return f.Message() != nil && hasField(f.Message(), rest)
}
