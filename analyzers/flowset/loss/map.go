package loss

import (
	"cmp"
	"slices"
	"strings"

	"github.com/telltale-net/telltale/analyzers/flowset"
)

// Config is what is known of the network. Without Path and Links, a flow's nodes are
// ordered by their counts, which fall along its way.
type Config struct {
	// Path returns the nodes that a flow's packets cross, in order; nil = not known, or
	// for a flow whose way is not.
	Path func(k flowset.Key, keyBytes int) []string
	// Links are pairs of nodes with a link between them; the tables' Neighbours count, too.
	Links [][2]string
	// Flowlets is for tables whose epochs are cut by each switch's own clock: a packet may
	// be counted in one epoch here and in the next one there, so a flow's counts are
	// compared only once it has been silent for an epoch (the paper's method). With an
	// epoch bit in the packet, leave it false: every epoch is exact by itself.
	Flowlets bool
	// MaxFlows bounds the flows that are remembered from epoch to epoch; 0 = 4 million.
	MaxFlows int
}

// Map finds losses epoch by epoch. It is for one goroutine.
type Map struct {
	cfg    Config
	names  map[string]int
	points []point
	staged bool // some nodes count at both ends
	linked map[[2]int32]bool
	home   map[addr]map[int32]int32 // which node is an end of how many flows of an address
	last   map[flowset.Key]*memory

	transit map[int32]bool   // nodes in the middle of ways
	partial map[int32]uint64 // by place that has ever counted: 1 + the last epoch of which not all is known
	holes   map[int32]*holes // flowlets: by place, the epochs of which not all is known

	next      [][]int32 // linked, as lists
	far       map[int32][]int32
	farPoints int
}

// point is a place where packets are counted.
type point struct {
	node  string
	stage string
}

// addr is an address of a tenant: tenants may have the same ones.
type addr struct {
	ip  [2]uint64
	vni uint32
}

// memory is what is kept of a flow.
type memory struct {
	path  []int32
	first uint64  // flowlets: the epoch in which it began
	epoch uint64  // the last one
	sums  []int64 // flowlets: packets so far, by place
	met   []int32 // flowlets: in how many epochs counted there of which not all is known
	blank []bool  // flowlets: in some epoch not known there
	width int
	order flowset.Order
}

// NewMap returns a map of a network.
func NewMap(cfg Config) *Map {
	cfg.MaxFlows = cmp.Or(cfg.MaxFlows, 4_000_000)
	m := &Map{cfg: cfg, names: map[string]int{}, linked: map[[2]int32]bool{}, home: map[addr]map[int32]int32{}, last: map[flowset.Key]*memory{}, transit: map[int32]bool{}, partial: map[int32]uint64{}, holes: map[int32]*holes{}}
	for _, l := range cfg.Links {
		m.link(l[0], l[1])
	}
	return m
}

func (m *Map) point(node, stage string) int32 {
	name := node + "\x00" + stage
	if i, ok := m.names[name]; ok {
		return int32(i)
	}
	m.names[name] = len(m.points)
	m.points = append(m.points, point{node, stage})
	return int32(len(m.points) - 1)
}

// link notes a link in both directions, between all the places where its ends count.
func (m *Map) link(a, b string) {
	stages := []string{"", flowset.StageIngress, flowset.StageEgress}
	for _, x := range stages {
		for _, y := range stages {
			if (x == y) == (x == "") { // whole nodes, or out of one and into the other
				i, j := m.point(a, x), m.point(b, y)
				m.linked[[2]int32{i, j}], m.linked[[2]int32{j, i}] = true, true
			}
		}
	}
	for _, n := range []string{a, b} {
		i, j := m.point(n, flowset.StageIngress), m.point(n, flowset.StageEgress)
		m.linked[[2]int32{i, j}], m.linked[[2]int32{j, i}] = true, true
	}
}

// sight is a flow at a place.
type sight struct {
	at      int32
	packets int64
}

// seen is all of a flow in an epoch.
type seen struct {
	sights   []sight
	keyBytes uint8
	order    flowset.Order
	unsure   bool    // counted without packets somewhere
	blank    []int32 // where
	since    uint64  // the epoch of the first count
}

// Epoch compares what the nodes counted in one epoch. Call it in the order of epochs.
func (m *Map) Epoch(epoch uint64, decoded []*flowset.Decoded) Epoch {
	e := &epochMap{m: m, out: Epoch{Epoch: epoch}, links: map[[2]int32]*Link{}, whole: map[int32]bool{}, fresh: map[addr]map[int32]int32{}, odd: map[flowset.Key]bool{}}
	flows := map[flowset.Key]*seen{}
	for _, d := range decoded {
		for _, n := range d.Neighbours {
			m.link(d.Node, n)
		}
		at := m.point(d.Node, d.Stage)
		m.staged = m.staged || d.Stage != ""
		if d.Stage != "" {
			e.whole[m.point(d.Node, "")] = true
		}
		e.whole[at] = d.Coverage.Counted >= d.Coverage.Flows
		m.counts(at)
		if h := m.holes[at]; h != nil {
			h.fill()
		}
		for i := range d.Len() {
			k := d.Key(i)
			s := flows[k]
			if s == nil {
				s = &seen{keyBytes: uint8(d.KeyBytes), order: d.Order, since: epoch}
				flows[k] = s
			}
			n, ok := d.Packets(i)
			if !ok {
				s.unsure = true
				s.blank = append(s.blank, at)
				continue
			}
			s.sights = append(s.sights, sight{at, n})
		}
	}
	for at := range m.partial {
		if !e.whole[at] {
			m.partial[at] = epoch + 1
			if m.cfg.Flowlets {
				_, exported := e.whole[at]
				m.hole(at, epoch, exported)
			}
		}
	}
	keys := make([]flowset.Key, 0, len(flows))
	for k := range flows {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b flowset.Key) int { return slices.Compare(a[:], b[:]) })
	e.learnHomes(keys, flows, e.fresh, nil)
	for _, k := range keys {
		e.flow(k, flows[k])
	}
	e.silent(flows)
	e.learnHomes(keys, flows, m.home, e.odd)
	return e.result()
}

// counts notes that packets are counted at a place.
func (m *Map) counts(at int32) {
	if _, ok := m.partial[at]; !ok {
		m.partial[at] = 0
	}
}

// addrs returns the source and destination of a key. A VNI is the last 3 of its bytes.
func addrs(k flowset.Key, n int) (src, dst addr, ok bool) {
	switch n {
	case flowset.KeyVNI4:
		src.vni = uint32(k[1] & (1<<24 - 1))
	case flowset.KeyVNI6:
		src.vni = uint32(k[4] & (1<<24 - 1))
	}
	dst.vni = src.vni
	switch n {
	case flowset.KeyIPv4, flowset.KeyVNI4:
		src.ip[0], dst.ip[0] = k[0]>>32, k[0]&(1<<32-1)
	case flowset.KeyIPv6, flowset.KeyVNI6:
		src.ip, dst.ip = [2]uint64{k[0], k[1]}, [2]uint64{k[2], k[3]}
	default:
		return src, dst, false
	}
	return src, dst, true
}

// where writes the places of a way as text.
func (m *Map) where(points []int32) []string {
	var out []string
	for _, p := range points {
		if n := m.points[p].node; len(out) == 0 || out[len(out)-1] != n {
			out = append(out, n)
		}
	}
	return out
}

func (m *Map) nodesOf(points []int32) string {
	names := m.where(points)
	slices.Sort(names)
	return strings.Join(slices.Compact(names), "|")
}
