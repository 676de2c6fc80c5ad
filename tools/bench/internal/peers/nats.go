package peers

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"example.com/redress/tools/bench/internal/measure"
)

const (
	natsStream  = "timers"
	natsSync    = time.Second     // Source: PERFORMANCE "Settings"
	natsReady   = 2 * time.Minute // a million messages are read again at a start
	natsPending = 1 << 17
)

type natsStore struct {
	folder string

	mu        sync.Mutex
	sequences map[int]uint64
}

// NewNATS returns a store of JetStream with a file store in the folder.
func NewNATS(folder string) Store { return &natsStore{folder: folder, sequences: map[int]uint64{}} }

// Open implements Store: the server runs in this process, clients reach it without a network.
func (s *natsStore) Open(ctx context.Context) (_ Session, err error) {
	n := &natsSession{store: s}
	n.server, err = server.NewServer(&server.Options{
		DontListen: true, JetStream: true, StoreDir: s.folder, SyncInterval: natsSync, NoLog: true, NoSigs: true,
		JetStreamMaxMemory: 1 << 30, JetStreamMaxStore: 1 << 36,
	})
	if err != nil {
		return nil, err
	}
	go n.server.Start()
	defer func() {
		if err != nil {
			err = errors.Join(err, n.Close())
		}
	}()
	if !n.server.ReadyForConnections(natsReady) {
		return nil, errors.New("the NATS server does not get ready")
	}
	if n.conn, err = nats.Connect("", nats.InProcessServer(n.server), nats.MaxReconnects(0)); err != nil {
		return nil, err
	}
	if n.js, err = jetstream.New(n.conn); err != nil {
		return nil, err
	}
	n.stream, err = n.js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name: natsStream, Subjects: []string{"timer.>", "fired.>"}, Storage: jetstream.FileStorage, AllowMsgSchedules: true, AllowMsgTTL: true,
	})
	return n, err
}

// Bytes implements Store: those on disk.
func (s *natsStore) Bytes(context.Context) (float64, error) {
	var all int64
	err := filepath.WalkDir(s.folder, func(_ string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err == nil {
			all += info.Size()
		}
		return err
	})
	return float64(all), err
}

// Tidy implements Store.
func (s *natsStore) Tidy(context.Context) error { return nil }

// Destroy implements Store.
func (s *natsStore) Destroy() error { return os.RemoveAll(s.folder) }

type natsSession struct {
	store  *natsStore
	server *server.Server
	conn   *nats.Conn
	js     jetstream.JetStream
	stream jetstream.Stream
	stop   func()
}

// message is a timer as JetStream takes it: one subject each, as a schedule is the
// last message of its subject. The client's own option knows whole seconds only.
func (n *natsSession) message(t Timer) *nats.Msg {
	m := nats.NewMsg("timer." + strconv.Itoa(t.ID))
	m.Header.Set("Nats-Schedule", "@at "+t.Due.UTC().Format(time.RFC3339Nano))
	m.Header.Set("Nats-Schedule-Target", "fired."+strconv.Itoa(t.ID))
	m.Data = []byte(strconv.FormatInt(t.Due.UnixNano(), 10))
	return m
}

// Schedule implements Session.
func (n *natsSession) Schedule(ctx context.Context, t Timer) error {
	ack, err := n.js.PublishMsg(ctx, n.message(t))
	if err != nil {
		return err
	}
	n.store.mu.Lock()
	defer n.store.mu.Unlock()
	n.store.sequences[t.ID] = ack.Sequence
	return nil
}

// Batch implements Session: published without waiting between, acknowledged all.
func (n *natsSession) Batch(ctx context.Context, ts []Timer) error {
	acks := make([]jetstream.PubAckFuture, len(ts))
	for i, t := range ts {
		var err error
		if acks[i], err = n.js.PublishMsgAsync(n.message(t)); err != nil {
			return err
		}
	}
	for _, ack := range acks {
		select {
		case <-ack.Ok():
		case err := <-ack.Err():
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// Fill implements Session.
func (n *natsSession) Fill(ctx context.Context, ts []Timer) error {
	const at = 1000
	_, err := measure.Each(ctx, 4, (len(ts)+at-1)/at, func(ctx context.Context, _, i int) error {
		return n.Batch(ctx, ts[i*at:min(len(ts), (i+1)*at)])
	})
	return err
}

// Cancel implements Session.
func (n *natsSession) Cancel(ctx context.Context, id int) error {
	n.store.mu.Lock()
	sequence := n.store.sequences[id]
	n.store.mu.Unlock()
	return n.stream.DeleteMsg(ctx, sequence)
}

// Settle implements Session.
func (n *natsSession) Settle(context.Context) error { return nil }

// Work implements Session.
func (n *natsSession) Work(ctx context.Context, handle Handle) error {
	c, err := n.stream.CreateOrUpdateConsumer(ctx, jetstream.ConsumerConfig{
		Durable: "worker", FilterSubject: "fired.>", AckPolicy: jetstream.AckExplicitPolicy, MaxAckPending: natsPending,
	})
	if err != nil {
		return err
	}
	consuming, err := c.Consume(func(m jetstream.Msg) {
		now := time.Now()
		var t Timer
		if _, err := fmt.Sscanf(m.Subject(), "fired.%d", &t.ID); err != nil {
			return
		}
		due, err := strconv.ParseInt(string(m.Data()), 10, 64)
		if err != nil {
			return
		}
		t.Due = time.Unix(0, due)
		handle(t, now)
		_ = m.Ack() // one that is lost comes again, and is counted once
	}, jetstream.PullMaxMessages(1000))
	if err != nil {
		return err
	}
	n.stop = func() {
		consuming.Stop()
		<-consuming.Closed()
	}
	return nil
}

// Close implements Session.
func (n *natsSession) Close() error {
	if n.stop != nil {
		n.stop()
	}
	if n.conn != nil {
		n.conn.Close()
	}
	n.server.Shutdown()
	n.server.WaitForShutdown()
	return nil
}
