package queue

import (
	"cmp"
	"math"
	"slices"
	"sort"

	"github.com/telltale-net/telltale/analyzers/queue/records"
)

// region is a stretch of aligned time cut out of the trace: for every queue its rows that
// arrived in it, and how packets went from row to row.
type region struct {
	a        *Analyzer
	from, to int64
	lanes    []lane // upstream first
	byQueue  []int32
	cands    []candidate
}

// lane is the part of one queue in a region. Rows are by arrival; times of rows are
// factual where they are arrivals, and those of the model where they are departures, so
// that the model's error stays in the lane.
type lane struct {
	q     *records.Queue
	queue int32
	s     *Service
	first int // row of the queue that is row 0 here
	n     int
	from  int64 // when the region begins by the node's time
	shift int64 // node's time less aligned time

	source bool
	flows  []records.FlowID
	arr    []int64
	dep    []int64 // of the model; of a lost packet, when it would have left
	work   []int64 // ns of service that the packet needs, what is wrong with it apart
	extra  []int64 // ns more because of the slow flow that slow names
	slow   []int16 // candidate that makes it slow; -1 = none
	burst  []int16 // candidate that it is part of; -1 = none
	next   []int32 // row in lane to[row], -1 = none
	to     []int16
	prev   []place         // the row before; lane −1 = none, the packet came in here
	travel []int64         // ns from dep to the arrival at the next row
	idle   []int64         // at a row that begins a batch, when the server was free; else notFirst
	full   map[int32]int32 // at a lost row, how many packets waited
	downs  []down
	free   int64 // when the server becomes free of what arrived before

	misfit int64 // Σ |model − fact| of departures, ns
}

// down is a time at which the server did not work.
type down struct {
	from, to int64
	first    int64 // when the first of the packets arrived that were served next, or just then
	cand     int16 // -1 = too little to be a candidate
}

const notFirst = math.MinInt64

// cut builds the region of what came to nodes from one time to another, and of what they
// sent that came to others then.
func (a *Analyzer) cut(from, to int64) *region {
	to += a.uneven
	r := &region{a: a, from: from, to: to, byQueue: slices.Repeat([]int32{-1}, len(a.t.Queues))}
	for _, qi := range a.order {
		q := &a.t.Queues[qi]
		shift := a.shift[q.Node]
		first := q.FirstArrival(from + shift)
		n := sort.Search(q.Len()-first, func(i int) bool { return q.Arrive[first+i] > to+shift })
		if n == 0 {
			continue
		}
		r.byQueue[qi] = int32(len(r.lanes))
		r.lanes = append(r.lanes, lane{q: q, queue: qi, s: &a.serve[qi], first: first, n: n, from: from + shift, shift: shift, source: a.t.Network.Nodes[q.Node].IsSource()})
	}
	for i := range r.lanes {
		r.lanes[i].fill()
	}
	r.join()
	r.shareFlows()
	for i := range r.lanes {
		if !r.lanes[i].source {
			r.serveFacts(i)
		}
	}
	return r
}

// fill takes the rows over.
func (l *lane) fill() {
	n := l.n
	l.arr = l.q.Arrive[l.first : l.first+n]
	l.flows = l.q.Flow[l.first : l.first+n]
	l.dep = make([]int64, n)
	l.next = slices.Repeat([]int32{-1}, n)
	l.to = make([]int16, n)
	l.travel = make([]int64, n)
	l.prev = slices.Repeat([]place{{-1, -1}}, n)
	l.burst = slices.Repeat([]int16{-1}, n)
	if l.source {
		for i := range l.dep {
			l.dep[i] = l.q.Depart(l.first + i)
		}
		return
	}
	l.work = make([]int64, n)
	l.extra = make([]int64, n)
	l.slow = slices.Repeat([]int16{-1}, n)
	l.idle = make([]int64, n)
}

// lost reports whether the packet was lost at the row.
func (l *lane) lost(i int) bool { return l.q.Lost(l.first + i) }

func (l *lane) packet(i int) uint64       { return l.q.Packet[l.first+i] }
func (l *lane) flow(i int) records.FlowID { return l.flows[i] }
func (l *lane) depart(i int) int64        { return l.q.Depart(l.first + i) }
func (l *lane) bytes(i int32) uint32      { return l.q.Bytes(l.first + int(i)) }

// place is a row of a lane.
type place struct {
	lane int16
	row  int32
}

// before returns where the packet was before it was at a place; lane −1 = not known.
func (r *region) before(at place) place { return r.lanes[at.lane].prev[at.row] }

