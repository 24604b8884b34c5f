package chain

import (
	"slices"
	"sort"
	"time"
)

// window is a part of a run: the logs from a row on, by node. What left a node before
// from is not in it; rows that arrive after until are not, and those that start after
// it have not been decided.
type window struct {
	from, until int64
	first       []int // row of the whole log that the window's log begins with
	logs        []Log
}

// settle is how long two runs must agree at every node before they count as the same
// from there on.
const settle = 5 * time.Millisecond

// without repeats the run without one problem, from before it until both runs agree.
func (t *Trace) without(problem int) *window {
	p := &t.Config.Problems[problem]
	from := int64(p.At)
	last := from + int64(p.Length)
	for k := t.run.o.first[problem]; k < t.run.o.first[problem+1]; k++ {
		last = max(last, t.run.o.depart[k])
	}
	r := *t.run
	r.without = problem
	end := int64(0)
	for n := range t.Logs {
		if l := &t.Logs[n]; l.Len() > 0 {
			end = max(end, l.Arrive[l.Len()-1], l.Depart[l.Len()-1])
		}
	}
	for span := int64(20 * time.Millisecond); ; span *= 2 {
		w := r.rerun(t.Logs, from, last+span)
		if w.until >= end || t.agrees(w) {
			return w
		}
	}
}

// rerun repeats a run over [from, until], given the logs of the whole one. What left a
// node before from is taken as it was.
func (r *run) rerun(whole []Log, from, until int64) *window {
	w := &window{from: from, until: until, first: make([]int, len(whole)), logs: make([]Log, len(whole))}
	feeds := make([][]feed, len(whole))
	for n := range feeds {
		feeds[n] = make([]feed, len(whole))
	}
	for n := range whole {
		all := &whole[n]
		if r.g.nodes[n].IsSource() {
			w.first[n] = sort.Search(all.Len(), func(i int) bool { return all.Arrive[i] >= from })
			w.logs[n] = r.source(n, from, until+1)
			r.send(n, &w.logs[n], feeds)
			continue
		}
		first, free := resume(all, from)
		w.first[n] = first
		known := first
		stage := r.g.nodes[n].Stage
		// Arrivals that had left the node before by then, by sender; they come before
		// whatever the sender sends in the window.
		old := make([]feed, len(whole))
		lost := make([]bool, 0, 64)
		for ; known < all.Len(); known++ {
			m := r.g.before(&r.o.paths[r.o.flow[all.Packet[known]]], stage)
			if all.Arrive[known] >= from+r.g.delay[m][n] {
				if all.Arrive[known] >= from+int64(r.cfg.Link.Delay+r.cfg.Link.Spread) {
					break
				}
				continue
			}
			old[m].at = append(old[m].at, all.Arrive[known])
			old[m].packet = append(old[m].packet, all.Packet[known])
			if all.Arrive[known] < from {
				lost = append(lost, all.Depart[known] == Lost)
			}
		}
		for m := range old {
			if len(old[m].at) > 0 {
				feeds[n][m].at = append(old[m].at, feeds[n][m].at...)
				feeds[n][m].packet = append(old[m].packet, feeds[n][m].packet...)
			}
		}
		w.logs[n] = merge(feeds[n], until)
		feeds[n] = nil
		r.server(n, free).serve(&w.logs[n], free, from, lost)
		r.send(n, &w.logs[n], feeds)
	}
	return w
}

// resume returns the first row that had not left by the given time, and when the
// server had become free before it.
func resume(l *Log, from int64) (first int, free int64) {
	i := sort.Search(l.Len(), func(i int) bool { return l.Arrive[i] >= from })
	first = i
	for i--; i >= 0; i-- {
		switch d := l.Depart[i]; {
		case d == Lost:
		case d < from:
			return first, d
		default:
			first = i
		}
	}
	return first, 0
}

// agrees reports whether the window's run ends in the same state as the whole run.
func (t *Trace) agrees(w *window) bool {
	since := w.until - int64(settle)
	for n := range t.Logs {
		all, part := &t.Logs[n], &w.logs[n]
		a := all.slice(w.first[n], all.Len())
		hi := sort.Search(a.Len(), func(i int) bool { return a.Arrive[i] > w.until })
		i, j := hi-1, part.Len()-1
		for ; ; i, j = i-1, j-1 {
			recentA := i >= 0 && (a.Arrive[i] >= since || a.Start[i] >= since)
			recentB := j >= 0 && (part.Arrive[j] >= since || part.Start[j] >= since)
			if !recentA && !recentB {
				break
			}
			if i < 0 || j < 0 || a.Packet[i] != part.Packet[j] || a.Arrive[i] != part.Arrive[j] {
				return false
			}
			// What starts later than the window's end is not decided in it.
			if (a.Start[i] <= w.until || part.Start[j] <= w.until) && (a.Start[i] != part.Start[j] || a.Depart[i] != part.Depart[j]) {
				return false
			}
		}
	}
	return true
}

// decided reports whether row i of the window's log of node n is final, and not cut off
// by the window's end.
func (w *window) decided(n, i int) bool { return w.logs[n].Start[i] <= w.until }

// rows maps packets to the rows of the window's log of a node. index holds -1 for
// every packet and does so again after done is called.
func (w *window) rows(n int, index []int32) (done func()) {
	l := &w.logs[n]
	for i, p := range l.Packet {
		index[p] = int32(i)
	}
	return func() {
		for _, p := range l.Packet {
			index[p] = -1
		}
	}
}

func newIndex(packets int) []int32 {
	return slices.Repeat([]int32{-1}, packets)
}
