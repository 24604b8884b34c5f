package lab

import (
	"sync/atomic"

	"github.com/telltale-net/telltale/bmv2/engine"
	"github.com/telltale-net/telltale/bmv2/p4rt"
	"github.com/telltale-net/telltale/topology"
)

// CPUPort is the port of every switch that leads to its P4Runtime server.
const CPUPort = 510

// dataplane is what the lab needs of a switch; *engine.Switch is the real one.
type dataplane interface {
	Receive(now Time, port uint16, pkt []byte)
	Run(now Time, out func(engine.Tx)) (next Time, waiting bool)
	SetPort(port uint16, c engine.PortConfig)
	SetPortUp(port uint16, up bool)
	Stats() engine.Stats
}

// node is a switch or the collector.
type node struct {
	topology.Node
	ref            int32
	clock          SwitchClock
	part           *part     // changes only between runs
	sw             dataplane // nil until a controller pushes a pipeline
	pipe           *pipeline // the same switch, for faults
	wires          []*wire   // by port: the wire the port sends on
	slow           []float64 // by port: factor of a slow port, 0 = not slow
	paused         []bool    // by port: its queue does not drain
	emit           func(engine.Tx)
	in             func([]byte) // packet-in
	server         *server      // nil for the collector
	ticks, ticking bool         // the program needs ticks; one is in the queue
	wake           Time         // earliest wake-up in the queue
	instant        atomic.Int64 // of the latest event, for the server of a node with ticks
	stats          NodeStats
}

// NodeStats counts what passed a switch's ports. What happened to a packet inside is
// in Engine.
type NodeStats struct {
	Name           string
	Received       uint64       // frames from links
	Transmitted    uint64       // frames to links
	PacketIns      uint64       // packets sent out of the CPU port
	PacketOuts     uint64       // packets that controllers sent in
	PacketOutsShed uint64       // refused, because too many were waiting
	NoPipeline     uint64       // frames and packet-outs that came before a pipeline did
	NoLink         uint64       // frames sent to a port that leads nowhere
	TickErrors     uint64       // the server could not read which notifications were due
	Pipelines      uint64       // put to work
	Engine         engine.Stats // of the pipeline at work
	P4RT           p4rt.Stats
}

func (n *node) wireAt(port uint16) *wire {
	if int(port) < len(n.wires) {
		return n.wires[port]
	}
	return nil
}

// receive hands a frame to the switch and lets out what may leave at once.
func (p *part) receive(n *node, port uint16, b []byte) {
	if n.sw == nil {
		n.stats.NoPipeline++
		return
	}
	if n.ticks {
		n.instant.Store(int64(p.now))
	}
	if n.wake == p.now { // what is due leaves first: queue depths are then exact
		p.wakeUp(n)
	}
	n.sw.Receive(n.clock.At(p.now), port, b)
	p.pump(n)
}

// pump dequeues what is due at the current instant and schedules the next wake-up.
func (p *part) pump(n *node) {
	for range 1 << 20 {
		local, ok := n.sw.Run(n.clock.At(p.now), n.emit)
		if !ok {
			return
		}
		if at := n.clock.When(local); at > p.now {
			if at < n.wake {
				n.wake = at
				p.queue.push(event{at: at, rank: evWake | rank(n.ref)})
			}
			return
		}
	}
	panic("BUG: lab: switch " + n.Name + " has always something due")
}

// wakeUp is pump at a scheduled instant. A wake-up overtaken by an earlier one finds
// another instant noted and has nothing to do.
func (p *part) wakeUp(n *node) {
	if n.wake != p.now {
		return
	}
	n.wake = forever
	if n.sw != nil {
		p.pump(n)
	}
}

// transmit takes what a switch sends.
func (p *part) transmit(n *node, tx engine.Tx) {
	if tx.Port == CPUPort {
		n.stats.PacketIns++
		n.in(tx.Data)
		return
	}
	w := n.wireAt(tx.Port)
	if w == nil {
		n.stats.NoLink++
		return
	}
	n.stats.Transmitted++
	start := n.clock.When(tx.At)
	p.send(w, p.now, start, max(p.now, n.clock.When(tx.Done)), tx.Data)
}

// install puts a new pipeline in the place of the old one: same ports, same faults,
// empty queues.
func (l *Lab) install(n *node, sw dataplane, pipe *pipeline) {
	n.sw, n.pipe, n.wake = sw, pipe, forever
	n.stats.Pipelines++
	for port, w := range n.wires {
		if w != nil {
			sw.SetPort(uint16(port), n.portConfig(uint16(port)))
			sw.SetPortUp(uint16(port), !w.down)
		}
	}
}

// portConfig is how the port drains now, faults included.
func (n *node) portConfig(port uint16) engine.PortConfig {
	w := n.wires[port]
	c := engine.PortConfig{RateBps: w.rate, Depth: w.depth, Paused: n.paused[port]}
	if f := n.slow[port]; f != 0 {
		c.RateBps = max(1, int64(float64(c.RateBps)*f))
	}
	return c
}
