package engine

// digest reports the fields of a learn list, as they are at the end of ingress.
func (s *Switch) digest(p *packet) {
	d := s.prog.digests[p.learnList]
	p.learnList = 0
	if d == nil {
		s.stats.UnknownLists++
		return
	}
	s.stats.Digests++
	if s.onDigest == nil && s.trace == nil {
		return
	}
	out := Digest{At: p.now, Name: d.name, ID: d.id, Values: make([][]byte, 0, len(d.fields))}
	for i := range d.fields {
		f := &d.fields[i]
		if f.value != nil {
			out.Values = append(out.Values, f.value)
			continue
		}
		out.Values = append(out.Values, fieldBytes(p.phv, &f.field))
	}
	if s.trace != nil {
		e := Event{Kind: EventDigest, Name: d.name}
		for i, v := range out.Values {
			e.Fields = append(e.Fields, NamedValue{d.fields[i].name, v})
		}
		p.note(e)
	}
	if s.onDigest != nil {
		s.onDigest(out)
	}
}

// fieldBytes is a field as a big-endian byte string.
func fieldBytes(phv []uint64, f *field) []byte {
	if f.varbit {
		n := int(phv[f.slot])
		out := make([]byte, (n+7)/8)
		putField(out, 0, bitField{f.slot, f.width, true}, phv)
		return out
	}
	out := make([]byte, (f.width+7)/8)
	for i := range out {
		bit := 8 * (len(out) - 1 - i)
		out[i] = byte(phv[int(f.slot)+bit/64] >> (bit % 64))
	}
	return out
}
