package randpkt

import (
	"math/rand/v2"
	"slices"
)

// maxPool bounds the values remembered per width.
const maxPool = 256

// pool holds values that entries and packets share, by width in bits, big-endian in
// ⌈width/8⌉ bytes.
type pool map[int][][]byte

func (p pool) add(width int, v []byte) {
	v = fit(v, width)
	vs := p[width]
	if len(vs) < maxPool && !slices.ContainsFunc(vs, func(o []byte) bool { return string(o) == string(v) }) {
		p[width] = append(vs, v)
	}
}

// value returns a value of the pool, or a new one, which it keeps.
func (p pool) value(r *rand.Rand, width int) []byte {
	if vs := p[width]; len(vs) > 0 && r.IntN(3) > 0 {
		return slices.Clone(vs[r.IntN(len(vs))])
	}
	v := random(r, width)
	switch r.IntN(8) {
	case 0:
		v = fit(nil, width)
	case 1:
		v = fit([]byte{byte(r.IntN(8))}, width)
	case 2:
		v = ones(width)
	}
	p.add(width, v)
	return v
}

// fit makes v exactly ⌈width/8⌉ bytes with no bit above width.
func fit(v []byte, width int) []byte {
	out := make([]byte, (width+7)/8)
	if len(v) > len(out) {
		v = v[len(v)-len(out):]
	}
	copy(out[len(out)-len(v):], v)
	if over := len(out)*8 - width; over > 0 {
		out[0] &= 0xff >> over
	}
	return out
}

func ones(width int) []byte {
	out := make([]byte, (width+7)/8)
	for i := range out {
		out[i] = 0xff
	}
	return fit(out, width)
}

// prefix is a mask of n ones and zeros behind them.
func prefix(width, n int) []byte {
	out := make([]byte, (width+7)/8)
	setBits(out, span{len(out)*8 - width, n}, ones(n), nil)
	return out
}

func random(r *rand.Rand, width int) []byte {
	out := make([]byte, (width+7)/8)
	for i := range out {
		out[i] = byte(r.Uint32())
	}
	return fit(out, width)
}

func and(a, b []byte) []byte {
	out := make([]byte, len(a))
	for i := range a {
		out[i] = a[i] & b[i]
	}
	return out
}

func isZero(v []byte) bool {
	return !slices.ContainsFunc(v, func(b byte) bool { return b != 0 })
}

// canonical is a value as P4Runtime wants it: no leading zeros, at least one byte.
func canonical(v []byte) []byte {
	for len(v) > 1 && v[0] == 0 {
		v = v[1:]
	}
	return v
}
