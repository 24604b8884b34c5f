package model

import (
	"cmp"
	"maps"
	"slices"

	"github.com/telltale-net/telltale/collector/gnmi/tree"
	"github.com/telltale-net/telltale/collector/postcard"
)

// Aggregates sum up records by node, port and queue in bounded memory. It is not safe
// for concurrent use.
type Aggregates struct {
	limit   int
	queues  map[queueKey]*queue
	unknown uint64
}

type queueKey struct {
	node  postcard.NodeID
	port  uint32
	queue uint8
}

type queue struct {
	postcards, dropped, congested, octets uint64
	latencies, latencySum                 uint64
	latencyMin, latencyMax                uint32
	depths, depthSum                      uint64
	depthMax                              uint32
	reasons                               map[uint8]uint64 // of dropped packets; at most 256
}

// NewAggregates returns empty aggregates of at most limit queues.
func NewAggregates(limit int) *Aggregates {
	return &Aggregates{limit: limit, queues: map[queueKey]*queue{}}
}

// Observe adds records.
func (a *Aggregates) Observe(batch []postcard.Record) {
	for i := range batch {
		r := &batch[i]
		key := queueKey{r.Node, r.OutPort, r.Queue}
		q := a.queues[key]
		if q == nil {
			if len(a.queues) >= a.limit {
				a.unknown++
				continue
			}
			q = &queue{}
			a.queues[key] = q
		}
		q.add(r)
	}
}

// Uncounted returns how many records are in no queue because the limit is reached.
func (a *Aggregates) Uncounted() uint64 { return a.unknown }

func (q *queue) add(r *postcard.Record) {
	q.postcards++
	if r.Lost() {
		q.dropped++
		if r.Has&postcard.HasDropReason != 0 {
			if q.reasons == nil {
				q.reasons = map[uint8]uint64{}
			}
			q.reasons[r.DropReason]++
		}
	}
	if r.Flags&postcard.Congested != 0 {
		q.congested++
	}
	if r.Has&postcard.HasLength != 0 {
		q.octets += uint64(r.Length)
	}
	if r.Has&postcard.HasLatency != 0 {
		if q.latencies == 0 || r.Latency < q.latencyMin {
			q.latencyMin = r.Latency
		}
		q.latencyMax = max(q.latencyMax, r.Latency)
		q.latencies++
		q.latencySum += uint64(r.Latency)
	}
	if r.Has&postcard.HasQueue != 0 {
		q.depths++
		q.depthSum += uint64(r.QueueDepth)
		q.depthMax = max(q.depthMax, r.QueueDepth)
	}
}

func (a *Aggregates) keys() []queueKey {
	return slices.SortedFunc(maps.Keys(a.queues), func(x, y queueKey) int {
		return cmp.Or(cmp.Compare(x.node, y.node), cmp.Compare(x.port, y.port), cmp.Compare(x.queue, y.queue))
	})
}

// Batch returns telltale:/nodes. reason names a drop reason, "" where it has no name.
func (a *Aggregates) Batch(target string, reason func(uint8) string) Batch {
	b := Batch{}
	root := b.at(target, Telltale, tree.E("nodes"))
	b.Below = []tree.Path{root.path}
	last := queueKey{}
	for i, k := range a.keys() {
		q := a.queues[k]
		node := root.below(tree.E("node", "id", decimal(k.node)))
		if i == 0 || k.node != last.node {
			node.below(state).set("id", tree.Number(uint32(k.node)))
		}
		port := node.below(tree.E("ports"), tree.E("port", "number", decimal(k.port)))
		if i == 0 || k.node != last.node || k.port != last.port {
			port.below(state).set("number", tree.Number(k.port))
		}
		last = k
		at := port.below(tree.E("queues"), tree.E("queue", "number", decimal(k.queue)))
		q.put(at.below(state), k.queue)
		for _, number := range slices.Sorted(maps.Keys(q.reasons)) {
			r := at.below(tree.E("drop-reasons"), tree.E("drop-reason", "number", decimal(number)), state)
			r.set("number", tree.Number(uint32(number)))
			if name := reason(number); name != "" {
				r.set("name", tree.Text(name))
			}
			r.count("packets", q.reasons[number])
		}
	}
	return b
}

func (q *queue) put(s at, number uint8) {
	s.set("number", tree.Number(uint32(number)))
	s.count("postcards", q.postcards)
	s.count("dropped", q.dropped)
	s.count("congested", q.congested)
	s.count("octets", q.octets)
	if q.latencies > 0 {
		s.count("latency-count", q.latencies)
		s.count("latency-sum", q.latencySum)
		s.set("latency-min", tree.Uint(uint64(q.latencyMin)))
		s.set("latency-max", tree.Uint(uint64(q.latencyMax)))
	}
	if q.depths > 0 {
		s.count("queue-depth-count", q.depths)
		s.count("queue-depth-sum", q.depthSum)
		s.set("queue-depth-max", tree.Number(q.depthMax))
	}
}

// Drops returns the dropped packets by node and reason, for [Device.Drops].
func (a *Aggregates) Drops() map[postcard.NodeID]map[uint8]uint64 {
	all := map[postcard.NodeID]map[uint8]uint64{}
	for k, q := range a.queues {
		for reason, n := range q.reasons {
			if all[k.node] == nil {
				all[k.node] = map[uint8]uint64{}
			}
			all[k.node][reason] += n
		}
	}
	return all
}
