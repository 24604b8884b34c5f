package chain

import (
	"container/heap"
	"testing"
	"time"
)

// event is something that happens in the oracle: a packet arrives at a node, or a
// node's server looks at its queue.
type event struct {
	at     int64
	poll   bool // after all arrivals of the instant
	node   int  // where
	from   int  // where an arrival comes from
	order  int  // among those from there
	packet uint32
}

type events []event

func (e events) Len() int      { return len(e) }
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e events) Less(i, j int) bool {
	a, b := e[i], e[j]
	switch {
	case a.at != b.at:
		return a.at < b.at
	case a.poll != b.poll:
		return b.poll
	case a.node != b.node:
		return a.node < b.node
	case a.from != b.from:
		return a.from < b.from
	}
	return a.order < b.order
}
func (e *events) Push(x any) { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	old := *e
	x := old[len(old)-1]
	*e = old[:len(old)-1]
	return x
}

// oracle simulates with one global queue of events and one packet at a time.
func oracle(r *run) []Log {
	logs := make([]Log, len(r.g.nodes))
	row := make([]map[uint32]int, len(logs))
	queues := make([][]uint32, len(logs))
	busy := make([]int64, len(logs)) // until
	polling := make([]bool, len(logs))
	stalls := make([][]interval, len(logs))
	order := 0
	var todo events
	emit := func(n int, at int64, p uint32) {
		m := r.g.after(&r.o.paths[r.o.flow[p]], r.g.nodes[n].Stage)
		if m >= 0 {
			order++
			heap.Push(&todo, event{at: at + r.g.delay[n][m], node: m, from: n, order: order, packet: p})
		}
	}
	for n := range logs {
		row[n] = map[uint32]int{}
		stalls[n] = r.stalls(n, 0)
		if r.g.nodes[n].IsSource() {
			logs[n] = r.source(n, 0, forever)
			for i, p := range logs[n].Packet {
				emit(n, logs[n].Depart[i], p)
			}
		}
	}
	// works returns when the server, idle at t, can begin; it steps through the stalls.
	works := func(n int, t int64) int64 {
		for _, s := range stalls[n] {
			if s.from <= t && t < s.to {
				t = s.to
			}
		}
		return t
	}
	for todo.Len() > 0 {
		e := heap.Pop(&todo).(event)
		n := e.node
		l := &logs[n]
		if !e.poll {
			row[n][e.packet] = l.Len()
			l.Packet = append(l.Packet, e.packet)
			l.Arrive = append(l.Arrive, e.at)
			l.Start = append(l.Start, Lost)
			l.Depart = append(l.Depart, Lost)
			if len(queues[n]) >= r.cfg.Queue {
				continue
			}
			queues[n] = append(queues[n], e.packet)
			if !polling[n] {
				polling[n] = true
				heap.Push(&todo, event{at: works(n, max(e.at, busy[n])), poll: true, node: n})
			}
			continue
		}
		k := min(r.cfg.Batch, len(queues[n]))
		t := e.at
		for _, p := range queues[n][:k] {
			for left := r.service(n, p); left > 0; {
				// Work until the next stall begins, then step over it.
				t = works(n, t)
				next := forever
				for _, s := range stalls[n] {
					if s.from > t {
						next = s.from
						break
					}
				}
				step := min(left, next-t)
				t += step
				left -= step
			}
		}
		for _, p := range queues[n][:k] {
			l.Start[row[n][p]], l.Depart[row[n][p]] = e.at, t
			emit(n, t, p)
		}
		queues[n] = queues[n][k:]
		busy[n] = t
		polling[n] = len(queues[n]) > 0
		if polling[n] {
			heap.Push(&todo, event{at: works(n, t), poll: true, node: n})
		}
	}
	return logs
}

func TestOracle(t *testing.T) {
	for seed := range uint64(6) {
		c := small(t, seed)
		c.Duration = 15 * time.Millisecond
		c.Problems = nil
		m := PaperMix(1)
		m.Together = 3
		if seed%2 == 1 {
			c.Queue = 128 // so that packets are lost
		}
		ps, err := c.Draw(m)
		if err != nil {
			t.Fatal(err)
		}
		c.Problems = ps
		tr := simulate(t, c)
		want := oracle(tr.run)
		for n := range want {
			a, b := &tr.Logs[n], &want[n]
			if a.Len() != b.Len() {
				t.Fatalf("seed %d: %s has %d rows, want %d", seed, tr.Nodes[n].Name, a.Len(), b.Len())
			}
			for i := range a.Packet {
				if a.Packet[i] != b.Packet[i] || a.Arrive[i] != b.Arrive[i] || a.Start[i] != b.Start[i] || a.Depart[i] != b.Depart[i] {
					t.Fatalf("seed %d: %s row %d: got packet %d %d %d %d, want %d %d %d %d", seed, tr.Nodes[n].Name, i,
						a.Packet[i], a.Arrive[i], a.Start[i], a.Depart[i], b.Packet[i], b.Arrive[i], b.Start[i], b.Depart[i])
				}
			}
		}
	}
}
