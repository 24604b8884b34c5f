package decode

// system is the paper's CounterDecode for all tables together: least squares over the
// packets of flows that nobody could count, as if none of them were lost between tables:
// one unknown for a flow wherever it is, one equation for every cell whose flows are all
// decoded, and one for every count that a neighbour is sure of. There are several equations
// to an unknown, and lost packets falsify few: the rounded values are right for nearly all
// flows, and what the cells say otherwise afterwards shows where packets were lost (see
// correct). Peeling jointly (see joint) is faster and needs as few cells, but every loss
// falsifies all that is peeled after it.
type system struct {
	n      *network
	open   []int      // tables with flows to count
	column [][]int32  // by table and flow: the unknown; -1 = not one
	from   []int32    // by unknown: where its flows begin
	flows  []ref      // by unknown: where it is
	sure   []sureness // by unknown: what neighbours counted
	weight [][]float64
	rows   [][]float64 // by table and cell
	y      [][]float64 // scratch, as rows
	part   [][]float64 // scratch, by table and flow
	end    []float64   // of each part, for sums that do not depend on the number of threads
}

// sureness sums counts that neighbours are sure of.
type sureness struct{ n, sum float64 }

// newSystem gathers the unknowns.
func newSystem(n *network) *system {
	m := &system{n: n, column: make([][]int32, len(n.s)), weight: make([][]float64, len(n.s)), rows: make([][]float64, len(n.s)), y: make([][]float64, len(n.s)), part: make([][]float64, len(n.s))}
	first := make([]int32, len(n.s)+1)
	for i, s := range n.s {
		first[i+1] = first[i]
		if s.unknown > 0 {
			m.open = append(m.open, i)
			first[i+1] += int32(len(s.keys.A))
		}
	}
	parent := make([]int32, first[len(n.s)]) // of flows that are one
	for i := range parent {
		parent[i] = int32(i)
	}
	root := func(x int32) int32 {
		for parent[x] != x {
			parent[x] = parent[parent[x]]
			x = parent[x]
		}
		return x
	}
	lacks := func(i int, f int32) bool {
		s := n.s[i]
		return s.unknown > 0 && s.packets[f] == unknownPackets && s.state[f] != rejected
	}
	for _, i := range m.open {
		for f := range n.s[i].keys.A {
			if !lacks(i, int32(f)) {
				continue
			}
			for _, r := range n.s[i].peer[f] {
				if r.table >= 0 && lacks(int(r.table), r.flow) {
					if x, y := root(first[i]+int32(f)), root(first[r.table]+r.flow); x < y {
						parent[y] = x
					} else {
						parent[x] = y
					}
				}
			}
		}
	}
	number := make([]int32, len(parent))
	unknowns := int32(0)
	count := []int32{}
	for _, i := range m.open {
		m.column[i] = make([]int32, len(n.s[i].keys.A))
		for f := range m.column[i] {
			m.column[i][f] = -1
			if !lacks(i, int32(f)) {
				continue
			}
			g := first[i] + int32(f)
			x := root(g)
			if x == g { // the least of its kind comes first
				number[x] = unknowns
				unknowns++
				count = append(count, 0)
			}
			m.column[i][f] = number[x]
			count[number[x]]++
		}
	}
	m.from = make([]int32, unknowns+1)
	for v, c := range count {
		m.from[v+1] = m.from[v] + c
	}
	m.flows = make([]ref, m.from[unknowns])
	m.sure = make([]sureness, unknowns)
	copy(count, m.from)
	for _, i := range m.open {
		for f, v := range m.column[i] {
			if v < 0 {
				continue
			}
			m.flows[count[v]] = ref{int32(i), int32(f)}
			count[v]++
			for _, r := range n.s[i].peer[f] {
				if r.table >= 0 && n.s[r.table].packets[r.flow] > 0 {
					m.sure[v].n++
					m.sure[v].sum += float64(n.s[r.table].packets[r.flow])
				}
			}
		}
	}
	n.tables(m.open, func(i int) {
		s := n.s[i]
		m.part[i] = make([]float64, len(s.keys.A))
		m.rows[i], m.y[i], m.weight[i] = make([]float64, len(s.cells)), make([]float64, len(s.cells)), make([]float64, len(s.cells))
		for c := range s.cells {
			if s.aux[c].flows > 0 && s.settled(uint32(c)) {
				m.rows[i][c], m.weight[i][c] = float64(s.cells[c].Packets), 1
			}
		}
	})
	m.end = make([]float64, (int(unknowns)+partSize-1)/partSize)
	return m
}
