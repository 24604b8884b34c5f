package demo

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"

	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"

	"github.com/telltale-net/telltale/analyzers"
	"github.com/telltale-net/telltale/bmv2/device"
	"github.com/telltale-net/telltale/bmv2/lab"
	"github.com/telltale-net/telltale/controlplane/intent"
	"github.com/telltale-net/telltale/topology"
)

// fault is one thing that goes wrong, chosen for a seed.
type fault struct {
	what   string
	want   Want
	inject func(context.Context) error
	revert func(context.Context) error
}

// planners choose where a fault strikes, from the state of the scenario at the time.
var planners = map[string]func(*scenario, *rand.Rand) (fault, error){
	"acl-deny":   planACLDeny,
	"blackhole":  planBlackhole,
	"slow-port":  planSlowPort,
	"lossy-link": planLossyLink,
}

// Faults returns the names of all faults, sorted.
func Faults() []string { return slices.Sorted(maps.Keys(planners)) }

// planACLDeny gives a tenant a policy that blocks one of its busier flows. The rule is
// written by the controller like any other: only the traffic tells that it is wrong.
func planACLDeny(s *scenario, rng *rand.Rand) (fault, error) {
	flows := s.busiestFlows()
	if len(flows) == 0 {
		return fault{}, fmt.Errorf("no flow between two vswitches is busy enough")
	}
	flow := flows[rng.IntN(len(flows))]
	from, _ := s.ix.Host(flow.From)
	to, _ := s.ix.Host(flow.To)
	vnet, _ := s.ix.VNET(from.VNET)
	rule := topology.ACLRule{
		ID:       vnet.VNI*10 + 9,
		Priority: 100,
		Src:      hostPrefix(from.Address),
		Dst:      hostPrefix(to.Address),
		Proto:    flow.Proto,
		DstPort:  flow.DstPort,
		Deny:     true,
	}
	sw, ok := s.controller.Switch(from.At.Node)
	if !ok {
		return fault{}, fmt.Errorf("no switch %s", from.At.Node)
	}
	entity, err := intent.ACLEntry(sw.Schema, vnet.VNI, rule)
	if err != nil {
		return fault{}, err
	}
	write := func(t p4v1.Update_Type) func(context.Context) error {
		return func(ctx context.Context) error {
			return s.controller.Write(ctx, from.At.Node, &p4v1.Update{Type: t, Entity: entity})
		}
	}
	return fault{
		what: fmt.Sprintf("%s gets rule %d for %s: deny %s → %s proto %d port %d",
			from.At.Node, rule.ID, vnet.Name, from.Name, to.Name, rule.Proto, rule.DstPort),
		want:   Want{analyzers.PolicyDeny, analyzers.Place{Node: from.At.Node, VNET: vnet.Name, VNI: vnet.VNI, Rule: rule.ID}},
		inject: write(p4v1.Update_INSERT),
		revert: write(p4v1.Update_DELETE),
	}, nil
}

// planBlackhole makes a spine lose its route to a leaf, behind the controller's back.
func planBlackhole(s *scenario, rng *rand.Rand) (fault, error) {
	spines, leaves := s.nodes(topology.Spine), s.busyLeaves()
	if len(spines) == 0 || len(leaves) == 0 {
		return fault{}, fmt.Errorf("no spine, or no leaf with tenants behind it")
	}
	spine, leaf := spines[rng.IntN(len(spines))], leaves[rng.IntN(len(leaves))]
	if !leaf.Prefix.IsValid() {
		return fault{}, fmt.Errorf("%s has no prefix: its vswitches are routed one by one", leaf.Name)
	}
	addr := leaf.Prefix.Addr().As4()
	return s.behindTheBack(
		fmt.Sprintf("%s loses its route to %s (%s)", spine.Name, leaf.Name, leaf.Prefix),
		Want{analyzers.RouteMissing, analyzers.Place{Node: spine.Name, Peer: leaf.Name, Prefix: leaf.Prefix.String()}},
		lab.LoseEntry(spine.Name, "routes", []device.Match{{
			Kind: device.LPM, Value: addr[:], PrefixLen: leaf.Prefix.Bits(),
		}}),
	), nil
}

// slowFactor is what a slow port keeps of its rate.
const slowFactor = 0.1

