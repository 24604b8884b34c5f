// Package postcards counts flows per hop and epoch off postcards: what encoded flow sets
// say, for networks whose switches report every packet at every hop. It is pure.
//
// A packet is found again at its next hop by (VNI, flow hash, packet id), as long as its
// postcards are at most [Config.Lifetime] apart. Its epoch is the number of the period of
// 8.192 ms in which its source vswitch saw it: the postcards' epoch bit is the parity, the
// hop's own clock says which of the periods of that parity (clocks may differ by 4 ms).
//
// # A missing postcard is not a lost packet
//
//	reported downstream, or left for a tenant's machine     it was not lost
//	a drop postcard                                         lost there, for a reason: Dropped
//	otherwise, behind the last hop that reported it         lost on that link: Lost
//
// Only the last kind can be wrong: the next hop's postcard may be what was lost. Each
// link's Doubt is how many of its losses lost reports of its far end could explain, by
// sequence numbers; packets that every hop failed to report are not seen at all.
package postcards

import (
	"cmp"
	"slices"
	"time"

	"github.com/telltale-net/telltale/analyzers"
	"github.com/telltale-net/telltale/analyzers/flowset"
	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/topology"
)

// Config is how to count; the zero Config is the default.
type Config struct {
	Lifetime   time.Duration // longest time from a packet's first postcard to its last; 0 = 500 ms
	MaxPackets int           // packets held at a time; 0 = 1 million
	Flows      bool          // count flows per hop, too
	MaxFlows   int           // flows times hops counted per call of Epoch; 0 = 4 million
}

// Period is how long an epoch lasts: bit 13 of the source vswitch's clock in µs.
const Period = 8192 * time.Microsecond

// Link is the packets that left a port.
type Link struct {
	Node, Peer string
	Port       uint32
	Sent       uint64 // that were reported before it
	Lost       uint64 // of them, unreported by any drop postcard or hop behind it
	Dropped    uint64 // of packets for this port, dropped by Node with a postcard
	Unreported uint64 // of them, not reported by Peer, but further on: reports lost, not packets
	Doubt      uint64 // of Lost, that Peer's lost reports could explain
}

// Stats counts what a window rests on.
type Stats struct {
	Postcards uint64 `json:"postcards"`
	Packets   uint64 `json:"packets"`
	Delivered uint64 `json:"delivered"`
	Lost      uint64 `json:"lost"`
	Dropped   uint64 `json:"dropped"`
	Unnamed   uint64 `json:"unnamed,omitempty"` // postcards without packet id or ports, or of unknown nodes
	Shed      uint64 `json:"shed,omitempty"`    // packets and flows there was no room for
	Missing   uint64 `json:"missing"`           // reports that never came, by sequence number
}

// Window is what was counted of the packets that began before a moment.
type Window struct {
	Links []Link // by node and port
	Stats Stats
	// Flows are the flows of every epoch and node, if asked for, in the order of epochs.
	// A hop that did not report a packet which hops behind it saw is counted as having
	// seen it.
	Flows []*flowset.Decoded
}

type name struct {
	vni, hash uint32
	id        uint16
}

// hop is one postcard of a packet.
type hop struct {
	at      int32
	in, out uint16
	drop    bool
}

const maxHops = 12

type packet struct {
	first int64 // collector's clock
	epoch uint64
	flow  int32 // into flows; -1 = not known
	n     uint8
	hops  [maxHops]hop
}

// source is a stream of reports.
type source struct {
	node postcard.NodeID
	hwID uint8
}

type sequence struct {
	last    uint32
	started bool
}

// Builder takes postcards in the order in which they were received. It is for one
// goroutine.
type Builder struct {
	net     *analyzers.Network
	cfg     Config
	open    map[name]*packet
	free    []*packet
	sources map[source]*sequence
	missing map[int32]uint64 // by node, since the last window
	stats   Stats

	flowIDs map[analyzers.TenantFlow]int32
	flows   []analyzers.TenantFlow
	window  *tally // packets that ended before they were asked for
}

type portKey struct {
	at   int32
	port uint16
}

type countKey struct {
	epoch uint64
	at    int32
	flow  int32
}

type tally struct {
	links  map[portKey]*Link
	counts map[countKey]int64
}

func newTally() *tally {
	return &tally{links: map[portKey]*Link{}, counts: map[countKey]int64{}}
}

// New returns a builder for a network.
func New(net *analyzers.Network, cfg Config) *Builder {
	cfg.Lifetime = cmp.Or(cfg.Lifetime, 500*time.Millisecond)
	cfg.MaxPackets = cmp.Or(cfg.MaxPackets, 1_000_000)
	cfg.MaxFlows = cmp.Or(cfg.MaxFlows, 4_000_000)
	return &Builder{
		net: net, cfg: cfg, open: map[name]*packet{}, sources: map[source]*sequence{}, missing: map[int32]uint64{},
		flowIDs: map[analyzers.TenantFlow]int32{}, window: newTally(),
	}
}

