package worlds

import (
	"fmt"
	"math/rand/v2"
)

// network is nodes and directed links; link i^1 is the other direction of link i's cable.
type network struct {
	kind  string
	nodes []node
	links []link
	out   [][]int         // links that leave a node
	ends  []int           // where flows begin and end
	edge  []int           // of each of ends: the switch it is behind, or itself
	dist  map[int][]int32 // hops to a node from every other
}

type node struct {
	name string
	host bool
}

type link struct {
	from, to int
	name     string
}

func (n *network) add(format string, args ...any) int {
	n.nodes = append(n.nodes, node{name: fmt.Sprintf(format, args...)})
	n.out = append(n.out, nil)
	return len(n.nodes) - 1
}

func (n *network) connect(a, b int) {
	n.out[a] = append(n.out[a], len(n.links))
	n.out[b] = append(n.out[b], len(n.links)+1)
	n.links = append(n.links, link{from: a, to: b}, link{from: b, to: a})
}

// populate puts hosts behind a switch, or makes it an end itself.
func (n *network) populate(at, hosts int) {
	if hosts == 0 {
		n.ends, n.edge = append(n.ends, at), append(n.edge, at)
	}
	for range hosts {
		h := n.add("h%d", len(n.ends)+1)
		n.nodes[h].host = true
		n.connect(h, at)
		n.ends, n.edge = append(n.ends, h), append(n.edge, at)
	}
}

// hops returns the distances of all nodes to one of them.
func (n *network) hops(to int) []int32 {
	if d, ok := n.dist[to]; ok {
		return d
	}
	d := make([]int32, len(n.nodes))
	for i := range d {
		d[i] = -1
	}
	d[to] = 0
	for queue := []int{to}; len(queue) > 0; queue = queue[1:] {
		for _, l := range n.out[queue[0]] {
			if peer := n.links[l].to; d[peer] < 0 {
				d[peer] = d[queue[0]] + 1
				queue = append(queue, peer)
			}
		}
	}
	if n.dist == nil {
		n.dist = map[int][]int32{}
	}
	n.dist[to] = d
	return d
}

// path draws one of the shortest paths, hop by hop.
func (n *network) path(rng *rand.Rand, from, to int) []int {
	d := n.hops(to)
	path := make([]int, 0, d[from])
	for at := from; at != to; {
		next, seen := -1, 0
		for _, l := range n.out[at] {
			if d[n.links[l].to] == d[at]-1 {
				if seen++; rng.IntN(seen) == 0 {
					next = l
				}
			}
		}
		path = append(path, next)
		at = n.links[next].to
	}
	return path
}

// paths returns all shortest paths, at most limit.
func (n *network) paths(from, to, limit int) [][]int {
	d := n.hops(to)
	var all [][]int
	var walk func(at int, path []int)
	walk = func(at int, path []int) {
		if at == to {
			all = append(all, append([]int(nil), path...))
		}
		for _, l := range n.out[at] {
			if len(all) < limit && d[n.links[l].to] == d[at]-1 {
				walk(n.links[l].to, append(path, l))
			}
		}
	}
	walk(from, nil)
	return all
}

func fatTree(k, hosts int) *network {
	n := &network{kind: "fat tree"}
	var cores, edges []int
	for i := range k * k / 4 {
		cores = append(cores, n.add("c%d", i+1))
	}
	for p := range k {
		var aggs []int
		for i := range k / 2 {
			a := n.add("a%d", p*k/2+i+1)
			aggs = append(aggs, a)
			for j := range k / 2 {
				n.connect(a, cores[i*k/2+j])
			}
		}
		for i := range k / 2 {
			e := n.add("t%d", p*k/2+i+1)
			edges = append(edges, e)
			for _, a := range aggs {
				n.connect(e, a)
			}
		}
	}
	for _, e := range edges {
		n.populate(e, hosts)
	}
	return n
}

func leafSpine(leaves, spines, hosts int) *network {
	n := &network{kind: "leaf-spine"}
	var top, low []int
	for i := range spines {
		top = append(top, n.add("spine-%d", i+1))
	}
	for i := range leaves {
		low = append(low, n.add("leaf-%d", i+1))
		for _, s := range top {
			n.connect(low[i], s)
		}
	}
	for _, l := range low {
		n.populate(l, hosts)
	}
	return n
}

// clos is three tiers; every second tier switch of a pod knows all of the third tier, or
// every groups-th of it.
func clos(pods, tors, aggs, cores, groups, hosts int) *network {
	n := &network{kind: "clos"}
	var top, low []int
	for i := range cores {
		top = append(top, n.add("t2-%d", i))
	}
	for p := range pods {
		var mid []int
		for i := range aggs {
			a := n.add("t1-%d-%d", p, i)
			mid = append(mid, a)
			for c := i % groups; c < cores; c += groups {
				n.connect(a, top[c])
			}
		}
		for i := range tors {
			t := n.add("tor-%d-%d", p, i)
			low = append(low, t)
			for _, a := range mid {
				n.connect(t, a)
			}
		}
	}
	for _, t := range low {
		n.populate(t, hosts)
	}
	return n
}

