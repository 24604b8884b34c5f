package engine

import (
	"github.com/telltale-net/telltale/bmv2/spec"
)

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
	if ps.init == nil {
		return
	}
	p.visits = 0
	version := p.version()
	p.exec(&p.sw.prog.code[version], version, ps.init.pc[version])
	p.verifyChecksums()
}

func (p *packet) fail(code int64) {
	p.errorCode = uint32(code)
	p.sw.stats.ParserErrors++
	if p.sw.trace != nil {
		p.says(EventParserError, "", uint64(p.errorCode), false)
	}
}

// choose finds the state that follows; false if the packet is too short for it.
func (st *state) choose(p *packet) (*state, bool) {
	if st.ahead > 8*(p.end-p.pos) {
		return nil, false
	}
	if st.words == 1 {
		var key uint64
		for i := range st.key {
			key |= st.key[i].load(p) << st.key[i].shift
		}
		return st.one(p, key), true
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
	return st.many(p, key), true
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
			for _, v := range p.sw.expanded[p.sw.front&1][c.use] {
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
		for _, v := range p.sw.expanded[p.sw.front&1][c.use] {
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
