package timerindex

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/redis/go-redis/v9"
)

// LogTo sends what the Redis library has to say about its connections to the
// logger instead of to standard error. The library has one logger for the whole
// process: this is called when a process is set up, before it connects.
func LogTo(l *slog.Logger) { redis.SetLogger(logger{l}) }

type logger struct{ l *slog.Logger }

// Printf implements the library's interface. It says nothing of how bad it is.
func (l logger) Printf(ctx context.Context, format string, args ...any) {
	l.l.WarnContext(ctx, "redis client", slog.String("message", fmt.Sprintf(format, args...)))
}
