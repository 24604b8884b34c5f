package incident

import (
	"time"

	"github.com/telltale-net/telltale/analyzers"
	"github.com/telltale-net/telltale/analyzers/drops"
	"github.com/telltale-net/telltale/analyzers/latency"
	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/topology"
)

// Analyzer turns records into findings. It is not safe for concurrent use.
type Analyzer struct {
	net *analyzers.Network
	cfg Config

	drops *drops.Table
	lat   *latency.Monitor

	carried [][]carry // [n][v]: what node n forwarded for the vswitch v
	loss    []float64 // share of reports lost by node, as SetReportLoss said
	watched [][]*watch

	sampling uint // records are those of one packet in 2^sampling

	begun bool
	start int64 // Received of the first record
	now   int64
	tick  int64 // number of the next evaluation: one per latency window

	stories []*story
	nextID  uint64 // of the latest finding
	shed    uint64
}

// Stats counts what went in, what came out and what did not fit.
type Stats struct {
	Drops   drops.Stats
	Latency latency.MonitorStats
	Opened  uint64 // findings, ever
	Open    int    // findings, now
	Shed    uint64 // times that a finding was due and Config.MaxOpen were open
}

// Stats returns the counters.
func (a *Analyzer) Stats() Stats {
	return Stats{Drops: a.drops.Stats(), Latency: a.lat.Stats(), Opened: a.nextID, Open: len(a.stories), Shed: a.shed}
}

// New returns an analyzer of the fabric, which must not change afterwards. The error
// says what is wrong with the fabric.
func New(f topology.Fabric, cfg Config) (*Analyzer, error) {
	net, err := analyzers.NewNetwork(f)
	if err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	a := &Analyzer{
		net:     net,
		cfg:     cfg,
		drops:   drops.New(net, cfg.Drops),
		lat:     latency.New(net, cfg.Latency),
		carried: make([][]carry, len(net.Nodes)),
		loss:    make([]float64, len(net.Nodes)),
		watched: make([][]*watch, len(net.Nodes)),
	}
	for i := range a.carried {
		a.carried[i] = make([]carry, len(net.Nodes))
		a.watched[i] = make([]*watch, len(net.Nodes[i].Ports))
	}
	return a, nil
}

// Observe adds one record. Findings change only in Advance.
func (a *Analyzer) Observe(r *postcard.Record) {
	if !a.begun {
		a.begun, a.start = true, r.Received
		a.tick = r.Received/int64(a.cfg.Latency.Window) + 1
	}
	a.now = max(a.now, r.Received)
	a.drops.Observe(r)
	a.lat.Observe(r)
	n := a.net.ByID(r.Node)
	if n < 0 || r.Lost() {
		return
	}
	if v := a.destination(r); v >= 0 {
		c := &a.carried[n][v]
		c.ingress = max(c.ingress, r.Ingress)
		c.received = max(c.received, r.Received)
	}
	if int(r.OutPort) < len(a.watched[n]) {
		if w := a.watched[n][r.OutPort]; w != nil {
			w.observe(r)
		}
	}
}

// destination returns the index of the vswitch the packet is for, or -1.
func (a *Analyzer) destination(r *postcard.Record) int32 {
	if r.Has&postcard.HasOuter != 0 && r.Outer.Dst != (postcard.Addr{}) {
		return a.net.ByAddr(r.Outer.Dst)
	}
	return -1
}

// SetReportLoss says which share (0…1) of a node's reports did not arrive lately, from
// the collector's accounting of sequence numbers. Nodes that it was never called for
// are taken at what their sequence numbers say in the records observed.
func (a *Analyzer) SetReportLoss(node postcard.NodeID, share float64) {
	if i := a.net.ByID(node); i >= 0 {
		a.loss[i] = min(max(share, 0), 1)
	}
}

// SetSampling says that the records observed from now on are those of one packet in
// 2^level, all hops of it; 0 = of every packet. Counts in findings are of the packets
// observed, and slow ports are told by waits alone. Report loss must then be set: the
// records do not show it.
func (a *Analyzer) SetSampling(level uint) {
	a.sampling = level
	a.lat.SetSampling(level)
}

// reportLoss is the larger of what was set and what the records themselves show.
func (a *Analyzer) reportLoss(node int32) float64 {
	if node < 0 {
		return 0
	}
	_, seen := a.lat.Reporting(node)
	return max(a.loss[node], seen)
}

// Advance moves time to now (the collector's clock, ns) and evaluates the evidence,
// once per latency window however seldom it is called. It returns what changed, in
// order of time.
func (a *Analyzer) Advance(now int64) []Event {
	a.now = max(a.now, now)
	a.lat.Advance(a.now)
	if !a.begun || a.now/int64(a.cfg.Latency.Window) < a.tick {
		return nil
	}
	a.tick = a.now/int64(a.cfg.Latency.Window) + 1
	return a.settle(a.evaluate())
}

// evaluate asks every detector; causes come before what they explain away.
func (a *Analyzer) evaluate() []candidate {
	var out []candidate
	out = a.policy(out)
	out = a.routes(out)
	out = a.slowPorts(out)
	out = a.congested(out)
	out = a.lossyLinks(out)
	return a.reasons(out)
}

// Drops returns the table of drops, to query. It belongs to the analyzer.
func (a *Analyzer) Drops() *drops.Table { return a.drops }

// Latency returns the latency monitor, to query. It belongs to the analyzer.
func (a *Analyzer) Latency() *latency.Monitor { return a.lat }

// Network returns the fabric as the analyzer sees it.
func (a *Analyzer) Network() *analyzers.Network { return a.net }

// ago returns the time that lies d before now.
func (a *Analyzer) ago(d time.Duration) int64 { return a.now - int64(d) }