const seqMask = 1<<22 - 1

// Observe takes a postcard.
func (b *Builder) Observe(r *postcard.Record) {
	b.stats.Postcards++
	at := b.net.ByID(r.Node)
	if at >= 0 {
		b.sequence(r, at)
	}
	const needed = postcard.HasPorts | postcard.HasPacketID | postcard.HasFlowHash
	if at < 0 || r.Has&needed != needed || r.InPort > 0xffff || r.OutPort > 0xffff || b.net.PortAt(at, r.OutPort).Kind == analyzers.ToCollector {
		b.stats.Unnamed++
		return
	}
	k := name{r.VNI, r.FlowHash, r.PacketID}
	p := b.open[k]
	if p != nil && r.Received-p.first > int64(b.cfg.Lifetime) {
		b.end(p) // the id has come round to another packet
		*p = packet{first: r.Received, epoch: epochOf(r), flow: -1}
	}
	if p == nil {
		if len(b.open) >= b.cfg.MaxPackets {
			b.stats.Shed++
			return
		}
		if n := len(b.free); n > 0 {
			p, b.free = b.free[n-1], b.free[:n-1]
		} else {
			p = new(packet)
		}
		*p = packet{first: r.Received, epoch: epochOf(r), flow: -1}
		b.open[k] = p
	}
	if b.cfg.Flows && p.flow < 0 {
		if f, ok := analyzers.FlowOf(r); ok {
			p.flow = b.flowID(f)
		}
	}
	if int(p.n) < maxHops {
		p.hops[p.n] = hop{at: at, in: uint16(r.InPort), out: uint16(r.OutPort), drop: r.Lost()}
		p.n++
	}
}

func (b *Builder) flowID(f analyzers.TenantFlow) int32 {
	id, ok := b.flowIDs[f]
	if !ok {
		if len(b.flows) >= b.cfg.MaxFlows {
			b.stats.Shed++
			return -1
		}
		id = int32(len(b.flows))
		b.flowIDs[f] = id
		b.flows = append(b.flows, f)
	}
	return id
}

