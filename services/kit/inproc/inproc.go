// Package inproc is a gRPC channel inside one process: a server that takes the
// same service registrations, interceptors and stats handlers as grpc.Server,
// and connections to it that are grpc.ClientConnInterface.
//
// It keeps gRPC's promises. Messages are marshalled and unmarshalled, so that
// neither side sees the other's memory and what cannot travel fails as it would
// on a socket; metadata, headers, trailers, deadlines, cancellation, statuses
// with details, size limits, all kinds of streams, and back pressure behave as
// they do over HTTP/2. Values of the caller's context stay with the caller. A
// peer carries credentials that name the calling service.
//
// It is not a transport for other processes, has no compression, no retries and
// no load balancing. Package inproctest holds the conformance suite that runs
// over it and over a loopback socket alike. Start reading at [NewServer].
//
// Source: DESIGN section 8.
package inproc

import (
	"context"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/encoding"
	_ "google.golang.org/grpc/encoding/proto" // the codec of every message
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"
)

// Network is the network of every address of this package.
const Network = "inproc"

// Defaults of the size limits, those of gRPC.
const (
	defaultReceive = 4 << 20
	defaultSend    = 1<<31 - 1
)

// window is how many messages wait in one direction of a stream before its
// sender blocks.
const window = 16

// Addr is the address of one side of a channel: the name of a service.
type Addr string

// Network implements net.Addr.
func (Addr) Network() string { return Network }

// String implements net.Addr.
func (a Addr) String() string { return Network + ":" + string(a) }

// AuthInfo are the credentials of an in-process peer. They cannot be forged: who
// makes the connection is code of this process.
type AuthInfo struct {
	credentials.CommonAuthInfo

	// Service is the name of the service at the other end.
	Service string
}

// AuthType implements credentials.AuthInfo.
func (AuthInfo) AuthType() string { return Network }

func authInfo(service string) AuthInfo {
	return AuthInfo{
		CommonAuthInfo: credentials.CommonAuthInfo{SecurityLevel: credentials.PrivacyAndIntegrity},
		Service:        service,
	}
}

// codec is gRPC's own for protobuf messages.
func codec() encoding.CodecV2 { return encoding.GetCodecV2("proto") }

// handlers calls several stats handlers in order.
type handlers []stats.Handler

func (hs handlers) tag(ctx context.Context, method string) context.Context {
	for _, h := range hs {
		ctx = h.TagRPC(ctx, &stats.RPCTagInfo{FullMethodName: method}) //nolint:fatcontext // each handler tags what the one before left
	}
	return ctx
}

func (hs handlers) rpc(ctx context.Context, s stats.RPCStats) {
	for _, h := range hs {
		h.HandleRPC(ctx, s)
	}
}

// reserved reports whether the transport owns the header: an application cannot set it.
func reserved(key string) bool {
	switch key {
	case "content-type", "user-agent", "grpc-message-type", "grpc-encoding", "grpc-message", "grpc-status", "grpc-timeout", "te":
		return true
	default:
		return strings.HasPrefix(key, ":")
	}
}

// carry returns a copy of what of md would cross a wire, or why it cannot.
func carry(md metadata.MD) (metadata.MD, error) {
	out := make(metadata.MD, len(md)+3)
	for key, values := range md {
		if err := checkHeader(key, values); err != "" {
			return nil, status.Error(codes.Internal, err)
		}
		if !reserved(key) {
			out[key] = append([]string(nil), values...)
		}
	}
	return out, nil
}

// checkHeader says what is wrong with a header, in gRPC's words; "" if nothing is.
func checkHeader(key string, values []string) string {
	if key == "" {
		return "there is an empty key in the header"
	}
	if key[0] == ':' {
		return ""
	}
	for i := range len(key) {
		if c := key[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '.' && c != '-' && c != '_' {
			return "header key \"" + key + "\" contains illegal characters not in [0-9a-z-_.]"
		}
	}
	if strings.HasSuffix(key, "-bin") {
		return ""
	}
	for _, v := range values {
		for i := range len(v) {
			if v[i] < 0x20 || v[i] > 0x7E {
				return "header key \"" + key + "\" contains value with non-printable ASCII characters"
			}
		}
	}
	return ""
}
