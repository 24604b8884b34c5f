package flowsettest

import (
	"cmp"
	"math"
	"math/rand/v2"
	"net/netip"
	"sync"
	"sync/atomic"

	"github.com/telltale-net/telltale/analyzers/flowset"
	"github.com/telltale-net/telltale/analyzers/flowset/hash"
)

// Config is what one epoch is like.
type Config struct {
	Tree         FatTree
	FlowsPerNode int // on average
	Seed         uint64
	Epoch        uint64

	Subtables, Cells int // cells per subtable
	CheckBytes       int
	FilterBits       uint64 // 0 = the switch knows new flows without one
	FilterHashes     int
	Algorithm        hash.Algorithm // "" = splitmix64

	// MaxPackets of a flow in the epoch (0 = 1000); flow sizes are Pareto with shape 1.05.
	MaxPackets int64
	// Lossy links and the probability that one loses a packet.
	Lossy []Link
	// Losses is how many single packets are lost, each at a random hop.
	Losses  int
	Workers int
}

// Link is from one switch to another, and how likely it loses a packet.
type Link struct {
	From, To int32
	Rate     float64
}

// Flow is a flow's truth.
type Flow struct {
	Key     flowset.Key
	Path    Path
	Packets [5]int64 // counted by each switch of the path
}

// Epoch is what an epoch's switches export, and the truth.
type Epoch struct {
	Tree   FatTree
	Flows  []Flow
	Tables []*flowset.Table // by switch
}

// New makes an epoch.
func New(c Config) (*Epoch, error) {
	rng := rand.New(rand.NewPCG(c.Seed, c.Epoch))
	e := &Epoch{Tree: c.Tree}
	n := c.Tree.Switches()
	e.Flows = make([]Flow, c.FlowsPerNode*n/5)
	lossy := map[[2]int32]float64{}
	for _, l := range c.Lossy {
		lossy[[2]int32{l.From, l.To}] = l.Rate
	}
	for i := range e.Flows {
		f := &e.Flows[i]
		src, dst := c.Tree.pick(rng)
		f.Key = key(rng, src, dst)
		f.Path = c.Tree.path(src, dst, rng.Uint64())
		left := c.size(rng)
		for h := range f.Path {
			if h > 0 && len(lossy) > 0 {
				left -= lose(rng, left, lossy[[2]int32{f.Path[h-1], f.Path[h]}])
			}
			f.Packets[h] = left
		}
	}
	for range c.Losses {
		f := &e.Flows[rng.IntN(len(e.Flows))]
		for h := 1 + rng.IntN(4); h < 5; h++ {
			f.Packets[h] = max(0, f.Packets[h]-1)
		}
	}
	var err error
	e.Tables, err = c.encode(e.Flows)
	return e, err
}

// size draws a flow's packets.
func (c *Config) size(rng *rand.Rand) int64 {
	return int64(min(float64(cmp.Or(c.MaxPackets, 1000)), math.Pow(1-rng.Float64(), -1/1.05)))
}

func lose(rng *rand.Rand, n int64, p float64) (lost int64) {
	if p <= 0 {
		return 0
	}
	for range n {
		if rng.Float64() < p {
			lost++
		}
	}
	return lost
}

func key(rng *rand.Rand, src, dst int) flowset.Key {
	addr := func(edge int) netip.Addr {
		return netip.AddrFrom4([4]byte{10, byte(edge >> 8), byte(edge), byte(2 + rng.IntN(64))})
	}
	k, err := flowset.Flow{
		Src: addr(src), Dst: addr(dst), Proto: 6,
		SrcPort: uint16(1024 + rng.IntN(64512)), DstPort: uint16(1 + rng.IntN(65535)),
	}.Key(flowset.KeyIPv4)
	if err != nil {
		panic("BUG: " + err.Error())
	}
	return k
}

// encode makes the switches' tables.
func (c *Config) encode(flows []Flow) ([]*flowset.Table, error) {
	n := c.Tree.Switches()
	type entry struct {
		flow int32
		hop  int8
	}
	at := make([][]entry, n)
	for i := range flows {
		for h, s := range flows[i].Path {
			if flows[i].Packets[h] > 0 {
				at[s] = append(at[s], entry{int32(i), int8(h)})
			}
		}
	}
	tables := make([]*flowset.Table, n)
	errs := make([]error, n)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range max(1, c.Workers) {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				t, err := c.table(i)
				if err != nil {
					errs[i] = err
					continue
				}
				enc := flowset.NewEncoder(t)
				for _, x := range at[i] {
					enc.Add(flows[x.flow].Key, flows[x.flow].Packets[x.hop])
				}
				tables[i] = t
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return tables, nil
}

func (c *Config) table(i int) (*flowset.Table, error) {
	h := hash.Family{Algorithm: cmp.Or(c.Algorithm, hash.SplitMix64), Seed: uint64(i + 1)}
	t, err := flowset.NewTable(flowset.Shape{
		Node: c.Tree.Name(i), Epoch: c.Epoch, Subtables: cmp.Or(c.Subtables, 3), Cells: c.Cells,
		KeyBytes: flowset.KeyIPv4, CheckBytes: c.CheckBytes, Hash: h,
	})
	if err != nil || c.FilterBits == 0 {
		return t, err
	}
	h.Seed += 1 << 20
	h.Double = true
	t.Filter, err = flowset.NewFilter(h, c.FilterBits, c.FilterHashes, flowset.KeyIPv4)
	return t, err
}

// Neighbours returns the tree's neighbours as decoders want them.
func (e *Epoch) Neighbours() [][]int {
	adj := make([][]int, e.Tree.Switches())
	for i := range adj {
		adj[i] = e.Tree.Neighbours(i)
	}
	return adj
}

// Visits returns what says whether a flow's way leads over a switch.
func (e *Epoch) Visits() func(table int, k flowset.Key) bool {
	ways := make(map[flowset.Key]Path, len(e.Flows))
	for i := range e.Flows {
		ways[e.Flows[i].Key] = e.Flows[i].Path
	}
	return func(table int, k flowset.Key) bool {
		p, ok := ways[k]
		if !ok {
			return false
		}
		for _, s := range p {
			if int(s) == table {
				return true
			}
		}
		return false
	}
}

// Way returns what names the nodes of a flow's way.
func (e *Epoch) Way() func(k flowset.Key, keyBytes int) []string {
	ways := make(map[flowset.Key]Path, len(e.Flows))
	for i := range e.Flows {
		ways[e.Flows[i].Key] = e.Flows[i].Path
	}
	return func(k flowset.Key, _ int) []string {
		p, ok := ways[k]
		if !ok {
			return nil
		}
		var names []string
		for _, s := range p {
			names = append(names, e.Tree.Name(int(s)))
		}
		return names
	}
}

// Next makes the epoch after another one: so large a share of its flows goes on, with as
// many packets as new flows have.
func (c Config) Next(e *Epoch, goOn float64) (*Epoch, error) {
	rng := rand.New(rand.NewPCG(c.Seed^0x6e657874, c.Epoch))
	next, err := New(c)
	if err != nil {
		return nil, err
	}
	for i := range next.Flows {
		if rng.Float64() >= goOn || i >= len(e.Flows) {
			continue
		}
		next.Flows[i].Key, next.Flows[i].Path = e.Flows[i].Key, e.Flows[i].Path
	}
	next.Tables, err = c.encode(next.Flows)
	return next, err
}
