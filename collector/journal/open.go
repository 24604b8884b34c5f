package journal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"

	"github.com/telltale-net/telltale/collector/postcard"
)

// Journal is an open log. It is safe for concurrent use.
type Journal struct {
	cfg     Config
	link    atomic.Pointer[link]
	writer  string // names this writer's blocks
	locked  *os.File
	largest int64  // block that the server takes, bytes; the publisher's
	pages   uint64 // of the ledger, published; the publisher's
	failed  bool   // the server in this process must be started again; the publisher's

	mu     sync.Mutex // guards what is below, and the order of blocks
	filled *filling   // the block being filled, nil = none
	closed bool

	queue   chan *filling // to the publisher, in order
	todo    chan *filling // to the encoders: what is in queue, and what the publisher waits for
	given   chan struct{} // closed by Abandon
	abandon sync.Once
	telling sync.Mutex // held while Config.OnStored or OnShed is called
	spare   spares
	stop    context.CancelFunc
	running sync.WaitGroup
	stats   counters
	jobs    sync.Pool // of readers
}

// link is the way to JetStream.
type link struct {
	server *server.Server // nil = elsewhere
	conn   *nats.Conn
	js     jetstream.JetStream
}

// filling is a block before it is one, or else something for the publisher to do
// between two blocks.
type filling struct {
	records []postcard.Record
	since   time.Time
	block   []byte        // once encoded is closed
	encoded chan struct{} // closed by the encoder
	flushed chan struct{} // not a block but a question: closed when all before are done with
	page    *note         // not a block but a page of the ledger
}

// Open opens the log, making what is not there yet. The context is for the opening
// only; Close closes.
func Open(ctx context.Context, cfg Config) (*Journal, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	if cfg.free == nil {
		cfg.free = free
	}
	j := &Journal{cfg: cfg, writer: nuid.Next(), queue: make(chan *filling, cfg.Pending), todo: make(chan *filling, cfg.Pending+2), given: make(chan struct{})}
	j.jobs.New = func() any { return new(job) }
	if cfg.Dir != "" {
		if err := j.take(); err != nil {
			return nil, fmt.Errorf("cannot open the log at %s: %w", j.where(), err)
		}
	}
	if err := j.connect(ctx); err != nil {
		j.link.Load().end()
		j.unlock()
		return nil, fmt.Errorf("cannot open the log at %s: %w", j.where(), err)
	}
	run, stop := context.WithCancel(context.Background())
	j.stop = stop
	j.running.Go(func() { j.publish(run) })
	if !cfg.ReadOnly {
		for range cfg.Encoders {
			j.running.Go(func() { j.encode(run) })
		}
	}
	j.running.Go(func() { j.flushOld(run) })
	return j, nil
}

// take makes the data folder and takes it for this process.
func (j *Journal) take() error {
	if j.cfg.ReadOnly {
		if _, err := os.Stat(filepath.Join(j.cfg.Dir, "jetstream")); err != nil {
			return fmt.Errorf("there is no log: %w", err)
		}
		return j.lock()
	}
	if err := os.MkdirAll(j.cfg.Dir, 0o750); err != nil {
		return err
	}
	return j.lock()
}

// where names the log for people, without secrets.
func (j *Journal) where() string {
	if j.cfg.Dir != "" {
		return "folder " + j.cfg.Dir
	}
	return "NATS " + redact(j.cfg.URL)
}

