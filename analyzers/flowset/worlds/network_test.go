package worlds

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
)

func pick[T any](rng *rand.Rand, of ...T) T { return of[rng.IntN(len(of))] }

func between(rng *rand.Rand, lo, hi float64) float64 { return lo + (hi-lo)*rng.Float64() }

type flow struct {
	src, dst     netip.Addr
	proto        uint8
	sport, dport uint16
}

func (f flow) String() string {
	return fmt.Sprintf("%v:%d>%v:%d/%d", f.src, f.sport, f.dst, f.dport, f.proto)
}

// Orders of a key's fields.
const (
	protoThird = iota
	protoLast
	littleEndian // addresses and ports least significant byte first, protocol last
)

func (f flow) key(order int) []byte {
	k := append(f.src.AsSlice(), f.dst.AsSlice()...)
	switch order {
	case protoThird:
		k = append(k, f.proto)
		k = binary.BigEndian.AppendUint16(k, f.sport)
		return binary.BigEndian.AppendUint16(k, f.dport)
	case protoLast:
		k = binary.BigEndian.AppendUint16(k, f.sport)
		k = binary.BigEndian.AppendUint16(k, f.dport)
	case littleEndian:
		n := len(k) / 2
		for i := range n / 2 {
			k[i], k[n-1-i] = k[n-1-i], k[i]
			k[n+i], k[2*n-1-i] = k[2*n-1-i], k[n+i]
		}
		k = binary.LittleEndian.AppendUint16(k, f.sport)
		k = binary.LittleEndian.AppendUint16(k, f.dport)
	}
	return append(k, f.proto)
}

// network is a graph of switches; hosts are behind edges.
type network struct {
	nodes []string
	next  [][]int
	edges []int
	hosts int // behind each edge
}

func (n *network) node(name string) int {
	n.nodes = append(n.nodes, name)
	n.next = append(n.next, nil)
	return len(n.nodes) - 1
}

func (n *network) join(a, b int) {
	n.next[a] = append(n.next[a], b)
	n.next[b] = append(n.next[b], a)
}

func fatTree() *network {
	n := &network{hosts: 24}
	var cores []int
	for i := range 4 {
		cores = append(cores, n.node(fmt.Sprintf("c%d", i)))
	}
	for p := range 4 {
		var aggs []int
		for i := range 2 {
			a := n.node(fmt.Sprintf("a%d%d", p, i))
			aggs = append(aggs, a)
			n.join(a, cores[2*i])
			n.join(a, cores[2*i+1])
		}
		for i := range 2 {
			e := n.node(fmt.Sprintf("e%d%d", p, i))
			n.edges = append(n.edges, e)
			n.join(e, aggs[0])
			n.join(e, aggs[1])
		}
	}
	return n
}

func leafSpine(leaves, spines int) *network {
	n := &network{hosts: 24}
	var up []int
	for i := range spines {
		up = append(up, n.node(fmt.Sprintf("spine-%d", i+1)))
	}
	for i := range leaves {
		l := n.node(fmt.Sprintf("leaf-%d", i+1))
		n.edges = append(n.edges, l)
		for _, s := range up {
			n.join(l, s)
		}
	}
	return n
}

func chain(length int) *network {
	n := &network{hosts: 24}
	for i := range length {
		n.node(fmt.Sprintf("s%d", i+1))
		if i > 0 {
			n.join(i-1, i)
		}
	}
	n.edges = []int{0, length - 1}
	if length == 1 {
		n.edges = []int{0}
	}
	return n
}

// path draws one of the shortest paths.
func (n *network) path(rng *rand.Rand, from, to int) []int {
	dist := make([]int, len(n.nodes))
	for i := range dist {
		dist[i] = math.MaxInt
	}
	dist[to] = 0
	for queue := []int{to}; len(queue) > 0; queue = queue[1:] {
		for _, m := range n.next[queue[0]] {
			if dist[m] == math.MaxInt {
				dist[m] = dist[queue[0]] + 1
				queue = append(queue, m)
			}
		}
	}
	path := []int{from}
	for at := from; at != to; {
		var best []int
		for _, m := range n.next[at] {
			if dist[m] == dist[at]-1 {
				best = append(best, m)
			}
		}
		at = pick(rng, best...)
		path = append(path, at)
	}
	return path
}

// draw draws a flow between two edges and its path. Where there is one edge, or by chance,
// both ends are behind the same one.
func (n *network) draw(rng *rand.Rand, v6 bool) (flow, []int) {
	a := rng.IntN(len(n.edges))
	b := a
	if len(n.edges) > 1 {
		for b == a {
			b = rng.IntN(len(n.edges))
		}
	}
	f := flow{
		src: host(a, rng.IntN(n.hosts), v6), dst: host(b, rng.IntN(n.hosts), v6), proto: pick(rng, uint8(6), 6, 6, 17),
		sport: uint16(1024 + rng.IntN(64000)), dport: pick(rng, uint16(80), 443, 53, uint16(1024+rng.IntN(64000))),
	}
	return f, n.path(rng, n.edges[a], n.edges[b])
}

func host(edge, number int, v6 bool) netip.Addr {
	if v6 {
		return netip.MustParseAddr(fmt.Sprintf("2001:db8:%x::%x", edge+1, number+2))
	}
	return netip.AddrFrom4([4]byte{10, byte(edge / 2), byte(edge % 2), byte(number + 2)})
}

// size draws a flow's packets in an epoch: most are small, few are big.
func size(rng *rand.Rand) uint64 {
	return uint64(min(100_000, math.Pow(1-rng.Float64(), -0.9)))
}