// join links each row to the packet's next one. Lanes come upstream first, so that the
// last place seen of a packet is the one before.
func (r *region) join() {
	low, high := uint64(math.MaxUint64), uint64(0)
	rows, without := 0, false
	for i := range r.lanes {
		l := &r.lanes[i]
		rows += l.n
		for _, p := range l.q.Packet[l.first : l.first+l.n] {
			if p != records.NoPacket {
				low, high = min(low, p), max(high, p)
			}
			without = without || p == records.NoPacket
		}
	}
	if without {
		defer r.joinByFlow()
	}
	if low > high {
		return
	}
	var dense []place
	var sparse map[uint64]place
	if high-low < uint64(8*rows)+1024 {
		dense = slices.Repeat([]place{{-1, -1}}, int(high-low)+1)
	} else {
		sparse = make(map[uint64]place, rows/2)
	}
	for i := range r.lanes {
		l := &r.lanes[i]
		for row, p := range l.q.Packet[l.first : l.first+l.n] {
			if p == records.NoPacket {
				continue
			}
			before := place{-1, -1}
			if dense != nil {
				before = dense[p-low]
				dense[p-low] = place{int16(i), int32(row)}
			} else {
				if b, ok := sparse[p]; ok {
					before = b
				}
				sparse[p] = place{int16(i), int32(row)}
			}
			if before.lane >= 0 {
				r.link(before, place{int16(i), int32(row)})
			}
		}
	}
}

// shareFlows gives rows whose node does not see headers the flow that the packet has
// where it goes, or where it came from.
func (r *region) shareFlows() {
	own := func(l *lane, row int, f records.FlowID) {
		if &l.flows[0] == &l.q.Flow[l.first] {
			l.flows = slices.Clone(l.flows)
		}
		l.flows[row] = f
	}
	for i := len(r.lanes) - 1; i >= 0; i-- {
		l := &r.lanes[i]
		for row, f := range l.flows {
			if next := l.next[row]; f == records.NoFlow && next >= 0 {
				if g := r.lanes[l.to[row]].flows[next]; g != records.NoFlow {
					own(l, row, g)
				}
			}
		}
	}
	for i := range r.lanes {
		l := &r.lanes[i]
		for row, f := range l.flows {
			if at := l.prev[row]; f == records.NoFlow && at.lane >= 0 {
				if g := r.lanes[at.lane].flows[at.row]; g != records.NoFlow {
					own(l, row, g)
				}
			}
		}
	}
}

// link makes to the row after from, unless the times say that these are two packets.
func (r *region) link(from, to place) {
	f, t := &r.lanes[from.lane], &r.lanes[to.lane]
	if f.lost(int(from.row)) || f.q.Node == t.q.Node && from.lane == to.lane {
		return
	}
	d := t.arr[to.row] - t.shift - (f.depart(int(from.row)) - f.shift)
	if d < -r.a.clockSlack {
		return
	}
	f.next[from.row], f.to[from.row] = to.row, int16(to.lane)
	t.prev[to.row] = from
}

// joinByFlow links rows that have no packet id: the packets of a flow keep their order
// between two nodes, so the flow's first departure not yet taken is the next arrival's.
func (r *region) joinByFlow() {
	byNode := map[int32][]int{}
	for i := range r.lanes {
		byNode[r.lanes[i].q.Node] = append(byNode[r.lanes[i].q.Node], i)
	}
	for i := range r.lanes {
		l := &r.lanes[i]
		if l.source || !slices.Contains(l.q.Packet[l.first:l.first+l.n], records.NoPacket) {
			r.fromFlows(i, byNode, false)
			continue
		}
		r.fromFlows(i, byNode, true)
	}
}

// fromFlows links the rows of the lanes before lane to that have none after them to the
// rows of the lane; all: rows with an id may be linked, too.
func (r *region) fromFlows(to int, byNode map[int32][]int, all bool) {
	t := &r.lanes[to]
	type left struct {
		place
		at int64
	}
	waiting := map[records.FlowID][]left{}
	for m, nexts := range r.a.next {
		if !slices.Contains(nexts, t.q.Node) {
			continue
		}
		for _, i := range byNode[int32(m)] {
			if i >= to {
				continue // against the order of the lanes: a cycle
			}
			l := &r.lanes[i]
			for _, row := range l.departures() {
				if f := l.flow(int(row)); f != records.NoFlow && l.next[row] < 0 && (all || l.packet(int(row)) == records.NoPacket) {
					waiting[f] = append(waiting[f], left{place{int16(i), row}, l.depart(int(row)) - l.shift + t.shift})
				}
			}
		}
	}
	for f := range waiting {
		slices.SortStableFunc(waiting[f], func(x, y left) int { return cmp.Compare(x.at, y.at) })
	}
	for row := range t.n {
		f := t.flow(row)
		if f == records.NoFlow || t.prev[row].lane >= 0 {
			continue
		}
		w := waiting[f]
		for len(w) > 0 && w[0].at < t.arr[row]-r.a.clockSlack {
			w = w[1:]
		}
		if len(w) > 0 && w[0].at <= t.arr[row]+r.a.clockSlack {
			r.link(w[0].place, place{int16(to), int32(row)})
			w = w[1:]
		}
		waiting[f] = w
	}
}