// connect makes a new link, the server in this process and the stream included.
func (j *Journal) connect(ctx context.Context) error {
	l := &link{}
	j.link.Store(l)
	options := []nats.Option{nats.Name("telltale"), nats.MaxReconnects(-1), nats.ReconnectWait(200 * time.Millisecond)}
	if j.cfg.Dir != "" {
		var err error
		if l.server, err = j.serve(ctx); err != nil {
			return err
		}
		options = append(options, nats.InProcessServer(l.server))
	}
	if j.cfg.Credentials != "" {
		options = append(options, nats.UserCredentials(j.cfg.Credentials))
	}
	if j.cfg.CA != "" {
		options = append(options, nats.RootCAs(j.cfg.CA))
	}
	if j.cfg.Cert != "" {
		options = append(options, nats.ClientCert(j.cfg.Cert, j.cfg.Key))
	}
	var err error
	if l.conn, err = nats.Connect(j.cfg.URL, options...); err != nil {
		return fmt.Errorf("cannot connect: %w", err)
	}
	if l.js, err = jetstream.New(l.conn); err != nil {
		return err
	}
	j.largest = l.conn.MaxPayload() - headroom
	return j.declare(ctx, l)
}

// end ends a link, however far it has come.
func (l *link) end() {
	if l.conn != nil {
		l.conn.Close()
	}
	if l.server != nil {
		l.server.Shutdown()
		l.server.WaitForShutdown()
	}
}

// restart starts the server in this process again: after a failed write JetStream
// keeps nothing more, room or not. Readers get an error.
func (j *Journal) restart(ctx context.Context) error {
	j.stats.restarts.Add(1)
	j.link.Load().end()
	if err := j.connect(ctx); err != nil {
		return fmt.Errorf("cannot start the log at %s again: %w", j.where(), err)
	}
	return nil
}

// declare makes the stream, or changes its limits to the configured ones.
func (j *Journal) declare(ctx context.Context, l *link) error {
	if j.cfg.ReadOnly {
		if _, err := l.js.Stream(ctx, j.cfg.Stream); err != nil {
			return fmt.Errorf("there is no stream %q: %w", j.cfg.Stream, err)
		}
		return nil
	}
	want := jetstream.StreamConfig{
		Name:        j.cfg.Stream,
		Description: "postcards of Telltale, in blocks",
		Subjects:    []string{j.cfg.Stream + ".>"},
		Storage:     jetstream.FileStorage,
		Retention:   jetstream.LimitsPolicy,
		Discard:     jetstream.DiscardOld,
		MaxAge:      j.cfg.MaxAge,
		MaxBytes:    -1,
		Replicas:    j.cfg.Replicas,
		Duplicates:  2 * time.Minute,
		AllowDirect: true,
	}
	if j.cfg.MaxBytes > 0 {
		want.MaxBytes = j.cfg.MaxBytes
	}
	if j.cfg.MaxAge > 0 {
		want.Duplicates = min(want.Duplicates, j.cfg.MaxAge)
	}
	var last error
	for { // a cluster that is forming answers late or not at all
		call, cancel := context.WithTimeout(ctx, 5*time.Second)
		_, err := l.js.CreateOrUpdateStream(call, want)
		cancel()
		if err == nil {
			return nil
		}
		if last = err; ctx.Err() != nil || l.server != nil {
			return fmt.Errorf("cannot make or change stream %q: %w", want.Name, last)
		}
		select {
		case <-ctx.Done():
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// Abandon gives up what is not in the log yet and whatever is appended from now on, so
// that nobody waits for it: it counts as shed. A block that is being published may be
// in the log all the same.
func (j *Journal) Abandon() {
	j.abandon.Do(func() {
		close(j.given)
		j.stop()
	})
}

// Close stores what has been appended, as far as ctx lets it, gives up the rest, and
// closes the log.
func (j *Journal) Close(ctx context.Context) error {
	defer context.AfterFunc(ctx, j.Abandon)()
	err := j.Flush(ctx)
	j.mu.Lock()
	was := j.closed
	j.closed = true
	j.mu.Unlock()
	if was {
		return errors.New("cannot close the log: it is closed")
	}
	j.stop()
	j.running.Wait()
	for len(j.queue) > 0 {
		switch f := <-j.queue; {
		case f.page != nil:
			f.page.done <- ErrAbandoned
		case f.flushed == nil:
			j.shed(f.records, ErrAbandoned)
		}
	}
	j.link.Load().end()
	j.unlock()
	if err != nil {
		return fmt.Errorf("cannot close the log in order: %w", err)
	}
	return nil
}
