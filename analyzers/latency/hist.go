package latency

import "math/bits"

const (
	subBits  = 5
	sub      = 1 << subBits // buckets per power of two
	maxBits  = 36           // values are capped at 2^36−1: 68 s in ns
	maxValue = 1<<maxBits - 1
)

// hist is a log-bucket histogram: values below 32 exactly, larger ones in 32 buckets
// per power of two, so that the middle of a bucket is at most 1/64 off any value in
// it. Histograms merge by addition.
type hist struct {
	counts []uint32 // grown to the highest bucket used
	n      uint64
	max    uint64
}

func bucketOf(v uint64) int {
	if v < sub {
		return int(v)
	}
	v = min(v, maxValue)
	shift := bits.Len64(v) - subBits - 1
	return shift*sub + int(v>>shift)
}

// middle returns the value that stands for a bucket.
func middle(b int) uint64 {
	if b < 2*sub {
		return uint64(b)
	}
	shift := b/sub - 1
	return uint64(b%sub+sub)<<shift + 1<<shift/2
}

func (h *hist) add(v uint64) {
	b := bucketOf(v)
	if b >= len(h.counts) {
		h.grow(b)
	}
	h.counts[b]++
	h.n++
	h.max = max(h.max, v)
}

// grow makes room for bucket b, a whole power of two at a time.
func (h *hist) grow(b int) {
	counts := make([]uint32, (b/sub+1)*sub)
	copy(counts, h.counts)
	h.counts = counts
}

func (h *hist) merge(o *hist) {
	if len(o.counts) > len(h.counts) {
		h.grow(len(o.counts) - 1)
	}
	for i, c := range o.counts {
		h.counts[i] += c
	}
	h.n += o.n
	h.max = max(h.max, o.max)
}

// halve forgets half of everything: an exponential window over merges.
func (h *hist) halve() {
	h.n = 0
	for i := range h.counts {
		h.counts[i] /= 2
		h.n += uint64(h.counts[i])
	}
}

func (h *hist) reset() {
	clear(h.counts)
	h.n, h.max = 0, 0
}

// Quantiles summarises a distribution: P50, P90 and P99 within 1/64 of the value of
// that rank (the smallest value that at least that share does not exceed), Max exact.
type Quantiles struct {
	P50 uint64 `json:"p50"`
	P90 uint64 `json:"p90"`
	P99 uint64 `json:"p99"`
	Max uint64 `json:"max"`
}

func (h *hist) quantiles() (q Quantiles) {
	if h.n == 0 {
		return q
	}
	rank := func(share uint64) uint64 { return (h.n*share + 99) / 100 }
	want := [3]uint64{rank(50), rank(90), rank(99)}
	out := [3]*uint64{&q.P50, &q.P90, &q.P99}
	var seen uint64
	i := 0
	for b, c := range h.counts {
		seen += uint64(c)
		for i < len(want) && seen >= want[i] {
			*out[i] = min(middle(b), h.max)
			i++
		}
		if i == len(want) {
			break
		}
	}
	q.Max = h.max
	return q
}
