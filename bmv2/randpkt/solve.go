package randpkt

import (
	"math/big"

	"github.com/telltale-net/telltale/bmv2/spec"
)

// satisfy writes fields so that a condition holds, as far as it can: comparisons of a
// field with a number are solved, what then still fails is drawn anew a few times.
// Whether it holds in the end does not matter: that is a packet, too.
func (w *walk) satisfy(cond spec.Expr) {
	const tries = 16
	vars := fields(cond, nil)
	cond = w.inline(cond, 4)
	defer func() {
		for _, f := range vars {
			if def, ok := w.defs[f]; ok {
				if v, known := w.eval(def); known {
					w.vars[f] = v
				}
			}
		}
	}()
	w.solve(cond)
	for range tries {
		if v, known := w.eval(cond); !known || v.Sign() != 0 {
			return
		}
		for _, e := range operands(cond, nil) {
			if p, ok := w.place(e); ok {
				setBits(w.buf, p, random(w.r, p.width), nil)
			}
		}
		w.solve(cond)
	}
}

// inline puts what metadata was set to in its place: p4c computes conditions ahead.
func (w *walk) inline(e spec.Expr, depth int) spec.Expr {
	if depth == 0 {
		return e
	}
	switch e := e.(type) {
	case spec.FieldRef:
		if def, ok := w.defs[e]; ok {
			return w.inline(def, depth-1)
		}
	case spec.Unary:
		return spec.Unary{Op: e.Op, X: w.inline(e.X, depth)}
	case spec.Binary:
		return spec.Binary{Op: e.Op, X: w.inline(e.X, depth), Y: w.inline(e.Y, depth)}
	case spec.Cond:
		return spec.Cond{If: w.inline(e.If, depth), Then: w.inline(e.Then, depth), Else: w.inline(e.Else, depth)}
	}
	return e
}

// operands lists the places in the packet that an expression reads.
func operands(e spec.Expr, out []spec.Expr) []spec.Expr {
	switch e := e.(type) {
	case spec.FieldRef, spec.StackField, spec.Lookahead:
		return append(out, e)
	case spec.Unary:
		return operands(e.X, out)
	case spec.Binary:
		return operands(e.Y, operands(e.X, out))
	case spec.Cond:
		return operands(e.Else, operands(e.Then, operands(e.If, out)))
	}
	return out
}

func (w *walk) solve(e spec.Expr) {
	switch e := e.(type) {
	case spec.Unary:
		if e.Op == spec.OpDataToBool || e.Op == spec.OpBoolToData {
			w.solve(e.X)
		}
	case spec.Binary:
		switch e.Op {
		case spec.OpAnd:
			w.solve(e.X)
			w.solve(e.Y)
		case spec.OpOr:
			if w.r.IntN(2) == 0 {
				w.solve(e.X)
			} else {
				w.solve(e.Y)
			}
		case spec.OpEq, spec.OpLe, spec.OpGe:
			w.compare(e, 0)
		case spec.OpLt:
			w.compare(e, -1)
		case spec.OpGt:
			w.compare(e, 1)
		}
	}
}

// compare makes one side of a comparison the other plus d, if it does not hold.
func (w *walk) compare(e spec.Binary, d int64) {
	if v, known := w.eval(e); known && v.Sign() != 0 {
		return
	}
	for _, try := range []struct {
		place, value spec.Expr
		d            int64
	}{{e.X, e.Y, d}, {e.Y, e.X, -d}} {
		p, ok := w.place(bare(try.place))
		v, known := w.eval(try.value)
		if ok && known {
			setBits(w.buf, p, bytesOf(new(big.Int).Add(v, big.NewInt(try.d)), p.width), nil)
			return
		}
	}
}

// bare takes a mask of constant bits off a field.
func bare(e spec.Expr) spec.Expr {
	if b, ok := e.(spec.Binary); ok && b.Op == spec.OpBitAnd {
		if _, ok := b.Y.(spec.Const); ok {
			return bare(b.X)
		}
	}
	return e
}
