package incident

import (
	"cmp"
	"container/heap"
	"hash/crc32"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/p4src"
	"github.com/telltale-net/telltale/topology"
)

// This file is a small model of a leaf-spine fabric with an overlay: enough of queues,
// routes, policies and postcards to inject faults whose truth is known. It shares no
// code with the analyzers.

const ms = int64(time.Millisecond)

// world is one run of the model.
type world struct {
	t      testing.TB
	rng    *rand.Rand
	fabric topology.Fabric
	ix     *topology.Index
	nodes  map[string]*mnode
	flows  []*mflow
	end    int64
	from   int64 // of the fault
	to     int64

	events     events
	seq        uint64
	records    []postcard.Record
	reportLoss map[string]float64
	jitter     int64 // of reports on their way, ns

	sent, delivered, lost int

	// What the fault did: packets that it hurt, in how many windows of 100 ms.
	isFault     func(n *mnode, reason uint8, rule uint32) bool
	hurt        int
	hurtWindows map[int64]bool
}

func (w *world) hurts(now int64) {
	w.hurt++
	w.hurtWindows[now/(100*ms)] = true
}

// faint is a fault that hardly showed: too few packets met it for anybody to tell.
func (w *world) faint() bool { return w.hurt < 20 || len(w.hurtWindows) < 4 }

type mnode struct {
	topology.Node
	ports    map[topology.Port]*mport
	offset   uint64 // of its clock
	seq      uint32
	id       uint16 // packet ids, vswitch
	hashSeed uint32
	deny     map[uint32]mrule // extra rules: id → what
	noRoute  map[string]bool  // leaf whose prefix is missing
	unmapped map[mhost]bool
	evicted  map[mhost]bool // hosts the vswitch no longer hosts
	mtu      map[topology.Port]int
	down     bool // telemetry off
}

type mhost struct {
	vni uint32
	ca  netip.Addr
}

type mrule struct {
	vni     uint32
	inbound bool
	dst     netip.Addr
	proto   uint8
	dport   uint16
}

type mport struct {
	rate   int64
	delay  int64
	limit  int
	queue  []*mpacket
	busy   bool
	peer   topology.Endpoint
	host   string
	loss   float64 // silent loss on the link
	slowed bool
}

type mflow struct {
	vni          uint32
	src, dst     topology.Host
	proto        uint8
	sport, dport uint16
	size         int
	pps          float64
	from, to     int64
	burst        int  // packets back to back
	regular      bool // evenly spaced instead of Poisson
	churn        bool // a new source port every 20 packets
	n            int
	kind         uint8 // 0 = IPv4, else the drop reason at the source vswitch
}

type mpacket struct {
	flow     *mflow
	sport    uint16
	hash     uint32
	id       uint16
	size     int
	src, dst string // vswitches
	encap    bool

	in      topology.Port
	enq     int
	ingress int64
}

type event struct {
	at   int64
	seq  uint64
	node *mnode
	port topology.Port
	pkt  *mpacket // nil: the port may send
	flow *mflow
	do   func()
}

type events []event

func (e events) Len() int { return len(e) }
func (e events) Less(i, j int) bool {
	return e[i].at < e[j].at || e[i].at == e[j].at && e[i].seq < e[j].seq
}
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)   { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	old := *e
	x := old[len(old)-1]
	*e = old[:len(old)-1]
	return x
}

func newWorld(t testing.TB, seed uint64, f topology.Fabric) *world {
	ix, err := topology.NewIndex(f)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, rng: rand.New(rand.NewPCG(seed, 0x7e117a1e)), fabric: f, ix: ix, nodes: map[string]*mnode{}, reportLoss: map[string]float64{}, hurtWindows: map[int64]bool{}}
	for _, n := range f.Nodes {
		w.nodes[n.Name] = &mnode{
			Node: n, ports: map[topology.Port]*mport{}, offset: w.rng.Uint64N(1 << 42), hashSeed: w.rng.Uint32(), seq: w.rng.Uint32N(1 << 22),
			deny: map[uint32]mrule{}, noRoute: map[string]bool{}, unmapped: map[mhost]bool{}, evicted: map[mhost]bool{}, mtu: map[topology.Port]int{},
		}
	}
	port := func(e topology.Endpoint, p mport) {
		if p.limit == 0 {
			p.limit = topology.DefaultQueue
		}
		p.limit -= 4
		w.nodes[e.Node].ports[e.Port] = &p
	}
	for _, l := range f.Links {
		if !l.Telemetry {
			port(l.A, mport{rate: l.RateBps, delay: int64(l.Delay), limit: l.Queue, peer: l.B})
			port(l.B, mport{rate: l.RateBps, delay: int64(l.Delay), limit: l.Queue, peer: l.A})
		}
	}
	for _, h := range f.Hosts {
		port(h.At, mport{rate: h.RateBps, delay: int64(h.Delay), limit: h.Queue, host: h.Name})
	}
	return w
}

