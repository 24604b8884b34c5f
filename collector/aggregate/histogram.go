package aggregate

import "math/bits"

// Bounds are the upper bounds of the buckets of a [Histogram], ns, included: 100 ns to
// 1 s in steps of 1, 2, 5. What is above the last is in the bucket behind it.
var Bounds = [Buckets - 1]uint32{
	100, 200, 500,
	1e3, 2e3, 5e3, 10e3, 20e3, 50e3, 100e3, 200e3, 500e3,
	1e6, 2e6, 5e6, 10e6, 20e6, 50e6, 100e6, 200e6, 500e6,
	1e9,
}

// Buckets is the number of buckets of a histogram, the one above all bounds included.
const Buckets = 23

// first is, for values of n bits, the bucket of the least of them: between two powers of
// two there is one bound at most.
var first = func() (t [33]uint8) {
	for n := range t {
		least := uint32(0)
		if n > 0 {
			least = 1 << (n - 1)
		}
		for int(t[n]) < len(Bounds) && least > Bounds[t[n]] {
			t[n]++
		}
	}
	return t
}()

// Histogram counts latencies.
type Histogram struct {
	Count    uint64
	Sum      uint64 // ns
	Min, Max uint32 // ns; 0 where Count is
	Buckets  [Buckets]uint64
}

// Bucket returns the index of the bucket that a latency of ns falls into.
func Bucket(ns uint32) int {
	i := int(first[bits.Len32(ns)])
	if i < len(Bounds) && ns > Bounds[i] {
		i++
	}
	return i
}

func (h *Histogram) add(ns uint32) {
	if h.Count == 0 || ns < h.Min {
		h.Min = ns
	}
	h.Max = max(h.Max, ns)
	h.Count++
	h.Sum += uint64(ns)
	h.Buckets[Bucket(ns)]++
}
