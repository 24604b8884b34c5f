package queue

import (
	"cmp"
	"math"
	"slices"

	"github.com/telltale-net/telltale/analyzers/queue/diagnosis"
	"github.com/telltale-net/telltale/analyzers/queue/records"
)

// Ref names a packet, at one node or wherever on its way it suffered.
type Ref struct {
	Packet uint64
	Node   int32 // -1 = wherever it suffered
}

// Tail returns the victims of high latency: of the packets that spent more time at nodes
// than the given share of packets (0.99, 0.999), each node on their way where they were
// abnormally long: more than a standard deviation above the mean of the recent history
// there. Packets without ids are judged node by node. Victims are in the order of time.
//
// Time at nodes, not from source to sink: it needs no common clock, and links do not
// vary.
func (a *Analyzer) Tail(quantile float64) []diagnosis.Victim {
	stays := a.stays()
	from, to := a.t.Span()
	return a.above(stays, stays.quantile(quantile), quantile, from, to)
}

// Lost returns a victim for each packet that was lost at a node, in the order of time.
func (a *Analyzer) Lost() []diagnosis.Victim {
	var all []diagnosis.Victim
	for i := range a.t.Queues {
		q := &a.t.Queues[i]
		for row := range q.Len() {
			if q.Lost(row) {
				all = append(all, a.Victim(i, row))
			}
		}
	}
	sortVictims(all)
	return all
}

// Throughput returns the victims of low throughput: where two packets of a flow that
// follow one another leave a node further apart than they came, by more than the given
// share of all such pairs, the flow's throughput broke in, and the later one is the
// victim. In the order of time.
func (a *Analyzer) Throughput(quantile float64) []diagnosis.Victim {
	type stretch struct {
		queue, row int32
		by         int64
	}
	var all []stretch
	for i := range a.t.Queues {
		q := &a.t.Queues[i]
		if a.t.Network.Nodes[q.Node].IsSource() {
			continue
		}
		last := map[records.FlowID]int32{}
		for row := range q.Len() {
			f := q.Flow[row]
			if f == records.NoFlow || q.Lost(row) {
				continue
			}
			if b, ok := last[f]; ok {
				by := q.Depart(row) - q.Depart(int(b)) - (q.Arrive[row] - q.Arrive[b])
				all = append(all, stretch{int32(i), int32(row), by})
			}
			last[f] = int32(row)
		}
	}
	if len(all) == 0 {
		return nil
	}
	by := make([]int64, len(all))
	for i := range all {
		by[i] = all[i].by
	}
	slices.Sort(by)
	threshold := max(0, by[min(len(by)-1, int(quantile*float64(len(by))))])
	var victims []diagnosis.Victim
	for _, s := range all {
		if s.by > threshold {
			victims = append(victims, a.Victim(int(s.queue), int(s.row)))
		}
	}
	sortVictims(victims)
	return victims
}

// Find returns the victims that the references name, in the order of the references,
// and how many of these name nothing in the trace. A reference without a node stands for
// each node where the packet was lost or abnormally long; where it was nowhere, for the
// one where it was longest.
func (a *Analyzer) Find(refs []Ref) (victims []diagnosis.Victim, missing int) {
	want := make(map[uint64][]place, len(refs)) // packet → queue and row
	for _, r := range refs {
		want[r.Packet] = nil
	}
	for i := range a.t.Queues {
		q := &a.t.Queues[i]
		if a.t.Network.Nodes[q.Node].IsSource() {
			continue
		}
		for row, p := range q.Packet {
			if at, ok := want[p]; ok && p != records.NoPacket {
				want[p] = append(at, place{int16(i), int32(row)})
			}
		}
	}
	usual := a.newUsual()
	for _, r := range refs {
		var of []diagnosis.Victim
		longest, long := int64(-1), diagnosis.Victim{}
		for _, at := range want[r.Packet] {
			q := &a.t.Queues[at.lane]
			v := a.Victim(int(at.lane), int(at.row))
			stay := int64(0)
			if !v.Lost {
				stay = q.Depart(int(at.row)) - v.Arrive
			}
			if r.Node >= 0 {
				if r.Node == v.Node {
					of = append(of, v)
				}
				continue
			}
			if v.Lost || usual.abnormal(int(at.lane), int(at.row)) {
				of = append(of, v)
			}
			if stay > longest {
				longest, long = stay, v
			}
		}
		if r.Node < 0 && len(of) == 0 && longest >= 0 {
			of = append(of, long)
		}
		if len(of) == 0 {
			missing++
		}
		sortVictims(of)
		victims = append(victims, of...)
	}
	return victims, missing
}

func sortVictims(v []diagnosis.Victim) {
	slices.SortFunc(v, func(x, y diagnosis.Victim) int {
		return cmp.Or(cmp.Compare(x.Arrive, y.Arrive), cmp.Compare(x.Node, y.Node), cmp.Compare(x.Queue, y.Queue), cmp.Compare(x.Packet, y.Packet), cmp.Compare(x.Flow, y.Flow))
	})
}

// stays is how long each packet was at nodes, in all.
type stays struct {
	low   uint64
	dense []int64          // by packet − low; -1 = not seen
	other map[uint64]int64 // where ids are too far apart
}

