package queue

import (
	"cmp"
	"math"
	"slices"

	"github.com/telltale-net/telltale/analyzers/queue/records"
)

// Service is what a queue's server usually does, learned from its records.
type Service struct {
	// Norm is the time of service of one packet at peak rate, ns: from the rate given
	// for the node where the records do not contradict it, else learned. Where it goes by
	// the packet's length, that of a packet of mean length.
	Norm float64
	// Base and PerByte are what the time of service is made of where it goes by the
	// packet's length, ns and ns per byte; PerByte is 0 where it does not, or nobody
	// knows.
	Base, PerByte float64
	// Learned is Norm as the records alone show it: the median of the time per packet
	// of groups served back to back. 0 = no such group.
	Learned float64
	// Sigma is how much the service of one packet varies, ns, the worst tenth left out:
	// several packets vary by its √n.
	Sigma float64
	// Spread is the relative uncertainty of Norm: between the given rate and the
	// learned one, or, where only one is known, of that one.
	Spread float64
	// Resolution is what all times are multiples of, from some time on, ns.
	Resolution int64
	// Batch is how many packets the server takes at once, at most; 1 = one by one.
	Batch int
	// Usual is the median time from arrival to departure, ns.
	Usual int64
	// Groups is how many groups served back to back Learned rests on.
	Groups int

	quickest float64 // time per packet of the quickest twentieth of the groups
}

// Need returns the time of service of a packet at peak rate, ns; bytes 0 = not known.
func (s *Service) Need(bytes uint32) float64 {
	if s.PerByte == 0 || bytes == 0 {
		return s.Norm
	}
	return s.Base + s.PerByte*float64(bytes)
}

// sized reports whether service goes by packets' lengths.
func (s *Service) sized() bool { return s.PerByte > 0 }

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

// needs returns how long the server needs for the group at peak rate, ns.
func (g *group) needs(q *records.Queue, s *Service) float64 {
	if !s.sized() {
		return float64(g.to-g.from) * s.Norm
	}
	sum := 0.0
	for k := g.from; k < g.to; k++ {
		sum += s.Need(q.Bytes(q.ByDepart(k)))
	}
	return sum
}

// sample is a group served back to back.
type sample struct {
	ns    float64
	n     int
	bytes float64 // of all; 0 = some are not known
}

func (x *sample) per() float64 { return x.ns / float64(x.n) }

// learn measures the server of one of a node's queues, of which there are so many.
func learn(q *records.Queue, given *records.Node, queues int) Service {
	s := Service{Batch: 1, Resolution: unknownResolution}
	n := q.Departures()
	if n == 0 {
		return s
	}
	// Groups: in stretches spread over the records, so that each has neighbours.
	const stretch = 512
	stretches := max(1, min(maxSamples/stretch, n/stretch))
	step := n / stretches
	var samples []sample
	sizes := map[int]int{}
	common, origin, times := int64(0), q.Depart(q.ByDepart(0)), 0
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
			for _, t := range [...]int64{g.end, g.start, q.Arrive[q.ByDepart(g.from)]} {
				if common != 1 && t != math.MinInt64 {
					common = gcd(common, abs(t-origin))
				}
				times++
			}
			if known := g.start > g.begin || q.Start(q.ByDepart(g.from)) != records.Absent; g.busy || known {
				samples = append(samples, sample{float64(g.end - g.start), size, g.bytes(q)})
			}
			return true
		})
	}
	if times >= 3*leastSized && common > 0 {
		s.Resolution = min(common, maxResolution)
	}
	for size, count := range sizes {
		if size > s.Batch && (count > 1 || stretches == 1) {
			s.Batch = size
		}
	}
	if len(samples) > 0 {
		s.measure(samples)
	}
	s.rate(given, queues, samples, meanBytes(q))
	s.Usual = medianStay(q)
	return s
}

const (
	// unknownResolution is taken where there are too few times to tell, ns: that of P4's
	// reference switch.
	unknownResolution = 1000
	maxResolution     = 1e6
)

