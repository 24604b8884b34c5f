package blametest

import (
	"fmt"
	"math/rand/v2"
	"strconv"

	"github.com/telltale-net/telltale/analyzers/blame"
)

// Clos is the network and its traffic.
type Clos struct {
	Pods, ToRs, T1s, T2s, Hosts int     // ToRs and T1s a pod, T2s in all, hosts a ToR
	Flows                       int     // a host and epoch
	MaxPackets                  int     // of a flow, from 1
	Noise                       float64 // a healthy link's rate for a flow is U(0, Noise)
	Steady                      bool    // a healthy link's rate is drawn once an epoch, for all flows
	LossMin, LossMax            float64 // a failed link's rate is U of these
	Skew                        float64 // share of flows that go to one ToR
	// Quirks is what the released simulator does: that a flow lost packets and how many are
	// drawn independently of one another, and paths end before the link to the host.
	Quirks bool
}

// Paper is the setting of the package comment.
func Paper() Clos {
	return Clos{Pods: 2, ToRs: 20, T1s: 8, T2s: 10, Hosts: 40, Flows: 60, MaxPackets: 100, Noise: 1e-6, LossMin: 1e-4, LossMax: 1e-2}
}

// Network is a Clos with its links named.
type Network struct {
	Clos
	Links *blame.Links
	Kinds map[int32]blame.Kind // of failed links; those without one just lose packets
	hosts map[int32]int        // host by its links
	up    []int32              // host → ToR, by host
	down  []int32
	torT1 []int32 // by ToR, T1 of its pod
	t1Tor []int32
	t1T2  []int32 // by T1, T2
	t2T1  []int32
}

// New names the links.
func New(c Clos) *Network {
	n := &Network{Clos: c, Links: blame.NewLinks()}
	both := func(a, b string, to, from *[]int32) {
		*to = append(*to, n.Links.ID(a+">"+b))
		*from = append(*from, n.Links.ID(b+">"+a))
	}
	for tor := range c.Pods * c.ToRs {
		for h := range c.Hosts {
			both(fmt.Sprintf("h%d", tor*c.Hosts+h), fmt.Sprintf("tor%d", tor), &n.up, &n.down)
		}
		for a := range c.T1s {
			both(fmt.Sprintf("tor%d", tor), fmt.Sprintf("agg%d", tor/c.ToRs*c.T1s+a), &n.torT1, &n.t1Tor)
		}
	}
	for a := range c.Pods * c.T1s {
		for s := range c.T2s {
			both(fmt.Sprintf("agg%d", a), fmt.Sprintf("spine%d", s), &n.t1T2, &n.t2T1)
		}
	}
	n.hosts = map[int32]int{}
	for h := range n.up {
		n.hosts[n.up[h]], n.hosts[n.down[h]] = h, h
	}
	return n
}

// Faults is loss rates by link.
type Faults map[int32]float64

// Fail draws k failed links.
func (n *Network) Fail(rng *rand.Rand, k int) Faults {
	f := Faults{}
	var last []int32
	for len(f) < k {
		var kind []int32
		if last != nil && rng.Float64() < 0.1 {
			kind = last // on the same switch
		} else {
			kind = [][]int32{n.torT1, n.t1T2, n.t2T1, n.t1Tor}[rng.IntN(4)]
		}
		l := kind[rng.IntN(len(kind))]
		if _, dup := f[l]; dup {
			continue
		}
		f[l] = n.LossMin + (n.LossMax-n.LossMin)*rng.Float64()
		last = n.sameSwitch(l)
	}
	return f
}

// sameSwitch returns the fabric links that leave the switch that l leaves.
func (n *Network) sameSwitch(l int32) []int32 {
	for _, g := range []struct {
		links []int32
		per   int
	}{{n.torT1, n.T1s}, {n.t1T2, n.T2s}} {
		for i, x := range g.links {
			if x == l {
				return g.links[i/g.per*g.per : (i/g.per+1)*g.per]
			}
		}
	}
	for _, g := range []struct {
		links []int32
		per   int
	}{{n.t1Tor, n.T1s}, {n.t2T1, n.T2s}} {
		for i, x := range g.links {
			if x == l {
				return []int32{g.links[(i+g.per)%len(g.links)], l} // another of the same column
			}
		}
	}
	return nil
}

