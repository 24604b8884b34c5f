package engine

// emission is a header in the order of the deparser.
type emission struct {
	valid, origin uint32
	first, end    uint32
	bytes, most   int    // fixed part, and with the varbit field at its longest
	varbit        uint32 // slot of the length in bits, or none
	wire          *wire
	patches       []patch
}

// size is the length of the header in a packet.
func (e *emission) size(phv []uint64) int {
	if e.varbit == none {
		return e.bytes
	}
	return e.bytes + int(phv[e.varbit]/8)
}

func newEmission(h *header) emission {
	e := emission{valid: h.valid, origin: h.origin, first: h.first, end: h.first + h.n, bytes: h.wire.bytes, most: h.wire.bytes, varbit: none, wire: h.wire, patches: h.patches}
	if h.varbit >= 0 {
		e.varbit = h.fields[h.varbit].slot
		e.most += int(h.fields[h.varbit].width+7) / 8
	}
	return e
}

// headerBytes is the length of the headers that would be emitted.
func (s *Switch) headerBytes(p *packet) (n int) {
	order := s.prog.deparser
	for i := range order {
		if e := &order[i]; p.phv[e.valid] != 0 {
			n += e.size(p.phv)
		}
	}
	return n
}

// deparse puts the headers in front of the payload.
func (p *packet) deparse() {
	prog := p.sw.prog
	tr := p.sw.trace
	if tr != nil {
		tr.mark(p)
	}
	p.updateChecksums()
	for _, step := range prog.finish {
		step(p)
	}
	if tr != nil {
		tr.changes(p, "deparser")
	}
	p.emit(prog.deparser)
}

// emit writes the headers from the last one to the first. What already stands where
// it belongs stays as it is.
func (p *packet) emit(order []emission) {
	if p.pos < p.sw.prog.longest {
		if need := p.sw.headerBytes(p); p.pos < need {
			p.grow(need)
		}
	}
	phv, at := p.phv, p.pos
	for i := len(order) - 1; i >= 0; i-- {
		e := &order[i]
		if phv[e.valid] == 0 {
			continue
		}
		end := at
		at -= e.size(phv)
		switch {
		case phv[e.origin] != p.origin(at):
			e.wire.emit(p.buf[at:end], phv[e.first:e.end])
		case phv[e.origin+1] != 0:
			e.patch(p.buf[at:], phv[e.first:e.end])
		}
	}
	p.head, p.pos = at, at
}
