package cli

import (
	"context"
	"os"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/rpcserver"
)

const (
	// tokenVariable holds the token where --token does not.
	tokenVariable = "REDRESS_TOKEN"
	// ownTokenFor is how long a token lives that a command makes for itself.
	ownTokenFor = 10 * time.Minute
	// callFor bounds one call; the server has its own, shorter limits.
	callFor = time.Minute
	// pageSize is how many rows are asked for at once.
	pageSize = 500
)

// client says whom a command calls, and as whom.
type client struct {
	app    *app
	at     place
	who    principal
	server string
	ca     string
	token  string
}

func (cl *client) flags(c *cobra.Command) {
	f := c.PersistentFlags()
	f.StringVar(&cl.server, "server", "127.0.0.1:8443", "the gRPC `ADDRESS` of the suite, or of the service")
	f.StringVar(&cl.ca, "ca", "", "the `FILE` of the authority that certifies the server; needed beyond this machine")
	f.StringVar(&cl.token, "token", "", "who calls: a bearer token; default "+tokenVariable)
	f.StringVar(&cl.who.person, "person", "", "in place of a token: a person, with the key in --data of a suite on this machine")
	f.StringVar(&cl.who.organization, "organization", "demo", "the organisation of --person")
	f.StringVar(&cl.at.data, "data", "", "the data `FOLDER` with the key for --person; default data")
	c.MarkFlagsMutuallyExclusive("token", "person")
}

// call connects, gives fn a context with the caller's token, and disconnects.
func (cl *client) call(ctx context.Context, fn func(context.Context, grpc.ClientConnInterface) error) error {
	token, err := cl.bearer()
	if err != nil {
		return err
	}
	conn, err := rpcserver.DialRaw(rpcserver.ClientConfig{Target: cl.server, TLS: rpcserver.ClientTLS{CAFile: cl.ca}}, nil)
	if err != nil {
		return &UsageError{err}
	}
	defer func() { _ = conn.Close() }() // every call was answered
	ctx, cancel := clock.System().WithTimeout(ctx, callFor)
	defer cancel()
	return fn(metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token, "accept-language", cl.app.language), conn)
}

func (cl *client) bearer() (string, error) {
	switch {
	case cl.token != "":
		return cl.token, nil
	case cl.who.given():
		c, err := cl.at.load()
		if err != nil {
			return "", err
		}
		return mint(c.Process.Data, cl.who, ownTokenFor)
	case os.Getenv(tokenVariable) != "":
		return os.Getenv(tokenVariable), nil
	}
	return "", usage("say who you are: --token or %s (redress token makes one), or --person with --data", tokenVariable)
}

// requestID returns a new idempotency key: a command sends each request once, and
// a person who repeats a command means it.
func requestID() string { return uuid.NewString() }

// every calls read for page after page until there are limit rows; 0 means all.
func every(limit int, read func(size int32, token string) (rows int, next string, err error)) error {
	token := ""
	for got := 0; ; {
		size := pageSize
		if limit > 0 {
			size = min(size, limit-got)
		}
		n, next, err := read(int32(size), token)
		got += n
		if err != nil || next == "" || limit > 0 && got >= limit {
			return err
		}
		token = next
	}
}
