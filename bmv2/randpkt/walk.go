package randpkt

import (
	"math/big"
	"math/rand/v2"

	"github.com/telltale-net/telltale/bmv2/spec"
)

// walk is a way through the parse graph with the packet that takes it.
type walk struct {
	g    *Generator
	r    *rand.Rand
	port uint16
	aims []*aim

	buf   []byte // of full length from the start; bits from n on are not parsed yet
	n     int    // bits parsed
	fixed int    // bits that a lookahead has decided on
	at    map[spec.FieldRef]span
	vars  map[spec.FieldRef]*big.Int  // metadata set on the way
	defs  map[spec.FieldRef]spec.Expr // … and to what
	valid map[int]bool                // headers
	taken map[int]int                 // elements extracted, by stack
}

const maxStates = 64

// run walks until the parser accepts, gives up, or wants more than there is room for.
func (w *walk) run() {
	w.at, w.vars = map[spec.FieldRef]span{}, map[spec.FieldRef]*big.Int{}
	w.defs = map[spec.FieldRef]spec.Expr{}
	w.valid, w.taken = map[int]bool{}, map[int]int{}
	ps := w.g.parser
	if ps == nil {
		return
	}
	state := ps.Init
	for range maxStates {
		if state < 0 || !w.ops(&ps.States[state]) {
			return
		}
		var ok bool
		if state, ok = w.transition(&ps.States[state]); !ok {
			return
		}
	}
}

func (w *walk) ops(s *spec.State) bool {
	for i := range s.Ops {
		op := &s.Ops[i]
		ok := true
		switch op.Kind {
		case spec.OpExtract:
			ok = w.extract(op.Args[0], nil)
		case spec.OpExtractVL:
			ok = w.extract(op.Args[0], op.Args[1])
		case spec.OpSet:
			if dst, is := op.Args[0].(spec.FieldRef); is {
				v, known := w.eval(op.Args[1])
				if _, extracted := w.at[dst]; known && !extracted {
					w.vars[dst] = v
					w.defs[dst] = op.Args[1]
				} else {
					delete(w.defs, dst)
					delete(w.at, dst)
					delete(w.vars, dst)
				}
			}
		case spec.OpVerify:
			if w.r.IntN(16) > 0 {
				w.satisfy(op.Args[0])
			}
			v, known := w.eval(op.Args[0])
			ok = !known || v.Sign() != 0
		case spec.OpShift, spec.OpAdvance:
			v, known := w.eval(op.Args[0])
			if ok = known && v.IsUint64() && v.Uint64() <= 8*maxHeaders; ok {
				bits := int(v.Uint64())
				if op.Kind == spec.OpShift {
					bits *= 8
				}
				ok = w.advance(bits)
			}
		}
		if !ok {
			return false
		}
	}
	return true
}

// advance moves on if there is room.
func (w *walk) advance(bits int) bool {
	if w.n+bits > 8*maxHeaders {
		return false
	}
	w.n += bits
	return true
}

// header finds the header that an extract fills.
func (w *walk) header(e spec.Expr) (int, bool) {
	switch e := e.(type) {
	case spec.HeaderRef:
		return e.Header, true
	case spec.StackRef:
		hs := w.g.spec.Stacks[e.Stack].Headers
		i := w.taken[e.Stack]
		if i >= len(hs) {
			return 0, false
		}
		w.taken[e.Stack]++
		return hs[i], true
	}
	return 0, false
}

func (w *walk) extract(target, length spec.Expr) bool {
	h, ok := w.header(target)
	if !ok {
		return false
	}
	t := &w.g.spec.HeaderTypes[w.g.spec.Headers[h].Type]
	for i := range t.Fields {
		f := &t.Fields[i]
		width := f.Width
		if f.VarBit {
			if length == nil {
				length = t.LengthExp
			}
			if width, ok = w.length(length, width); !ok {
				return false
			}
		}
		s := span{w.n, width}
		if !w.advance(width) {
			return false
		}
		w.at[spec.FieldRef{Header: h, Field: i}] = s
		if s.at >= w.fixed && w.r.IntN(2) == 0 {
			w.fill(s)
		}
	}
	w.valid[h] = true
	return true
}

// fill writes a value that entries know.
func (w *walk) fill(s span) {
	vs := w.g.values[s.width]
	if len(vs) == 0 {
		return
	}
	setBits(w.buf, s, vs[w.r.IntN(len(vs))], nil)
	if w.r.IntN(4) == 0 {
		bit := s.at + w.r.IntN(s.width)
		w.buf[bit/8] ^= 1 << (7 - bit%8)
	}
}

// length works out how long a varbit field is. The fields that decide are drawn anew a
// few times, if it would be impossible.
func (w *walk) length(e spec.Expr, most int) (int, bool) {
	const tries = 64
	for i := range tries {
		v, known := w.eval(e)
		if !known {
			return 0, false
		}
		if v.IsUint64() && v.Uint64()%8 == 0 && v.Uint64() <= uint64(most) {
			return int(v.Uint64()), true
		}
		changed := false
		for _, f := range fields(e, nil) {
			if s, ok := w.at[f]; ok {
				n := random(w.r, s.width)
				if i%2 == 0 {
					n = fit(n[len(n)-1:], min(s.width, 6)) // most lengths are short
				}
				setBits(w.buf, s, n, nil)
				changed = true
			}
		}
		if !changed {
			return 0, false
		}
	}
	return 0, false
}

