package latency

import "github.com/telltale-net/telltale/collector/postcard"

// minAhead is the fewest packets found ahead for a wait to say something about the
// rate: the packet being sent at the time counts for between 0 and 1 of them.
const minAhead = 4

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
}

// Drain is a measured service rate.
type Drain struct {
	Pairs   int     `json:"pairs"`    // departures back to back
	PairBps float64 `json:"pair_bps"` // 0 = not measured
	Waits   int     `json:"waits"`    // packets that found at least 4 ahead
	WaitBps float64 `json:"wait_bps"` // 0 = not measured
	// SlowPairs and SlowWaits are how many of them show less than half the port's rate,
	// each by itself; FirstSlow is when the first such report was received.
	SlowPairs int   `json:"slow_pairs"`
	SlowWaits int   `json:"slow_waits"`
	FirstSlow int64 `json:"first_slow_ns"`

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
}

func (s *drainSum) drain() Drain {
	d := Drain{Pairs: s.pairs, Waits: s.waits, SlowPairs: s.slowPairs, SlowWaits: s.slowWaits, FirstSlow: s.firstSlow, sum: *s}
	if s.pairs > 0 {
		d.PairBps = float64(s.pairBits) * 1e9 / float64(max(s.pairNS, 1))
	}
	if s.waits > 0 {
		d.WaitBps = float64(s.waitBits) * 1e9 / float64(max(s.waitNS, 1))
	}
	return d
}

// Bps returns the rate in bits/s and how many observations it rests on: the faster of
// the two measurements, because what disturbs either makes it look slow.
func (d Drain) Bps() (bps float64, n int) { return max(d.PairBps, d.WaitBps), d.Pairs + d.Waits }

// Plus returns the measurement over both periods; o is the later one.
func (d Drain) Plus(o Drain) Drain {
	sum := d.sum
	sum.add(&o.sum)
	return sum.drain()
}

// Slow returns which share of the observations, pair by pair and wait by wait, show less
// than half the port's rate: the lower of the two shares, so that one long stall, or
// one large packet ahead, does not make a slow port. 0 where there are none.
func (d Drain) Slow() float64 {
	share := 1.0
	if d.Pairs > 0 {
		share = float64(d.SlowPairs) / float64(d.Pairs)
	}
	if d.Waits > 0 {
		share = min(share, float64(d.SlowWaits)/float64(d.Waits))
	}
	if d.Pairs+d.Waits == 0 {
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

// recent holds the lengths of the packets that left a queue last.
type recent struct {
	bits [64]uint32
	n    uint32
}

func (q *recent) push(bits uint32) {
	q.bits[q.n%uint32(len(q.bits))] = bits
	q.n++
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
	if r.Has&waited == waited && r.EnqDepth >= minAhead {
		if ahead := lengths.last(r.EnqDepth); ahead > 0 {
			s.waits++
			s.waitBits += ahead
			s.waitNS += uint64(r.Latency)
			if below(ahead, uint64(r.Latency), rate) {
				s.slowWaits++
				s.slowAt(r)
			}
		}
	}
	lengths.push(bits)
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

func (s *drainSum) slowAt(r *postcard.Record) {
	if s.firstSlow == 0 {
		s.firstSlow = r.Received
	}
}

// below reports whether that many bits in that many ns are less than half the rate.
func below(bits, ns uint64, rate int64) bool {
	return rate > 0 && float64(bits)*1e9 < float64(rate)/2*float64(ns)
}
