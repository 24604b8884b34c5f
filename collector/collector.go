package collector

import (
	"fmt"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/collector/report/profile"
	"github.com/telltale-net/telltale/collector/sequence"
)

// Sink takes records, a batch at a time, one call at a time. The batch is the
// sink's during the call only. A sink that is slow makes the collector shed; one that
// never returns keeps Run from returning.
type Sink func(batch []postcard.Record)

// Deps are what a collector needs of the world. The zero Deps suffice for Ingest.
type Deps struct {
	Sink Sink         // needed by Run
	Now  func() int64 // ns; nil = the system's clock

	// Datagram, where not nil, is called by Run with every datagram that arrives, before it
	// is read, by several sockets' readers at once. The payload is the callee's during the
	// call only; the network waits for it.
	Datagram func(now int64, src netip.AddrPort, payload []byte)

	// Ready, where not nil, is called once by Run with the address that all sockets
	// listen on, before anything is read from them.
	Ready func(netip.AddrPort)
}

// Collector is the live collector. It is safe for concurrent use.
type Collector struct {
	cfg  Config
	deps Deps

	accounts [shards]account
	readers  readers // of Ingest; every socket has one of its own

	queue chan *batch // full ones, to the sink
	free  spares
	given atomic.Uint64

	running atomic.Bool
	sockets atomic.Pointer[[]*socket] // set once they are open
}

// New returns a collector that does nothing yet: it opens no socket and starts no
// goroutine before [Collector.Run].
func New(cfg Config, deps Deps) (*Collector, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	if deps.Now == nil {
		deps.Now = func() int64 { return time.Now().UnixNano() }
	}
	if _, err := profile.NewBook(cfg.Profiles, 1); err != nil {
		return nil, fmt.Errorf("collector configuration: %w", err)
	}
	c := &Collector{
		cfg: cfg, deps: deps,
		queue: make(chan *batch, cfg.Queue),
	}
	limits := sequence.Limits{
		Streams: (cfg.Sources + shards - 1) / shards,
		Bucket:  int64(cfg.LossBucket),
		Buckets: cfg.LossBuckets,
	}
	for i := range c.accounts {
		c.accounts[i].sources = sequence.NewAccounts(limits)
	}
	return c, nil
}
