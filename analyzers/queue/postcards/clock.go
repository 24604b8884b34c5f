package postcards

import "math"

// align finds how far each switch's clock is from that of the first one of its part of
// the network.
func (c *converter) align() {
	n := len(c.net.Nodes)
	least := map[[2]int32]int64{} // from, to: arrival − dequeue − what the link takes
	c.packets(func(hops []card) {
		for i := range hops {
			a := &hops[i]
			port := c.net.PortAt(a.at, a.OutPort)
			if a.Lost() || port.Peer < 0 {
				continue
			}
			for k := range hops {
				b := &hops[k]
				if b.at != port.Peer || c.net.PortAt(b.at, b.InPort).Peer != a.at {
					continue
				}
				d := int64(b.Ingress) - int64(a.Egress) - serialisation(a, port.RateBps) - port.DelayNS
				key := [2]int32{a.at, b.at}
				if m, ok := least[key]; !ok || d < m {
					least[key] = d
				}
			}
		}
	})
	c.offset = make([]int64, n)
	seen := make([]bool, n)
	for root := range int32(n) {
		if seen[root] {
			continue
		}
		seen[root] = true
		todo := []int32{root}
		for len(todo) > 0 {
			a := todo[0]
			todo = todo[1:]
			for _, port := range c.net.Nodes[a].Ports {
				b := port.Peer
				if b < 0 || seen[b] {
					continue
				}
				there, ok := least[[2]int32{a, b}]
				back, also := least[[2]int32{b, a}]
				switch {
				case ok && also:
					there = (there - back) / 2
				case also:
					there = -back
				case !ok:
					continue
				}
				if -2*resolution <= there && there <= 2*resolution {
					there = 0
				}
				c.offset[b] = c.offset[a] + there
				seen[b] = true
				todo = append(todo, b)
			}
		}
	}
	lo, hi := int64(math.MaxInt64), int64(math.MinInt64)
	for i := range c.used {
		o := c.offset[c.used[i].at]
		lo, hi = min(lo, o), max(hi, o)
	}
	if len(c.used) > 0 {
		c.stats.Clock = hi - lo
	}
}

// time returns a node's time on the common clock.
func (c *converter) time(node int32, t uint64) int64 { return int64(t) - c.offset[node] }