func gcd(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// bytes returns the lengths of a group's packets in sum, 0 where one is not known.
func (g *group) bytes(q *records.Queue) float64 {
	if !q.Sized() {
		return 0
	}
	sum := 0.0
	for k := g.from; k < g.to; k++ {
		b := q.Bytes(q.ByDepart(k))
		if b == 0 {
			return 0
		}
		sum += float64(b)
	}
	return sum
}

// measure finds the usual time per packet and how much it varies.
func (s *Service) measure(samples []sample) {
	// The median by packets, so that many small groups do not outvote the large.
	sorted := slices.Clone(samples)
	slices.SortFunc(sorted, func(a, b sample) int {
		return cmp.Or(cmp.Compare(a.per(), b.per()), cmp.Compare(a.n, b.n))
	})
	total := 0
	for _, x := range sorted {
		total += x.n
	}
	half := 0
	for _, x := range sorted {
		if half += x.n; 2*half >= total {
			s.Learned = x.per()
			break
		}
	}
	s.quickest = sorted[len(sorted)/20].per()
	s.Sigma = deviation(samples, func(x *sample) float64 { return s.Learned * float64(x.n) })
	s.Groups = len(samples)
}

// alike is how many groups one after the other are taken to vary alike.
const alike = 40

// deviation returns how much the service of one packet varies around what is expected
// of groups, which are in the order of time: the worst tenth of those near one another
// is left out, and what is so for less than half of the time, as problems are.
func deviation(samples []sample, expected func(*sample) float64) float64 {
	dev := make([]float64, len(samples))
	for i := range samples {
		x := &samples[i]
		dev[i] = math.Abs(x.ns-expected(x)) / math.Sqrt(float64(x.n))
	}
	blocks := max(1, len(dev)/alike)
	var halves, most []float64
	for k := range blocks {
		of := dev[k*len(dev)/blocks : (k+1)*len(dev)/blocks]
		slices.Sort(of)
		halves, most = append(halves, of[len(of)/2]), append(most, of[len(of)*9/10])
	}
	slices.Sort(halves)
	slices.Sort(most)
	// Missing records make some groups look slow; so do large packets.
	return max(1.4826*halves[blocks/2], most[blocks/2]/1.645)
}

// rate decides between what is given and what was learned.
func (s *Service) rate(node *records.Node, queues int, samples []sample, mean float64) {
	given := 0.0
	if node.RatePPS > 0 {
		given = 1e9 / node.RatePPS
	}
	if fit, ok := fitSizes(samples, s.Sigma); ok {
		s.Base, s.PerByte, s.Sigma = fit.base, fit.perByte, fit.sigma
		s.Norm = s.Base + s.PerByte*mean
		s.Learned = s.Norm
		s.Spread = min(1, 2*s.Sigma/s.Norm/math.Sqrt(float64(s.Groups)))
		// The given rate is for packets of some length that occurs.
		if low, high := s.Base+s.PerByte*fit.least, s.Base+s.PerByte*fit.most; given > 0 {
			s.Spread = max(s.Spread, min(1, max(low-given, given-high, 0)/given))
		}
		return
	}
	if node.RateBPS > 0 && mean > 0 {
		given += 8e9 / node.RateBPS * mean
	}
	s.Norm, s.Spread = norm(given, queues, s)
	if node.RateBPS > 0 && mean > 0 && s.Norm == given {
		s.PerByte = 8e9 / node.RateBPS
		s.Base = given - s.PerByte*mean
	}
}

// norm decides between the given time of service and the learned one.
func norm(given float64, queues int, s *Service) (ns, spread float64) {
	switch {
	case given <= 0 && s.Learned <= 0:
		return 0, 1
	case given <= 0:
		return s.Learned, min(1, 2*s.Sigma/s.Learned/math.Sqrt(float64(s.Groups)))
	}
	if s.Learned <= 0 {
		return given, 0.1
	}
	spread = math.Abs(given-s.Learned) / given
	if s.Groups >= 32 && s.Learned < 0.9*given {
		return s.Learned, spread // it cannot serve faster than at its peak rate: what was given is not that
	}
	if s.Groups >= 32 && (queues > 1 && s.Learned > neverSeen*given || s.quickest > hardlySeen*given) {
		// What was given is the rate of all queues together, or of other packets.
		return s.Learned, min(1, spread)
	}
	return given, spread
}

const (
	// neverSeen is how many times longer than at the given peak rate service must usually
	// take for that not to be one of several queues' own. (A fifth of the records missing
	// makes it look 1.25 times as long.)
	neverSeen = 1.5
	// hardlySeen is the same for the quickest service, of any queue.
	hardlySeen = 1.3
)

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
