package engine

import (
	"fmt"

	"github.com/telltale-net/telltale/bmv2/hash"
	"github.com/telltale-net/telltale/bmv2/spec"
)

// calculation makes the bytes that a hash or checksum is computed over: the
// inputs one behind the other without padding, those of invalid headers left out.
//
// Neighbouring inputs that come and go together form a run. When every run is of
// whole bytes, each is emitted like a header; else bit by bit.
type calculation struct {
	algo    string
	runs    []run
	aligned bool
	payload bool
	most    int  // bytes at most, without the payload
	sums    bool // csum16 over runs of whole 16-bit words
}

// run is inputs that are there if a header is valid.
type run struct {
	valid uint32 // slot of the header's validity, none = always there
	wire  *wire  // a varbit field is a run of its own

	// Of the fields of a tracked header, to sum them where they stand:
	origin, first, end uint32
	standing           []sumWord // nil if they have to be gathered
}

// calculation compiles a calculation. Metadata that has the value of another field,
// which same says, is read there.
func (k *compiler) calculation(algo string, input []spec.Sized, same func(spec.FieldRef) spec.FieldRef) (*calculation, error) {
	if !hash.Known(algo) {
		return nil, fmt.Errorf("unknown algorithm %q", algo)
	}
	c := &calculation{algo: algo, aligned: true}
	type piece struct {
		valid  uint32
		fields []bitField
		header *header // nil for constants
		refs   []spec.FieldRef
	}
	var pieces []piece
	add := func(valid uint32, f bitField, ref spec.FieldRef) {
		if n := len(pieces); n == 0 || pieces[n-1].valid != valid || f.varbit || pieces[n-1].fields[0].varbit {
			pieces = append(pieces, piece{valid: valid})
		}
		last := &pieces[len(pieces)-1]
		if valid != none {
			last.header, last.refs = &k.headers[ref.Header], append(last.refs, ref)
		}
		last.fields = append(last.fields, f)
		c.most += (int(f.width) + 7) / 8
	}
	when := func(h *header) uint32 {
		if h.meta {
			return none
		}
		return h.valid
	}
	for _, in := range input {
		switch in.Kind {
		case spec.SizedField:
			f := k.field(in.Field)
			if same != nil && k.headers[in.Field.Header].meta && f.words == 1 {
				f.slot = k.field(same(in.Field)).slot
			}
			add(when(&k.headers[in.Field.Header]), bitField{f.slot, f.width, f.varbit}, in.Field)
		case spec.SizedConst:
			words := make([]uint64, (in.Width+63)/64)
			bigWide(words, in.Const)
			add(none, bitField{k.wordsOf(words), uint32(in.Width), false}, spec.FieldRef{})
		case spec.SizedHeader:
			h := &k.headers[in.Index]
			for i, f := range h.fields[:len(h.fields)-1] {
				add(when(h), bitField{f.slot, f.width, f.varbit}, spec.FieldRef{Header: in.Index, Field: i})
			}
		case spec.SizedPayload:
			c.payload = true
		}
	}
	for _, p := range pieces {
		r := run{valid: p.valid, wire: packWire(p.fields)}
		if h := p.header; h != nil && h.tracked {
			r.origin, r.first, r.end, r.standing = h.origin, h.first, h.first+h.n, h.standing(p.refs)
		}
		bits := 0
		for _, f := range p.fields {
			if !f.varbit {
				bits += int(f.width)
			}
		}
		c.aligned = c.aligned && bits%8 == 0
		c.runs = append(c.runs, r)
	}
	c.sums = c.aligned && (algo == "csum16" || algo == "cksum16")
	for _, r := range c.runs {
		c.sums = c.sums && r.wire.bytes%2 == 0
	}
	if c.most++; c.most > 1<<20 {
		return nil, fmt.Errorf("input of %d bytes, want at most %d", c.most, 1<<20)
	}
	return c, nil
}

