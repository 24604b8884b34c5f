package latency

import "github.com/telltale-net/telltale/collector/postcard"

// minAhead is the fewest packets found ahead for a wait to measure the rate: the packet
// being sent at the time counts for between 0 and 1 of them.
const minAhead = 4

// enoughLong is how many pairs and long waits do without the short ones.
const enoughLong = 8

// drainSum adds up what one queue's departures say about its service rate.
type drainSum struct {
	pairs     int
	pairBits  uint64
	pairNS    uint64
	slowPairs int   // pairs that show less than half the port's rate
	firstSlow int64 // Received of the first slow pair or wait

	waits     int
	waitBits  uint64 // of the packets found ahead
	waitNS    uint64
	slowWaits int // waits that show less than half the port's rate

	shorts     int    // waits behind fewer than minAhead packets
	shortBits  uint64 // of the packets found ahead and the one in service
	shortNS    uint64
	slowShorts int

	served uint64 // departures reported while others waited …
	ahead  uint64 // … and how many there were
}

// Drain is a measured service rate.
type Drain struct {
	Pairs   int     `json:"pairs"`    // departures back to back
	PairBps float64 `json:"pair_bps"` // 0 = not measured
	Waits   int     `json:"waits"`    // packets that found at least 4 ahead
	WaitBps float64 `json:"wait_bps"` // 0 = not measured
	// Shorts are waits behind fewer packets; ShortBps is up to twice the rate.
	Shorts   int     `json:"shorts"`
	ShortBps float64 `json:"short_bps"` // 0 = not measured
	// SlowPairs, SlowWaits and SlowShorts are how many of them show less than half the port's rate,
	// each by itself; FirstSlow is when the first such report was received.
	SlowPairs  int   `json:"slow_pairs"`
	SlowWaits  int   `json:"slow_waits"`
	SlowShorts int   `json:"slow_shorts"`
	FirstSlow  int64 `json:"first_slow_ns"`
	// Coverage is the share of the packets found ahead that were reported; 1 where
	// nobody found any. Below 1 by more than the report loss, only some packets of the
	// port are reported, and the rates are of these alone.
	Coverage float64 `json:"coverage"`

	sum drainSum
}

func (s *drainSum) add(o *drainSum) {
	if s.firstSlow == 0 {
		s.firstSlow = o.firstSlow
	}
	s.pairs += o.pairs
	s.pairBits += o.pairBits
	s.pairNS += o.pairNS
	s.slowPairs += o.slowPairs
	s.waits += o.waits
	s.waitBits += o.waitBits
	s.waitNS += o.waitNS
	s.slowWaits += o.slowWaits
	s.shorts += o.shorts
	s.shortBits += o.shortBits
	s.shortNS += o.shortNS
	s.slowShorts += o.slowShorts
	s.served += o.served
	s.ahead += o.ahead
}

func (s *drainSum) drain() Drain {
	d := Drain{Pairs: s.pairs, Waits: s.waits, SlowPairs: s.slowPairs, SlowWaits: s.slowWaits, FirstSlow: s.firstSlow,
		Shorts: s.shorts, SlowShorts: s.slowShorts, Coverage: 1, sum: *s}
	if s.pairs > 0 {
		d.PairBps = float64(s.pairBits) * 1e9 / float64(max(s.pairNS, 1))
	}
	if s.waits > 0 {
		d.WaitBps = float64(s.waitBits) * 1e9 / float64(max(s.waitNS, 1))
	}
	if s.shorts > 0 {
		d.ShortBps = float64(s.shortBits) * 1e9 / float64(max(s.shortNS, 1))
	}
	if s.ahead > 0 {
		d.Coverage = min(float64(s.served)/float64(s.ahead), 1)
	}
	return d
}

// Bps returns the rate in bits/s and how many observations it rests on: the fastest of
// the measurements, because what disturbs any makes it look slow. Short waits count
// only where there is little else.
func (d Drain) Bps() (bps float64, n int) {
	bps, n = max(d.PairBps, d.WaitBps), d.Pairs+d.Waits
	if n < enoughLong {
		bps, n = max(bps, d.ShortBps), n+d.Shorts
	}
	return bps, n
}

// Observations returns how many pairs and waits there were.
func (d Drain) Observations() int { return d.Pairs + d.Waits + d.Shorts }

// Plus returns the measurement over both periods; o is the later one.
func (d Drain) Plus(o Drain) Drain {
	sum := d.sum
	sum.add(&o.sum)
	return sum.drain()
}

// Slow returns which share of the observations that Bps rests on show less than half
// the port's rate, each by itself: the lowest of the shares of pairs, waits and short
// waits, so that one long stall, or one large packet ahead, does not make a slow port.
// 0 where there are none.
func (d Drain) Slow() float64 {
	share, any := 1.0, false
	count := func(slow, n int) {
		if n > 0 {
			share, any = min(share, float64(slow)/float64(n)), true
		}
	}
	count(d.SlowPairs, d.Pairs)
	count(d.SlowWaits, d.Waits)
	if d.Pairs+d.Waits < enoughLong {
		share, any = 1, false
		count(d.SlowPairs+d.SlowWaits+d.SlowShorts, d.Pairs+d.Waits+d.Shorts)
	}
	if !any {
		return 0
	}
	return share
}

