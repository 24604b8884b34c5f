package topology

import (
	"cmp"
	"iter"
	"slices"
	"strings"
)

// Hop is a link in one direction: a packet leaves Out.Node by Out.Port and
// arrives at In.Node on In.Port.
type Hop struct {
	Out, In Endpoint
}

// String names the directed link, "leaf1>spine2". Parallel links share the name;
// the endpoints tell them apart.
func (h Hop) String() string { return h.Out.Node + ">" + h.In.Node }

// Path is the hops of a packet in order; each hop starts at the node where the
// one before ended.
type Path []Hop

// String is the nodes in order: "vs1>leaf1>spine2>leaf3>vs5".
func (p Path) String() string { return strings.Join(p.Nodes(), ">") }

// Nodes returns the names of the nodes in order, one more than there are hops;
// nil for the empty path.
func (p Path) Nodes() []string {
	if len(p) == 0 {
		return nil
	}
	nodes := make([]string, 0, len(p)+1)
	nodes = append(nodes, p[0].Out.Node)
	for _, h := range p {
		nodes = append(nodes, h.In.Node)
	}
	return nodes
}

// NextHops returns the ports of node through which shortest paths lead to dst, in
// ascending order: the members of the ECMP group. It is nil when node is dst, when
// either is not a switch of the fabric, and when no path exists.
//
// A shortest path uses no telemetry link and passes through no vswitch.
func (ix *Index) NextHops(node, dst string) []Port {
	from, to, ok := ix.switches(node, dst)
	if !ok {
		return nil
	}
	var ports []Port
	for e := range ix.graph.next(from, to, ix.distances(to)) {
		ports = append(ports, e.out)
	}
	return ports
}

// Distance returns the number of hops of the shortest paths from node to dst; ok is
// false when either is not a switch of the fabric or no path exists.
func (ix *Index) Distance(node, dst string) (hops int, ok bool) {
	from, to, ok := ix.switches(node, dst)
	if !ok {
		return 0, false
	}
	d := ix.distances(to)[from]
	return int(d), d != unreachable
}

// Paths yields every shortest path from one switch to another, in the order of the
// port numbers on the way. Their number grows as the product of the choices at
// each hop, so a caller that needs few stops early. From a switch to itself, and
// where no path leads, there is none. The yielded Path is the caller's to keep.
func (ix *Index) Paths(from, to string) iter.Seq[Path] {
	return func(yield func(Path) bool) {
		src, dst, ok := ix.switches(from, to)
		if !ok || src == dst {
			return
		}
		dist := ix.distances(dst)
		if dist[src] == unreachable {
			return
		}
		path := make(Path, 0, dist[src])
		var walk func(at int) bool
		walk = func(at int) bool {
			if at == dst {
				return yield(slices.Clone(path))
			}
			for e := range ix.graph.next(at, dst, dist) {
				path = append(path, Hop{
					Out: Endpoint{ix.fabric.Nodes[at].Name, e.out},
					In:  Endpoint{ix.fabric.Nodes[e.peer].Name, e.in},
				})
				if !walk(e.peer) {
					return false
				}
				path = path[:len(path)-1]
			}
			return true
		}
		walk(src)
	}
}

// switches returns the positions of two switches.
func (ix *Index) switches(a, b string) (i, j int, ok bool) {
	i, okA := ix.nodes[a]
	j, okB := ix.nodes[b]
	return i, j, okA && okB && ix.fabric.Nodes[i].Role != Collector && ix.fabric.Nodes[j].Role != Collector
}

// distances returns the hops of every node to dst, computed at first use.
func (ix *Index) distances(dst int) []int32 {
	l := &ix.lazy[dst]
	l.once.Do(func() { l.dist = ix.graph.distances(dst) })
	return l.dist
}

// graph is the fabric without telemetry links, by position in Fabric.Nodes.
type graph struct {
	edges   [][]edge // by node, ascending by out
	forward []bool   // by node: whether it passes on what is not for itself
}

type edge struct {
	out  Port // of this node
	peer int
	in   Port // of the peer
}

const unreachable int32 = -1

// newGraph leaves out links with an end that is not there.
func newGraph(f Fabric) graph {
	g := graph{make([][]edge, len(f.Nodes)), make([]bool, len(f.Nodes))}
	at := make(map[string]int, len(f.Nodes))
	for i, n := range f.Nodes {
		at[n.Name] = i
		g.forward[i] = n.Role == Spine || n.Role == Leaf
	}
	for _, l := range f.Links {
		a, okA := at[l.A.Node]
		b, okB := at[l.B.Node]
		if l.Telemetry || !okA || !okB {
			continue
		}
		g.edges[a] = append(g.edges[a], edge{l.A.Port, b, l.B.Port})
		g.edges[b] = append(g.edges[b], edge{l.B.Port, a, l.A.Port})
	}
	for _, es := range g.edges {
		slices.SortFunc(es, func(x, y edge) int { return cmp.Compare(x.out, y.out) })
	}
	return g
}

// distances is a breadth-first search from dst that goes on only from nodes that
// forward, and from dst itself.
func (g graph) distances(dst int) []int32 {
	dist := make([]int32, len(g.edges))
	for i := range dist {
		dist[i] = unreachable
	}
	dist[dst] = 0
	queue := []int{dst}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		if at != dst && !g.forward[at] {
			continue
		}
		for _, e := range g.edges[at] {
			if dist[e.peer] == unreachable {
				dist[e.peer] = dist[at] + 1
				queue = append(queue, e.peer)
			}
		}
	}
	return dist
}

// next yields the edges of at that lie on a shortest path to dst.
func (g graph) next(at, dst int, dist []int32) iter.Seq[edge] {
	return func(yield func(edge) bool) {
		for _, e := range g.edges[at] {
			closer := dist[e.peer] != unreachable && dist[e.peer] == dist[at]-1
			if closer && (e.peer == dst || g.forward[e.peer]) && !yield(e) {
				return
			}
		}
	}
}
