package blametest

import (
	"math/rand/v2"

	"github.com/telltale-net/telltale/analyzers/blame"
)

// A queue before a link holds up to depths packets. It is short but for a share busy of
// the time, when it is nearly full. Corruption loses packets whatever the queue; congestion
// only from full packets on, half of them, so that it loses as large a share of all as the
// rate says.
const (
	depths = 64
	full   = 56
	busy   = 0.05
)

// fate is what a link of a kind does to packets, and what its queue looked like.
type fate struct {
	kind blame.Kind
	seen [depths][2]uint32 // packets and losses by depth
}

// packets draws what becomes of packets of one flow, which come close together: how many
// are lost, in how many runs.
func (f *fate) packets(rng *rand.Rand, packets int, rate float64) (lost, runs int) {
	long, left, before := false, 0, false
	for range packets {
		if left == 0 { // the queue changes every few packets
			long, left = rng.Float64() < busy, 1+rng.IntN(8)
		}
		left--
		depth := rng.IntN(full)
		if long {
			depth = full + rng.IntN(depths-full)
		}
		p := rate
		if f.kind == blame.Congestion {
			p = 0
			if long {
				p = min(rate/busy, 0.9)
			}
		}
		gone := rng.Float64() < p
		f.seen[depth][0]++
		if gone {
			f.seen[depth][1]++
			lost++
			if !before {
				runs++
			}
		}
		before = gone
	}
	return lost, runs
}

// samples adds what the queue looked like.
func (f *fate) samples(s *blame.Set, link int32) {
	for d, n := range f.seen {
		if n[0] > 0 {
			s.AddSample(blame.Sample{Link: link, Depth: float64(d), Packets: n[0], Lost: n[1]})
		}
	}
}

// quirk draws a flow's losses at a link as the released simulator does: whether there
// were any, and, independently, how many. Losses of flows that had none are not seen.
func (n *Network) quirk(rng *rand.Rand, packets int, rate float64) int {
	flag, count := n.drops(rng, packets, rate) > 0, n.drops(rng, packets, rate)
	if !flag {
		return 0
	}
	return max(count, 1)
}

// ECMP returns all paths between the ends of one.
func (n *Network) ECMP(path []int32) [][]int32 {
	src, dst := n.hosts[path[0]], n.hosts[path[len(path)-1]]/n.Hosts
	tor := src / n.Hosts
	last := path[len(path)-1]
	var out [][]int32
	for a := range n.T1s {
		first := []int32{path[0], n.torT1[tor*n.T1s+a]}
		if tor/n.ToRs == dst/n.ToRs {
			out = append(out, append(first, n.t1Tor[dst*n.T1s+a], last))
			continue
		}
		for s := range n.T2s {
			for b := range n.T1s {
				out = append(out, []int32{first[0], first[1], n.t1T2[(tor/n.ToRs*n.T1s+a)*n.T2s+s], n.t2T1[(dst/n.ToRs*n.T1s+b)*n.T2s+s], n.t1Tor[dst*n.T1s+b], last})
			}
		}
	}
	return out
}

// Overlap draws k failed links that share flows: links into, and out of, as few T1
// switches as possible, one of each first.
func (n *Network) Overlap(rng *rand.Rand, k int) Faults {
	f := Faults{}
	for len(f) < k {
		a := rng.IntN(n.Pods * n.T1s)
		pod := a / n.T1s
		tor := pod*n.ToRs + rng.IntN(n.ToRs)
		for _, l := range []int32{n.torT1[tor*n.T1s+a%n.T1s], n.t1T2[a*n.T2s+rng.IntN(n.T2s)]} {
			if len(f) < k {
				f[l] = n.LossMin + (n.LossMax-n.LossMin)*rng.Float64()
			}
		}
	}
	return f
}

// FailDown draws one failed link T1→ToR that loses at a rate: the paper's single failure.
func (n *Network) FailDown(rng *rand.Rand, rate float64) Faults {
	return Faults{n.t1Tor[rng.IntN(len(n.t1Tor))]: rate}
}