// Device returns faults of all links of a device, at one rate.
func (n *Network) Device(name string, rate float64) Faults {
	f := Faults{}
	for i := range n.Links.Len() {
		link := n.Links.Name(int32(i))
		for j := range len(link) {
			if link[j] == '>' && (link[:j] == name || link[j+1:] == name) {
				f[int32(i)] = rate
			}
		}
	}
	return f
}

// Epoch is one epoch's flows and what became of them.
type Epoch struct {
	Set   *blame.Set
	Cause []int32       // by losing flow, in order: the link that lost most of its packets
	Drops map[int32]int // by failed link: packets lost there
	Noise int           // packets lost elsewhere
}

// Epoch draws the flows of an epoch.
func (n *Network) Epoch(rng *rand.Rand, faults Faults) Epoch {
	e := Epoch{Set: blame.NewSet(n.Links), Drops: map[int32]int{}}
	tors := n.Pods * n.ToRs
	rate, failed := make([]float64, n.Links.Len()), make([]bool, n.Links.Len())
	if n.Steady {
		for l := range rate {
			rate[l] = n.Noise * rng.Float64()
		}
	}
	for l, p := range faults {
		rate[l], failed[l] = p, true
	}
	hot := rng.IntN(tors)
	var path []int32
	var name []byte
	fates := make([]fate, n.Links.Len())
	for l, k := range n.Kinds {
		fates[l].kind = k
	}
	for src := range tors * n.Hosts {
		tor := src / n.Hosts
		for j := range n.Flows {
			dst := hot
			if tor == hot || rng.Float64() >= n.Skew {
				if dst = rng.IntN(tors - 1); dst >= tor {
					dst++
				}
			}
			path = n.route(rng, path[:0], src, dst)
			packets := 1 + rng.IntN(n.MaxPackets)
			if n.Quirks {
				path = path[:len(path)-1]
			}
			lost, most, runs, cause := 0, 0, 0, int32(-1)
			for _, l := range path {
				d, r := 0, 0
				switch {
				case fates[l].kind != "":
					d, r = fates[l].packets(rng, packets-lost, rate[l])
				case n.Quirks:
					d = n.quirk(rng, packets, rate[l])
				default:
					d = n.drops(rng, packets-lost, rate[l])
				}
				runs += r
				if failed[l] {
					e.Drops[l] += d
				} else {
					e.Noise += d
				}
				if lost += d; d > most {
					most, cause = d, l
				}
			}
			if lost > 0 {
				e.Cause = append(e.Cause, cause)
			}
			name = strconv.AppendInt(append(name[:0], 'f'), int64(src*n.Flows+j), 10)
			if err := e.Set.Add(name, path, uint32(packets), uint32(lost)); err != nil {
				panic("BUG: " + err.Error())
			}
			e.Set.SetRuns(uint32(runs))
		}
	}
	for l := range fates {
		fates[l].samples(e.Set, int32(l))
	}
	return e
}

func (n *Network) route(rng *rand.Rand, path []int32, src, dst int) []int32 {
	tor := src / n.Hosts
	a := rng.IntN(n.T1s)
	path = append(path, n.up[src], n.torT1[tor*n.T1s+a])
	if tor/n.ToRs != dst/n.ToRs {
		s, b := rng.IntN(n.T2s), rng.IntN(n.T1s)
		path = append(path, n.t1T2[(tor/n.ToRs*n.T1s+a)*n.T2s+s], n.t2T1[(dst/n.ToRs*n.T1s+b)*n.T2s+s])
		a = b
	}
	return append(path, n.t1Tor[dst*n.T1s+a], n.down[dst*n.Hosts+rng.IntN(n.Hosts)])
}

// drops draws how many of a flow's packets a link loses. Noise is thinned: two packets
// of one flow lost to noise at one link, once in 1e10 flows, count as one.
func (n *Network) drops(rng *rand.Rand, packets int, rate float64) int {
	if rate == 0 {
		bound := n.Noise * float64(packets)
		if bound == 0 || rng.Float64() >= bound {
			return 0
		}
		if rng.Float64() < rng.Float64() { // the rate's share of its maximum
			return 1
		}
		return 0
	}
	d := 0
	for range packets {
		if rng.Float64() < rate {
			d++
		}
	}
	return d
}
