package model

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/telltale-net/telltale/collector/gnmi/tree"
	"github.com/telltale-net/telltale/collector/postcard"
)

// Join holds what a device says of its packets against what its postcards say: per port,
// per queue and per drop counter, from the first moment that the device is heard on.
//
// A count of the device and one of the postcards are taken together whenever the device
// has told its own anew, so that they are at most a refresh of the collector apart, plus
// what is on its way: a difference of some packets comes and goes and does not grow. A
// counter that goes down begins anew, and so does what it is compared with.
//
// A port is found by the interface's P4Runtime id (openconfig-p4rt), else its ifindex,
// else its name where that is a number; a queue by the digits at the end of its name,
// where no other queue of the port has the same.
//
// The zero Join is ready.
type Join struct {
	ports  map[string]*joined // by interface
	queues map[[2]string]*joined
	drops  map[string]*joined // by OpenConfig's counter
}

// joined is two counts since a moment.
type joined struct {
	number         uint32
	since, at      int64 // ns: of the first sums, and of the device's latest
	first, last    sums
	packets, drops bool // the device tells them
}

// sums are counts of the device and of postcards.
type sums struct{ packets, drops, postcards, dropped uint64 }

// Agreement is what a device and its postcards say of the same packets.
type Agreement struct {
	Since                     int64   // ns since 1970
	Packets, Postcards        *uint64 // sent, by the device and by postcards; nil = the device does not tell
	Drops, Dropped            *uint64 // dropped, likewise
	Interface, Queue, Counter string
	Number                    uint32 // of the port, or of the queue
}

// Coverage returns Postcards by Packets; false where there are no packets.
func (a *Agreement) Coverage() (float64, bool) {
	if a.Packets == nil || *a.Packets == 0 {
		return 0, false
	}
	return float64(*a.Postcards) / float64(*a.Packets), true
}

// Unreported returns the drops that no postcard told of, negative where postcards are
// ahead of the device; false where the device tells none.
func (a *Agreement) Unreported() (int64, bool) {
	if a.Drops == nil {
		return 0, false
	}
	return int64(*a.Drops - *a.Dropped), true
}

// deviceCounts is what the tree holds of a port, a queue or a drop counter.
type deviceCounts struct {
	time                 int64
	id, ifindex          uint32
	hasID, hasIndex      bool
	packets, drops       uint64
	hasPackets, hasDrops bool
	parts                uint64 // unicast, multicast and broadcast packets
	hasParts             bool
}

// Step compares what the tree holds of a target with the sums of a node's postcards, at
// a time (ns since 1970).
func (j *Join) Step(now int64, t *tree.Tree, target string, node postcard.NodeID, p *Postcards) {
	ports, queues, drops := readDevice(t, target)
	if j.ports == nil {
		j.ports, j.queues, j.drops = map[string]*joined{}, map[[2]string]*joined{}, map[string]*joined{}
	}
	byPort, byQueue, byDrop := map[uint32]sums{}, map[[2]uint32]sums{}, map[string]uint64{}
	for i := range p.Queues {
		q := &p.Queues[i]
		if q.Node != node {
			continue
		}
		s := sums{postcards: q.Postcards - q.Dropped, dropped: q.Dropped}
		byQueue[[2]uint32{q.Port, uint32(q.Queue)}] = s
		port := byPort[q.Port]
		port.postcards += s.postcards
		port.dropped += s.dropped
		byPort[q.Port] = port
		for _, r := range q.Reasons {
			block, leaf := DropLeaf(r.Reason)
			if leaf != "" {
				byDrop[leaf] += r.Packets
			}
			if block == Lookup {
				byDrop["lookup-aggregate"] += r.Packets
			}
		}
	}
	number := map[string]uint32{}
	for name, d := range ports {
		if n, ok := portNumber(name, d); ok {
			number[name] = n
			step(j.ports, name, n, now, d, byPort[n])
		}
	}
	for k, n := range queueNumbers(queues) {
		if port, ok := number[k[0]]; ok {
			step(j.queues, k, n, now, queues[k], byQueue[[2]uint32{port, n}])
		}
	}
	for name, d := range drops {
		step(j.drops, name, 0, now, d, sums{dropped: byDrop[name]})
	}
	forget(j.ports, ports)
	forget(j.queues, queues)
	forget(j.drops, drops)
}

func forget[K comparable](have map[K]*joined, said map[K]*deviceCounts) {
	maps.DeleteFunc(have, func(k K, _ *joined) bool { return said[k] == nil })
}

func step[K comparable](all map[K]*joined, k K, number uint32, now int64, d *deviceCounts, s sums) {
	switch {
	case d.hasPackets:
		s.packets = d.packets
	case d.hasParts:
		s.packets = d.parts
	}
	s.drops = d.drops
	e := all[k]
	if e == nil || e.number != number || s.packets < e.last.packets || s.drops < e.last.drops ||
		e.packets != (d.hasPackets || d.hasParts) || e.drops != d.hasDrops {
		all[k] = &joined{number: number, since: now, at: d.time, first: s, last: s, packets: d.hasPackets || d.hasParts, drops: d.hasDrops}
		return
	}
	if d.time != e.at {
		e.at, e.last = d.time, s
	}
}

