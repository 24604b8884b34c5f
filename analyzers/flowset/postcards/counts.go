package postcards

import (
	"cmp"
	"slices"

	"github.com/telltale-net/telltale/analyzers"
	"github.com/telltale-net/telltale/analyzers/flowset"
	"github.com/telltale-net/telltale/analyzers/flowset/loss"
)

// counts counts the packets of flows at nodes.
func (e *Epochs) counts(out *Epoch, x *epoch) {
	type key struct {
		at   int32
		flow analyzers.TenantFlow
	}
	n := map[key]uint64{}
	for _, p := range x.packets {
		if !p.hasFlow {
			continue
		}
		for i := range p.hops[:p.n] {
			if !slices.ContainsFunc(p.hops[:i], func(h hop) bool { return h.at == p.hops[i].at }) {
				n[key{p.hops[i].at, p.flow}]++
			}
		}
		var added [maxHops]int32
		more := added[:0]
		p.silent(e.net, func(at int32, _ *hop) {
			if !slices.Contains(more, at) {
				more = append(more, at)
				n[key{at, p.flow}]++
			}
		})
	}
	for k, packets := range n {
		out.Counts = append(out.Counts, Count{e.net.Name(k.at), k.flow, packets})
	}
	slices.SortFunc(out.Counts, func(a, b Count) int { return cmp.Or(cmp.Compare(a.Node, b.Node), compareFlows(&a.Flow, &b.Flow)) })
}

// Decoded returns the counts as flow sets, by node.
func (e *Epoch) Decoded(net *analyzers.Network) (all []*flowset.Decoded) {
	for from := 0; from < len(e.Counts); {
		to := from
		var keys []flowset.Key
		var packets []int64
		for ; to < len(e.Counts) && e.Counts[to].Node == e.Counts[from].Node; to++ {
			if k, ok := keyOf(&e.Counts[to].Flow); ok {
				keys = append(keys, k)
				packets = append(packets, int64(e.Counts[to].Packets))
			}
		}
		node := e.Counts[from].Node
		all = append(all, flowset.Counted(flowset.Shape{Node: node, Epoch: e.Number, KeyBytes: flowset.KeyVNI6, Neighbours: neighbours(net, node)}, keys, packets))
		from = to
	}
	return all
}

// keyOf returns a flow as the key of a flow set; ok is false where it has no addresses.
func keyOf(f *analyzers.TenantFlow) (flowset.Key, bool) {
	k, err := flowset.Flow{
		Src: f.Flow.Src.Netip(), Dst: f.Flow.Dst.Netip(), Proto: f.Flow.Proto, SrcPort: f.Flow.SrcPort, DstPort: f.Flow.DstPort, VNI: f.VNI,
	}.Key(flowset.KeyVNI6)
	return k, err == nil
}

func neighbours(net *analyzers.Network, node string) []string {
	names := []string{}
	for i := range net.Nodes {
		if net.Nodes[i].Name != node {
			continue
		}
		for _, p := range net.Nodes[i].Ports {
			if p.Kind == analyzers.ToSwitch {
				names = append(names, p.PeerName)
			}
		}
	}
	return names
}

// Losses returns the epoch in the terms of flow sets: by pairs of nodes, what a switch
// dropped being lost between it and itself.
func (e *Epoch) Losses() loss.Epoch {
	out := loss.Epoch{Epoch: e.Number}
	links := map[[2]string]int{}
	link := func(from, to string) *loss.Link {
		i, ok := links[[2]string{from, to}]
		if !ok {
			i = len(out.Links)
			links[[2]string{from, to}] = i
			out.Links = append(out.Links, loss.Link{From: from, To: to})
		}
		return &out.Links[i]
	}
	devices := map[string]int{}
	for i := range e.Links {
		l := &e.Links[i]
		if l.Sent > 0 {
			x := link(l.Node, l.Peer)
			x.Sent += l.Sent
			x.Lost += l.Lost
			x.Flows += int(l.Flows.Wire)
		}
		if l.Dropped > 0 {
			x := link(l.Node, l.Node)
			x.Sent += l.Sent + l.Dropped
			x.Lost += l.Dropped
			x.Flows += int(l.Flows.Queue + l.Flows.Switch)
		}
		d, ok := devices[l.Node]
		if !ok {
			d = len(out.Devices)
			devices[l.Node] = d
			out.Devices = append(out.Devices, loss.Device{Node: l.Node})
		}
		out.Devices[d].Sent += l.Sent
		out.Devices[d].Queue += l.Dropped
		out.Devices[d].Wire += l.Lost
	}
	slices.SortFunc(out.Links, func(a, b loss.Link) int {
		return cmp.Or(cmp.Compare(b.Lost, a.Lost), cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To))
	})
	for i := range e.Flows {
		f := &e.Flows[i]
		k, ok := keyOf(&f.Flow)
		if !ok {
			continue
		}
		to := f.Peer
		if f.Place != Wire {
			to = f.Node
		}
		out.Flows = append(out.Flows, loss.Flow{Key: k, KeyBytes: flowset.KeyVNI6, From: f.Node, To: to, Sent: f.Sent, Lost: f.Lost})
	}
	for i := range e.Anomalies {
		a := &e.Anomalies[i]
		if k, ok := keyOf(&a.Flow); ok {
			out.Anomalies = append(out.Anomalies, loss.Anomaly{Kind: a.Kind, Key: k, KeyBytes: flowset.KeyVNI6, Nodes: a.Nodes, Packets: a.Packets})
		}
	}
	out.Undecided = int(e.Doubt)
	return out
}
