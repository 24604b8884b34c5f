package postcards

import (
	"cmp"
	"slices"
	"time"

	"github.com/telltale-net/telltale/analyzers"
	"github.com/telltale-net/telltale/collector/postcard"
)

// Config is how to count; the zero Config is the default.
type Config struct {
	// Settle is how long after its end an epoch is judged, and the longest time from a
	// packet's first postcard to its last; 0 = 500 ms.
	Settle     time.Duration
	MaxPackets int  // held at a time, some 400 bytes each; 0 = 1 million
	Counts     bool // count flows per node, too
	// Told says that the caller knows which reports are missing, and tells with Missing;
	// else numbers that do not follow each other tell.
	Told bool
}

// Period is how long an epoch lasts: bit 13 of the source vswitch's clock in µs.
const Period = 8192 * time.Microsecond

// maxEpochs bounds the epochs that are open, or were judged lately.
const maxEpochs = 1 << 14

// Stats are counts since the start.
type Stats struct {
	Postcards uint64 `json:"postcards"`
	Unnamed   uint64 `json:"unnamed,omitempty"` // postcards without packet id or ports, or of unknown nodes
	Late      uint64 `json:"late,omitempty"`    // postcards that came after their epoch was judged
	Room      uint64 `json:"room,omitempty"`    // postcards of packets that there was no room for
	Missing   uint64 `json:"missing"`           // reports that never came, by their numbers
}

// Epochs takes postcards and tells of one epoch after the other. It is for one goroutine.
type Epochs struct {
	net   *analyzers.Network
	cfg   Config
	stats Stats

	now     int64
	level   uint
	open    map[name]*packet
	free    []*packet
	numbers map[uint64]*epoch // open, or judged not long ago
	order   []*epoch          // open, the oldest first
	past    []*epoch          // judged, the oldest first
	torn    []span

	nodes   []reporter // by node of the network
	streams map[source]*stream
	reach   [2]int64 // the longest time from a hop's postcard to the next one's: this turn and the last
	turn    int64

	streaks map[analyzers.TenantFlow]streak
	judging judging
}

// epoch is the packets of an epoch.
type epoch struct {
	number   uint64
	from, to int64
	level    uint
	changed  bool // the level did, meanwhile
	packets  []*packet
	judged   bool
}

// span is a time in which packets were torn.
type span struct {
	from, to int64
	cause    Causes
}

// New returns the epochs of a network, none yet.
func New(net *analyzers.Network, cfg Config) *Epochs {
	cfg.Settle = cmp.Or(cfg.Settle, 500*time.Millisecond)
	cfg.MaxPackets = cmp.Or(cfg.MaxPackets, 1_000_000)
	return &Epochs{
		net: net, cfg: cfg, open: map[name]*packet{}, numbers: map[uint64]*epoch{}, nodes: make([]reporter, len(net.Nodes)),
		streams: map[source]*stream{}, streaks: map[analyzers.TenantFlow]streak{}, judging: newJudging(),
	}
}

// Count is Config.Counts, from now on.
func (e *Epochs) Count() { e.cfg.Counts = true }

// Stats returns the counts.
func (e *Epochs) Stats() Stats { return e.stats }

// SetLevel says that from the next postcard on one packet in 2^level is looked at.
func (e *Epochs) SetLevel(level uint) {
	if level == e.level {
		return
	}
	if level < e.level { // packets on their way join in at a later hop
		e.Torn(e.now-e.margin(), e.now+e.margin(), Sampling)
	}
	e.level = level
	for _, x := range e.order {
		x.changed = true
	}
}

// Torn says that records that were received between two times were left out.
func (e *Epochs) Torn(from, to int64, cause Causes) {
	for i := len(e.torn) - 1; i >= 0 && i >= len(e.torn)-2*len(causes); i-- {
		if s := &e.torn[i]; s.cause == cause && from <= s.to+int64(Period) && to >= s.from-int64(Period) {
			s.from, s.to = min(s.from, from), max(s.to, to)
			return
		}
	}
	e.torn = append(e.torn, span{from, to, cause})
}

// Observe takes a postcard. They come about in the order in which they were received.
func (e *Epochs) Observe(r *postcard.Record) {
	e.stats.Postcards++
	e.now = max(e.now, r.Received)
	at := e.net.ByID(r.Node)
	if at >= 0 {
		e.report(r, at)
	}
	const needed = postcard.HasPorts | postcard.HasPacketID | postcard.HasFlowHash
	if at < 0 || r.Has&needed != needed || r.InPort > 0xffff || r.OutPort > 0xffff || e.net.PortAt(at, r.OutPort).Kind == analyzers.ToCollector {
		e.stats.Unnamed++
		return
	}
	p := e.packet(r)
	if p == nil || !p.add(r, at) {
		return
	}
	from := e.net.PortAt(at, r.InPort)
	for i := range p.hops[:p.n-1] {
		if h := &p.hops[i]; from.Kind == analyzers.ToSwitch && h.at == from.Peer {
			e.reached(max(r.Received-p.time(h), p.time(h)-r.Received))
		}
	}
}