// wan is nodes by name and cables between them by number.
func wan(kind string, names []string, cables [][2]int, hosts int) *network {
	n := &network{kind: kind}
	for _, name := range names {
		n.add("%s", name)
	}
	for _, c := range cables {
		n.connect(c[0], c[1])
	}
	for i := range names {
		n.populate(i, hosts)
	}
	return n
}

func abilene(hosts int) *network {
	return wan("abilene", []string{"Seattle", "Sunnyvale", "LosAngeles", "Denver", "KansasCity", "Houston", "Chicago", "Indianapolis", "Atlanta", "WashingtonDC", "NewYork"},
		[][2]int{{0, 1}, {0, 3}, {1, 2}, {1, 3}, {2, 5}, {3, 4}, {4, 5}, {4, 7}, {5, 8}, {7, 6}, {7, 8}, {6, 10}, {8, 9}, {9, 10}}, hosts)
}

// b4 has twelve sites and nineteen cables, some between three continents.
func b4(hosts int) *network {
	return wan("b4", []string{"site1", "site2", "site3", "site4", "site5", "site6", "site7", "site8", "site9", "site10", "site11", "site12"},
		[][2]int{{0, 1}, {0, 2}, {1, 2}, {1, 4}, {2, 3}, {3, 4}, {2, 5}, {3, 6}, {4, 6}, {5, 6}, {5, 7}, {6, 8}, {7, 8}, {7, 9}, {8, 10}, {9, 10}, {9, 11}, {10, 11}, {4, 5}}, hosts)
}

func ring(size, chords, hosts int, rng *rand.Rand) *network {
	names, cables := make([]string, size), make([][2]int, 0, size+chords)
	for i := range size {
		names[i] = fmt.Sprintf("r%d", i)
		cables = append(cables, [2]int{i, (i + 1) % size})
	}
	for range chords {
		a := rng.IntN(size)
		cables = append(cables, [2]int{a, (a + 2 + rng.IntN(size-3)) % size})
	}
	return wan("ring", names, cables, hosts)
}

func chain(size int) *network {
	names, cables := make([]string, size), make([][2]int, 0, size)
	for i := range size {
		names[i] = fmt.Sprintf("n%d", i)
		if i > 0 {
			cables = append(cables, [2]int{i - 1, i})
		}
	}
	return wan("chain", names, cables, 0)
}

// newNetwork draws a network with some hundreds of links.
func newNetwork(rng *rand.Rand) *network {
	hosts := pick(rng, 0, 1, 2, 4)
	switch rng.IntN(8) {
	case 0:
		return fatTree(pick(rng, 4, 6), min(hosts, 3))
	case 1, 2:
		return leafSpine(3+rng.IntN(12), 2+rng.IntN(5), hosts)
	case 3, 4:
		aggs := 2 + rng.IntN(3)
		groups := pick(rng, 1, aggs)
		return clos(2+rng.IntN(3), 2+rng.IntN(5), aggs, groups*(1+rng.IntN(3)), groups, hosts)
	case 5:
		return abilene(min(hosts, 2))
	case 6:
		return b4(min(hosts, 2))
	default:
		if rng.IntN(2) == 0 {
			return chain(4 + rng.IntN(8))
		}
		return ring(5+rng.IntN(12), rng.IntN(5), min(hosts, 1), rng)
	}
}

// baptize names all links in one of the ways people do.
func (n *network) baptize(style int) {
	port := func(at, l int) int {
		for i, x := range n.out[at] {
			if x == l {
				return i + 1
			}
		}
		panic("BUG: a link that does not leave its node")
	}
	for i := range n.links {
		l := &n.links[i]
		from, to := n.nodes[l.from].name, n.nodes[l.to].name
		switch style % 6 {
		case 0, 1:
			l.name = from + ">" + to
		case 2:
			l.name = fmt.Sprintf("%s:eth%d->%s:eth%d", from, port(l.from, i), to, port(l.to, i^1))
		case 3:
			l.name = fmt.Sprint("L", i)
		case 4:
			l.name = fmt.Sprintf("%s/%d → %s/%d \"µ\"", from, port(l.from, i), to, port(l.to, i^1))
		case 5:
			l.name = fmt.Sprintf("%d", 1000000+i)
		}
		// Two cables between the same two nodes are two links.
		for _, x := range n.out[l.from] {
			if x < i && n.links[x].to == l.to && style%6 < 2 {
				l.name = fmt.Sprintf("%s>%s#%d", from, to, i)
			}
		}
	}
}
