package series

import (
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// FlowSets are the sums over epochs of what a network lost.
type FlowSets struct {
	Links      []FlowSetLink
	Looping    map[string]uint64 // packets, by node
	Fates      []Named           // packets that were looked at; empty = they were not looked at one by one
	Complete   uint64            // epochs
	Incomplete uint64
	Causes     []Named // of the latter
	Late       uint64  // reports
	Coverage   float64 // share of packets whose fate is known, 0…1
}

// Named is a count with a name.
type Named struct {
	Name  string
	Count uint64
}

// FlowSetLink is the sums of a link.
type FlowSetLink struct {
	Node, Peer                         string
	Port                               uint32 // where HasPort
	HasPort                            bool
	Sent, Wire, Queue, Switch          uint64 // packets sent, and lost by place
	Doubt                              uint64
	WireFlows, QueueFlows, SwitchFlows uint64
	Blackholes                         uint64
}

// WriteFlowSets writes all series of flow sets in the Prometheus text format. A link has
// those of places where it lost something, and of the wire where it sent something. The
// error is of w.
func WriteFlowSets(w io.Writer, s *FlowSets) error {
	p := &printer{w: w}
	labels := make([]string, len(s.Links))
	for i := range s.Links {
		l := &s.Links[i]
		var b strings.Builder
		label(&b, "node", l.Node)
		if l.HasPort {
			label(&b, "port", strconv.FormatUint(uint64(l.Port), 10))
		}
		label(&b, "peer", l.Peer)
		labels[i] = b.String()
	}
	each := func(family int, value func(*FlowSetLink) (uint64, bool)) {
		p.family(family)
		for i := range s.Links {
			if v, ok := value(&s.Links[i]); ok {
				p.put("", labels[i], v)
			}
		}
	}
	places := func(family int, values func(*FlowSetLink) [3]uint64) {
		p.family(family)
		for i := range s.Links {
			for place, v := range values(&s.Links[i]) {
				if v > 0 || place == 0 && s.Links[i].Sent > 0 {
					p.put("", labels[i]+`,place="`+[3]string{"wire", "queue", "switch"}[place]+`"`, v)
				}
			}
		}
	}
	each(linkPackets, func(l *FlowSetLink) (uint64, bool) { return l.Sent, l.Sent > 0 })
	places(linkLost, func(l *FlowSetLink) [3]uint64 { return [3]uint64{l.Wire, l.Queue, l.Switch} })
	each(linkDoubt, func(l *FlowSetLink) (uint64, bool) { return l.Doubt, l.Sent > 0 })
	places(linkFlows, func(l *FlowSetLink) [3]uint64 { return [3]uint64{l.WireFlows, l.QueueFlows, l.SwitchFlows} })
	each(blackholes, func(l *FlowSetLink) (uint64, bool) { return l.Blackholes, l.Sent > 0 })
	p.family(looping)
	for _, node := range slices.Sorted(maps.Keys(s.Looping)) {
		var b strings.Builder
		label(&b, "node", node)
		p.put("", b.String(), s.Looping[node])
	}
	named := func(family int, name string, all []Named) {
		p.family(family)
		for _, n := range all {
			p.put("", name+`="`+n.Name+`"`, n.Count)
		}
	}
	named(followed, "fate", s.Fates)
	named(epochs, "state", []Named{{"complete", s.Complete}, {"incomplete", s.Incomplete}})
	named(incomplete, "cause", s.Causes)
	p.family(late)
	p.put("", "", s.Late)
	p.family(coverage)
	p.start("", "")
	p.end(strconv.AppendFloat(p.buf, s.Coverage, 'g', -1, 64))
	p.flush()
	return p.err
}
