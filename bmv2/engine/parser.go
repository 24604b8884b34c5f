package engine

import (
	"fmt"

	"github.com/telltale-net/telltale/bmv2/spec"
)

// parseOp is one operation of a parser state; it returns an error code or accept.
type parseOp func(p *packet) int64

const accept = -1 // no error

// The errors that the parser itself raises, as positions in [spec.CoreErrors].
const (
	packetTooShort        = 1
	stackOutOfBounds      = 3
	headerTooShort        = 4
	parserTimeout         = 5
	parserInvalidArgument = 6
)

// maxStates bounds how often a packet comes to states that repeat, for parsers that
// would turn in circles.
const maxStates = 1 << 14

// parser is a compiled parse graph.
type parser struct {
	init   *state
	states []state
	errors [len(spec.CoreErrors)]int64 // the program's numbers of the core errors
}

// state is a compiled parser state. A transition key is made of words: every
// element of up to 64 bits is one, wider ones are several; keys of up to 8 padded
// bytes are packed into one word.
type state struct {
	name  string
	src   *spec.State
	pc    [2]uint32 // where its code starts, by version
	loop  bool      // the parser may come back here
	key   []keyPart
	cases []parseCase
	next  *state // when no case fits; nil = done
	words int
	ahead int // bits of packet that lookaheads need
}

// keyPart puts an element into the key.
type keyPart struct {
	load  intFn  // of up to 64 bits
	wide  wideFn // else
	words int
	shift uint // left shift in a packed key
}

// parseCase is a transition other than the default.
type parseCase struct {
	value, mask []uint64
	set         int // value set, -1 = none
	use         int // index into the switch's expansions of value sets
	next        *state
}

func (k *compiler) parser(src *spec.Parser) *parser {
	ps := &parser{states: make([]state, len(src.States))}
	for i, name := range spec.CoreErrors {
		for _, e := range k.prog.Errors {
			if e.Name == name {
				ps.errors[i] = int64(e.Value)
			}
		}
	}
	for i := range src.States {
		k.state(&src.States[i], &ps.states[i], ps)
	}
	if src.Init >= 0 {
		ps.init = &ps.states[src.Init]
	}
	return ps
}

func (k *compiler) state(src *spec.State, st *state, ps *parser) {
	st.name, st.src = src.Name, src
	bytes := 0
	for _, w := range src.KeyWidths {
		bytes += (w + 7) / 8
	}
	packed := bytes <= 8
	left := bytes
	for i, e := range src.Key {
		w := src.KeyWidths[i]
		part := keyPart{words: (w + 63) / 64}
		if ahead, ok := e.(spec.Lookahead); ok {
			st.ahead = max(st.ahead, ahead.Offset+ahead.Width)
		}
		left -= (w + 7) / 8
		if part.words == 1 {
			x, mask := k.int(e, 0), topMask(w)
			part.load = func(p *packet) uint64 { return x(p) & mask }
			if f, ok := e.(spec.FieldRef); ok {
				slot := k.field(f).slot
				part.load = func(p *packet) uint64 { return p.phv[slot] }
			}
			if packed {
				part.shift = uint(8 * left)
			}
		} else {
			x, mask := k.wide(e, part.words, 0), topMask(w)
			part.wide = func(p *packet, dst []uint64) {
				x(p, dst)
				dst[len(dst)-1] &= mask
			}
		}
		st.key = append(st.key, part)
		st.words += part.words
	}
	if packed {
		st.words = min(st.words, 1)
	}
	k.keyWords = max(k.keyWords, st.words)
	for i := range src.Transitions {
		t := &src.Transitions[i]
		var next *state
		if t.Next >= 0 {
			next = &ps.states[t.Next]
		}
		if t.Kind == spec.TransitionDefault {
			st.next = next
			continue
		}
		c := parseCase{set: -1, next: next, mask: keyWordsOf(t.Mask, src.KeyWidths, packed)}
		if t.Mask == nil {
			c.mask = nil
		}
		if t.Kind == spec.TransitionSet {
			c.set, c.use = t.ValueSet, len(k.setUses)
			k.setUses = append(k.setUses, setUse{set: t.ValueSet, widths: src.KeyWidths, packed: packed, mask: c.mask})
		} else {
			c.value = keyWordsOf(t.Value, src.KeyWidths, packed)
			for i := range c.mask {
				c.value[i] &= c.mask[i]
			}
		}
		st.cases = append(st.cases, c)
	}
	if len(src.Key) == 0 {
		st.cases = nil // as simple_switch: without a key only the default counts
	}
}

// keyWordsOf cuts a concatenation of byte-padded values into key words.
func keyWordsOf(v []byte, widths []int, packed bool) []uint64 {
	if packed {
		var w uint64
		for _, b := range v {
			w = w<<8 | uint64(b)
		}
		return []uint64{w}
	}
	var words []uint64
	for _, width := range widths {
		n := (width + 7) / 8
		part := make([]uint64, (width+63)/64)
		if len(v) >= n {
			for i, b := range v[:n] {
				at := 8 * (n - 1 - i)
				part[at/64] |= uint64(b) << (at % 64)
			}
			v = v[n:]
		}
		words = append(words, part...)
	}
	return words
}

// parserOp makes a closure of an operation.
func (k *compiler) parserOp(op *spec.ParserOp, ps *parser) (parseOp, error) {
	switch op.Kind {
	case spec.OpExtract:
		return k.extract(op.Args[0], nil, ps), nil
	case spec.OpExtractVL:
		length := k.index(op.Args[1], 0)
		return k.extract(op.Args[0], length, ps), nil
	case spec.OpSet:
		if d, ok := op.Args[0].(spec.VarBitRef); ok {
			step, err := k.assignVarBit(d, op.Args[1].(spec.VarBitRef))
			return always(step), err
		}
		step := k.store(op.Args[0], op.Args[1])
		if ahead, ok := op.Args[1].(spec.Lookahead); ok {
			need, short := (ahead.Offset+ahead.Width+7)/8, ps.errors[packetTooShort]
			return func(p *packet) int64 {
				if p.end-p.pos < need {
					return short
				}
				step(p)
				return accept
			}, nil
		}
		return always(step), nil
	case spec.OpVerify:
		holds, code := k.bool(op.Args[0], 0), k.int(op.Args[1], 0)
		return func(p *packet) int64 {
			if holds(p) {
				return accept
			}
			return int64(uint32(code(p)))
		}, nil
	case spec.OpShift:
		n := int(op.Args[0].(spec.Const).Value.Int64())
		return advance(func(*packet) uint64 { return uint64(8 * n) }, ps), nil
	case spec.OpAdvance:
		return advance(k.index(op.Args[0], 0), ps), nil
	case spec.OpPrimitive:
		step, err := k.primitive(op.Primitive)
		if err != nil {
			return nil, fmt.Errorf("primitive %q: %w", op.Primitive.Op, err)
		}
		return always(step), nil
	}
	panic("BUG: a parser operation of unknown kind")
}