// packet returns the packet of a postcard, nil where it comes too late or finds no room.
func (e *Epochs) packet(r *postcard.Record) *packet {
	k := name{r.VNI, r.FlowHash, r.PacketID}
	p := e.open[k]
	if p != nil && r.Received-p.first <= int64(e.cfg.Settle) {
		return p
	}
	number := epochOf(r)
	x := e.numbers[number]
	switch {
	case x != nil && x.judged:
		e.stats.Late++
		e.Torn(r.Received, r.Received, Late)
		return nil
	case p == nil && len(e.open) >= e.cfg.MaxPackets, x == nil && len(e.numbers) >= maxEpochs:
		e.stats.Room++
		e.Torn(r.Received, r.Received, Room)
		return nil
	case x == nil:
		x = &epoch{number: number, from: r.Received, to: r.Received, level: e.level}
		e.numbers[number] = x
		e.order = append(e.order, x)
	}
	if n := len(e.free); n > 0 {
		p, e.free = e.free[n-1], e.free[:n-1]
	} else {
		p = new(packet)
	}
	*p = packet{name: k, first: r.Received}
	x.to = max(x.to, r.Received)
	x.packets = append(x.packets, p)
	e.open[k] = p // another one by this name is its epoch's alone from now on
	return p
}

// epochOf returns the number of the packet's epoch.
func epochOf(r *postcard.Record) uint64 {
	if r.Has&postcard.HasIngress == 0 {
		return uint64(r.Epoch & 1)
	}
	n := r.Ingress / uint64(Period)
	if n&1 == uint64(r.Epoch&1) {
		return n
	}
	if r.Ingress%uint64(Period) < uint64(Period)/2 && n > 0 {
		return n - 1
	}
	return n + 1
}

// reached notes how long it took from a hop's postcard to the next one's.
func (e *Epochs) reached(took int64) {
	if turn := e.now / lately; turn > e.turn {
		e.reach[1] = e.reach[0]
		if turn > e.turn+1 {
			e.reach[1] = 0
		}
		e.reach[0], e.turn = 0, turn
	}
	e.reach[0] = max(e.reach[0], took)
}

const (
	leastMargin = 1_000_000      // the shortest time around a silence, ns
	lately      = 10_000_000_000 // how long the longest time between two postcards is remembered at least, ns
)

// margin is how far from a hop's postcard that of the next one may be, as far as is known.
func (e *Epochs) margin() int64 {
	far := max(e.reach[0], e.reach[1])
	if far == 0 {
		return int64(e.cfg.Settle)
	}
	return min(max(2*far, leastMargin), int64(e.cfg.Settle))
}

// Advance moves the time to now (the collector's clock, ns), or to the latest postcard,
// and returns the epochs that are over, the oldest first.
func (e *Epochs) Advance(now int64) []*Epoch {
	e.now = max(e.now, now)
	const longest = int64(Period) * 3 / 2 // an epoch lasts, with clocks apart
	var out []*Epoch
	for len(e.order) > 0 && e.order[0].from+longest+int64(e.cfg.Settle) <= e.now {
		out = append(out, e.next())
	}
	e.clean()
	return out
}

// Flush returns all epochs that are left, as if nothing came any more.
func (e *Epochs) Flush() []*Epoch {
	var out []*Epoch
	for len(e.order) > 0 {
		out = append(out, e.next())
	}
	return out
}

// next judges the oldest epoch that is open.
func (e *Epochs) next() *Epoch {
	x := e.order[0]
	e.order[0] = nil
	if e.order = e.order[1:]; len(e.order) == 0 {
		e.order = nil
	}
	out := e.judge(x)
	for i, p := range x.packets {
		if e.open[p.name] == p {
			delete(e.open, p.name)
		}
		if len(e.free) < 1<<16 {
			e.free = append(e.free, p)
		}
		x.packets[i] = nil
	}
	x.packets, x.judged = nil, true
	e.past = append(e.past, x)
	return out
}

// clean forgets what no epoch to come can need.
func (e *Epochs) clean() {
	before := e.now
	if len(e.order) > 0 {
		before = e.order[0].from
	}
	before -= 2 * int64(e.cfg.Settle)
	gone := 0
	for gone < len(e.past) && e.past[gone].to < before {
		delete(e.numbers, e.past[gone].number)
		gone++
	}
	e.past = slices.Delete(e.past, 0, gone)
	e.torn = slices.DeleteFunc(e.torn, func(s span) bool { return s.to < before })
	for i := range e.nodes {
		e.nodes[i].forget(before)
	}
}