// fields lists the fields in an expression.
func fields(e spec.Expr, out []spec.FieldRef) []spec.FieldRef {
	switch e := e.(type) {
	case spec.FieldRef:
		return append(out, e)
	case spec.Unary:
		return fields(e.X, out)
	case spec.Binary:
		return fields(e.Y, fields(e.X, out))
	case spec.Cond:
		return fields(e.Else, fields(e.Then, fields(e.If, out)))
	}
	return out
}

// place is where the bits of an element of a select are, if they are in the packet.
func (w *walk) place(e spec.Expr) (span, bool) {
	switch e := e.(type) {
	case spec.FieldRef:
		s, ok := w.at[e]
		return s, ok
	case spec.StackField:
		if n := w.taken[e.Stack]; n > 0 {
			s, ok := w.at[spec.FieldRef{Header: w.g.spec.Stacks[e.Stack].Headers[n-1], Field: e.Field}]
			return s, ok
		}
	case spec.Lookahead:
		s := span{w.n + e.Offset, e.Width}
		return s, s.at+s.width <= 8*maxHeaders
	}
	return span{}, false
}

// transition picks an edge, writes what takes it, and returns where the packet then
// really goes, which another edge in front may decide.
func (w *walk) transition(s *spec.State) (next int, ok bool) {
	order := w.r.Perm(len(s.Transitions))
	for _, i := range order {
		t := &s.Transitions[i]
		if t.Kind == spec.TransitionDefault && w.r.IntN(4) > 0 && len(order) > 1 {
			continue
		}
		if t.Kind == spec.TransitionDefault || w.take(s, t) {
			break
		}
	}
	for i := range s.Transitions {
		t := &s.Transitions[i]
		switch t.Kind {
		case spec.TransitionDefault:
			return t.Next, true
		case spec.TransitionValue:
			hit, known := w.matches(s, t.Value, t.Mask)
			if !known {
				return 0, false
			}
			if hit {
				return t.Next, true
			}
		case spec.TransitionSet:
			for _, value := range w.g.sets[t.ValueSet] {
				if hit, known := w.matches(s, value, nil); known && hit {
					return t.Next, true
				}
			}
		}
	}
	return 0, false
}

// parts calls f with the bytes of each key element in a value and mask, until f returns
// false. A nil mask is all ones.
func parts(s *spec.State, value, mask []byte, f func(e spec.Expr, width int, value, mask []byte) bool) bool {
	at := 0
	for i, e := range s.Key {
		n := (s.KeyWidths[i] + 7) / 8
		m := ones(s.KeyWidths[i])
		if mask != nil {
			m = mask[at : at+n]
		}
		if !f(e, s.KeyWidths[i], value[at:at+n], m) {
			return false
		}
		at += n
	}
	return true
}

// take writes the values that a transition wants. It fails if one of them is not in the
// packet and is another.
func (w *walk) take(s *spec.State, t *spec.Transition) bool {
	wanted, mask := t.Value, t.Mask
	if t.Kind == spec.TransitionSet {
		set := w.g.sets[t.ValueSet]
		if len(set) == 0 {
			return false
		}
		wanted, mask = set[w.r.IntN(len(set))], nil
	}
	possible := parts(s, wanted, mask, func(e spec.Expr, width int, value, mask []byte) bool {
		if _, ok := w.place(e); ok {
			return true
		}
		v, known := w.eval(e)
		return known && string(and(bytesOf(v, width), mask)) == string(and(value, mask))
	})
	if !possible {
		return false
	}
	return parts(s, wanted, mask, func(e spec.Expr, width int, value, mask []byte) bool {
		if p, ok := w.place(e); ok {
			setBits(w.buf, p, value, mask)
			if _, ahead := e.(spec.Lookahead); ahead {
				w.fixed = max(w.fixed, p.at+p.width)
			}
		}
		return true
	})
}

func (w *walk) matches(s *spec.State, wanted, mask []byte) (hit, known bool) {
	known = true
	hit = parts(s, wanted, mask, func(e spec.Expr, width int, value, mask []byte) bool {
		v, ok := w.eval(e)
		if known = known && ok; !ok {
			return false
		}
		return string(and(bytesOf(v, width), mask)) == string(and(value, mask))
	})
	return hit, known
}

// bytesOf is a number as ⌈width/8⌉ bytes, cut to width bits.
func bytesOf(v *big.Int, width int) []byte {
	if v.Sign() < 0 || v.BitLen() > width {
		v = new(big.Int).And(v, new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), uint(width)), big.NewInt(1)))
	}
	return v.FillBytes(make([]byte, (width+7)/8))
}
