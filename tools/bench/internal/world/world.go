// Package world is where the subjects live: one PostgreSQL, one Redis, a folder,
// and the CPU that all of them use.
//
// Start reading at [Open].
package world

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"
)

// World is what the subjects of one run share. Safe for concurrent use.
type World struct {
	// Postgres is the connection string of the server, Redis its host:port.
	Postgres, Redis string
	// Folder is a temporary one for files.
	Folder string
	// Scale shortens turns and shrinks stocks: 1 is what the goals are defined for.
	Scale float64
	// Progress is told of what takes long.
	Progress io.Writer

	admin      *pgx.Conn
	redis      *redis.Client
	postmaster int
	made       atomic.Int64
}

// Addresses of the two servers are taken from these variables (tools/backends.sh).
const (
	PostgresEnv = "REDRESS_TEST_POSTGRES"
	RedisEnv    = "REDRESS_TEST_REDIS"
)

// Open connects to the servers that the environment names and gives Redis the
// persistence that its goals are measured with.
func Open(ctx context.Context, folder string, scale float64, progress io.Writer) (_ *World, err error) {
	w := &World{Postgres: os.Getenv(PostgresEnv), Redis: os.Getenv(RedisEnv), Folder: folder, Scale: scale, Progress: progress}
	if w.Postgres == "" || w.Redis == "" {
		return nil, fmt.Errorf("%s and %s must name the servers: run it by tools/backends.sh run", PostgresEnv, RedisEnv)
	}
	if w.admin, err = pgx.Connect(ctx, w.Postgres); err != nil {
		return nil, fmt.Errorf("connect to PostgreSQL: %w", err)
	}
	w.redis = redis.NewClient(&redis.Options{Addr: w.Redis})
	defer func() {
		if err != nil {
			err = errors.Join(err, w.Close())
		}
	}()
	for _, set := range [][2]string{{"appendonly", "yes"}, {"appendfsync", "everysec"}, {"save", ""}} {
		if err := w.redis.ConfigSet(ctx, set[0], set[1]).Err(); err != nil {
			return nil, fmt.Errorf("set %s of Redis: %w", set[0], err)
		}
	}
	w.postmaster, err = postmaster(int(w.admin.PgConn().PID()))
	return w, err
}

// Close ends the connections.
func (w *World) Close() error {
	return errors.Join(w.admin.Close(context.Background()), w.redis.Close())
}

// Scaled returns n at the scale of the run, at least the least.
func (w *World) Scaled(n, least int) int { return max(least, int(float64(n)*w.Scale)) }

// Lasting returns d at the scale of the run, at least half a second.
func (w *World) Lasting(d time.Duration) time.Duration {
	return max(500*time.Millisecond, time.Duration(float64(d)*w.Scale))
}

// Database makes an empty database and returns its connection string; drop drops it.
func (w *World) Database(ctx context.Context) (dsn string, drop func() error, err error) {
	name := fmt.Sprintf("bench_%d_%d", os.Getpid(), w.made.Add(1))
	if err := w.run(ctx, "CREATE DATABASE "+name); err != nil {
		return "", nil, err
	}
	address, err := url.Parse(w.Postgres)
	if err != nil {
		return "", nil, err
	}
	address.Path = "/" + name
	return address.String(), func() error {
		return w.run(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)")
	}, nil
}

// Checkpoint lets PostgreSQL write everything out, as it does by itself every
// few minutes, while a turn goes on.
func (w *World) Checkpoint(ctx context.Context) (wait func() error) {
	done := make(chan error, 1)
	go func() { done <- w.run(ctx, "CHECKPOINT") }()
	return func() error { return <-done }
}

// TidyPostgres leaves nothing that PostgreSQL would do by itself in the database.
func TidyPostgres(ctx context.Context, dsn string) error {
	return errors.Join(do(ctx, dsn, "VACUUM ANALYZE"), do(ctx, dsn, "CHECKPOINT"))
}

// TidyRedis lets Redis write its file anew, which it else does when that has doubled.
func (w *World) TidyRedis(ctx context.Context) error {
	if err := w.redis.BgRewriteAOF(ctx).Err(); err != nil && !strings.Contains(err.Error(), "already in progress") {
		return fmt.Errorf("rewrite the file of Redis: %w", err)
	}
	for ctx.Err() == nil {
		scheduled, err := w.info(ctx, "persistence", "aof_rewrite_scheduled")
		if err != nil {
			return err
		}
		running, err := w.info(ctx, "persistence", "aof_rewrite_in_progress")
		if err != nil {
			return err
		}
		if scheduled+running == 0 {
			return nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return ctx.Err()
}

// Tell says how far a turn is that takes long.
func (w *World) Tell(format string, args ...any) { fmt.Fprintf(w.Progress, format+"\n", args...) }

func (w *World) run(ctx context.Context, statement string) error {
	return do(ctx, w.Postgres, statement)
}

// do runs a statement on a connection of its own: several may run at once.
func do(ctx context.Context, dsn, statement string) error {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return fmt.Errorf("%s: %w", statement, err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err := conn.Exec(ctx, statement); err != nil {
		return fmt.Errorf("%s: %w", statement, err)
	}
	return nil
}

// RedisBytes returns what the data in Redis take.
func (w *World) RedisBytes(ctx context.Context) (float64, error) {
	return w.info(ctx, "memory", "used_memory_dataset")
}

// Client is a connection to Redis for what has no API: sizes, losses.
func (w *World) Client() *redis.Client { return w.redis }

// Flush empties all of Redis: whatever was there is lost, other systems' too.
func (w *World) Flush(ctx context.Context) error { return w.redis.FlushAll(ctx).Err() }

// Settings returns lines that say what was measured on.
func (w *World) Settings(ctx context.Context) ([]string, error) {
	out := []string{fmt.Sprintf("%d cores (%s), %s, %s/%s, %s", runtime.NumCPU(), processor(), memory(), runtime.GOOS, runtime.GOARCH, runtime.Version())}
	var version string
	if err := w.admin.QueryRow(ctx, "SHOW server_version").Scan(&version); err != nil {
		return nil, err
	}
	var line strings.Builder
	line.WriteString("PostgreSQL " + version)
	for _, name := range []string{"fsync", "synchronous_commit", "full_page_writes", "shared_buffers", "max_wal_size", "checkpoint_timeout", "autovacuum"} {
		var value string
		if err := w.admin.QueryRow(ctx, "SHOW "+name).Scan(&value); err != nil {
			return nil, err
		}
		line.WriteString(", " + name + " " + value)
	}
	redis, err := w.text(ctx, "server", "redis_version")
	if err != nil {
		return nil, err
	}
	return append(out, line.String(), "Redis "+redis+", appendonly yes, appendfsync everysec"), nil
}

func processor() string {
	return strings.TrimSpace(field("/proc/cpuinfo", "model name"))
}

func memory() string {
	var kib int
	if _, err := fmt.Sscan(field("/proc/meminfo", "MemTotal"), &kib); err != nil {
		return "memory unknown"
	}
	return fmt.Sprintf("%d GiB", (kib+1<<19)>>20)
}

// field returns what follows the name and a colon in a file of lines.
func field(path, name string) string {
	raw, err := os.ReadFile(path)
	if err != nil {
		return "unknown"
	}
	for line := range strings.SplitSeq(string(raw), "\n") {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}
