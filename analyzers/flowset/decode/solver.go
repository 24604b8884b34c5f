package decode

import (
	"math"
	"slices"

	"github.com/telltale-net/telltale/analyzers/flowset"
	"github.com/telltale-net/telltale/analyzers/flowset/hash"
)

// solver decodes one table. Everything is in columns and allocated once where the number
// of flows is right, for it is touched at random.
type solver struct {
	t     *flowset.Table
	place *hash.Placement
	k     int            // subtables
	raw   []flowset.Cell // the table's
	cells []flowset.Cell // what is left of them
	wide  [][3]uint64
	aux   []aux // of cells; nil while every decoded flow has its packets

	// Decoded flows.
	keys    flowset.Keys
	at      []uint32 // k cells of each
	packets []int64  // unknownPackets until found; less than one is a contradiction
	state   []state
	peer    [][2]ref // the same flow elsewhere
	set     set      // of flows, by digest; empty unless there are neighbours

	work      []uint32 // cells to look at
	solve     []uint32 // cells to look at for packets
	alone     int      // flows decoded without neighbours' help: the first ones
	unknown   int      // flows whose packets are not known
	odd       int      // contradictions among the packets
	recounted bool     // all flows' packets were found anew, by neighbours' help
	undone    int      // flows that were taken and given back
	// What was found in the end: cells that do not add up, counts that were taken back.
	inconsistent, withheld int
	pending                []ref                    // flows of neighbours that may be here
	offered                map[flowset.Key]struct{} // the same, where functions are linear
	guess                  []int64                  // by flow
}

// aux is what is known of a cell's flows without packets.
type aux struct{ flows, xor uint32 }

// ref is a flow of another table.
type ref struct{ table, flow int32 }

const unknownPackets = math.MinInt64

type state uint8

const (
	pure     state = iota // decoded from a cell of its own
	taken                 // decoded elsewhere and taken out of the cells here
	rejected              // passes the filter and is not in the cells
	banned                // was rejected, and is there after all
	hidden                // rejected, but its packets are in the cells
)

func newSolver(t *flowset.Table) *solver {
	flows, _ := t.Totals(0)
	n := int(max(0, min(flows, int64(2*t.Len()))))
	n += n/64 + 8 // some that are not there
	raw, wide := t.Raw()
	s := &solver{t: t, place: t.Placement(), k: t.Subtables, raw: raw, cells: slices.Clone(raw)}
	if wide != nil {
		s.wide = slices.Clone(wide)
		s.keys.Wide = make([][3]uint64, 0, n)
	}
	s.keys.A, s.keys.B = make([]uint64, 0, n), make([]uint64, 0, n)
	s.at = make([]uint32, 0, n*s.k)
	s.packets = make([]int64, 0, n)
	s.state = make([]state, 0, n)
	return s
}

// settled reports whether all flows of a cell are decoded.
func (s *solver) settled(n uint32) bool {
	c := &s.cells[n]
	return c.Flows == 0 && c.A == 0 && c.B == 0 && c.Check == 0 && (s.wide == nil || s.wide[n] == [3]uint64{})
}

// in reports whether a flow is decoded: taken out of its cells and either alone in one of
// them once, or in one whose flows are all decoded. Without checks, what was found by
// neighbours' help must be in two such: a wrong flow leaves a wrong one behind in a cell
// with two, and one such in some thousand belongs there.
func (s *solver) in(f int) bool {
	need := 1
	switch s.state[f] {
	case rejected:
		return false
	case hidden:
		return true
	case pure, banned:
		if s.place.Vouches() || f < s.alone {
			return true
		}
		need = 2
	case taken:
		if !s.place.Vouches() {
			need = 2
		}
	}
	need = min(need, s.k)
	for _, n := range s.cellsOf(f) {
		if s.settled(n) {
			need--
		}
	}
	return need <= 0
}
