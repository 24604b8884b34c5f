package incident

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/telltale-net/telltale/analyzers"
	"github.com/telltale-net/telltale/p4src"
	"github.com/telltale-net/telltale/topology"
)

// regime is how fast the fabric is for what it carries.
type regime struct {
	name         string
	trunk, hosts int64 // bits/s
	pps          float64
}

var regimes = []regime{
	{"gigabit", 1_000_000_000, 100_000_000, 4000},
	{"narrow", 40_000_000, 20_000_000, 3000},
	{"thin", 8_000_000, 4_000_000, 900},
}

// truth is what a scenario injected. A finding is right when it matches.
type truth struct {
	kind  analyzers.Kind // empty: healthy
	place func(analyzers.Place) bool
	text  string
}

const (
	faultFrom = 1600 * ms
	faultTo   = 3100 * ms
	worldEnd  = 4500 * ms
)

func fabricOf(t testing.TB, r regime) topology.Fabric {
	c := topology.DefaultLeafSpine()
	c.Trunk.RateBps, c.Access.RateBps, c.Host.RateBps = r.trunk, r.trunk, r.hosts
	f, err := topology.LeafSpine(c)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// healthy is a fabric with traffic and everything that is no fault: standing denials
// with retries, probes for addresses nobody has, frames that are not IPv4, bursts that
// overflow a queue for an instant, flows that come and go, lost and overtaken reports,
// routes and rules that come up late, an ECMP change.
func healthy(t testing.TB, seed uint64, r regime) *world {
	w := newWorld(t, seed, fabricOf(t, r))
	w.end, w.from, w.to = worldEnd, faultFrom, faultTo
	w.jitter = []int64{0, 50_000, 500_000}[w.rng.IntN(3)]
	w.flows = append(w.flows, w.tenantTraffic(r)...)
	loss := []float64{0, 0, 0.002, 0.03}[w.rng.IntN(4)]
	for name := range w.nodes {
		w.reportLoss[name] = loss * 2
	}
	for _, n := range w.fabric.Nodes {
		w.reportLoss[n.Name] = loss * 2 * w.rng.Float64()
	}
	// A short incast onto one machine.
	if w.rng.IntN(2) == 0 {
		h := w.fabric.Hosts[w.rng.IntN(len(w.fabric.Hosts))]
		at := (300 + w.rng.Int64N(3500)) * ms
		for _, o := range w.fabric.Hosts {
			if o.VNET == h.VNET && o.Name != h.Name {
				w.flows = append(w.flows, &mflow{vni: w.vni(h.VNET), src: o, dst: h, proto: 17, sport: 9000, dport: 9000, size: 1000, pps: 1e5, burst: 18, from: at, to: at + ms/2})
			}
		}
	}
	// Coming up: a switch has no routes for a while, telemetry begins late on another.
	if w.rng.IntN(2) == 0 {
		n := w.nodes[fmt.Sprint("spine", 1+w.rng.IntN(2))]
		leaf := fmt.Sprint("leaf", 1+w.rng.IntN(4))
		n.noRoute[leaf] = true
		w.at((50+w.rng.Int64N(500))*ms, func() { delete(n.noRoute, leaf) })
		late := w.nodes[fmt.Sprint("leaf", 1+w.rng.IntN(4))]
		late.down = true
		w.at((20+w.rng.Int64N(300))*ms, func() { late.down = false })
	}
	// An ECMP change on a leaf.
	if w.rng.IntN(2) == 0 {
		n := w.nodes[fmt.Sprint("leaf", 1+w.rng.IntN(4))]
		w.at((500+w.rng.Int64N(3500))*ms, func() { n.hashSeed = w.rng.Uint32() })
	}
	return w
}

func (w *world) vni(vnet string) uint32 {
	v, _ := w.ix.VNET(vnet)
	return v.VNI
}

func (w *world) tenantTraffic(r regime) (flows []*mflow) {
	for _, v := range w.fabric.VNETs {
		var hosts []topology.Host
		for _, h := range w.fabric.Hosts {
			if h.VNET == v.Name {
				hosts = append(hosts, h)
			}
		}
		n := 0
		for i, src := range hosts {
			for j, dst := range hosts {
				if i == j || w.rng.IntN(3) == 0 && n > 8 {
					continue
				}
				n++
				f := &mflow{
					vni: v.VNI, src: src, dst: dst, proto: []uint8{6, 17}[w.rng.IntN(2)],
					sport: uint16(20000 + w.rng.IntN(20000)), dport: []uint16{80, 443, 5201, 8080}[w.rng.IntN(4)],
					size: []int{100, 600, 1200, 1400}[w.rng.IntN(4)], to: worldEnd, pps: 1,
					regular: w.rng.IntN(3) == 0, churn: w.rng.IntN(3) == 0,
				}
				if w.rng.IntN(4) == 0 {
					f.burst = 2 + w.rng.IntN(8)
				}
				if w.rng.IntN(5) == 0 {
					f.from = w.rng.Int64N(2000) * ms
				}
				if w.rng.IntN(8) == 0 {
					f.to = f.from + (500+w.rng.Int64N(3000))*ms
				}
				flows = append(flows, f)
			}
		}
		// Standing denials, unknown addresses, foreign protocols.
		a, b := hosts[w.rng.IntN(len(hosts))], hosts[w.rng.IntN(len(hosts))]
		flows = append(flows, &mflow{vni: v.VNI, src: a, dst: b, proto: 6, sport: 33000, dport: 23, size: 64, pps: 40, to: worldEnd, churn: true})
		nobody := b
		nobody.Address = netip.AddrFrom4([4]byte{192, 168, 77, byte(w.rng.IntN(200))})
		flows = append(flows,
			&mflow{vni: v.VNI, src: a, dst: nobody, proto: 17, sport: 137, dport: 137, size: 100, pps: 20, to: worldEnd},
			&mflow{vni: v.VNI, src: b, dst: a, size: 80, pps: 15, to: worldEnd, kind: p4src.DropNotIPv4})
	}
	total := 0.0
	share := make([]float64, len(flows))
	for i, f := range flows {
		if f.pps == 1 {
			share[i] = 0.2 + w.rng.Float64()
			total += share[i]
		}
	}
	for i, f := range flows {
		if share[i] > 0 {
			f.pps = r.pps * share[i] / total
		}
	}
	return flows
}

// pick returns a steady flow between vswitches that ok accepts, the one with the most
// packets per second.
func (w *world) pick(ok func(*mflow) bool) *mflow {
	var best *mflow
	for _, f := range w.flows {
		if f.kind != 0 || f.dport == 23 || f.dport == 137 || f.dport == 9000 || f.from > 500*ms || f.to < worldEnd || f.src.At.Node == f.dst.At.Node {
			continue
		}
		if ok(f) && (best == nil || f.pps > best.pps) {
			best = f
		}
	}
	if best == nil {
		w.t.Fatal("BUG: the scenario has no flow that suits its fault")
	}
	return best
}

func always(*mflow) bool { return true }

// during applies a fault between w.from and w.to.
func (w *world) during(on, off func()) { w.at(w.from, on); w.at(w.to, off) }

type scenario struct {
	name  string
	demo  bool // one of the demo's faults
	build func(w *world, r regime) truth
}

var scenarios = []scenario{
	{"healthy", true, func(w *world, r regime) truth { return truth{} }},
	{"silent-node", true, func(w *world, r regime) truth { // its reports stop, its packets do not
		n := w.nodes[[]string{"spine1", "leaf2", "vs3"}[w.rng.IntN(3)]]
		w.during(func() { n.down = true }, func() { n.down = false })
		return truth{}
	}},
	{"acl-deny", true, func(w *world, r regime) truth {
		f := w.fabricFlow()
		rule := mrule{vni: f.vni, inbound: w.rng.IntN(2) == 0, dst: f.dst.Address, proto: f.proto, dport: f.dport}
		if w.rng.IntN(3) == 0 {
			rule.proto, rule.dport = 0, 0
		}
		at := f.src.At.Node
		if rule.inbound {
			at = f.dst.At.Node
		}
		n := w.nodes[at]
		w.isFault = func(_ *mnode, _ uint8, rule uint32) bool { return rule == 666 }
		w.during(func() { n.deny[666] = rule }, func() { delete(n.deny, 666) })
		return truth{kind: analyzers.PolicyDeny, text: fmt.Sprintf("%s rule 666 vni %d", at, f.vni),
			place: func(p analyzers.Place) bool { return p.Node == at && p.Rule == 666 && p.VNI == f.vni }}
	}},
	{"blackhole", true, func(w *world, r regime) truth {
		spine, leaf := fmt.Sprint("spine", 1+w.rng.IntN(2)), fmt.Sprint("leaf", 1+w.rng.IntN(4))
		node, _ := w.ix.Node(leaf)
		n := w.nodes[spine]
		w.isFault = func(at *mnode, reason uint8, _ uint32) bool {
			return at == n && reason == p4src.DropIPMiss && n.noRoute[leaf]
		}
		w.during(func() { n.noRoute[leaf] = true }, func() { delete(n.noRoute, leaf) })
		return truth{kind: analyzers.RouteMissing, text: fmt.Sprintf("%s lost %s (%s)", spine, node.Prefix, leaf),
			place: func(p analyzers.Place) bool {
				return p.Node == spine && p.Peer == leaf && p.Prefix == node.Prefix.String()
			}}
	}},
	{"slow-port", true, func(w *world, r regime) truth {
		f := w.fabricFlow()
		leaf, port := w.leafOf(f.dst.At.Node), topology.Port(0)
		if w.rng.IntN(2) == 0 { // towards the vswitch
			for p, mp := range w.nodes[leaf].ports {
				if mp.peer.Node == f.dst.At.Node {
					port = p
				}
			}
		} else { // towards a spine, of a leaf that sends
			leaf = w.leafOf(f.src.At.Node)
			port = topology.Port(1 + w.rng.IntN(2))
		}
		mp := w.nodes[leaf].ports[port]
		w.load(leaf, port, r)
		rate := mp.rate
		w.during(func() { mp.rate, mp.slowed = rate/10, true }, func() { mp.rate, mp.slowed = rate, false })
		return truth{kind: analyzers.SlowPort, text: fmt.Sprintf("%s port %d", leaf, port),
			place: func(p analyzers.Place) bool {
				return p.Node == leaf && p.Port == uint32(port) && p.Peer == mp.peer.Node
			}}
	}},
	{"link-loss", false, func(w *world, r regime) truth {
		leaf, port := fmt.Sprint("leaf", 1+w.rng.IntN(4)), topology.Port(1+w.rng.IntN(4))
		mp := w.nodes[leaf].ports[port]
		share := 0.15 + 0.4*w.rng.Float64()
		w.during(func() { mp.loss = share }, func() { mp.loss = 0 })
		return truth{kind: analyzers.LinkLoss, text: fmt.Sprintf("%s port %d loses %.0f %%", leaf, port, 100*share),
			place: func(p analyzers.Place) bool {
				return p.Node == leaf && p.Port == uint32(port) && p.Peer == mp.peer.Node
			}}
	}},
	{"congestion", false, func(w *world, r regime) truth {
		f := w.fabricFlow()
		h := f.dst
		w.isFault = func(_ *mnode, reason uint8, _ uint32) bool { return reason == p4src.DropTrafficManager }
		for i, o := range w.fabric.Hosts {
			if o.VNET == h.VNET && o.Name != h.Name {
				w.flows = append(w.flows, &mflow{vni: f.vni, src: o, dst: h, proto: 17, sport: uint16(7000 + i), dport: 7000, size: 1000, pps: float64(r.hosts) / 8000 * 0.3, from: w.from, to: w.to})
			}
		}
		return truth{kind: analyzers.Congestion, text: fmt.Sprintf("%s port %d to %s", h.At.Node, h.At.Port, h.Name),
			place: func(p analyzers.Place) bool { return p.Node == h.At.Node && p.Port == uint32(h.At.Port) }}
	}},
	{"mapping-lost", false, func(w *world, r regime) truth {
		f := w.fabricFlow()
		n := w.nodes[f.src.At.Node]
		k := mhost{f.vni, f.dst.Address}
		w.isFault = func(at *mnode, reason uint8, _ uint32) bool {
			return at == n && reason == p4src.DropMappingMiss && n.unmapped[k]
		}
		w.during(func() { n.unmapped[k] = true }, func() { delete(n.unmapped, k) })
		return truth{kind: analyzers.MappingMissing, text: fmt.Sprintf("%s lost %s of %d", n.Name, f.dst.Address, f.vni),
			place: func(p analyzers.Place) bool {
				return p.Node == n.Name && p.VNI == f.vni
			}}
	}},
	{"wrong-host", false, func(w *world, r regime) truth {
		f := w.fabricFlow()
		n := w.nodes[f.dst.At.Node]
		k := mhost{f.vni, f.dst.Address}
		w.isFault = func(at *mnode, reason uint8, _ uint32) bool { return at == n && reason == p4src.DropVNIUnknown }
		w.during(func() { n.evicted[k] = true }, func() { delete(n.evicted, k) })
		return truth{kind: analyzers.IsolationBreach, text: fmt.Sprintf("%s does not host %s of %d", n.Name, f.dst.Address, f.vni),
			place: func(p analyzers.Place) bool { return p.Node == n.Name }}
	}},
	{"small-mtu", false, func(w *world, r regime) truth {
		f := w.pick(func(f *mflow) bool { return f.size >= 1200 && f.pps > 15 })
		n := w.nodes[f.src.At.Node]
		w.isFault = func(at *mnode, reason uint8, _ uint32) bool { return at == n && reason == p4src.DropMTU }
		w.during(func() { n.mtu[1] = 1000 }, func() { delete(n.mtu, 1) })
		return truth{kind: analyzers.MTUExceeded, text: fmt.Sprintf("%s port 1 has a small MTU", n.Name),
			place: func(p analyzers.Place) bool { return p.Node == n.Name && p.Port == 1 }}
	}},
}

func (w *world) fabricFlow() *mflow { return w.pick(always) }

// load makes sure that a port carries a quarter of its rate in the run, as a port whose
// slowness anybody notices does; the thin regime has that by itself.
func (w *world) load(leaf string, port topology.Port, r regime) {
	if r.name != "gigabit" {
		return
	}
	peer := w.nodes[leaf].ports[port].peer.Node
	for _, f := range w.flows {
		if f.kind == 0 && (f.dst.At.Node == peer || strings.HasPrefix(peer, "spine") && w.leafOf(f.src.At.Node) == leaf) && f.burst == 0 && f.dport != 23 {
			f.burst = 6
		}
	}
}