// portNumber returns the number of a port in postcards.
func portNumber(name string, d *deviceCounts) (uint32, bool) {
	switch {
	case d.hasID:
		return d.id, true
	case d.hasIndex:
		return d.ifindex, true
	}
	n, err := strconv.ParseUint(name, 10, 32)
	return uint32(n), err == nil
}

// queueNumbers returns the numbers of the queues whose names tell one.
func queueNumbers(queues map[[2]string]*deviceCounts) map[[2]string]uint32 {
	type place struct {
		port  string
		queue uint32
	}
	out := map[[2]string]uint32{}
	names := map[place]int{}
	for k := range queues {
		digits := k[1][len(strings.TrimRight(k[1], "0123456789")):]
		n, err := strconv.ParseUint(digits, 10, 8)
		if err != nil {
			continue
		}
		out[k] = uint32(n)
		names[place{k[0], uint32(n)}]++
	}
	maps.DeleteFunc(out, func(k [2]string, n uint32) bool { return names[place{k[0], n}] > 1 })
	return out
}

// readDevice returns what the tree holds of a target's ports by interface, queues by
// interface and name, and drop counters by name, summed over components.
func readDevice(t *tree.Tree, target string) (ports map[string]*deviceCounts, queues map[[2]string]*deviceCounts, drops map[string]*deviceCounts) {
	ports, queues, drops = map[string]*deviceCounts{}, map[[2]string]*deviceCounts{}, map[string]*deviceCounts{}
	for _, s := range t.Select(tree.Path{Target: target, Origin: OpenConfig}) {
		e := s.Unit.Path.Elems
		n := s.Leaves[0].Value.Bits()
		name := e[len(e)-1].Name
		switch {
		case len(e) >= 4 && e[0].Name == "interfaces":
			d := countsOf(ports, e[1].Keys[0].Value)
			switch name {
			case "id":
				d.id, d.hasID = uint32(n), true
			case "ifindex":
				d.ifindex, d.hasIndex = uint32(n), true
			case "out-pkts":
				d.packets, d.hasPackets, d.time = n, true, max(d.time, s.Time)
			case "out-unicast-pkts", "out-multicast-pkts", "out-broadcast-pkts":
				d.parts, d.hasParts, d.time = d.parts+n, true, max(d.time, s.Time)
			case "out-discards":
				d.drops, d.hasDrops, d.time = n, true, max(d.time, s.Time)
			}
		case len(e) == 8 && e[0].Name == "qos":
			d := countsOf(queues, [2]string{e[2].Keys[0].Value, e[5].Keys[0].Value})
			switch name {
			case "transmit-pkts":
				d.packets, d.hasPackets, d.time = n, true, max(d.time, s.Time)
			case "dropped-pkts":
				d.drops, d.hasDrops, d.time = n, true, max(d.time, s.Time)
			}
		case len(e) == 8 && e[0].Name == "components" && e[6].Name == "state":
			d := countsOf(drops, name)
			d.drops, d.hasDrops, d.time = d.drops+n, true, max(d.time, s.Time)
		}
	}
	maps.DeleteFunc(ports, func(_ string, d *deviceCounts) bool { return !d.hasPackets && !d.hasParts && !d.hasDrops })
	maps.DeleteFunc(queues, func(_ [2]string, d *deviceCounts) bool { return !d.hasPackets && !d.hasDrops })
	return ports, queues, drops
}

func countsOf[K comparable](m map[K]*deviceCounts, k K) *deviceCounts {
	d := m[k]
	if d == nil {
		d = &deviceCounts{}
		m[k] = d
	}
	return d
}

// Ports, Queues and Drops return what was compared, in order.
func (j *Join) Ports() []Agreement {
	return agreements(j.ports, strings.Compare, func(a *Agreement, k string) { a.Interface = k })
}

// Queues is [Join.Ports] by queue.
func (j *Join) Queues() []Agreement {
	return agreements(j.queues, func(a, b [2]string) int { return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1])) },
		func(a *Agreement, k [2]string) { a.Interface, a.Queue = k[0], k[1] })
}

// Drops is [Join.Ports] by drop counter of the pipeline.
func (j *Join) Drops() []Agreement {
	return agreements(j.drops, strings.Compare, func(a *Agreement, k string) { a.Counter = k })
}

func agreements[K comparable](m map[K]*joined, order func(a, b K) int, name func(*Agreement, K)) []Agreement {
	out := make([]Agreement, 0, len(m))
	for _, k := range slices.SortedFunc(maps.Keys(m), order) {
		e := m[k]
		a := Agreement{Since: e.since, Number: e.number}
		name(&a, k)
		if e.packets {
			sent, told := e.last.packets-e.first.packets, e.last.postcards-e.first.postcards
			a.Packets, a.Postcards = &sent, &told
		}
		if e.drops {
			dropped, told := e.last.drops-e.first.drops, e.last.dropped-e.first.dropped
			a.Drops, a.Dropped = &dropped, &told
		}
		out = append(out, a)
	}
	return out
}