func (w *world) push(e event) {
	w.seq++
	e.seq = w.seq
	heap.Push(&w.events, e)
}

func (w *world) at(t int64, do func()) { w.push(event{at: t, do: do}) }

// run plays the world to its end and returns the records in the order received.
func (w *world) run() []postcard.Record {
	for _, f := range w.flows {
		w.push(event{at: f.from + w.rng.Int64N(20*ms), flow: f})
	}
	for len(w.events) > 0 {
		e := heap.Pop(&w.events).(event)
		if e.at > w.end {
			break
		}
		switch {
		case e.do != nil:
			e.do()
		case e.flow != nil:
			w.emit(e.at, e.flow)
		case e.pkt != nil:
			w.receive(e.at, e.node, e.port, e.pkt)
		default:
			w.send(e.at, e.node, e.port)
		}
	}
	slices.SortStableFunc(w.records, func(a, b postcard.Record) int { return cmp.Compare(a.Received, b.Received) })
	return w.records
}

func (w *world) emit(now int64, f *mflow) {
	if now >= f.to {
		return
	}
	node := w.nodes[f.src.At.Node]
	for range max(1, f.burst) {
		p := &mpacket{flow: f, sport: f.sport, size: f.size, in: f.src.At.Port}
		if f.churn {
			p.sport += uint16(f.n / 20)
		}
		f.n++
		w.sent++
		var key [16]byte
		s, d := f.src.Address.As4(), f.dst.Address.As4()
		copy(key[0:], []byte{byte(f.vni >> 8), byte(f.vni), f.proto, byte(p.sport >> 8), byte(p.sport), byte(f.dport >> 8), byte(f.dport)})
		copy(key[8:], s[:])
		copy(key[12:], d[:])
		p.hash = crc32.ChecksumIEEE(key[:])
		w.push(event{at: now + w.rng.Int64N(2000), node: node, port: f.src.At.Port, pkt: p})
	}
	gap := 1e9 * float64(max(1, f.burst)) / f.pps
	if !f.regular {
		gap *= w.rng.ExpFloat64()
	}
	w.push(event{at: now + int64(gap), flow: f})
}

// receive is ingress: decide, and enqueue or drop.
func (w *world) receive(now int64, n *mnode, in topology.Port, p *mpacket) {
	p.in, p.ingress = in, now
	f := p.flow
	drop := func(reason uint8, rule uint32, out topology.Port, enq int) {
		w.lost++
		if w.isFault != nil && w.isFault(n, reason, rule) {
			w.hurts(now)
		}
		w.report(now, n, p, reason, rule, out, enq, -1)
	}
	if n.Role == topology.VSwitch && !p.encap {
		if f.kind != 0 {
			drop(f.kind, 0, 0, -1)
			return
		}
		p.src = n.Name
		n.id++
		p.id = n.id
		if rule := w.acl(n, p, false); rule != 0 {
			drop(p4src.DropACLDeny, rule, 0, -1)
			return
		}
		dst, ok := w.ix.HostByAddress(f.vni, f.dst.Address)
		if !ok || n.unmapped[mhost{f.vni, f.dst.Address}] {
			drop(p4src.DropMappingMiss, 0, 0, -1)
			return
		}
		p.dst = dst.At.Node
		if p.dst == n.Name {
			if rule := w.acl(n, p, true); rule != 0 {
				drop(p4src.DropACLDeny, rule, 0, -1)
				return
			}
			w.enqueue(now, n, dst.At.Port, p, drop)
			return
		}
		p.encap = true
		p.size += 50
		w.enqueue(now, n, 1, p, drop)
		return
	}
	if n.Role == topology.VSwitch {
		if rule := w.acl(n, p, true); rule != 0 {
			drop(p4src.DropACLDeny, rule, 0, -1)
			return
		}
		if n.evicted[mhost{f.vni, f.dst.Address}] {
			drop(p4src.DropVNIUnknown, 0, 0, -1)
			return
		}
		w.enqueue(now, n, f.dst.At.Port, p, drop)
		return
	}
	leaf := w.leafOf(p.dst)
	if n.noRoute[leaf] {
		drop(p4src.DropIPMiss, 0, 0, -1)
		return
	}
	w.enqueue(now, n, w.next(n, p, leaf), p, drop)
}

func (w *world) leafOf(vs string) string { return w.nodes[vs].ports[1].peer.Node }

