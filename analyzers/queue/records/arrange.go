package records

import (
	"cmp"
	"math"
	"slices"
)

// arrange sorts the columns by arrival, removes duplicates, and finds the order of
// departure.
func (q *Queue) arrange(s *Stats) {
	latest := int64(math.MinInt64)
	sorted := true
	for i, at := range q.Arrive {
		if at < latest {
			s.Reordered++
			s.MaxLate = max(s.MaxLate, latest-at)
		}
		latest = max(latest, at)
		sorted = sorted && (i == 0 || q.inOrder(i-1, i))
	}
	if !sorted || q.doubled() {
		order := make([]int32, len(q.Arrive))
		for i := range order {
			order[i] = int32(i)
		}
		slices.SortFunc(order, func(i, j int32) int { return q.compare(int(i), int(j)) })
		q.pick(q.unique(order, s))
	}
	q.orderDepartures()
}

// inOrder reports whether row i may stand before row j = i+1: it arrived before, or
// together and left no later.
func (q *Queue) inOrder(i, j int) bool {
	if q.Arrive[i] != q.Arrive[j] {
		return q.Arrive[i] < q.Arrive[j]
	}
	return q.depart[i] < wide && q.depart[i] <= q.depart[j] || q.compare(i, j) <= 0
}

// doubled reports whether a record is there twice, in rows that are in order: among
// those that arrived and left together.
func (q *Queue) doubled() bool {
	for i := 0; i < len(q.Arrive); {
		j := i + 1
		for ; j < len(q.Arrive) && q.Arrive[j] == q.Arrive[i] && q.depart[j] == q.depart[i]; j++ {
			if j-i > maxTogether {
				return true // too many to compare: sorting tells
			}
			for k := i; k < j; k++ {
				if q.Packet[k] == q.Packet[j] && q.Packet[k] != NoPacket && q.compare(k, j) == 0 {
					return true
				}
			}
		}
		i = j
	}
	return false
}

// maxTogether bounds how many records that arrived and left together are compared with
// one another.
const maxTogether = 256

// compare orders two records by arrival, departure (lost last), packet, flow, start.
func (q *Queue) compare(i, j int) int {
	if c := cmp.Compare(q.Arrive[i], q.Arrive[j]); c != 0 {
		return c
	}
	if c := cmp.Compare(q.depart[i], q.depart[j]); c != 0 || q.depart[i] == wide {
		if q.depart[i] == wide && q.depart[j] == wide {
			return cmp.Or(cmp.Compare(q.Depart(i), q.Depart(j)), cmp.Compare(q.Packet[i], q.Packet[j]), cmp.Compare(q.Flow[i], q.Flow[j]), cmp.Compare(q.Start(i), q.Start(j)))
		}
		return c
	}
	return cmp.Or(cmp.Compare(q.Packet[i], q.Packet[j]), cmp.Compare(q.Flow[i], q.Flow[j]), cmp.Compare(q.start[i], q.start[j]))
}

// unique drops from a sorted order the records that equal the one before. Records
// without a packet id are kept: equal ones may well be two packets.
func (q *Queue) unique(order []int32, s *Stats) []int32 {
	kept := order[:0]
	for _, i := range order {
		if n := len(kept); n > 0 && q.Packet[i] != NoPacket && q.compare(int(kept[n-1]), int(i)) == 0 {
			s.Duplicate++
			continue
		}
		kept = append(kept, i)
	}
	return kept
}

// pick makes the columns what order says.
func (q *Queue) pick(order []int32) {
	q.Packet = picked(q.Packet, order)
	q.Flow = picked(q.Flow, order)
	q.Arrive = picked(q.Arrive, order)
	if q.bytes != nil {
		q.bytes = picked(q.bytes, order)
	}
	q.start = picked(q.start, order)
	q.depart = picked(q.depart, order)
	if q.wide != nil {
		moved := make(map[int32][2]int64, len(q.wide))
		for to, from := range order {
			if w, ok := q.wide[from]; ok {
				moved[int32(to)] = w
			}
		}
		q.wide = moved
	}
}

func picked[T any](col []T, order []int32) []T {
	out := make([]T, len(order))
	for to, from := range order {
		out[to] = col[from]
	}
	return out
}

func (q *Queue) orderDepartures() {
	same, lost, latest := true, 0, int64(math.MinInt64)
	for i := range q.Arrive {
		if q.depart[i] == absent {
			lost++
			continue
		}
		d := q.Depart(i)
		same = same && d >= latest
		latest = d
	}
	if same && lost == 0 {
		return
	}
	q.byDepart = make([]int32, 0, len(q.Arrive)-lost)
	for i := range q.Arrive {
		if q.depart[i] != absent {
			q.byDepart = append(q.byDepart, int32(i))
		}
	}
	if !same {
		slices.SortStableFunc(q.byDepart, func(i, j int32) int { return cmp.Compare(q.Depart(int(i)), q.Depart(int(j))) })
	}
}

// count adds what the queue holds to the statistics.
func (q *Queue) count(s *Stats, source bool) {
	s.Records += uint64(len(q.Arrive))
	for i := range q.Arrive {
		if q.Packet[i] == NoPacket {
			s.NoPacket++
		}
		if q.Flow[i] == NoFlow {
			s.NoFlow++
		}
		if q.depart[i] == absent {
			s.Lost++
		} else if q.start[i] == absent && !source {
			s.NoStart++
		}
	}
}
