package randpkt

import (
	"math/big"

	"github.com/telltale-net/telltale/bmv2/spec"
)

// eval works out an expression of the parser as far as the walk knows what it is about.
// Truth is 1 and 0.
func (w *walk) eval(e spec.Expr) (*big.Int, bool) {
	switch e := e.(type) {
	case spec.Const:
		return e.Value, true
	case spec.Bool:
		return truth(e.Value), true
	case spec.FieldRef:
		return w.field(e)
	case spec.StackField, spec.Lookahead:
		p, ok := w.place(e)
		if !ok {
			return nil, false
		}
		return new(big.Int).SetBytes(getBits(w.buf, p)), true
	case spec.Unary:
		return w.unary(e)
	case spec.Binary:
		return w.binary(e)
	case spec.Cond:
		c, ok := w.eval(e.If)
		if !ok {
			return nil, false
		}
		if c.Sign() != 0 {
			return w.eval(e.Then)
		}
		return w.eval(e.Else)
	}
	return nil, false
}

func truth(b bool) *big.Int {
	if b {
		return big.NewInt(1)
	}
	return new(big.Int)
}

func (w *walk) field(f spec.FieldRef) (*big.Int, bool) {
	h := &w.g.spec.Headers[f.Header]
	if f.Field == spec.ValidField {
		return truth(w.valid[f.Header]), true
	}
	if s, ok := w.at[f]; ok {
		return new(big.Int).SetBytes(getBits(w.buf, s)), true
	}
	if v, ok := w.vars[f]; ok {
		return v, true
	}
	if !h.Metadata {
		return nil, false
	}
	if h.Name == "standard_metadata" {
		if w.g.spec.HeaderTypes[h.Type].Fields[f.Field].Name == "ingress_port" {
			return big.NewInt(int64(w.port)), true
		}
		return nil, false
	}
	return new(big.Int), true // metadata begins as zeros
}

func (w *walk) unary(e spec.Unary) (*big.Int, bool) {
	if e.Op == spec.OpValid {
		if h, ok := e.X.(spec.HeaderRef); ok {
			return truth(w.valid[h.Header]), true
		}
		return nil, false
	}
	x, ok := w.eval(e.X)
	if !ok {
		return nil, false
	}
	switch e.Op {
	case spec.OpNot:
		return truth(x.Sign() == 0), true
	case spec.OpDataToBool:
		return truth(x.Sign() != 0), true
	case spec.OpBoolToData:
		return x, true
	case spec.OpBitNot:
		return new(big.Int).Not(x), true
	}
	return nil, false
}

func (w *walk) binary(e spec.Binary) (*big.Int, bool) {
	x, ok := w.eval(e.X)
	if !ok {
		return nil, false
	}
	y, ok := w.eval(e.Y)
	if !ok {
		return nil, false
	}
	const maxShift = 4096
	z := new(big.Int)
	switch e.Op {
	case spec.OpAdd:
		return z.Add(x, y), true
	case spec.OpSub:
		return z.Sub(x, y), true
	case spec.OpMul:
		return z.Mul(x, y), true
	case spec.OpBitAnd:
		return z.And(x, y), true
	case spec.OpBitOr:
		return z.Or(x, y), true
	case spec.OpBitXor:
		return z.Xor(x, y), true
	case spec.OpShl, spec.OpShr:
		if !y.IsUint64() || y.Uint64() > maxShift {
			return nil, false
		}
		if e.Op == spec.OpShl {
			return z.Lsh(x, uint(y.Uint64())), true
		}
		return z.Rsh(x, uint(y.Uint64())), true
	case spec.OpEq:
		return truth(x.Cmp(y) == 0), true
	case spec.OpNe:
		return truth(x.Cmp(y) != 0), true
	case spec.OpLt:
		return truth(x.Cmp(y) < 0), true
	case spec.OpLe:
		return truth(x.Cmp(y) <= 0), true
	case spec.OpGt:
		return truth(x.Cmp(y) > 0), true
	case spec.OpGe:
		return truth(x.Cmp(y) >= 0), true
	case spec.OpAnd:
		return truth(x.Sign() != 0 && y.Sign() != 0), true
	case spec.OpOr:
		return truth(x.Sign() != 0 || y.Sign() != 0), true
	case spec.OpTwoCompMod:
		if !y.IsUint64() || y.Uint64() == 0 || y.Uint64() > maxShift {
			return nil, false
		}
		one := big.NewInt(1)
		z.And(x, new(big.Int).Sub(new(big.Int).Lsh(one, uint(y.Uint64())), one))
		if z.Bit(int(y.Uint64())-1) == 1 {
			z.Sub(z, new(big.Int).Lsh(one, uint(y.Uint64())))
		}
		return z, true
	}
	return nil, false
}
