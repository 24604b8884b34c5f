package export

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"syscall"
	"time"

	"github.com/telltale-net/telltale/collector/ipfix"
	"github.com/telltale-net/telltale/collector/postcard"
)

// Node is how many of a node's reports arrived.
type Node struct {
	ID             postcard.NodeID
	Received, Lost uint64
}

// Deps are what an exporter needs of the world.
type Deps struct {
	Log   *slog.Logger // nil = nobody
	Nodes func() []Node
}

// Stats are the counts since the exporter was made.
type Stats struct {
	Cache       ipfix.Stats
	Exported    ipfix.Exported
	Connections uint64 // made
	Errors      uint64 // messages that could not be sent, and tries to connect that failed
	Failure     string // why the last one failed, "" where it did not
}

// Exporter makes flows of records and sends them.
type Exporter struct {
	cfg           Config
	deps          Deps
	network, addr string
	tls           *tls.Config

	mu      sync.Mutex // guards all below
	cache   *ipfix.Cache
	encoder *ipfix.Encoder
	pending []ipfix.Flow      // ended, not sent
	epochs  []ipfix.EpochFlow // not sent
	stats   Stats

	conn     net.Conn // of Run alone, as what follows
	retry    time.Time
	wait     time.Duration
	told     time.Time // when templates and counts were last sent
	credit   float64   // messages that may be sent now
	credited time.Time
}

// New returns an exporter; Run sends what Observe takes.
func New(cfg Config, deps Deps) (*Exporter, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	if deps.Log == nil {
		deps.Log = slog.New(slog.DiscardHandler)
	}
	e := &Exporter{cfg: cfg, deps: deps}
	e.network, e.addr, _ = cfg.target()
	var err error
	if e.tls, err = cfg.tls(); err != nil {
		return nil, err
	}
	e.cache = ipfix.NewCache(ipfix.Limits{Flows: cfg.Flows, Idle: int64(cfg.Idle), Active: int64(cfg.Active)}, func(f *ipfix.Flow) {
		if len(e.pending) >= cfg.Flows { // nothing has been sent for long
			e.notSent(f)
			return
		}
		e.pending = append(e.pending, *f)
	})
	e.encoder = ipfix.NewEncoder(cfg.Message, e.send)
	return e, nil
}

// Observe adds records. The batch is the caller's again when it returns.
func (e *Exporter) Observe(batch []postcard.Record) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.cache.Observe(batch)
}

// tick is how often flows are looked at.
const tick = 100 * time.Millisecond

// Run sends flows until ctx is done, then those that there are, as far as the collector
// takes them within a second or so.
func (e *Exporter) Run(ctx context.Context) error {
	t := time.NewTicker(tick)
	defer t.Stop()
	last := time.Time{}
	for {
		select {
		case now := <-t.C:
			if now.Sub(last) >= time.Second || now.Sub(last) >= e.cfg.Idle/4 {
				last = now
				e.mu.Lock()
				e.cache.Expire(now.UnixNano())
				e.mu.Unlock()
			}
			e.give(ctx, now)
		case <-ctx.Done():
			e.end(context.WithoutCancel(ctx))
			return nil
		}
	}
}

// end sends what is left, and says goodbye.
func (e *Exporter) end(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	e.mu.Lock()
	e.cache.Flush()
	e.mu.Unlock()
	e.retry = time.Time{}
	for now := time.Now(); ; now = time.Now() {
		e.give(ctx, now)
		if e.Pending() == 0 || e.conn == nil {
			break
		}
		select {
		case <-time.After(tick):
			continue
		case <-ctx.Done():
		}
		break
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.giveUp()
	if e.conn == nil {
		return
	}
	e.tell(time.Now()) // the last counts
	if e.network != "udp" {
		e.encoder.Withdraw()
		e.encoder.Flush()
	}
	if e.conn != nil {
		e.conn.Close()
		e.conn = nil
	}
}

// tell sends templates where they are needed, and counts.
func (e *Exporter) tell(now time.Time) {
	first := e.told.IsZero()
	e.told = now
	if first || e.network == "udp" {
		e.encoder.Templates()
	}
	x := e.stats.Exported
	x.Ignored = e.cache.Stats().Nameless
	e.encoder.Reliability(x)
	if e.deps.Nodes != nil {
		for _, n := range e.deps.Nodes() {
			e.encoder.Reports(n.ID, n.Received, n.Lost)
		}
	}
	e.encoder.Flush()
}

// connect opens the transport, if it is time to try.
func (e *Exporter) connect(ctx context.Context, now time.Time) bool {
	if now.Before(e.retry) {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	var d net.Dialer
	var conn net.Conn
	var err error
	switch e.network {
	case "tls":
		conn, err = (&tls.Dialer{NetDialer: &d, Config: e.tls}).DialContext(ctx, "tcp", e.addr)
	default:
		conn, err = d.DialContext(ctx, e.network, e.addr)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if err != nil {
		e.fail(now, fmt.Errorf("cannot connect to %s: %w", e.cfg.To, err))
		return false
	}
	e.conn, e.told = conn, time.Time{}
	e.stats.Connections++
	e.encoder.Restart()
	if e.network != "udp" {
		e.works()
	}
	return true
}

// fail notes that sending does not work, and when to try next.
func (e *Exporter) fail(now time.Time, err error) {
	e.stats.Errors++
	if e.stats.Failure == "" {
		e.deps.Log.Warn("IPFIX: flows are not sent", "error", err)
	}
	e.stats.Failure = err.Error()
	e.wait = min(max(2*e.wait, 500*time.Millisecond), 30*time.Second)
	e.retry = now.Add(e.wait)
}

func (e *Exporter) works() {
	if e.stats.Failure != "" {
		e.deps.Log.Info("IPFIX: flows are sent again", "to", e.cfg.To)
	}
	e.stats.Failure, e.wait = "", 0
}

// send is the encoder's: e.mu is held.
func (e *Exporter) send(msg []byte, flows int) {
	e.credit--
	if e.conn == nil {
		e.stats.Exported.NotSent += uint64(flows)
		return
	}
	_ = e.conn.SetWriteDeadline(time.Now().Add(2 * time.Second))
	n, err := e.conn.Write(msg)
	if e.network == "udp" && errors.Is(err, syscall.ECONNREFUSED) { // said of a message before
		e.stats.Errors++
		n, err = e.conn.Write(msg)
	}
	if err == nil && n < len(msg) {
		err = io.ErrShortWrite
	}
	if err == nil {
		e.stats.Exported.Messages++
		e.stats.Exported.Flows += uint64(flows)
		e.stats.Exported.Octets += uint64(n)
		if e.network == "udp" {
			e.works()
		}
		return
	}
	e.stats.Exported.NotSent += uint64(flows)
	e.fail(time.Now(), fmt.Errorf("cannot send to %s: %w", e.cfg.To, err))
	if e.network != "udp" { // a stream cannot go on in the middle of a message
		e.conn.Close()
		e.conn = nil
	}
}

// Stats returns the counts.
func (e *Exporter) Stats() Stats {
	e.mu.Lock()
	defer e.mu.Unlock()
	s := e.stats
	s.Cache = e.cache.Stats()
	s.Exported.Ignored = s.Cache.Nameless
	return s
}

// Ready returns nil, or why flows are not sent.
func (e *Exporter) Ready() error {
	if s := e.Stats(); s.Failure != "" {
		return errors.New(s.Failure)
	}
	return nil
}