// checksum computes csum16 from the fields as they are; from what they are written
// out as, if there is a varbit field among them.
func (c *calculation) checksum(p *packet) uint64 {
	phv := p.phv
	var sum uint64
	for i := range c.runs {
		r := &c.runs[i]
		switch {
		case r.valid != none && phv[r.valid] == 0:
		case r.wire.varbit >= 0:
			return uint64(hash.Checksum(c.input(p)))
		case r.standing != nil && phv[r.origin] != 0:
			at := p.place(phv[r.origin])
			sum = sumStanding(sum, r.standing, p.buf[at:], phv[r.origin+1] != 0, phv[r.first:r.end])
		default:
			sum = r.wire.sum(sum, phv)
		}
	}
	if c.payload {
		sum = hash.Sum1071(sum, p.payload())
	}
	return uint64(^hash.Fold1071(sum))
}

// input writes the bytes to p.sw.hashed and returns them.
func (c *calculation) input(p *packet) []byte {
	phv := p.phv
	need := c.most
	if c.payload {
		need += p.end - p.pos
	}
	s := p.sw
	if len(s.hashed) < need {
		s.hashed = make([]byte, need)
	}
	out := s.hashed
	n := 0
	if c.aligned {
		for i := range c.runs {
			r := &c.runs[i]
			switch {
			case r.valid != none && phv[r.valid] == 0:
			case r.wire.varbit >= 0:
				n = putField(out, 8*n, r.wire.bits[0], phv) / 8
			default:
				r.wire.emit(out[n:n+r.wire.bytes], phv)
				n += r.wire.bytes
			}
		}
	} else {
		clear(out[:c.most])
		at := 0
		for i := range c.runs {
			r := &c.runs[i]
			if r.valid == none || phv[r.valid] != 0 {
				for _, f := range r.wire.bits {
					at = putField(out, at, f, phv)
				}
			}
		}
		n = (at + 7) / 8
	}
	if c.payload {
		n += copy(out[n:], p.payload())
	}
	return out[:n]
}

// calculate runs a program's calculation over a packet.
func (s *Switch) calculate(i int, p *packet) uint64 {
	return s.calculateFrom(s.prog.calcs[i], i, p)
}

// calculateFrom is calculate with input from elsewhere.
func (s *Switch) calculateFrom(c *calculation, i int, p *packet) uint64 {
	if c.sums {
		return c.checksum(p)
	}
	return s.hashes[i].Sum(c.input(p))
}

// checksum binds a calculation to a field.
type checksum struct {
	index  int // in the program
	calc   int
	field  field
	valid  uint32 // of the target's header
	origin uint32 // likewise
	when   boolFn
	verify bool
	update bool
}

func (k *compiler) checksum(i int) checksum {
	c := &k.prog.Checksums[i]
	out := checksum{index: i, calc: c.Calculation, field: k.field(c.Target), valid: k.headers[c.Target.Header].valid, origin: k.headers[c.Target.Header].origin, verify: c.Verify, update: c.Update}
	if c.If != nil {
		if b, ok := c.If.(spec.Bool); !ok || !b.Value {
			out.when = k.bool(c.If, 0)
		}
	}
	return out
}

// verifyChecksums notes whether any checksum is wrong.
func (p *packet) verifyChecksums() {
	for i := range p.sw.prog.checksums {
		c := &p.sw.prog.checksums[i]
		if !c.verify || p.phv[c.valid] == 0 || c.when != nil && !c.when(p) {
			continue
		}
		if want := p.sw.calculate(c.calc, p); p.phv[c.field.slot] != want {
			p.checksum = true
			p.sw.stats.ChecksumErrors++
			if p.sw.trace != nil {
				p.sw.trace.wrong(p, c, want)
			}
		}
	}
}

// updateChecksums computes the checksums of a packet about to leave.
func (p *packet) updateChecksums() {
	for i := range p.sw.prog.checksums {
		c := &p.sw.prog.checksums[i]
		if !c.update || c.when != nil && !c.when(p) {
			continue
		}
		f := &c.field
		v := p.sw.calculate(c.calc, p)
		p.phv[c.origin+1] = 1
		if f.words == 1 {
			p.phv[f.slot] = v & f.mask
			continue
		}
		clear(p.phv[f.slot : f.slot+f.words])
		p.phv[f.slot] = v
	}
}
