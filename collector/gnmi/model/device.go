package model

import (
	"maps"
	"slices"

	"github.com/telltale-net/telltale/collector/gnmi/tree"
)

// Device is what is known of one switch by OpenConfig's models. A nil counter was not
// reported.
type Device struct {
	Target     string // its name
	Interfaces []Interface
	Queues     []Queue
	Drops      []Drop
}

// Interface is an interface and its counters.
type Interface struct {
	Name                                          string
	Index                                         uint32 // 0 = not known
	InOctets, InPackets, InDiscards, InErrors     *uint64
	OutOctets, OutPackets, OutDiscards, OutErrors *uint64
}

// Queue is an output queue of an interface. Lengths are bytes.
type Queue struct {
	Interface, Name                                string
	Packets, Octets, DroppedPackets, DroppedOctets *uint64
	MaxLength, AverageLength                       *uint64
}

// Block is a part of a pipeline.
type Block uint8

// The blocks that drop packets.
const (
	Lookup Block = iota
	Queueing
)

// Drop is the packets that a pipeline dropped for one reason.
type Drop struct {
	Reason  string // its name
	Block   Block
	Leaf    string // OpenConfig's counter that it is a part of, "" = none; see DropLeaf
	Packets uint64
}

// DropLeaf returns the block and the OpenConfig counter that a drop reason, by its
// number in p4src/include/drop_reasons.p4, is a part of.
func DropLeaf(reason uint8) (Block, string) {
	switch reason {
	case 29, 128, 129: // no route, mapping or VNI
		return Lookup, "no-route"
	case 132:
		return Lookup, "no-nexthop"
	case 26, 31, 133, 134:
		return Lookup, "invalid-packet"
	case 50:
		return Lookup, "fragment-total-drops"
	case 60:
		return Lookup, "acl-drops"
	case 130, 131, 135, 40:
		return Lookup, "forwarding-policy"
	case 51:
		return Queueing, "memory-limit"
	}
	return Lookup, ""
}

// Component is the name of the component that stands for a switch's pipeline.
const Component = "pipeline"

// Devices returns the openconfig data of switches, which is all that their targets have.
func Devices(devices []Device) Batch {
	b := Batch{}
	for i := range devices {
		d := &devices[i]
		root := b.at(d.Target, OpenConfig)
		b.Below = append(b.Below, root.path)
		for j := range d.Interfaces {
			d.Interfaces[j].put(root.below(tree.E("interfaces"), tree.E("interface", "name", d.Interfaces[j].Name), state))
		}
		named := map[string]bool{}
		for j := range d.Queues {
			q := &d.Queues[j]
			at := root.below(tree.E("qos"), tree.E("interfaces"), tree.E("interface", "interface-id", q.Interface))
			if !named[q.Interface] {
				named[q.Interface] = true
				at.below(state).set("interface-id", tree.Text(q.Interface))
			}
			q.put(at.below(tree.E("output"), tree.E("queues"), tree.E("queue", "name", q.Name), state))
		}
		if len(d.Drops) > 0 {
			putDrops(root.below(tree.E("components"), tree.E("component", "name", Component)), d.Drops)
		}
	}
	return b
}

func (i *Interface) put(s at) {
	s.set("name", tree.Text(i.Name))
	if i.Index != 0 {
		s.set("ifindex", tree.Number(i.Index))
	}
	c := s.below(tree.E("counters"))
	c.some("in-octets", i.InOctets)
	c.some("in-pkts", i.InPackets)
	c.some("in-discards", i.InDiscards)
	c.some("in-errors", i.InErrors)
	c.some("out-octets", i.OutOctets)
	c.some("out-pkts", i.OutPackets)
	c.some("out-discards", i.OutDiscards)
	c.some("out-errors", i.OutErrors)
}

func (q *Queue) put(s at) {
	s.set("name", tree.Text(q.Name))
	s.some("transmit-pkts", q.Packets)
	s.some("transmit-octets", q.Octets)
	s.some("dropped-pkts", q.DroppedPackets)
	s.some("dropped-octets", q.DroppedOctets)
	if q.MaxLength != nil {
		s.set("max-queue-len", tree.Uint(*q.MaxLength))
	}
	if q.AverageLength != nil {
		s.set("avg-queue-len", tree.Uint(*q.AverageLength))
	}
}

// putDrops sets the counter of every reason by its name, and OpenConfig's sums.
func putDrops(component at, drops []Drop) {
	component.below(state).set("name", tree.Text(Component))
	drop := component.below(tree.E("integrated-circuit"), tree.E("pipeline-counters"), tree.E("drop"))
	blocks := [...]at{Lookup: drop.below(tree.E("lookup-block")), Queueing: drop.below(tree.E("queueing-block"))}
	var sums [len(blocks)]map[string]uint64
	for _, d := range drops {
		c := blocks[d.Block].below(tree.E("counters"), tree.E("counter", "name", d.Reason), state)
		c.set("name", tree.Text(d.Reason))
		c.count("count", d.Packets)
		if sums[d.Block] == nil {
			sums[d.Block] = map[string]uint64{}
		}
		if d.Leaf != "" {
			sums[d.Block][d.Leaf] += d.Packets
		}
		if d.Block == Lookup {
			sums[Lookup]["lookup-aggregate"] += d.Packets
		}
	}
	for b := range blocks {
		for _, leaf := range slices.Sorted(maps.Keys(sums[b])) {
			blocks[b].below(state).count(leaf, sums[b][leaf])
		}
	}
}
