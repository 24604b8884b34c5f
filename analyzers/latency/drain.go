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
	slow      int   // pairs below half the port's rate
	firstSlow int64 // Received of the first of them

	waits   int
	ahead   uint64
	waitNS  uint64
	packets uint64
	bytes   uint64
}

// Drain is a measured service rate.
type Drain struct {
	Pairs   int     `json:"pairs"`    // departures back to back
	PairBps float64 `json:"pair_bps"` // 0 = not measured
	Waits   int     `json:"waits"`    // packets that found at least 4 ahead
	WaitBps float64 `json:"wait_bps"` // 0 = not measured
	// Slow is how many pairs were below half the port's rate, FirstSlow when the first
	// of them was received.
	Slow      int   `json:"slow"`
	FirstSlow int64 `json:"first_slow_ns"`

	sum drainSum
}

func (s *drainSum) add(o *drainSum) {
	if s.slow == 0 {
		s.firstSlow = o.firstSlow
	}
	s.pairs += o.pairs
	s.pairBits += o.pairBits
	s.pairNS += o.pairNS
	s.slow += o.slow
	s.waits += o.waits
	s.ahead += o.ahead
	s.waitNS += o.waitNS
	s.packets += o.packets
	s.bytes += o.bytes
}

func (s *drainSum) drain() Drain {
	d := Drain{Pairs: s.pairs, Waits: s.waits, Slow: s.slow, FirstSlow: s.firstSlow, sum: *s}
	if s.pairs > 0 {
		d.PairBps = float64(s.pairBits) * 1e9 / float64(max(s.pairNS, 1))
	}
	if s.waits > 0 && s.packets > 0 {
		d.WaitBps = float64(s.ahead) * 8 * float64(s.bytes) / float64(s.packets) * 1e9 / float64(max(s.waitNS, 1))
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

// departure is the latest packet that left a port.
type departure struct {
	egress uint64
	bits   uint64
	gaps   uint32 // the node's sequence gaps so far
	queue  uint8
	busy   bool // packets were left behind
	known  bool
}

// departs adds one departure to the queue's sum and remembers it at the port.
func (s *drainSum) departs(r *postcard.Record, last *departure, gaps uint32, rate int64) {
	if r.Has&postcard.HasLength != 0 {
		s.packets++
		s.bytes += uint64(r.Length)
	}
	if r.Has&(postcard.HasEnqDepth|postcard.HasLatency) == postcard.HasEnqDepth|postcard.HasLatency && r.EnqDepth >= minAhead {
		s.waits++
		s.ahead += uint64(r.EnqDepth)
		s.waitNS += uint64(r.Latency)
	}
	const need = postcard.HasEgress | postcard.HasQueue | postcard.HasLength
	if r.Has&need != need {
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
		if rate > 0 && float64(last.bits)*1e9 < float64(rate)/2*float64(gap) {
			if s.slow == 0 {
				s.firstSlow = r.Received
			}
			s.slow++
		}
	}
	*last = departure{egress: r.Egress, bits: 8 * uint64(r.Length), gaps: gaps, queue: r.Queue, busy: r.QueueDepth > 0, known: true}
}
