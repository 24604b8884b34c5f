package hash

// linear says which of a table's functions are linear, as CRCs are: of three flows in a
// cell, the exclusive or then belongs there, too, and has the cell's check. That one flow
// is left in a cell is no evidence for it, then, if a flow was taken out that may not have
// been there.
type linear struct{ cells, check bool }

// linearity tries the functions.
func (p *Placement) linearity() linear {
	const tries = 4
	l := linear{true, p.mask != 0}
	var k [4][5]uint64
	for n := range uint64(tries) {
		for i := range k[:3] {
			for w := range (p.keyBytes + 7) / 8 {
				k[i][w] = Mix64(golden * (100*n + 10*uint64(i) + uint64(w) + 1))
			}
			if rest := p.keyBytes % 8; rest != 0 {
				k[i][p.keyBytes/8] &^= 1<<(64-8*rest) - 1
			}
		}
		for w := range k[3] {
			k[3][w] = k[0][w] ^ k[1][w] ^ k[2][w]
		}
		var value uint64
		var check uint32
		for i := range k {
			a, b, w := k[i][0], k[i][1], (*[3]uint64)(k[i][2:])
			d := WideDigest(a, b, w, p.keyBytes)
			var key Prepared
			p.fn.Prepare(&key, a, b, w, d)
			value ^= p.fn.Value(0, &key)
			check ^= p.checkOf(a, b, w, d, &key)
		}
		l.cells = l.cells && value == 0
		l.check = l.check && check == 0
	}
	return l
}

// Linear reports whether the cells' functions are linear.
func (p *Placement) Linear() bool { return p.linear.cells }

// Vouches reports whether cells have checks that tell a false flow.
func (p *Placement) Vouches() bool { return p.mask != 0 && !p.linear.check }

// Copies reports whether all subtables hold the same: with linear functions and a power of
// two of cells, flows that meet in one meet in all, and no cell confirms another.
func (p *Placement) Copies() bool { return p.linear.cells && p.cells&(p.cells-1) == 0 }

// Doubtful reports whether a cell that seems to have one flow says next to nothing.
func (p *Placement) Doubtful() bool {
	const long = 4 // bytes of a check that is enough by itself
	return p.linear.cells && (!p.Vouches() || p.checkBytes < long)
}
