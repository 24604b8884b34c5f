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

// maxStates bounds the states that a packet visits, for parsers that would turn
// in circles.
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
	ops   []parseOp
	key   []keyPart
	cases []parseCase
	next  *state // when no case fits; nil = done
	words int
	slot  int32 // of the key that is one field, -1 = another key
	ahead int   // bits of packet that lookaheads need
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

func (k *compiler) parser(src *spec.Parser) (*parser, error) {
	ps := &parser{states: make([]state, len(src.States))}
	for i, name := range spec.CoreErrors {
		for _, e := range k.prog.Errors {
			if e.Name == name {
				ps.errors[i] = int64(e.Value)
			}
		}
	}
	for i := range src.States {
		if err := k.state(&src.States[i], &ps.states[i], ps); err != nil {
			return nil, fmt.Errorf("parser %q: state %q: %w", src.Name, src.States[i].Name, err)
		}
	}
	if src.Init >= 0 {
		ps.init = &ps.states[src.Init]
	}
	return ps, nil
}

func (k *compiler) state(src *spec.State, st *state, ps *parser) error {
	st.name, st.slot = src.Name, -1
	for i := range src.Ops {
		op, err := k.parseOp(&src.Ops[i], ps)
		if err != nil {
			return fmt.Errorf("parser_ops[%d]: %w", i, err)
		}
		st.ops = append(st.ops, op)
	}
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
				if len(src.Key) == 1 {
					st.slot = slot
				}
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
	return nil
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

func (k *compiler) parseOp(op *spec.ParserOp, ps *parser) (parseOp, error) {
	switch op.Kind {
	case spec.OpExtract:
		return k.extract(op.Args[0], nil, ps), nil
	case spec.OpExtractVL:
		length := k.index(op.Args[1], 0)
		return k.extract(op.Args[0], length, ps), nil
	case spec.OpSet:
		if d, ok := op.Args[0].(spec.VarBitRef); ok {
			step, err := k.assignVarBit(d, op.Args[1].(spec.VarBitRef))
			return plain(step), err
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
		return plain(step), nil
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
		step, _, err := k.primitive(op.Primitive)
		if err != nil || step == nil {
			return nil, fmt.Errorf("primitive %q: %w", op.Primitive.Op, orJump(err))
		}
		return plain(step), nil
	}
	panic("BUG: a parser operation of unknown kind")
}

func orJump(err error) error {
	if err == nil {
		return fmt.Errorf("a jump outside of an action")
	}
	return err
}

func plain(step stepFn) parseOp {
	return func(p *packet) int64 {
		step(p)
		return accept
	}
}

func advance(bits intFn, ps *parser) parseOp {
	short, bad := ps.errors[packetTooShort], ps.errors[parserInvalidArgument]
	return func(p *packet) int64 {
		n := bits(p)
		if n%8 != 0 {
			return bad
		}
		if uint64(p.end-p.pos) < n/8 {
			return short
		}
		p.pos += int(n / 8)
		return accept
	}
}

// extract compiles an extraction; length gives the bits of the varbit field.
func (k *compiler) extract(target spec.Expr, length intFn, ps *parser) parseOp {
	headers := k.headers
	switch t := target.(type) {
	case spec.HeaderRef:
		h := &k.headers[t.Header]
		if h.varbit < 0 && h.union < 0 {
			return fixed(h, ps.errors[packetTooShort])
		}
		return k.extractTo(h.typ, func(*packet) *header { return h }, length, ps)
	case spec.StackRef:
		s := &k.stacks[t.Stack]
		out := ps.errors[stackOutOfBounds]
		do := k.extractTo(k.prog.Stacks[t.Stack].Type, func(p *packet) *header { return &headers[s.elems[p.phv[s.next]]] }, length, ps)
		return push(s, do, out)
	case spec.UnionStackMember:
		s, unions := &k.ustacks[t.UnionStack], k.unions
		typ := k.prog.UnionTypes[k.prog.UnionStacks[t.UnionStack].Type].Members[t.Member].Type
		do := k.extractTo(typ, func(p *packet) *header { return &headers[unions[s.elems[p.phv[s.next]]].members[t.Member]] }, length, ps)
		return push(s, do, ps.errors[stackOutOfBounds])
	}
	panic("BUG: a target of extract of unknown kind")
}

// push wraps an extraction to the next element of a stack.
func push(s *stack, do parseOp, full int64) parseOp {
	return func(p *packet) int64 {
		if p.phv[s.next] >= uint64(len(s.elems)) {
			return full
		}
		if code := do(p); code != accept {
			return code
		}
		p.phv[s.next]++
		return accept
	}
}

// fixed extracts a plain header.
func fixed(h *header, short int64) parseOp {
	valid, first, end, w := h.valid, h.first, h.first+h.n, h.wire
	return func(p *packet) int64 {
		if p.end-p.pos < w.bytes {
			return short
		}
		w.extract(p.phv[first:end], p.buf[p.pos:])
		p.phv[valid] = 1
		p.pos += w.bytes
		return accept
	}
}

// extractTo extracts to a header of a type, known at run time.
func (k *compiler) extractTo(typ int, to headFn, length intFn, ps *parser) parseOp {
	short, long, bad := ps.errors[packetTooShort], ps.errors[headerTooShort], ps.errors[parserInvalidArgument]
	t := &k.prog.HeaderTypes[typ]
	if t.VarBit < 0 {
		return func(p *packet) int64 {
			h := to(p)
			if p.end-p.pos < h.wire.bytes {
				return short
			}
			h.wire.extract(p.phv[h.first:h.first+h.n], p.buf[p.pos:])
			h.setValid(p.phv)
			p.pos += h.wire.bytes
			return accept
		}
	}
	if length == nil {
		k.self = true
		length = k.index(t.LengthExp, 0)
		k.self = false
	}
	own := t.LengthExp != nil
	return func(p *packet) int64 {
		h := to(p)
		w, fields := h.wire, p.phv[h.first:h.first+h.n]
		room := p.end - p.pos - w.bytes
		if room < 0 {
			return short
		}
		p.extracting = h
		var n uint64
		if !own {
			n = length(p)
		}
		at := 8 * p.pos
		for i, f := range w.bits {
			if i != w.varbit {
				getField(p.buf, at, f, fields)
				at += int(f.width)
				continue
			}
			if own {
				n = length(p)
			}
			switch {
			case n%8 != 0:
				return bad
			case n/8 > uint64(room):
				return short
			case n > uint64(f.width):
				return long
			}
			getVarBit(p.buf, at, int(n), f, fields)
			at += int(n)
		}
		h.setValid(p.phv)
		p.pos = at / 8
		return accept
	}
}

// lookahead reads bits of the packet; those that are not there are an error that
// the operation around it has excluded.
func lookahead(e spec.Lookahead) intFn {
	offset, width := e.Offset, e.Width
	if width > 64 {
		offset, width = offset+width-64, 64
	}
	return func(p *packet) uint64 { return p.peek(offset, width) }
}

// parse runs the parser over the bytes from pos on.
func (p *packet) parse(ps *parser) {
	p.errorCode, p.checksum = uint32(ps.errors[0]), false
	st := ps.init
	for visits := 0; st != nil; visits++ {
		if p.sw.trace != nil {
			p.note(Event{Kind: EventState, Name: st.name})
		}
		if visits == maxStates {
			p.fail(ps.errors[parserTimeout])
			break
		}
		next, code := st.run(p, ps)
		if code != accept {
			p.fail(code)
			break
		}
		st = next
	}
	if ps.init != nil {
		p.verifyChecksums()
	}
}

func (p *packet) fail(code int64) {
	p.errorCode = uint32(code)
	p.sw.stats.ParserErrors++
	if p.sw.trace != nil {
		p.note(Event{Kind: EventParserError, Value: uint64(p.errorCode)})
	}
}

func (st *state) run(p *packet, ps *parser) (*state, int64) {
	for _, op := range st.ops {
		if code := op(p); code != accept {
			return nil, code
		}
	}
	if len(st.key) == 0 {
		return st.next, accept
	}
	if st.slot >= 0 {
		return st.one(p, p.phv[st.slot]), accept
	}
	if st.ahead > 8*(p.end-p.pos) {
		return nil, ps.errors[packetTooShort]
	}
	if st.words == 1 {
		var key uint64
		for i := range st.key {
			key |= st.key[i].load(p) << st.key[i].shift
		}
		return st.one(p, key), accept
	}
	key, at := p.sw.key[:st.words], 0
	for i := range st.key {
		part := &st.key[i]
		if part.wide != nil {
			part.wide(p, key[at:at+part.words])
		} else {
			key[at] = part.load(p)
		}
		at += part.words
	}
	return st.many(p, key), accept
}

// one finds the next state for a key of one word.
func (st *state) one(p *packet, key uint64) *state {
	for i := range st.cases {
		c := &st.cases[i]
		k := key
		if c.mask != nil {
			k &= c.mask[0]
		}
		if c.set >= 0 {
			for _, v := range p.sw.expanded[c.use] {
				if v[0] == k {
					return c.next
				}
			}
			continue
		}
		if k == c.value[0] {
			return c.next
		}
	}
	return st.next
}

func (st *state) many(p *packet, key []uint64) *state {
	for i := range st.cases {
		c := &st.cases[i]
		if c.set < 0 {
			if equalMasked(key, c.mask, c.value) {
				return c.next
			}
			continue
		}
		for _, v := range p.sw.expanded[c.use] {
			if equalMasked(key, c.mask, v) {
				return c.next
			}
		}
	}
	return st.next
}

func equalMasked(key, mask, value []uint64) bool {
	for i, k := range key {
		if mask != nil {
			k &= mask[i]
		}
		if k != value[i] {
			return false
		}
	}
	return true
}