func (s *stays) add(p uint64, ns int64) {
	if s.dense == nil {
		s.other[p] += ns
		return
	}
	s.dense[p-s.low] = max(0, s.dense[p-s.low]) + ns
}

// of returns the time of a packet, 0 where it was not seen.
func (s *stays) of(p uint64) int64 {
	if s.dense == nil {
		return s.other[p]
	}
	return max(0, s.dense[p-s.low])
}

func (s *stays) quantile(share float64) int64 {
	var all []int64
	for _, ns := range s.dense {
		if ns >= 0 {
			all = append(all, ns)
		}
	}
	for _, ns := range s.other {
		all = append(all, ns)
	}
	return quantile(all, share)
}

// quantile returns the least value that at least that share of the values does not
// exceed; it reorders them. 0 where there are none.
func quantile(all []int64, share float64) int64 {
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[min(len(all)-1, max(0, int(math.Ceil(share*float64(len(all))))-1))]
}

func (a *Analyzer) stays() *stays {
	s := &stays{low: math.MaxUint64}
	high, n := uint64(0), 0
	for i := range a.t.Queues {
		for _, p := range a.t.Queues[i].Packet {
			if p != records.NoPacket {
				s.low, high = min(s.low, p), max(high, p)
				n++
			}
		}
	}
	if n > 0 && high-s.low < uint64(8*n)+1024 {
		s.dense = slices.Repeat([]int64{-1}, int(high-s.low)+1)
	} else {
		s.other = make(map[uint64]int64, n/2)
	}
	for i := range a.t.Queues {
		q := &a.t.Queues[i]
		if a.t.Network.Nodes[q.Node].IsSource() {
			continue
		}
		for row, p := range q.Packet {
			if p != records.NoPacket && !q.Lost(row) {
				s.add(p, q.Depart(row)-q.Arrive[row])
			}
		}
	}
	return s
}

// above returns the abnormal rows of packets whose stay is above the threshold, among
// those that arrived in [from, to].
func (a *Analyzer) above(s *stays, threshold int64, share float64, from, to int64) []diagnosis.Victim {
	usual := a.newUsual()
	var all []diagnosis.Victim
	for i := range a.t.Queues {
		q := &a.t.Queues[i]
		if a.t.Network.Nodes[q.Node].IsSource() {
			continue
		}
		alone := int64(-1) // threshold for rows without an id
		for row := q.FirstArrival(from); row < q.Len() && q.Arrive[row] <= to; row++ {
			if q.Lost(row) {
				continue
			}
			if p := q.Packet[row]; p != records.NoPacket {
				if s.of(p) <= threshold {
					continue
				}
			} else {
				if alone < 0 {
					alone = stayQuantile(q, share)
				}
				if q.Depart(row)-q.Arrive[row] <= alone {
					continue
				}
			}
			if usual.abnormal(i, row) {
				all = append(all, a.Victim(i, row))
			}
		}
	}
	sortVictims(all)
	return all
}

func stayQuantile(q *records.Queue, share float64) int64 {
	var all []int64
	for row := range q.Len() {
		if q.Packet[row] == records.NoPacket && !q.Lost(row) {
			all = append(all, q.Depart(row)-q.Arrive[row])
		}
	}
	return quantile(all, share)
}

// usual is how long packets were at each queue, in running sums over blocks of rows.
type usual struct {
	a    *Analyzer
	sums [][]moments // by queue; built when first asked for
}

// moments are sums over all rows before a block.
type moments struct {
	n           int64
	sum, square float64
}

// usualBlock is how many rows share a sum.
const usualBlock = 256

func (a *Analyzer) newUsual() *usual { return &usual{a: a, sums: make([][]moments, len(a.t.Queues))} }

// abnormal reports whether the row's packet was at the queue for more than a standard
// deviation longer than the mean of the recent history, which ends before the row.
func (u *usual) abnormal(queue, row int) bool {
	q := &u.a.t.Queues[queue]
	if u.sums[queue] == nil {
		u.sums[queue] = sumUp(q)
	}
	hi := row / usualBlock
	lo := q.FirstArrival(q.Arrive[row]-int64(u.a.cfg.History)) / usualBlock
	if hi-lo < 4 { // too little came before: take what there is around
		lo, hi = max(0, lo-4), min(len(u.sums[queue])-1, hi+4)
	}
	a, b := u.sums[queue][lo], u.sums[queue][hi]
	n := float64(b.n - a.n)
	if n < 2 {
		return true
	}
	mean := (b.sum - a.sum) / n
	variance := max(0, (b.square-a.square)/n-mean*mean)
	return float64(q.Depart(row)-q.Arrive[row]) > mean+math.Sqrt(variance)
}

func sumUp(q *records.Queue) []moments {
	blocks := (q.Len() + usualBlock - 1) / usualBlock
	sums := make([]moments, blocks+1)
	var m moments
	for row := range q.Len() {
		if row%usualBlock == 0 {
			sums[row/usualBlock] = m
		}
		if !q.Lost(row) {
			x := float64(q.Depart(row) - q.Arrive[row])
			m.n++
			m.sum += x
			m.square += x * x
		}
	}
	sums[blocks] = m
	return sums
}
