package traffic

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// Window is how many sequence numbers back a sink can tell a duplicate from a late
// packet. What is later than that counts as delivered late.
const Window = 2048

// Stats is the ground truth about one flow.
type Stats struct {
	Sent, SentBytes           uint64 // handed to the host's port
	Delivered, DeliveredBytes uint64 // distinct packets that arrived
	Duplicated                uint64 // further copies
	Reordered                 uint64 // delivered after one sent later
	Delay                     Delay
}

// Missing is how many packets have not arrived: lost, or still on the way.
func (s *Stats) Missing() uint64 { return s.Sent - s.Delivered }

// Sink accounts for a flow's packets. The sender's side, which calls Sent, and the
// receiver's, which calls Arrived, may be two goroutines, provided that a packet's
// Sent happens before its Arrived.
type Sink struct {
	sent      atomic.Uint64
	sentBytes uint64
	_         [48]byte // the other side's cache line
	next      uint64   // one beyond the highest sequence number seen
	seen      [Window / 64]uint64
	stats     Stats // of the receiver
}

// Sent counts a packet handed to the sender's port.
func (s *Sink) Sent(length int) {
	s.sentBytes += uint64(length)
	s.sent.Add(1)
}

// Arrived counts packet seq, delay ns after it was sent. It reports false for a
// sequence number that was never sent, which it does not count.
func (s *Sink) Arrived(seq uint64, length int, delay int64) bool {
	if seq >= s.sent.Load() {
		return false
	}
	switch {
	case seq >= s.next:
		s.advance(seq)
	case s.next-seq > Window:
		s.stats.Reordered++
	default:
		word, bit := &s.seen[seq%Window/64], uint64(1)<<(seq%64)
		if *word&bit != 0 {
			s.stats.Duplicated++
			return true
		}
		*word |= bit
		s.stats.Reordered++
	}
	s.stats.Delivered++
	s.stats.DeliveredBytes += uint64(length)
	s.stats.Delay.add(delay)
	return true
}

// advance moves the window up to seq and marks it.
func (s *Sink) advance(seq uint64) {
	if seq-s.next >= Window {
		clear(s.seen[:])
	} else {
		for n := s.next; n < seq; n++ {
			s.seen[n%Window/64] &^= 1 << (n % 64)
		}
	}
	s.seen[seq%Window/64] |= 1 << (seq % 64)
	s.next = seq + 1
}

// Stats returns what was counted so far; neither side may be at work.
func (s *Sink) Stats() Stats {
	x := s.stats
	x.Sent, x.SentBytes = s.sent.Load(), s.sentBytes
	return x
}

const (
	subBits = 4 // 16 buckets per octave: quantiles are at most 1/16 too high
	octaves = 40
)

// Delay summarises end-to-end delays from the sender's port to the receiver.
type Delay struct {
	Count    uint64
	Min, Max time.Duration
	sum      int64
	buckets  [octaves << subBits]uint32
}

func bucket(ns int64) int {
	if ns < 0 {
		return 0
	}
	u := uint64(ns)
	if u < 1<<subBits {
		return int(u)
	}
	shift := bits.Len64(u) - subBits - 1
	return min(shift<<subBits+int(u>>shift), octaves<<subBits-1)
}

// ceiling returns the greatest delay that falls into bucket i.
func ceiling(i int) int64 {
	if i < 2<<subBits {
		return int64(i)
	}
	shift := i>>subBits - 1
	return (int64(i-shift<<subBits)+1)<<shift - 1
}

func (d *Delay) add(ns int64) {
	t := time.Duration(ns)
	if d.Count == 0 || t < d.Min {
		d.Min = t
	}
	if d.Count == 0 || t > d.Max {
		d.Max = t
	}
	d.Count++
	d.sum += ns
	d.buckets[bucket(ns)]++
}

// Mean returns the mean delay, 0 before the first packet.
func (d *Delay) Mean() time.Duration {
	if d.Count == 0 {
		return 0
	}
	return time.Duration(d.sum / int64(d.Count))
}

// Quantile returns the delay that the fraction q of packets did not exceed, at most
// 1/16 too high; 0 before the first packet.
func (d *Delay) Quantile(q float64) time.Duration {
	want := uint64(q*float64(d.Count) + 0.5)
	n := uint64(0)
	for i, c := range d.buckets {
		if n += uint64(c); c != 0 && n >= want {
			return min(max(time.Duration(ceiling(i)), d.Min), d.Max)
		}
	}
	return d.Max
}
