package flowset

// linear says which of a table's functions are linear, as CRCs are: of three flows in a
// cell, the exclusive or then belongs there, too, and has the cell's check. That one flow
// is left in a cell is no evidence for it, then, if a flow was taken out that may not have
// been there.
type linear struct{ cells, check bool }

// linearity tries the functions.
func (t *Table) linearity() linear {
	const tries = 4
	l := linear{true, t.mask != 0}
	var k [4]Key
	for n := range uint64(tries) {
		for i := range k[:3] {
			for w := range (t.KeyBytes + 7) / 8 {
				k[i][w] = mix64(golden * (100*n + 10*uint64(i) + uint64(w) + 1))
			}
			if rest := t.KeyBytes % 8; rest != 0 {
				k[i][t.KeyBytes/8] &^= 1<<(64-8*rest) - 1
			}
		}
		for w := range k[3] {
			k[3][w] = k[0][w] ^ k[1][w] ^ k[2][w]
		}
		var value uint64
		var check uint32
		for i := range k {
			w, d := (*[3]uint64)(k[i][2:]), k[i].digest(t.KeyBytes)
			var p prepared
			t.fn.prepare(&p, k[i][0], k[i][1], w, d)
			value ^= t.fn.value(0, &p)
			check ^= t.checkOf(k[i][0], k[i][1], w, d, &p)
		}
		l.cells = l.cells && value == 0
		l.check = l.check && check == 0
	}
	return l
}

// vouches reports whether cells have checks that tell a false flow.
func (t *Table) vouches() bool { return t.mask != 0 && !t.linear.check }

// copies reports whether all subtables hold the same: with linear functions and a power of
// two of cells, flows that meet in one meet in all, and no cell confirms another.
func (t *Table) copies() bool { return t.linear.cells && t.Cells&(t.Cells-1) == 0 }

// doubtful reports whether a cell that seems to have one flow says next to nothing.
func (t *Table) doubtful() bool {
	const long = 4 // bytes of a check that is enough by itself
	return t.linear.cells && (!t.vouches() || t.CheckBytes < long)
}
