package chain

import (
	"net/netip"
	"slices"
	"strconv"
)

// Flow is a five-tuple of IPv4. Addresses are in host order.
type Flow struct {
	Src, Dst         uint32
	SrcPort, DstPort uint16
	Proto            uint8
}

// SrcAddr returns the source address.
func (f *Flow) SrcAddr() netip.Addr { return addr(f.Src) }

// DstAddr returns the destination address.
func (f *Flow) DstAddr() netip.Addr { return addr(f.Dst) }

func addr(a uint32) netip.Addr {
	return netip.AddrFrom4([4]byte{byte(a >> 24), byte(a >> 16), byte(a >> 8), byte(a)})
}

func (f *Flow) hash(salt uint64) uint64 {
	return mix(uint64(f.Src)<<32|uint64(f.Dst), uint64(f.SrcPort)<<24|uint64(f.DstPort)<<8|uint64(f.Proto), salt)
}

const sourceType = "source"

// Node is a place where packets are seen: a source, or a network function with its queue.
type Node struct {
	Name  string  // type and number: nat1
	Type  string  // "source" for those
	Stage int     // 0 for sources, then 1, 2, … in the order of the way
	Rate  float64 // packets/s at peak, 64 bytes each, on average; 0 for sources
	Next  []int   // nodes that it sends to
}

// IsSource reports whether the node sends traffic and has no queue.
func (n *Node) IsSource() bool { return n.Stage == 0 }

// graph is the chain ready to be run.
type graph struct {
	nodes   []Node
	first   []int     // node of stage s: first[s]; sources are stage 0
	service []int64   // ns for 64 bytes, by node
	perByte []float64 // ns for every byte more, by node
	delay   [][]int64 // ns from node to node
	stages  []Stage
	salt    uint64
}

// path is the node of each stage, by its number within the stage; skip where the flow
// does not pass the stage. path[0] is the source.
type path [maxStages + 1]uint8

const skip = 255

func newGraph(c *Config) *graph {
	g := &graph{stages: c.Stages, salt: mix(c.Seed, saltPath, 0)}
	add := func(stage, n int, typ string, st *Stage) {
		g.first = append(g.first, len(g.nodes))
		for i := range n {
			node := Node{Name: typ + strconv.Itoa(i+1), Type: typ, Stage: stage}
			service, perByte := int64(0), 0.0
			if st != nil {
				u := unit(mix(c.Seed, saltRate, uint64(len(g.nodes))))
				service = max(1, int64(1e9/(st.Rate*(1+st.Spread*(2*u-1)))+0.5))
				perByte = st.PerByte * float64(service)
				node.Rate = 1e9 / float64(service)
			}
			g.nodes = append(g.nodes, node)
			g.service = append(g.service, service)
			g.perByte = append(g.perByte, perByte)
		}
	}
	add(0, c.Sources, sourceType, nil)
	for i := range c.Stages {
		add(i+1, c.Stages[i].Nodes, c.Stages[i].Type, &c.Stages[i])
	}
	g.first = append(g.first, len(g.nodes))
	g.delay = make([][]int64, len(g.nodes))
	for i := range g.nodes {
		g.delay[i] = make([]int64, len(g.nodes))
		for j := range g.delay[i] {
			u := unit(mix(c.Seed, saltDelay, uint64(i)<<32|uint64(j)))
			g.delay[i][j] = int64(c.Link.Delay) + int64(u*float64(c.Link.Spread))
		}
		g.nodes[i].Next = g.next(i)
	}
	return g
}

// next returns the nodes that packets can go to from node i: those of the next stage,
// and of later ones while the stages before may be passed by.
func (g *graph) next(i int) []int {
	var next []int
	for s := g.nodes[i].Stage + 1; s < len(g.first)-1; s++ {
		for n := g.first[s]; n < g.first[s+1]; n++ {
			next = append(next, n)
		}
		if len(g.stages[s-1].Ports) == 0 {
			break
		}
	}
	return next
}

// path returns the way of a flow.
func (g *graph) path(f *Flow) path {
	var p path
	h := f.hash(g.salt)
	for s := range p {
		if s >= len(g.first)-1 {
			p[s] = skip
			continue
		}
		if s > 0 {
			if ports := g.stages[s-1].Ports; len(ports) > 0 && !slices.Contains(ports, f.SrcPort) && !slices.Contains(ports, f.DstPort) {
				p[s] = skip
				continue
			}
		}
		p[s] = uint8(mix(h, uint64(s), 0) % uint64(g.first[s+1]-g.first[s]))
	}
	return p
}

// node returns the node of stage s on the path, -1 where the flow passes it by.
func (g *graph) node(p *path, s int) int {
	if p[s] == skip {
		return -1
	}
	return g.first[s] + int(p[s])
}

// after returns the next node on the path after stage s, -1 at the end.
func (g *graph) after(p *path, s int) int {
	for s++; s < len(g.first)-1; s++ {
		if p[s] != skip {
			return g.first[s] + int(p[s])
		}
	}
	return -1
}

// before returns the node on the path before stage s.
func (g *graph) before(p *path, s int) int {
	for s--; s > 0; s-- {
		if p[s] != skip {
			break
		}
	}
	return g.first[s] + int(p[s])
}

// depth returns how many stages there are, sources among them.
func (g *graph) depth() int { return len(g.first) - 1 }