// departure is the latest packet that left a port.
type departure struct {
	egress uint64
	bits   uint64
	gaps   uint32 // the node's sequence gaps so far
	queue  uint8
	busy   bool // packets were left behind
	known  bool
}

// recent holds the packets that left a queue last.
type recent struct {
	bits   [64]uint32
	egress [64]uint64 // 0 = not reported
	gaps   [64]uint32 // in the node's report sequence so far
	n      uint32
}

func (q *recent) push(bits uint32, egress uint64, gaps uint32) {
	i := q.n % uint32(len(q.bits))
	q.bits[i], q.egress[i], q.gaps[i] = bits, egress, gaps
	q.n++
}

// whole reports whether the last n departures are known and no report of the node went
// missing or was overtaken since the first of them.
func (q *recent) whole(n, gaps uint32) bool {
	return n <= min(q.n, uint32(len(q.bits))) && q.gaps[(q.n-n)%uint32(len(q.bits))] == gaps
}

// served counts the last n departures that came at or after a time.
func (q *recent) served(n uint32, since uint64) (count uint64) {
	for i := uint32(1); i <= min(n, q.n, uint32(len(q.bits))); i++ {
		if q.egress[(q.n-i)%uint32(len(q.bits))] >= since {
			count++
		}
	}
	return count
}

// last returns the bits of the last n departures: of those that a packet found ahead
// of it when it is about to leave. Beyond what is kept, it takes the mean for the rest.
func (q *recent) last(n uint32) uint64 {
	kept := min(n, q.n, uint32(len(q.bits)))
	if kept == 0 {
		return 0
	}
	var sum uint64
	for i := uint32(1); i <= kept; i++ {
		sum += uint64(q.bits[(q.n-i)%uint32(len(q.bits))])
	}
	return sum * uint64(n) / uint64(kept)
}

// departs adds one departure to the queue's sum and remembers it at the port.
func (s *drainSum) departs(r *postcard.Record, last *departure, lengths *recent, gaps uint32, rate int64) {
	if r.Has&postcard.HasLength == 0 {
		last.known = false
		return
	}
	bits := 8 * uint32(r.Length)
	const waited = postcard.HasEnqDepth | postcard.HasLatency
	if r.Has&waited == waited {
		s.waited(r, lengths, gaps, rate)
	}
	lengths.push(bits, r.Egress, gaps)
	const left = postcard.HasEgress | postcard.HasQueue
	if r.Has&left != left {
		last.known = false
		return
	}
	if last.known && r.Egress < last.egress {
		return // overtaken on the way here: the later departure stays the last one
	}
	if last.known && last.busy && last.queue == r.Queue && last.gaps == gaps {
		gap := r.Egress - last.egress
		s.pairs++
		s.pairBits += last.bits
		s.pairNS += gap
		if below(last.bits, gap, rate) {
			s.slowPairs++
			s.slowAt(r)
		}
	}
	*last = departure{egress: r.Egress, bits: uint64(bits), gaps: gaps, queue: r.Queue, busy: r.QueueDepth > 0, known: true}
}

// slack is what rounding to microseconds can add to a short wait, ns.
const slack = 1000

// waited adds what the packet's wait says.
func (s *drainSum) waited(r *postcard.Record, lengths *recent, gaps uint32, rate int64) {
	if r.EnqDepth >= minAhead {
		ahead := lengths.last(r.EnqDepth)
		if ahead == 0 {
			return
		}
		s.waits++
		s.waitBits += ahead
		s.waitNS += uint64(r.Latency)
		if below(ahead, uint64(r.Latency), rate) {
			s.slowWaits++
			s.slowAt(r)
		}
		if r.Has&postcard.HasIngress != 0 {
			s.served += lengths.served(r.EnqDepth, r.Ingress)
			s.ahead += uint64(min(r.EnqDepth, uint32(len(lengths.bits))))
		}
		return
	}
	if r.Latency <= slack || !lengths.whole(r.EnqDepth+1, gaps) {
		return
	}
	if ahead := lengths.last(r.EnqDepth + 1); ahead > 0 {
		ns := uint64(r.Latency - slack)
		s.shorts++
		s.shortBits += ahead
		s.shortNS += ns
		if below(ahead, ns, rate) {
			s.slowShorts++
			s.slowAt(r)
		}
	}
}

func (s *drainSum) slowAt(r *postcard.Record) {
	if s.firstSlow == 0 {
		s.firstSlow = r.Received
	}
}

// below reports whether that many bits in that many ns are less than half the rate.
func below(bits, ns uint64, rate int64) bool {
	return rate > 0 && float64(bits)*1e9 < float64(rate)/2*float64(ns)
}
