package traffic

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"github.com/telltale-net/telltale/bmv2/lab/frame"
	"github.com/telltale-net/telltale/topology"
)

// Mix is traffic over a whole fabric: every VNET gets its share of the flows, pairs
// on different leaves come before all others, and most flows are small beside a few
// large ones. Flows that the tenants' own policy denies are not made: nobody keeps
// using what never worked.
type Mix struct {
	Seed        uint64
	PPS         float64 // packets/s in total, long-run mean
	Flows       int     // 0 = four per host
	Sizes       Sizes   // nil = IMIX
	Start, Stop time.Duration
}

// pair is a possible conversation.
type pair struct {
	from, to *topology.Host
	far      bool // across leaves
}

// Make draws the flows. VNETs with fewer than two hosts get none; it is an error if
// no VNET has two.
func (m Mix) Make(f *topology.Fabric) ([]Flow, error) {
	rng := rand.New(rand.NewPCG(m.Seed, 0x6d6978)) // "mix"
	leaf := leaves(f)
	var pairs [][]pair
	for i := range f.VNETs {
		if ps := pairsOf(f, &f.VNETs[i], leaf, rng); len(ps) > 0 {
			pairs = append(pairs, ps)
		}
	}
	if len(pairs) == 0 {
		return nil, fmt.Errorf("cannot mix traffic over fabric %q: no VNET has two hosts", f.Name)
	}
	count, sizes := m.Flows, m.Sizes
	if count == 0 {
		count = 4 * len(f.Hosts)
	}
	if sizes == nil {
		sizes = IMIX()
	}
	var (
		flows  []Flow
		shares []float64
		total  float64
	)
	policy := policies(f)
	for refused := 0; len(flows) < count; {
		n := len(flows) + refused
		ps := pairs[n%len(pairs)]
		p := ps[n/len(pairs)%len(ps)]
		flow := draw(rng, p, sizes)
		if !policy.permits(p, &flow) {
			if refused++; refused > 100*count+1000 {
				return nil, fmt.Errorf("cannot mix traffic over fabric %q: its policies deny nearly everything (%d flows of %d found)", f.Name, len(flows), count)
			}
			continue
		}
		share := 0.2 + rng.ExpFloat64() // most small, some several times the mean
		shares, total = append(shares, share), total+share
		flow.Start, flow.Stop = m.Start+time.Duration(rng.Int64N(int64(20*time.Millisecond))), m.Stop
		flow.Name = fmt.Sprintf("%s:%d→%s:%d", p.from.Name, flow.SrcPort, p.to.Name, flow.DstPort)
		flows = append(flows, flow)
	}
	for i := range flows {
		a := &flows[i].Arrivals
		a.PPS = m.PPS * shares[i] / total
		if a.Kind == Bursts {
			a.PPS *= float64(a.On+a.Off) / float64(a.On)
		}
		if err := flows[i].Check(); err != nil {
			return nil, fmt.Errorf("cannot mix traffic over fabric %q: %w", f.Name, err)
		}
	}
	return flows, nil
}

var services = []uint16{53, 80, 443, 3306, 5432, 6379, 8080, 9092}

// draw makes one flow of p; its rate is set later.
func draw(rng *rand.Rand, p pair, sizes Sizes) Flow {
	f := Flow{From: p.from.Name, To: p.to.Name, Proto: frame.TCP, Sizes: sizes,
		SrcPort: 32768 + uint16(rng.IntN(28232)), DstPort: services[rng.IntN(len(services))]}
	if rng.IntN(3) == 0 {
		f.Proto = frame.UDP
	}
	switch rng.IntN(5) {
	case 0:
		f.Arrivals.Kind = Paced
	case 1:
		f.Arrivals = Arrivals{Kind: Bursts, On: 20 * time.Millisecond, Off: 60 * time.Millisecond}
	default:
		f.Arrivals.Kind = Poisson
	}
	return f
}

// leaves maps a vswitch to the leaf it hangs on.
func leaves(f *topology.Fabric) map[string]string {
	role := map[string]topology.Role{}
	for _, n := range f.Nodes {
		role[n.Name] = n.Role
	}
	leaf := map[string]string{}
	for _, l := range f.Links {
		a, b := l.A.Node, l.B.Node
		if role[a] == topology.Leaf {
			a, b = b, a
		}
		if _, seen := leaf[a]; !seen && role[a] == topology.VSwitch && role[b] == topology.Leaf {
			leaf[a] = b
		}
	}
	return leaf
}

// pairsOf returns v's ordered pairs of hosts, shuffled, those across leaves first;
// the others only if there are no such.
func pairsOf(f *topology.Fabric, v *topology.VNET, leaf map[string]string, rng *rand.Rand) []pair {
	var ps []pair
	far := 0
	for i := range f.Hosts {
		for j := range f.Hosts {
			a, b := &f.Hosts[i], &f.Hosts[j]
			if i == j || a.VNET != v.Name || b.VNET != v.Name {
				continue
			}
			p := pair{a, b, leaf[a.At.Node] != leaf[b.At.Node]}
			if p.far {
				far++
			}
			ps = append(ps, p)
		}
	}
	if far > 0 {
		ps = slices.DeleteFunc(ps, func(p pair) bool { return !p.far })
	}
	rng.Shuffle(len(ps), func(i, j int) { ps[i], ps[j] = ps[j], ps[i] })
	return ps
}

// policySet holds each VNET's rules by descending priority.
type policySet map[string][]topology.ACLRule

func policies(f *topology.Fabric) policySet {
	s := policySet{}
	for _, v := range f.VNETs {
		rules := slices.Clone(v.ACL)
		slices.SortStableFunc(rules, func(a, b topology.ACLRule) int { return int(b.Priority) - int(a.Priority) })
		s[v.Name] = rules
	}
	return s
}

// permits says whether both directions' policies let the flow through.
func (s policySet) permits(p pair, f *Flow) bool {
	for _, inbound := range []bool{false, true} {
		for _, r := range s[p.from.VNET] {
			if r.Inbound == inbound && within(r.Src, p.from.Address) && within(r.Dst, p.to.Address) &&
				(r.Proto == 0 || r.Proto == f.Proto) && (r.DstPort == 0 || r.DstPort == f.DstPort) {
				if r.Deny {
					return false
				}
				break
			}
		}
	}
	return true
}

func within(p netip.Prefix, a netip.Addr) bool { return !p.IsValid() || p.Contains(a) }
