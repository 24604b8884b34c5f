package differ

import (
	"bytes"
	"cmp"
	"math/bits"
	"slices"
)

// output is a packet that left.
type output struct {
	port  uint16
	data  []byte
	undef []byte // of one that is expected and did not come
}

// expected is what models agree that a packet becomes, in ports and lengths: packets, and
// the bits of them in which the models differ.
type expected struct {
	out   []output
	undef [][]byte // by output: ones where bits are undefined; nil = none
}

// include adds what one more model made of the packet to the shapes found so far. out is
// only read if it is nothing new; keep makes it last.
func include(shapes []*expected, out []output, keep func([]output) []output) []*expected {
	for _, e := range shapes {
		if e.sameShape(out) {
			e.narrow(out)
			return shapes
		}
	}
	out = keep(out)
	return append(shapes, &expected{out: out, undef: make([][]byte, len(out))})
}

// byPort sorts by port and keeps the order within a port.
func byPort(out []output) []output {
	if len(out) > 1 {
		slices.SortStableFunc(out, func(a, b output) int { return cmp.Compare(a.port, b.port) })
	}
	return out
}

func (e *expected) sameShape(out []output) bool {
	return slices.EqualFunc(e.out, out, func(a, b output) bool { return a.port == b.port && len(a.data) == len(b.data) })
}

func (e *expected) narrow(out []output) {
	for i := range out {
		if bytes.Equal(e.out[i].data, out[i].data) {
			continue
		}
		if e.undef[i] == nil {
			e.undef[i] = make([]byte, len(out[i].data))
		}
		for k, b := range out[i].data {
			e.undef[i][k] |= e.out[i].data[k] ^ b
		}
	}
}

// bits counts all bits.
func (e *expected) bits() (n uint64) {
	for _, o := range e.out {
		n += 8 * uint64(len(o.data))
	}
	return n
}

// undefined counts the bits that do not count.
func (e *expected) undefined() (n uint64) {
	for _, mask := range e.undef {
		for _, b := range mask {
			n += uint64(bits.OnesCount8(b))
		}
	}
	return n
}

func (e *expected) fits(i int, o output) bool {
	if e.out[i].port != o.port || len(e.out[i].data) != len(o.data) {
		return false
	}
	if bytes.Equal(e.out[i].data, o.data) {
		return true
	}
	mask := e.undef[i]
	if mask == nil {
		return false
	}
	for k, b := range o.data {
		if (e.out[i].data[k]^b)&^mask[k] != 0 {
			return false
		}
	}
	return true
}

// pairing is what remains when everything that fits has found its partner.
type pairing struct {
	model, judge []output // without a partner
}

func (p *pairing) empty() bool { return len(p.model) == 0 && len(p.judge) == 0 }

// pair matches what the judge sent with what is expected. The copies of one packet on one
// port may come in any order: which goes first is up to the judge's tables and threads.
func (e *expected) pair(judge []output) (rest pairing) {
	if len(judge) == 0 && len(e.out) == 0 || len(judge) == 1 && len(e.out) == 1 && e.fits(0, judge[0]) {
		return rest
	}
	taken := make([]bool, len(e.out))
	for _, o := range judge {
		found := false
		for i := range e.out {
			if !taken[i] && e.fits(i, o) {
				taken[i], found = true, true
				break
			}
		}
		if !found {
			rest.judge = append(rest.judge, o)
		}
	}
	for i, t := range taken {
		if !t {
			o := e.out[i]
			o.undef = e.undef[i]
			rest.model = append(rest.model, o)
		}
	}
	return rest
}
