package evalflowset

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/telltale-net/telltale/analyzers/flowset"
	"github.com/telltale-net/telltale/analyzers/flowset/lossradar"
)

// traffic is 100 ms of a link of 10 Gb/s at 40 % load, and why it lost packets:
//
//	flows       TCP: a SYN, then windows of a doubling number of packets, one per 300 µs,
//	            that leave 1 µs apart; sizes as in web search (DCTCP, SIGCOMM 2010), in
//	            packets of 1,000 bytes. Half of the flows begin in the 100 ms before.
//	congestion  incast: 3 times in 100 ms, for 100 to 400 µs, a full queue drops each of
//	            the packets that arrive with one probability, 0.2 to 0.8
//	blackhole   from some time on all packets of a tenth of the flows are lost: what is left
//	            of a window; then the sender waits for longer than the 100 ms
//	random      each packet with a probability of 1 %, as in the paper
//	loop        a twentieth of the flows arrives with no time to live left
type traffic struct {
	packets []lossradar.Packet // in order of time
	cause   map[lossradar.Packet]lossradar.Cause
}

const (
	roundTrip = 300 * time.Microsecond
	perWindow = 50_000 // packets: 4 Gb/s for 100 ms at 1,000 bytes
)

// sizes is the distribution of flow sizes in web search, packets.
var sizes = [...]struct{ share, packets float64 }{
	{0, 1}, {0.15, 6}, {0.2, 13}, {0.3, 19}, {0.4, 33}, {0.53, 53}, {0.6, 133}, {0.7, 667}, {0.8, 1333}, {0.9, 3333}, {0.97, 6667}, {1, 20_000},
}

// webSearch returns the size that a share of the flows does not exceed.
func webSearch(share float64) int {
	for i := 1; i < len(sizes); i++ {
		if a, b := sizes[i-1], sizes[i]; share <= b.share {
			return int(a.packets + (b.packets-a.packets)*(share-a.share)/(b.share-a.share))
		}
	}
	return int(sizes[len(sizes)-1].packets)
}

// newWindow makes 100 ms of a link.
func newWindow(seed, n uint64, causes []lossradar.Cause) *traffic {
	rng := rand.New(rand.NewPCG(seed, n))
	w := &traffic{cause: map[lossradar.Packet]lossradar.Cause{}}
	has := func(c lossradar.Cause) bool { return slices.Contains(causes, c) }
	var queues [][2]time.Duration
	drop := 0.0
	if has(lossradar.Congestion) {
		drop = 0.2 + 0.6*rng.Float64()
		for range 3 {
			at := time.Duration(rng.Int64N(int64(window)))
			queues = append(queues, [2]time.Duration{at, at + 100*time.Microsecond + time.Duration(rng.Int64N(int64(300*time.Microsecond)))})
		}
	}
	dead := time.Duration(rng.Int64N(int64(window / 2)))
	for f := 0; len(w.packets) < perWindow; f++ {
		holed, looped := has(lossradar.Blackhole) && rng.IntN(10) == 0, has(lossradar.Loop) && rng.IntN(20) == 0
		size := webSearch(rng.Float64())
		at, burst := time.Duration(rng.Int64N(2*int64(window)))-window, 1
		p := lossradar.Packet{Key: flowset.Key{rng.Uint64(), 6<<56 | uint64(f)<<24}, ID: uint16(rng.Uint32()), TTL: 60}
		if looped {
			p.TTL = 0
		}
		for sent := 0; sent < size && at < window; burst *= 2 {
			lost := false
			for i := 0; i < burst && sent < size; i++ {
				if p.At = (at + time.Duration(i)*time.Microsecond).Truncate(time.Microsecond); p.At >= window {
					break
				}
				if p.At < 0 {
					p.ID++
					sent++
					continue
				}
				p.SYN = sent == 0
				w.packets = append(w.packets, p)
				cause := lossradar.Cause("")
				switch {
				case looped:
					cause = lossradar.Loop
				case holed && p.At >= dead:
					cause, lost = lossradar.Blackhole, true
				case slices.ContainsFunc(queues, func(q [2]time.Duration) bool { return p.At >= q[0] && p.At < q[1] }) && rng.Float64() < drop:
					cause = lossradar.Congestion
				case has(lossradar.Random) && rng.IntN(100) == 0:
					cause = lossradar.Random
				}
				if cause != "" {
					w.cause[p] = cause
				}
				p.ID++
				sent++
			}
			if lost { // nothing is acknowledged
				break
			}
			at += max(roundTrip, time.Duration(burst)*time.Microsecond)
			burst = min(burst, 64)
		}
	}
	slices.SortStableFunc(w.packets, func(a, b lossradar.Packet) int { return int(a.At - b.At) })
	return w
}

// lost counts the lost packets by cause.
func (w *traffic) lost() map[lossradar.Cause]int {
	n := map[lossradar.Cause]int{}
	for _, c := range w.cause {
		n[c]++
	}
	return n
}