// planSlowPort makes a leaf's port drain at a tenth of its rate. It chooses among the
// ports whose traffic exceeds that: a slow port that nobody needs harms nobody.
func planSlowPort(s *scenario, rng *rand.Rand) (fault, error) {
	at, peer, err := s.loadedPort(rng, slowFactor*1.1)
	if err != nil {
		return fault{}, err
	}
	return s.behindTheBack(
		fmt.Sprintf("%s port %d (to %s) drains at a tenth of its rate", at.Node, at.Port, peer),
		Want{analyzers.SlowPort, analyzers.Place{Node: at.Node, Port: uint32(at.Port), Peer: peer}},
		lab.SlowPort(at.Node, at.Port, slowFactor),
	), nil
}

// planLossyLink makes a link lose a twentieth of what a leaf sends over it.
func planLossyLink(s *scenario, rng *rand.Rand) (fault, error) {
	const share = 0.05
	at, peer, err := s.loadedPort(rng, 0.05)
	if err != nil {
		return fault{}, err
	}
	return s.behindTheBack(
		fmt.Sprintf("the link from %s port %d to %s loses %.0f %% of the packets", at.Node, at.Port, peer, 100*share),
		Want{analyzers.LinkLoss, analyzers.Place{Node: at.Node, Port: uint32(at.Port), Peer: peer}},
		lab.LossyLink(at.Node, at.Port, share),
	), nil
}

func (s *scenario) behindTheBack(what string, want Want, f lab.Fault) fault {
	return fault{
		what:   what,
		want:   want,
		inject: func(context.Context) error { return f.Apply(s.lab) },
		revert: func(context.Context) error { return f.Revert(s.lab) },
	}
}

func (s *scenario) nodes(role topology.Role) []topology.Node {
	var out []topology.Node
	for _, n := range s.cfg.Fabric.Nodes {
		if n.Role == role {
			out = append(out, n)
		}
	}
	return out
}

// busiestFlows returns the upper half, by rate, of the flows between different
// vswitches. Bursts may be silent for all of a fault, so they are left out.
func (s *scenario) busiestFlows() []lab.FlowStats {
	var flows []lab.FlowStats
	for _, f := range s.lab.Flows() {
		from, _ := s.ix.Host(f.From)
		to, _ := s.ix.Host(f.To)
		if from.At.Node != to.At.Node && f.Arrivals.On == 0 && f.Stats.Delivered > 0 {
			flows = append(flows, f)
		}
	}
	slices.SortStableFunc(flows, func(a, b lab.FlowStats) int {
		return int(b.Stats.Delivered) - int(a.Stats.Delivered)
	})
	return flows[:(len(flows)+1)/2]
}

// busyLeaves returns the leaves that traffic from elsewhere goes to.
func (s *scenario) busyLeaves() []topology.Node {
	behind := map[string]bool{} // leaves
	leafOf := func(host string) string {
		h, _ := s.ix.Host(host)
		for _, port := range s.ix.Ports(h.At.Node) {
			if peer, ok := s.ix.Peer(topology.Endpoint{Node: h.At.Node, Port: port}); ok {
				if n, _ := s.ix.Node(peer.Node); n.Role == topology.Leaf {
					return n.Name
				}
			}
		}
		return ""
	}
	for _, f := range s.busiestFlows() {
		if leaf := leafOf(f.To); leaf != leafOf(f.From) {
			behind[leaf] = true
		}
	}
	var out []topology.Node
	for _, n := range s.nodes(topology.Leaf) {
		if behind[n.Name] {
			out = append(out, n)
		}
	}
	return out
}

// loadedPort chooses a port of a leaf towards another switch that carried, since the
// traffic began, more than the share of its link's rate.
func (s *scenario) loadedPort(rng *rand.Rand, share float64) (at topology.Endpoint, peer string, err error) {
	sent := map[string]uint64{}
	for _, l := range s.lab.Stats().Links {
		sent[l.From] = l.SentBytes
	}
	var ports []topology.Endpoint
	for _, n := range s.nodes(topology.Leaf) {
		for _, port := range s.ix.Ports(n.Name) {
			e := topology.Endpoint{Node: n.Name, Port: port}
			link, ok := s.ix.Link(e)
			if !ok || link.Telemetry || link.RateBps == 0 {
				continue
			}
			if load := float64(sent[e.String()]) * 8 / s.now().Seconds() / float64(link.RateBps); load > share {
				ports = append(ports, e)
			}
		}
	}
	if len(ports) == 0 {
		return at, "", fmt.Errorf("no port of a leaf carries more than %.0f %% of its rate", 100*share)
	}
	at = ports[rng.IntN(len(ports))]
	far, _ := s.ix.Peer(at)
	return at, far.Node, nil
}
