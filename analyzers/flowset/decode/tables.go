package decode

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/telltale-net/telltale/analyzers/flowset"
)

// Options is how to decode; the zero Options decode network-wide, on all processors.
type Options struct {
	Workers int  // 0 = one per processor
	Alone   bool // SingleDecode only: no table helps another
	// Neighbours are the indexes of the tables that may hold flows of each table. nil:
	// those that its Shape names, or, where it names none, all of its epoch.
	Neighbours [][]int
	// Visits says whether packets of a flow were to cross a table's node, where the
	// network's paths are known; nil = not known.
	Visits func(table int, k flowset.Key) bool
	// Earlier is what was decoded of the epoch before: most flows last for several, and
	// those of a table's own node are looked for in it as neighbours' flows are.
	Earlier []*flowset.Decoded
	// OwnClocks says that epochs are those of each switch's own clock: neighbours count the
	// same packets in different ones, so that flows are taken from them, but no counts.
	OwnClocks bool
}

// maxRounds is how often neighbours are asked: information travels one hop a round.
const maxRounds = 64

// network decodes tables together.
type network struct {
	s    []*solver
	adj  [][]int
	opt  Options
	seen [][]int        // by table and neighbour: flows already looked at
	view []flowset.Keys // of the tables, as others may read them during a round, then of earlier ones
	kin  [][]int        // by table: earlier ones of its place
}

// each runs fn for every table, in parallel.
func (n *network) each(fn func(i int)) { n.parallel(len(n.s), fn) }

// parallel runs fn for 0 to count-1.
func (n *network) parallel(count int, fn func(i int)) {
	workers := n.opt.Workers
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	workers = min(workers, count)
	if workers <= 1 {
		for i := range count {
			fn(i)
		}
		return
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= count {
					return
				}
				fn(i)
			}
		})
	}
	wg.Wait()
}

// Tables decodes tables, those of one epoch with each other's help. The tables are not
// changed. The results are in the tables' order.
func Tables(tables []*flowset.Table, opt Options) []*flowset.Decoded {
	n := &network{s: make([]*solver, len(tables)), opt: opt}
	n.each(func(i int) {
		t := tables[i]
		if t.Blind {
			t = blank(t) // it has nothing to tell others by, nor to be told
		}
		n.s[i] = newSolver(t)
		n.s[i].single()
		n.s[i].alone = len(n.s[i].keys.A)
	})
	if !opt.Alone && len(tables)+len(opt.Earlier) > 1 && slices.ContainsFunc(n.s, func(s *solver) bool { return !s.done() || !s.consistent() }) {
		n.adj = opt.Neighbours
		if n.adj == nil {
			n.adj = neighbours(tables)
		}
		n.flowDecode()
		n.counterDecode()
		n.repair()
		n.withhold()
	}
	n.each(func(i int) { n.s[i].confirm() })
	out := make([]*flowset.Decoded, len(tables))
	missing := make([]*flowset.Missing, len(tables))
	n.each(func(i int) { missing[i] = n.s[i].missing(n) }) // reads what others decoded
	n.each(func(i int) {
		if tables[i].Blind {
			out[i] = lone(tables[i])
			return
		}
		out[i] = n.s[i].result()
		out[i].Missing = missing[i]
	})
	return out
}

// done reports whether nothing is left in any cell.
func (s *solver) done() bool {
	for n := range s.cells {
		if s.cells[n].Flows != 0 {
			return false
		}
	}
	return true
}

// neighbours returns who may help whom by what the tables say.
func neighbours(tables []*flowset.Table) [][]int {
	type at struct {
		node  string
		epoch uint64
	}
	byName := map[at][]int{}
	byEpoch := map[uint64][]int{}
	for i, t := range tables {
		byName[at{t.Node, t.Epoch}] = append(byName[at{t.Node, t.Epoch}], i)
		byEpoch[t.Epoch] = append(byEpoch[t.Epoch], i)
	}
	adj := make([][]int, len(tables))
	for i, t := range tables {
		if t.Neighbours == nil {
			for _, j := range byEpoch[t.Epoch] {
				if j != i {
					adj[i] = append(adj[i], j)
				}
			}
			continue
		}
		for _, name := range append([]string{t.Node}, t.Neighbours...) { // it may count at both ends
			for _, j := range byName[at{name, t.Epoch}] {
				if j != i {
					adj[i] = append(adj[i], j)
				}
			}
		}
	}
	return adj
}
