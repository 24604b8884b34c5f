package queue

import (
	"math"
	"slices"

	"github.com/telltale-net/telltale/analyzers/queue/records"
)

// Service is what a queue's server usually does, learned from its records.
type Service struct {
	// Norm is the time of service of one packet at peak rate, ns: from the rate given
	// for the node where the records do not contradict it, else learned.
	Norm float64
	// Learned is Norm as the records alone show it: the median of the time per packet
	// of groups served back to back. 0 = no such group.
	Learned float64
	// Sigma is how much the service of one packet varies, ns, the worst tenth left out:
	// several packets vary by its √n.
	Sigma float64
	// Spread is the relative uncertainty of Norm: between the given rate and the
	// learned one, or, where only one is known, of that one.
	Spread float64
	// Batch is how many packets the server takes at once, at most; 1 = one by one.
	Batch int
	// Usual is the median time from arrival to departure, ns.
	Usual int64
	// Groups is how many groups served back to back Learned rests on.
	Groups int
}

// maxSamples bounds what is sorted to find medians.
const maxSamples = 1 << 13

// group is a number of packets that left together: rows (in order of departure) from…to.
type group struct {
	from, to int
	begin    int64 // when the server could begin: the first was there and the server free
	start    int64 // when it began as far as is known; = begin where it is not reported
	end      int64
	busy     bool // the server came from other work
}

// groups calls yield for the groups of q among departures [lo, hi), in order. free is
// when the server became free before. It stops where yield returns false.
func groups(q *records.Queue, lo, hi int, free int64, yield func(g group) bool) {
	for k := lo; k < hi; {
		i := q.ByDepart(k)
		g := group{from: k, to: k + 1, end: q.Depart(i)}
		first, start := q.Arrive[i], q.Start(i)
		for ; g.to < hi; g.to++ {
			j := q.ByDepart(g.to)
			if q.Depart(j) != g.end {
				break
			}
			first = min(first, q.Arrive[j])
			if s := q.Start(j); s != records.Absent && (start == records.Absent || s < start) {
				start = s
			}
		}
		g.begin = max(first, free)
		g.busy = first <= free
		g.start = g.begin
		if start != records.Absent && start > g.begin && start <= g.end {
			g.start = start
		}
		if !yield(g) {
			return
		}
		free = g.end
		k = g.to
	}
}

// learn measures a queue's server.
func learn(q *records.Queue, given float64) Service {
	s := Service{Batch: 1}
	n := q.Departures()
	if n == 0 {
		return s
	}
	// Groups: in stretches spread over the records, so that each has neighbours.
	const stretch = 512
	stretches := max(1, min(maxSamples/stretch, n/stretch))
	step := n / stretches
	type sample struct {
		per float64
		n   int
	}
	var samples []sample
	sizes := map[int]int{}
	for k := range stretches {
		lo := k * step
		hi := min(n, lo+stretch)
		free := int64(math.MinInt64)
		if lo > 0 {
			free = q.Depart(q.ByDepart(lo - 1))
		}
		groups(q, lo, hi, free, func(g group) bool {
			size := g.to - g.from
			sizes[size]++
			if known := g.start > g.begin || q.Start(q.ByDepart(g.from)) != records.Absent; g.busy || known {
				samples = append(samples, sample{float64(g.end-g.start) / float64(size), size})
			}
			return true
		})
	}
	for size, count := range sizes {
		if size > s.Batch && (count > 1 || stretches == 1) {
			s.Batch = size
		}
	}
	if len(samples) > 0 {
		// The median by packets, so that many small groups do not outvote the large.
		slices.SortFunc(samples, func(a, b sample) int {
			switch {
			case a.per < b.per:
				return -1
			case a.per > b.per:
				return 1
			}
			return a.n - b.n
		})
		total := 0
		for _, x := range samples {
			total += x.n
		}
		half := 0
		for _, x := range samples {
			if half += x.n; 2*half >= total {
				s.Learned = x.per
				break
			}
		}
		dev := make([]float64, len(samples))
		for i, x := range samples {
			dev[i] = math.Abs(x.per-s.Learned) * math.Sqrt(float64(x.n))
		}
		slices.Sort(dev)
		// Missing records make some groups look slow; so do large packets.
		s.Sigma = max(1.4826*dev[len(dev)/2], dev[len(dev)*9/10]/1.645)
		s.Groups = len(samples)
	}
	s.Norm, s.Spread = norm(given, s)
	s.Usual = medianStay(q)
	return s
}

// norm decides between the given rate and the learned one.
func norm(given float64, s Service) (ns, spread float64) {
	switch {
	case given <= 0 && s.Learned <= 0:
		return 0, 1
	case given <= 0:
		return s.Learned, min(1, 2*s.Sigma/s.Learned/math.Sqrt(float64(s.Groups)))
	}
	ns = 1e9 / given
	if s.Learned <= 0 {
		return ns, 0.1
	}
	spread = math.Abs(ns-s.Learned) / ns
	if s.Groups >= 32 && s.Learned < 0.9*ns {
		return s.Learned, spread // it cannot serve faster than at its peak rate: what was given is not that
	}
	return ns, spread
}

// medianStay returns the median time from arrival to departure.
func medianStay(q *records.Queue) int64 {
	n := q.Departures()
	step := max(1, n/maxSamples)
	var all []int64
	for k := 0; k < n; k += step {
		i := q.ByDepart(k)
		all = append(all, q.Depart(i)-q.Arrive[i])
	}
	slices.Sort(all)
	return all[len(all)/2]
}
