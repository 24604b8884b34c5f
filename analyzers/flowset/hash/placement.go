package hash

// Limits of a table.
const (
	MaxSubtables = 8
	MaxKey       = 40 // bytes of any key
)

// Layout is what a table is like, as far as it decides which cells a key has.
type Layout struct {
	Subtables  int
	Cells      int // per subtable
	KeyBytes   int
	CheckBytes int // 0 = cells have no check
	Hash       Family
	Check      Check
	// Pooled says that there are no subtables: each of Subtables functions may choose any
	// of Cells cells.
	Pooled bool
}

// Placement is a layout made ready.
type Placement struct {
	subtables, cells     int
	keyBytes, checkBytes int
	pooled               bool
	page                 bool      // SplitMix64 as the page has it
	fn                   Functions // one per subtable, then the check's
	check                Check
	checks               Functions // the check's, where it is not fn's
	mask                 uint32    // of a check's bits that are compared
	linear               linear
}

// NewPlacement makes a layout ready.
func NewPlacement(l Layout) Placement {
	p := Placement{subtables: l.Subtables, cells: l.Cells, keyBytes: l.KeyBytes, checkBytes: l.CheckBytes, pooled: l.Pooled, check: l.Check}
	p.fn = l.Hash.Functions(l.Subtables+1, l.KeyBytes)
	p.page = l.Hash.Algorithm == SplitMix64 && !l.Hash.Form.scale && !l.Hash.Form.double && !l.Pooled && l.Check == (Check{})
	p.mask = uint32(1<<(8*min(l.CheckBytes, 4)) - 1)
	if l.Check.none {
		p.mask = 0
	}
	if l.Hash.Form.take == all {
		p.fn.mod = uint64(l.Cells)
		p.checks = l.Hash.Functions(l.Subtables+1, l.KeyBytes)
	}
	if l.Check.alg != "" {
		p.checks = l.Check.functions(&l.Hash, l.KeyBytes)
	}
	p.linear = p.linearity()
	return p
}

// Mask has the bits of a check that are compared.
func (p *Placement) Mask() uint32 { return p.mask }

// Place finds a key's cells, one per subtable, and its check: of a key's first words, those
// after 16 bytes, and its digest.
func (p *Placement) Place(a, b uint64, w *[3]uint64, d uint64, at *[MaxSubtables]uint32) (check uint32) {
	if p.page { // no calls, nothing on the heap
		k := p.subtables
		n := uint64(p.cells)
		base := uint32(0)
		for s, seed := range p.fn.seeds[:k] {
			at[s] = base + uint32(Mix64(d^seed)%n)
			base += uint32(n)
		}
		if p.mask == 0 {
			return 0
		}
		return uint32(Mix64(d^p.fn.seeds[k])) & p.mask
	}
	return p.place(a, b, w, d, at)
}

// place is Place for any algorithm.
func (p *Placement) place(a, b uint64, w *[3]uint64, d uint64, at *[MaxSubtables]uint32) (check uint32) {
	var key Prepared
	p.fn.Prepare(&key, a, b, w, d)
	base := uint32(p.cells)
	if p.pooled {
		base = 0
	}
	for s := range p.subtables {
		at[s] = uint32(s)*base + uint32(p.fn.Cell(p.fn.Value(s, &key), uint64(p.cells)))
	}
	return p.checkOf(a, b, w, d, &key)
}

// checkOf returns a key's check as far as it is compared.
func (p *Placement) checkOf(a, b uint64, w *[3]uint64, d uint64, key *Prepared) uint32 {
	if p.mask == 0 {
		return 0
	}
	v, f := uint64(0), &p.fn
	switch {
	case p.check.sum:
		for i := range p.subtables {
			v ^= p.fn.Value(i, key)
		}
	case p.checks.alg == "":
		v = p.fn.Value(p.subtables, key)
	default:
		var again Prepared
		f = &p.checks
		f.Prepare(&again, a, b, w, d)
		v = f.Value(len(f.seeds)-1, &again)
	}
	if p.check.high {
		v >>= max(0, f.bits()-8*p.checkBytes)
	}
	return uint32(v) & p.mask
}
