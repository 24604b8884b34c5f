package postcards

import (
	"cmp"
	"slices"
)

// Totals are sums over epochs: estimates where packets were sampled, each one that was
// looked at standing for OneIn.
type Totals struct {
	Epochs     uint64              // that were judged
	Incomplete uint64              // of them
	Causes     [len(causes)]uint64 // why, by the order of AllCauses: an epoch may have several
	Packets    uint64              // that were looked at, as are the next ones
	Delivered  uint64
	Lost       uint64
	Dropped    uint64
	Doubt      uint64
	Unknown    uint64
	Loops      map[string]uint64 // packets that went round, by the nodes of their circles

	links map[linkKey]*LinkTotal
}

// LinkTotal is the sums of a link.
type LinkTotal struct {
	Link              // Flows: of every epoch anew
	Blackholes uint64 `json:"blackholes,omitempty"` // flows of which nothing got over any more
}

type linkKey struct {
	node, peer string
	port       uint32
}

// Add adds an epoch.
func (t *Totals) Add(e *Epoch) {
	if t.links == nil {
		t.links, t.Loops = map[linkKey]*LinkTotal{}, map[string]uint64{}
	}
	t.Epochs++
	if !e.Complete() {
		t.Incomplete++
	}
	missing := e.Missing
	if e.OneIn > 1 {
		missing |= Sampling
	}
	for i := range t.Causes {
		if missing.Has(i) {
			t.Causes[i]++
		}
	}
	t.Packets += e.Packets
	t.Delivered += e.Delivered
	t.Lost += e.Lost
	t.Dropped += e.Dropped
	t.Doubt += e.Doubt
	t.Unknown += e.Unknown
	for i := range e.Links {
		l, n := &e.Links[i], e.OneIn
		x := t.link(linkKey{l.Node, l.Peer, l.Port})
		x.Sent += n * l.Sent
		x.Lost += n * l.Lost
		x.Doubt += n * l.Doubt
		x.Unreported += n * l.Unreported
		x.Dropped += n * l.Dropped
		x.Queue += n * l.Queue
		x.Flows.Wire += l.Flows.Wire
		x.Flows.Queue += l.Flows.Queue
		x.Flows.Switch += l.Flows.Switch
	}
	for i := range e.Anomalies {
		a := &e.Anomalies[i]
		switch {
		case a.Kind == "loop":
			for _, n := range a.Nodes {
				t.Loops[n] += e.OneIn * a.Packets
			}
		case a.New:
			t.link(linkKey{a.Nodes[0], a.Nodes[1], a.Port}).Blackholes++
		}
	}
}

func (t *Totals) link(k linkKey) *LinkTotal {
	x := t.links[k]
	if x == nil {
		x = &LinkTotal{Link: Link{Node: k.node, Peer: k.peer, Port: k.port}}
		t.links[k] = x
	}
	return x
}

// Links returns the sums of the links, by node and port.
func (t *Totals) Links() []LinkTotal {
	out := make([]LinkTotal, 0, len(t.links))
	for _, l := range t.links {
		out = append(out, *l)
	}
	slices.SortFunc(out, func(a, b LinkTotal) int { return cmp.Or(cmp.Compare(a.Node, b.Node), cmp.Compare(a.Port, b.Port)) })
	return out
}

// Coverage is the share of the packets that were looked at whose fate is known; of none, 1.
func (t *Totals) Coverage() float64 {
	if t.Packets == 0 {
		return 1
	}
	return float64(t.Delivered+t.Lost+t.Dropped) / float64(t.Packets)
}

// Account is what became of the packets, and what that rests on.
type Account struct {
	Stats
	Packets    uint64            `json:"packets"`
	Delivered  uint64            `json:"delivered"`
	Lost       uint64            `json:"lost"`
	Dropped    uint64            `json:"dropped"`
	Doubt      uint64            `json:"doubt"`
	Unknown    uint64            `json:"unknown,omitempty"` // went where nobody reports
	Epochs     uint64            `json:"epochs"`
	Incomplete uint64            `json:"incomplete"` // of them
	Causes     map[string]uint64 `json:"causes,omitempty"`
	Looping    map[string]uint64 `json:"looping,omitempty"` // packets that went round, by node
}

// Account returns the sums beside what the postcards were.
func (t *Totals) Account(s Stats) Account {
	a := Account{
		Stats: s, Packets: t.Packets, Delivered: t.Delivered, Lost: t.Lost, Dropped: t.Dropped, Doubt: t.Doubt, Unknown: t.Unknown,
		Epochs: t.Epochs, Incomplete: t.Incomplete, Looping: t.Loops,
	}
	for i, n := range t.Causes {
		if n > 0 {
			if a.Causes == nil {
				a.Causes = map[string]uint64{}
			}
			a.Causes[causes[i]] = n
		}
	}
	return a
}