// serveFacts finds out what the server of a lane did: the work each packet needed, and
// when the server was down; then runs the model on it.
func (r *region) serveFacts(li int) {
	l := &r.lanes[li]
	q := l.q
	l.free = math.MinInt64
	for i := l.first - 1; i >= 0; i-- { // the last to leave of those that came before
		if d := q.Depart(i); d != records.Absent {
			l.free = max(l.free, d)
			if l.first-i > 64 {
				break
			}
		}
	}
	order := l.departures()
	var slow []slowGroup
	free := l.free
	for k := 0; k < len(order); {
		i := int(order[k])
		end, first, last, start := l.depart(i), l.arr[i], l.arr[i], q.Start(l.first+i)
		to := k + 1
		for ; to < len(order); to++ {
			j := int(order[to])
			if l.depart(j) != end {
				break
			}
			first, last = min(first, l.arr[j]), max(last, l.arr[j])
			if s := q.Start(l.first + j); s != records.Absent && (start == records.Absent || s < start) {
				start = s
			}
		}
		n := float64(to - k)
		need := l.needs(order[k:to])
		limit := r.noise(l, n)
		begin := min(end, max(first, free))
		switch {
		case start == records.Absent && float64(last-begin) > limit:
			// It cannot have taken the last one before that one was there: it stood still
			// before it took the packets, and not while it had them.
			start = max(last, end-int64(need))
		case start == records.Absent || start < begin || start > end:
			start = begin
		}
		if gap := start - begin; float64(gap) > limit {
			l.downs = append(l.downs, down{begin, start, first, -1})
		} else {
			start = begin
		}
		work := end - start
		if y := float64(work) - need; y > limit {
			slow = append(slow, slowGroup{from: k, to: to, first: first, begin: start, excess: int64(y)})
			work -= int64(y)
		}
		l.share(order[k:to], work, need)
		free = max(free, end)
		k = to
	}
	r.blame(li, order, slow)
	r.baseline(li)
}

// needs returns how long the server needs for the rows at peak rate, ns.
func (l *lane) needs(rows []int32) float64 {
	if !l.s.sized() {
		return float64(len(rows)) * l.s.Norm
	}
	sum := 0.0
	for _, row := range rows {
		sum += l.s.Need(l.bytes(row))
	}
	return sum
}

// share gives each row its part of the work done on all, of whom all together need so
// much.
func (l *lane) share(rows []int32, work int64, need float64) {
	left := work
	for _, row := range rows {
		each := work / int64(len(rows))
		if l.s.sized() && need > 0 {
			each = int64(float64(work) * l.s.Need(l.bytes(row)) / need)
		}
		l.work[row] = each
		left -= each
	}
	l.work[rows[0]] += left
}

// noise returns up to how much longer than usual a group of n packets may take without
// anything being wrong.
func (r *region) noise(l *lane, n float64) float64 {
	return max(4*l.s.Norm, 3*float64(l.s.Resolution), 6*l.s.Sigma*math.Sqrt(n))
}

// slowGroup is a group of packets that took longer than it should.
type slowGroup struct {
	from, to int   // in the order of departure
	first    int64 // arrival
	begin    int64 // of service
	excess   int64
}

// departures returns the rows that departed, in order.
func (l *lane) departures() []int32 {
	order := make([]int32, 0, l.n)
	sorted := true
	last := int64(math.MinInt64)
	for i := range l.n {
		if l.lost(i) {
			continue
		}
		d := l.depart(i)
		sorted = sorted && d >= last
		last = d
		order = append(order, int32(i))
	}
	if !sorted {
		slices.SortStableFunc(order, func(x, y int32) int {
			switch dx, dy := l.depart(int(x)), l.depart(int(y)); {
			case dx < dy:
				return -1
			case dx > dy:
				return 1
			}
			return 0
		})
	}
	return order
}
