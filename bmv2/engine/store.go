package engine

import (
	"math/big"

	"github.com/telltale-net/telltale/bmv2/spec"
)

// stepFn is one primitive of an action.
type stepFn func(p *packet)

// store compiles dst = src, truncated to the width of dst or saturated.
func (k *compiler) store(dst, src spec.Expr) stepFn {
	if f, ok := k.fieldLike(dst); ok && f.sat {
		op := spec.OpUSatCast
		if f.signed {
			op = spec.OpSatCast
		}
		src = spec.Binary{Op: op, X: src, Y: spec.Const{Value: big.NewInt(int64(f.width))}}
	}
	if f, ok := k.staticField(dst); ok && f.words == 1 {
		return k.storeField(f, src)
	}
	width, words := k.width(dst)
	if words == 1 {
		mask, x := topMask(width), k.int(k.unmask(src, topMask(width)), 0)
		return k.storeWord(dst, func(p *packet, to *uint64) { *to = x(p) & mask })
	}
	lo, hi := k.tmp(0, words)
	x, top := k.wide(src, words, hi), topMask(width)
	return k.storeWords(dst, words, func(p *packet, to []uint64) {
		t := p.sw.scratch[lo:hi]
		x(p, t)
		copy(to, t)
		to[len(to)-1] &= top
	})
}

func (k *compiler) staticField(e spec.Expr) (field, bool) {
	if f, ok := e.(spec.FieldRef); ok {
		return k.field(f), true
	}
	return field{}, false
}

// fieldLike returns the field, or one like that which is chosen at run time.
func (k *compiler) fieldLike(e spec.Expr) (field, bool) {
	switch e := e.(type) {
	case spec.FieldRef:
		return k.field(e), true
	case spec.StackField:
		return k.typeField(k.prog.Stacks[e.Stack].Type, e.Field), true
	case spec.AccessField:
		return k.typeField(e.HeaderType, e.Field), true
	}
	return field{}, false
}

// width returns the bits and words of something that can be stored to.
func (k *compiler) width(e spec.Expr) (width, words int) {
	if f, ok := k.fieldLike(e); ok {
		return int(f.width), int(f.words)
	}
	if r, ok := e.(spec.RegisterCell); ok {
		w := k.prog.Registers[r.Register].Width
		return w, (w + 63) / 64
	}
	panic("BUG: not something that can be stored to")
}

// unmask takes away a mask that the store makes anyway.
func (k *compiler) unmask(e spec.Expr, mask uint64) spec.Expr {
	if b, ok := e.(spec.Binary); ok && b.Op == spec.OpBitAnd {
		if c, ok := b.Y.(spec.Const); ok && lowWord(c.Value)&mask == mask {
			return k.unmask(b.X, mask)
		}
	}
	return e
}

// storeField compiles a store to a field of one word.
func (k *compiler) storeField(f field, src spec.Expr) stepFn {
	slot, mask := f.slot, f.mask
	src = k.unmask(src, mask)
	x := k.int(src, 0)
	if k.interval(src).within(unsigned(int(f.width))) {
		return func(p *packet) { p.phv[slot] = x(p) }
	}
	return func(p *packet) { p.phv[slot] = x(p) & mask }
}

// storeWord calls put with the place of one word.
func (k *compiler) storeWord(dst spec.Expr, put func(p *packet, to *uint64)) stepFn {
	return k.storeWords(dst, 1, func(p *packet, to []uint64) { put(p, &to[0]) })
}

// storeWords calls put with the words of dst; never, when dst is a register cell
// out of range.
func (k *compiler) storeWords(dst spec.Expr, words int, put func(p *packet, to []uint64)) stepFn {
	switch e := dst.(type) {
	case spec.FieldRef:
		f := k.field(e)
		return func(p *packet) { put(p, p.phv[f.slot:f.slot+f.words]) }
	case spec.StackField, spec.AccessField:
		h, i := k.memberOf(e, 0) // found before the source is computed
		return func(p *packet) {
			f := &h(p).fields[i]
			put(p, p.phv[f.slot:f.slot+f.words])
		}
	case spec.RegisterCell:
		r, index := e.Register, k.cell(e.Index)
		return func(p *packet) {
			cells := p.sw.registers[r].cells
			if i := index(p); i < uint64(len(cells)/words) {
				put(p, cells[int(i)*words:(int(i)+1)*words])
				return
			}
			p.sw.stats.IndexErrors++
		}
	}
	panic("BUG: not something that can be stored to")
}
