package block

import (
	"cmp"
	"slices"

	"github.com/telltale-net/telltale/collector/postcard"
)

// packetBits is what a packet id takes of a key of Encoder.order; above is the flow.
const packetBits = 16

// survey goes over the records once, in the order in which they came: it fills in the
// header's ranges, Received rounded down to a unit, numbers the flows, finds out when
// records were received, and returns the unit of all node times, ns.
func (e *Encoder) survey(records []postcard.Record, h *Header, receivedUnit int64) uint64 {
	*h = Header{Records: len(records), Low: 1<<64 - 1}
	e.tenants.reset(len(records))
	e.order.reset()
	e.ticks, e.began, e.instants = e.ticks[:0], e.began[:0], e.instants[:0]
	unit, ordered := uint64(1000), true
	var received, tick int64
	for i := range records {
		r := &records[i]
		if i == 0 || r.Received != received {
			received = r.Received
			if t := floorDiv(received, receivedUnit); i == 0 || t != tick {
				ordered = ordered && (i == 0 || t > tick)
				tick = t
				e.instants = append(e.instants, t)
			}
		}
		e.ticks = append(e.ticks, tick)
		began := uint64(0)
		if r.Has&postcard.HasIngress != 0 {
			began = r.Ingress
			h.Low, h.High = min(h.Low, began), max(h.High, began)
		}
		e.began = append(e.began, began)
		if unit != 1 && (r.Ingress%1000 != 0 || r.Egress%1000 != 0) {
			unit = 1
		}
		h.MaxQueue = max(h.MaxQueue, r.QueueDepth)
		h.MaxLatency = max(h.MaxLatency, r.Latency)
		h.Flags |= r.Flags
		h.Has |= r.Has
		e.order.add(uint64(e.tenants.index(r))<<packetBits|uint64(r.PacketID), i)
	}
	if !ordered {
		slices.Sort(e.instants)
		e.instants = slices.Compact(e.instants)
	}
	h.First, h.Last = e.instants[0]*receivedUnit, e.instants[len(e.instants)-1]*receivedUnit
	at := 0
	for i, t := range e.ticks {
		if t != e.instants[at] {
			at, _ = find(e.instants, at, t)
		}
		e.ticks[i] = int64(at)
	}
	return unit
}

// arrange puts the records into the order of the walk: by flow, packet and time.
func (e *Encoder) arrange() {
	e.order.sort()
	list := e.order.list
	for from, to := 0, 0; from < len(list); from = to {
		for to = from + 1; to < len(list) && list[to].key == list[from].key; to++ {
		}
		if to-from > 1 {
			e.byBegin(list[from:to])
		}
	}
}

// few is how many records are sorted by inserting each: most packets have no more.
const few = 32

// byBegin sorts the records of one packet by Ingress, stably.
func (e *Encoder) byBegin(list []keyed) {
	if len(list) > few {
		slices.SortStableFunc(list, func(a, b keyed) int { return cmp.Compare(e.began[a.index], e.began[b.index]) })
		return
	}
	for i := 1; i < len(list); i++ {
		k := list[i]
		t, j := e.began[k.index], i
		for ; j > 0 && e.began[list[j-1].index] > t; j-- {
			list[j] = list[j-1]
		}
		list[j] = k
	}
}
