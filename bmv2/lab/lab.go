package lab

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/telltale-net/telltale/bmv2/engine"
	"github.com/telltale-net/telltale/topology"
)

// DefaultReportPort is the UDP port of the collector unless [Config] says otherwise.
const DefaultReportPort = 9555

// Streams of randomness drawn from the seed; each flow and each wire has its own, so
// that adding one leaves the others as they were.
const (
	flowStream   = 1 << 32
	wireStream   = 2 << 32
	switchStream = 3 << 32
	clockStream  = 4 << 32
)

// Config is what a lab is made of.
type Config struct {
	Fabric topology.Fabric
	Seed   uint64
	// OnReport hears every report that reached the collector node, in the order of
	// time. It is called from within the run, by the goroutine that called Run or
	// RunUntil; payload is valid only during the call, and calls of the lab's methods
	// would wait forever.
	OnReport   func(at Time, src netip.AddrPort, payload []byte)
	ReportPort uint16                 // where the collector listens, 0 = DefaultReportPort
	Clocks     map[string]SwitchClock // by switch; absent = exact
	Clock      Clock                  // of Run; nil = Wall(1)
	// Workers is how many goroutines share the work of a run: 0 = as many as Go uses
	// processors, 1 = the caller of Run or RunUntil alone. It changes nothing but speed.
	Workers int
	Listen  Listen // nil = loopback, or the address the node names
}

// Lab is a fabric at work. All methods may be called from any goroutine, also during
// a run, but not from the callbacks in [Config].
type Lab struct {
	cfg         Config
	mu          sync.Mutex // held for a slice of a run at a time
	running     bool
	closed      bool
	poke        chan struct{} // something new was scheduled
	now         Time
	instant     atomic.Int64 // now, for servers, which do not take mu
	lag         Time
	inbox       inbox
	schedule    schedule
	plan        plan
	nodes       []*node
	nodesByName map[string]*node
	hosts       []*host
	hostsByName map[string]*host
	wires       []*wire
	flows       []*flow
	reports     ReportStats

	watch func(w *wire, at Time, b []byte) // sees every frame put on a wire; of two wires perhaps at once
}

// New builds the lab and starts a P4Runtime server for every switch. The lab must be
// closed.
func New(cfg Config) (*Lab, error) {
	l, err := build(cfg)
	if err != nil {
		return nil, fmt.Errorf("cannot build a lab of fabric %q: %w", cfg.Fabric.Name, err)
	}
	if err := l.serve(); err != nil {
		return nil, fmt.Errorf("cannot build a lab of fabric %q: %w", cfg.Fabric.Name, err)
	}
	return l, nil
}

// build makes everything but the servers.
func build(cfg Config) (*Lab, error) {
	cfg.ReportPort = cmp.Or(cfg.ReportPort, DefaultReportPort)
	f := &cfg.Fabric
	if err := topology.Validate(*f); err != nil {
		return nil, err
	}
	l := &Lab{cfg: cfg, poke: make(chan struct{}, 1), nodesByName: map[string]*node{}, hostsByName: map[string]*host{}}
	l.inbox.shedOuts = map[*node]uint64{}
	if cfg.Workers < 0 {
		return nil, fmt.Errorf("%d workers, want at least 1, or 0 for one per processor", cfg.Workers)
	}
	l.plan.workers = min(cmp.Or(cfg.Workers, runtime.GOMAXPROCS(0)), maxWorkers)
	for i := range f.Nodes {
		n := &node{Node: f.Nodes[i], ref: int32(i), wake: forever, in: func([]byte) {}}
		n.stats.Name = n.Name
		n.emit = func(tx engine.Tx) { n.part.transmit(n, tx) }
		l.nodes = append(l.nodes, n)
		l.nodesByName[n.Name] = n
	}
	for name, c := range cfg.Clocks {
		n, ok := l.nodesByName[name]
		if !ok || n.Role == topology.Collector {
			return nil, fmt.Errorf("a clock is set for %q, which is not a switch of the fabric", name)
		}
		if err := c.check(); err != nil {
			return nil, fmt.Errorf("switch %q: %w", name, err)
		}
		n.clock = c
	}
	for _, link := range f.Links {
		a, b := l.end(link.A), l.end(link.B)
		l.join(a, b, link.RateBps, Time(link.Delay), link.Queue)
	}
	for i := range f.Hosts {
		h := &host{Host: f.Hosts[i], ref: int32(i), node: l.nodesByName[f.Hosts[i].At.Node]}
		h.stats.Name = h.Name
		l.hosts = append(l.hosts, h)
		l.hostsByName[h.Name] = h
		h.wire = l.join(end{kind: atHost, ref: h.ref, name: h.Name}, l.end(h.At), h.RateBps, Time(h.Delay), h.Queue)
		h.wire.nic.starts = make([]Time, h.wire.depth)
	}
	for i := range l.plan.workers {
		l.schedule.workers = append(l.schedule.workers, newWorker(l, i))
	}
	l.divide(l.partition(l.plan.workers))
	return l, nil
}

func (l *Lab) end(e topology.Endpoint) end {
	n := l.nodesByName[e.Node]
	x := end{kind: atSwitch, ref: n.ref, port: uint16(e.Port), name: e.String()}
	if n.Role == topology.Collector {
		x.kind = atCollector
	}
	return x
}

// join makes both directions of a link and returns the one from a to b.
func (l *Lab) join(a, b end, rate int64, delay Time, depth int) *wire {
	there, back := l.wire(a, b, rate, delay, depth), l.wire(b, a, rate, delay, depth)
	there.back, back.back = back, there
	return there
}

func (l *Lab) wire(from, to end, rate int64, delay Time, depth int) *wire {
	w := &wire{id: int32(len(l.wires)), from: from, to: to, rate: rate, delay: delay, least: serialisation(minFrame, rate),
		depth: cmp.Or(depth, topology.DefaultQueue), last: to.kind != atSwitch,
		rng: rand.New(rand.NewPCG(l.cfg.Seed, wireStream|uint64(len(l.wires))))}
	l.wires = append(l.wires, w)
	if from.kind == atSwitch {
		n := l.nodes[from.ref]
		for len(n.wires) <= int(from.port) {
			n.wires, n.slow, n.paused = append(n.wires, nil), append(n.slow, 0), append(n.paused, false)
		}
		n.wires[from.port] = w
	}
	return w
}

// Now returns the current instant.
func (l *Lab) Now() Time {
	l.lock()
	defer l.unlock()
	return l.now
}

// Close stops the P4Runtime servers. A run that is still going on must have been
// ended before.
func (l *Lab) Close() error {
	l.lock()
	if l.closed {
		l.unlock()
		return nil
	}
	l.closed = true
	l.unlock()
	return l.shutdown()
}

// switchNode returns the switch called name.
func (l *Lab) switchNode(name string) (*node, error) {
	n, ok := l.nodesByName[name]
	switch {
	case !ok:
		return nil, fmt.Errorf("the fabric has no node %q", name)
	case n.Role == topology.Collector:
		return nil, fmt.Errorf("node %q is the collector, not a switch", name)
	}
	return n, nil
}