// sequence counts the reports that are missing before this one.
func (b *Builder) sequence(r *postcard.Record, at int32) {
	k := source{r.Node, r.HwID}
	s := b.sources[k]
	if s == nil {
		s = &sequence{}
		b.sources[k] = s
	}
	d := (r.Seq - s.last) & seqMask
	switch {
	case !s.started:
		s.started = true
	case d == 0 || d > seqMask/2: // the same datagram, or a late one
		if d != 0 && b.missing[at] > 0 {
			b.missing[at]--
			b.stats.Missing--
		}
		return
	default:
		b.missing[at] += uint64(d - 1)
		b.stats.Missing += uint64(d - 1)
	}
	s.last = r.Seq
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

func (b *Builder) link(at int32, port uint16) *Link {
	k := portKey{at, port}
	l := b.window.links[k]
	if l == nil {
		l = &Link{Node: b.net.Name(at), Port: uint32(port), Peer: b.net.PortAt(at, uint32(port)).PeerName}
		b.window.links[k] = l
	}
	return l
}

// end draws the conclusions from a packet's postcards.
func (b *Builder) end(p *packet) {
	b.stats.Packets++
	hops := p.hops[:p.n]
	seen := func(at int32) bool { return slices.ContainsFunc(hops, func(h hop) bool { return h.at == at }) }
	over, dropped := false, false // how it ended is known
	for _, h := range hops {
		if h.drop {
			dropped = true
			b.link(h.at, h.out).Dropped++
		} else if b.net.PortAt(h.at, uint32(h.out)).Kind == analyzers.ToHost {
			over = true
		}
	}
	var open [maxHops]int // hops whose next hop did not report
	ends := open[:0]
	for i, h := range hops {
		port := b.net.PortAt(h.at, uint32(h.out))
		if h.drop || port.Kind != analyzers.ToSwitch {
			continue
		}
		b.link(h.at, h.out).Sent++
		if !seen(port.Peer) {
			ends = append(ends, i)
			b.link(h.at, h.out).Unreported++
		}
	}
	lostAt := b.lostAt(hops, ends)
	switch {
	case dropped:
		b.stats.Dropped++
	case over:
		b.stats.Delivered++
	case lostAt >= 0:
		b.stats.Lost++
		l := b.link(hops[lostAt].at, hops[lostAt].out)
		l.Lost++
		l.Unreported--
	}
	if b.cfg.Flows && p.flow >= 0 {
		b.count(p, hops)
	}
}

// lostAt returns the hop behind which a packet was lost, -1 if it was not: of the hops
// whose next one did not report, the one that no later hop was reached from. A hop that was
// reached from a silent one accounts for one of them, unless the silent one was the
// packet's source.
func (b *Builder) lostAt(hops []hop, ends []int) int {
	for _, h := range hops {
		from := b.net.PortAt(h.at, uint32(h.in))
		if len(ends) == 0 {
			return -1
		}
		if from.Kind != analyzers.ToSwitch || b.net.Nodes[from.Peer].Role == topology.VSwitch ||
			slices.ContainsFunc(hops, func(x hop) bool { return x.at == from.Peer }) {
			continue
		}
		at := slices.IndexFunc(ends, func(i int) bool { return b.net.PortAt(hops[i].at, uint32(hops[i].out)).Peer == from.Peer })
		ends = slices.Delete(ends, max(0, at), max(0, at)+1) // or another, if several hops in a row are silent
	}
	if len(ends) == 0 {
		return -1
	}
	return ends[len(ends)-1]
}

// count adds a packet to its flow's counts at the hops that saw it.
func (b *Builder) count(p *packet, hops []hop) {
	add := func(at int32) {
		k := countKey{p.epoch, at, p.flow}
		if _, ok := b.window.counts[k]; !ok && len(b.window.counts) >= b.cfg.MaxFlows {
			b.stats.Shed++
			return
		}
		b.window.counts[k]++
	}
	for i, h := range hops {
		if !slices.ContainsFunc(hops[:i], func(x hop) bool { return x.at == h.at }) {
			add(h.at)
		}
		// The hop before reported nothing: it has seen the packet all the same.
		if from := b.net.PortAt(h.at, uint32(h.in)); from.Kind == analyzers.ToSwitch && !slices.ContainsFunc(hops, func(x hop) bool { return x.at == from.Peer }) {
			add(from.Peer)
		}
	}
}

// Epoch ends the packets whose first postcard was received before a moment, and returns
// what was counted since the last call. Call it with moments at least a second behind the
// postcards, or a packet's later hops count as lost.
func (b *Builder) Epoch(before int64) Window {
	for k, p := range b.open {
		if p.first < before {
			b.end(p)
			delete(b.open, k)
			if len(b.free) < 4096 {
				b.free = append(b.free, p)
			}
		}
	}
	w := Window{Stats: b.stats}
	for _, l := range b.window.links {
		w.Links = append(w.Links, *l)
	}
	for i := range w.Links {
		l := &w.Links[i]
		if peer, ok := b.byName(l.Peer); ok {
			l.Doubt = min(l.Lost, b.missing[peer])
		}
	}
	slices.SortFunc(w.Links, func(a, b Link) int {
		return cmp.Or(cmp.Compare(a.Node, b.Node), cmp.Compare(a.Port, b.Port))
	})
	w.Flows = b.decoded()
	b.window, b.stats = newTally(), Stats{}
	b.missing = map[int32]uint64{}
	if len(b.flows) > b.cfg.MaxFlows/2 {
		b.flows, b.flowIDs = nil, map[analyzers.TenantFlow]int32{}
		for _, p := range b.open {
			p.flow = -1 // named anew when its next postcard comes
		}
	}
	return w
}

func (b *Builder) byName(node string) (int32, bool) {
	for i := range b.net.Nodes {
		if b.net.Nodes[i].Name == node {
			return int32(i), true
		}
	}
	return 0, false
}

// decoded returns the counts as flow sets of every epoch and node.
func (b *Builder) decoded() []*flowset.Decoded {
	keys := make([]countKey, 0, len(b.window.counts))
	for k := range b.window.counts {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(x, y countKey) int {
		return cmp.Or(cmp.Compare(x.epoch, y.epoch), cmp.Compare(x.at, y.at), cmp.Compare(x.flow, y.flow))
	})
	var out []*flowset.Decoded
	for from := 0; from < len(keys); {
		to := from
		var flows []flowset.Key
		var packets []int64
		for to < len(keys) && keys[to].epoch == keys[from].epoch && keys[to].at == keys[from].at {
			f := b.flows[keys[to].flow]
			k, err := flowset.Flow{
				Src: f.Flow.Src.Netip(), Dst: f.Flow.Dst.Netip(), Proto: f.Flow.Proto, SrcPort: f.Flow.SrcPort, DstPort: f.Flow.DstPort, VNI: f.VNI,
			}.Key(flowset.KeyVNI6)
			if err == nil {
				flows = append(flows, k)
				packets = append(packets, b.window.counts[keys[to]])
			}
			to++
		}
		node := keys[from].at
		out = append(out, flowset.Counted(flowset.Shape{
			Node: b.net.Name(node), Epoch: keys[from].epoch, KeyBytes: flowset.KeyVNI6, Neighbours: b.neighbours(node),
		}, flows, packets))
		from = to
	}
	return out
}

func (b *Builder) neighbours(node int32) []string {
	names := []string{}
	for _, p := range b.net.Nodes[node].Ports {
		if p.Kind == analyzers.ToSwitch {
			names = append(names, p.PeerName)
		}
	}
	return names
}
