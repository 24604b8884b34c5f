package randpkt

import (
	"github.com/telltale-net/telltale/bmv2/hash"
	"github.com/telltale-net/telltale/bmv2/spec"
)

// checksums sets the Internet checksums of the program right, where their headers are
// in the packet.
func (w *walk) checksums() {
	for i := range w.g.spec.Checksums {
		c := &w.g.spec.Checksums[i]
		target, ok := w.at[c.Target]
		if !ok || target.at+target.width > 8*len(w.buf) {
			continue
		}
		calc := &w.g.spec.Calculations[c.Calculation]
		if calc.Algo != "csum16" && calc.Algo != "cksum16" {
			continue
		}
		if c.If != nil {
			if v, known := w.eval(c.If); known && v.Sign() == 0 {
				continue
			}
		}
		if data, ok := w.list(calc.Input); ok {
			sum := hash.Checksum(data)
			setBits(w.buf, target, []byte{byte(sum >> 8), byte(sum)}, nil)
		}
	}
}

// list is a field list as bytes, bit behind bit, padded at the end.
func (w *walk) list(in []spec.Sized) ([]byte, bool) {
	var out []byte
	bits := 0
	add := func(v []byte, width int) {
		for len(out) < (bits+width+7)/8 {
			out = append(out, 0)
		}
		setBits(out, span{bits, width}, v, nil)
		bits += width
	}
	field := func(f spec.FieldRef) bool {
		s, ok := w.at[f]
		if !ok || s.at+s.width > 8*len(w.buf) {
			return false
		}
		add(getBits(w.buf, s), s.width)
		return true
	}
	for i := range in {
		e := &in[i]
		switch e.Kind {
		case spec.SizedField:
			if !w.g.spec.Headers[e.Field.Header].Metadata && !w.valid[e.Field.Header] {
				continue // BMv2 passes over invalid headers
			}
			if v, ok := w.vars[e.Field]; ok {
				add(bytesOf(v, e.Width), e.Width)
			} else if !field(e.Field) {
				return nil, false
			}
		case spec.SizedConst:
			add(bytesOf(e.Const, e.Width), e.Width)
		case spec.SizedHeader:
			if !w.valid[e.Index] {
				continue
			}
			for f := range w.g.spec.HeaderTypes[w.g.spec.Headers[e.Index].Type].Fields {
				if !field(spec.FieldRef{Header: e.Index, Field: f}) {
					return nil, false
				}
			}
		case spec.SizedPayload:
			if bits%8 != 0 || w.n%8 != 0 {
				return nil, false
			}
			rest := w.buf[min(w.n/8, len(w.buf)):]
			out = append(out, rest...)
			bits += 8 * len(rest)
		}
	}
	return out, true
}
