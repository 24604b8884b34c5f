package engine

import (
	"fmt"

	"github.com/telltale-net/telltale/bmv2/spec"
)

// put compiles a store of a word computed by the primitive itself.
func (k *compiler) put(dst spec.Expr) func(p *packet, v uint64) {
	if f, ok := k.fieldLike(dst); ok && f.sat && f.width-uint32(b2u(f.signed)) < 64 {
		most := topMask(int(f.width) - int(b2u(f.signed)))
		store := k.truncated(dst)
		return func(p *packet, v uint64) { store(p, min(v, most)) }
	}
	return k.truncated(dst)
}

func (k *compiler) truncated(dst spec.Expr) func(p *packet, v uint64) {
	if f, ok := k.staticField(dst); ok && f.words == 1 {
		slot, mask := f.slot, f.mask
		return func(p *packet, v uint64) { p.phv[slot] = v & mask }
	}
	width, words := k.width(dst)
	mask := topMask(width)
	if words > 1 {
		mask = ^uint64(0)
	}
	step := k.storeWords(dst, words, func(p *packet, to []uint64) {
		clear(to)
		to[0] = p.result & mask
	})
	return func(p *packet, v uint64) {
		p.result = v
		step(p)
	}
}

// random compiles random(): inclusive bounds, nothing is written when they are
// the wrong way round.
func (k *compiler) random(args []spec.Expr) stepFn {
	put, lo, hi := k.put(args[0]), k.int(args[1], 0), k.int(args[2], 0)
	return func(p *packet) {
		a, b := lo(p), hi(p)
		if a > b {
			return
		}
		n := p.sw.rng.Uint64()
		if span := b - a + 1; span != 0 {
			n = p.sw.rng.Uint64N(span)
		}
		put(p, a+n)
	}
}

// hashed compiles hash(): base + H mod max, in 64 bits.
func (k *compiler) hashed(args []spec.Expr) stepFn {
	put, base, max := k.put(args[0]), k.int(args[1], 0), k.int(args[3], 0)
	calc := args[2].(spec.CalculationRef).Calculation
	return func(p *packet) {
		h, m := p.sw.calculate(calc, p), max(p)
		if m == 0 {
			m = 1
		}
		put(p, h%m+base(p))
	}
}

func (k *compiler) count(c int, index spec.Expr) (stepFn, error) {
	if k.prog.Counters[c].Direct {
		return nil, fmt.Errorf("count of the direct counter %q", k.prog.Counters[c].Name)
	}
	i := k.cell(index)
	return func(p *packet) {
		cells := p.sw.counters[c]
		if i := i(p); i < uint64(len(cells)) {
			cells[i].Packets++
			cells[i].Bytes += uint64(p.length)
			return
		}
		p.sw.stats.IndexErrors++
	}, nil
}

func (k *compiler) executeMeter(m int, index, dst spec.Expr) (stepFn, error) {
	if k.prog.Meters[m].Direct {
		return nil, fmt.Errorf("execution of the direct meter %q", k.prog.Meters[m].Name)
	}
	i, put, unit := k.cell(index), k.put(dst), k.prog.Meters[m].Unit
	return func(p *packet) {
		cells := p.sw.meters[m]
		if i := i(p); i < uint64(len(cells)) {
			put(p, cells[i].execute(p.now, tokens(unit, p)))
			return
		}
		p.sw.stats.IndexErrors++
	}, nil
}

func (k *compiler) registerRead(dst spec.Expr, r int, index spec.Expr) (stepFn, error) {
	words := (k.prog.Registers[r].Width + 63) / 64
	width, _ := k.width(dst)
	if words == 1 {
		i, put := k.cell(index), k.put(dst)
		return func(p *packet) {
			cells := p.sw.registers[r].cells
			if i := i(p); i < uint64(len(cells)) {
				put(p, cells[i])
				return
			}
			p.sw.stats.IndexErrors++
		}, nil
	}
	if f, ok := k.fieldLike(dst); ok && f.sat {
		return nil, fmt.Errorf("a register of %d bits is read into a saturating field: the engine takes at most 64", k.prog.Registers[r].Width)
	}
	i, top := k.cell(index), topMask(width)
	n := (width + 63) / 64
	step := k.storeWords(dst, n, func(p *packet, to []uint64) {
		at := int(p.result) * words
		loadWords(to, p.sw.registers[r].cells[at:at+words])
		to[n-1] &= top
	})
	return func(p *packet) {
		if i := i(p); i < uint64(len(p.sw.registers[r].cells)/words) {
			p.result = i
			step(p)
			return
		}
		p.sw.stats.IndexErrors++
	}, nil
}

func (k *compiler) registerWrite(r int, index, src spec.Expr) stepFn {
	return k.store(spec.RegisterCell{Register: r, Index: index}, src)
}