func (w *world) next(n *mnode, p *mpacket, leaf string) topology.Port {
	var ups []topology.Port
	for port := topology.Port(1); int(port) <= len(n.ports); port++ {
		switch peer := n.ports[port].peer.Node; {
		case peer == p.dst, n.Role == topology.Spine && peer == leaf:
			return port
		case n.Role == topology.Leaf && leaf != n.Name && w.nodes[peer].Role == topology.Spine:
			ups = append(ups, port)
		}
	}
	return ups[(p.hash^n.hashSeed)*2654435761>>16%uint32(len(ups))]
}

func (w *world) acl(n *mnode, p *mpacket, inbound bool) uint32 {
	f := p.flow
	if v, _ := w.ix.VNETByVNI(f.vni); inbound && f.proto == 6 && f.dport == 23 {
		return v.ACL[0].ID
	}
	for id, r := range n.deny {
		if r.vni == f.vni && r.inbound == inbound && r.dst == f.dst.Address && (r.proto == 0 || r.proto == f.proto) && (r.dport == 0 || r.dport == f.dport) {
			return id
		}
	}
	return 0
}

func (w *world) enqueue(now int64, n *mnode, out topology.Port, p *mpacket, drop func(uint8, uint32, topology.Port, int)) {
	port := n.ports[out]
	if m := n.mtu[out]; m != 0 && p.size > m {
		drop(p4src.DropMTU, 0, out, len(port.queue))
		return
	}
	if len(port.queue) >= port.limit {
		drop(p4src.DropTrafficManager, 0, out, len(port.queue))
		return
	}
	if port.slowed && port.busy {
		w.hurts(now)
	}
	p.enq = len(port.queue)
	port.queue = append(port.queue, p)
	if !port.busy {
		w.send(now, n, out)
	}
}

// send takes the next packet off a queue: egress.
func (w *world) send(now int64, n *mnode, out topology.Port) {
	port := n.ports[out]
	if len(port.queue) == 0 {
		port.busy = false
		return
	}
	p := port.queue[0]
	port.queue = port.queue[1:]
	port.busy = true
	if port.host != "" && p.encap {
		p.encap = false
		p.size -= 50
	}
	w.report(now, n, p, 0, 0, out, p.enq, len(port.queue))
	done := now + int64(p.size)*8*1e9/port.rate
	w.push(event{at: done, node: n, port: out})
	switch {
	case port.host != "":
		w.delivered++
	case port.loss > 0 && w.rng.Float64() < port.loss:
		w.lost++
		w.hurts(now)
	default:
		w.push(event{at: done + port.delay, node: w.nodes[port.peer.Node], port: port.peer.Port, pkt: p})
	}
}

// report makes the postcard of a packet at a hop.
func (w *world) report(now int64, n *mnode, p *mpacket, reason uint8, rule uint32, out topology.Port, enq, left int) {
	n.seq = (n.seq + 1) & (1<<22 - 1)
	if n.down || w.rng.Float64() < w.reportLoss[n.Name] {
		return
	}
	clock := func(t int64) uint64 { return (uint64(t) + n.offset) / 1000 * 1000 }
	f := p.flow
	r := postcard.Record{
		Received: now + 10_000 + w.rng.Int64N(1+w.jitter), Node: postcard.NodeID(n.ID), Seq: n.seq,
		Ingress: clock(p.ingress), InPort: uint32(p.in), OutPort: uint32(out), VNI: f.vni, FlowHash: p.hash, PacketID: p.id,
		Length: uint16(p.size), Rule: rule, DropReason: reason, Flags: postcard.Tracked,
		Has: postcard.HasPorts | postcard.HasIngress | postcard.HasVNI | postcard.HasFlowHash | postcard.HasPacketID | postcard.HasLength,
	}
	addr := func(a netip.Addr) postcard.Addr { return postcard.AddrFrom(a) }
	if f.kind == 0 {
		r.Has |= postcard.HasInner
		r.Inner = postcard.Flow{Src: addr(f.src.Address), Dst: addr(f.dst.Address), SrcPort: p.sport, DstPort: f.dport, Proto: f.proto}
	}
	if p.encap {
		r.Has |= postcard.HasOuter
		r.Outer = postcard.Flow{Src: addr(w.nodes[p.src].Address), Dst: addr(w.nodes[p.dst].Address), SrcPort: uint16(p.hash), DstPort: 4789, Proto: 17}
	}
	if rule != 0 {
		r.Has |= postcard.HasRule
	}
	if enq >= 0 {
		r.Has |= postcard.HasEnqDepth
		r.EnqDepth = uint32(enq)
	}
	if reason != 0 {
		r.Flags |= postcard.Dropped
		r.Has |= postcard.HasDropReason
	} else {
		r.Has |= postcard.HasLatency | postcard.HasQueue | postcard.HasEgress
		r.Egress = clock(now)
		r.Latency = uint32(r.Egress - r.Ingress)
		r.QueueDepth = uint32(left)
		r.Stage = postcard.Egress
	}
	w.records = append(w.records, r)
}
