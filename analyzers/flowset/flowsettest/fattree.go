// Package flowsettest makes flow sets whose truth is known: flows over a fat tree, packets
// lost on its links, and what its switches would export. Tests and evaluations use it; it
// decodes nothing.
//
// The network is that of the FlowRadar paper's evaluation: a fat tree (Al-Fares et al.,
// SIGCOMM'08) of k pods, k²/2 edge and aggregation switches each, k²/4 cores, ECMP by a
// hash of the flow. Flows go between pods, so that all switches see as many on average.
package flowsettest

import (
	"fmt"
	"math/rand/v2"
)

// FatTree is a fat tree of K pods; K is even.
type FatTree struct{ K int }

// Switches returns how many switches there are: edges first, then aggregation switches,
// pod by pod, then cores.
func (f FatTree) Switches() int { return 5 * f.K * f.K / 4 }

// Name returns the name of switch i.
func (f FatTree) Name(i int) string {
	n := f.K * f.K / 2
	switch {
	case i < n:
		return fmt.Sprintf("edge%d", i)
	case i < 2*n:
		return fmt.Sprintf("agg%d", i-n)
	}
	return fmt.Sprintf("core%d", i-2*n)
}

// Neighbours returns the switches that switch i has links to.
func (f FatTree) Neighbours(i int) []int {
	h, n := f.K/2, f.K*f.K/2
	var out []int
	switch {
	case i < n:
		for a := range h {
			out = append(out, n+i/h*h+a)
		}
	case i < 2*n:
		pod, a := (i-n)/h, (i-n)%h
		for e := range h {
			out = append(out, pod*h+e)
		}
		for c := range h {
			out = append(out, 2*n+a*h+c)
		}
	default:
		a := (i - 2*n) / h
		for pod := range f.K {
			out = append(out, n+pod*h+a)
		}
	}
	return out
}

// Path is the switches that a flow's packets cross.
type Path [5]int32

// path returns the way between two hosts of different pods; r chooses among equal ones.
func (f FatTree) path(srcEdge, dstEdge int, r uint64) Path {
	h, n := f.K/2, f.K*f.K/2
	a, c := int(r%uint64(h)), int(r/uint64(h)%uint64(h))
	return Path{int32(srcEdge), int32(n + srcEdge/h*h + a), int32(2*n + a*h + c), int32(n + dstEdge/h*h + a), int32(dstEdge)}
}

// pick draws a flow between pods: its ends' edges and hosts.
func (f FatTree) pick(rng *rand.Rand) (srcEdge, dstEdge int) {
	h, n := f.K/2, f.K*f.K/2
	srcEdge = rng.IntN(n)
	dstEdge = rng.IntN(n - h)
	if dstEdge >= srcEdge/h*h {
		dstEdge += h
	}
	return srcEdge, dstEdge
}
