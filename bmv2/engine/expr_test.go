package engine

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/telltale-net/telltale/bmv2/spec"
)

// The oracle: expressions on math/big, straight from the specification.

// bigEval evaluates an integer expression exactly.
func bigEval(p *spec.Program, field func(spec.FieldRef) *big.Int, e spec.Expr) *big.Int {
	n := func() *big.Int { return new(big.Int) }
	switch e := e.(type) {
	case spec.Const:
		return e.Value
	case spec.FieldRef:
		return field(e)
	case spec.Cond:
		if bigBool(p, field, e.If) {
			return bigEval(p, field, e.Then)
		}
		return bigEval(p, field, e.Else)
	case spec.Unary:
		if e.Op == spec.OpBitNot {
			return n().Not(bigEval(p, field, e.X))
		}
		if bigBool(p, field, e.X) {
			return big.NewInt(1)
		}
		return n()
	}
	b := e.(spec.Binary)
	x, y := bigEval(p, field, b.X), bigEval(p, field, b.Y)
	switch b.Op {
	case spec.OpAdd:
		return n().Add(x, y)
	case spec.OpSub:
		return n().Sub(x, y)
	case spec.OpMul:
		return n().Mul(x, y)
	case spec.OpDiv, spec.OpMod:
		if x.Sign() < 0 || y.Sign() <= 0 {
			return n()
		}
		if b.Op == spec.OpDiv {
			return n().Div(x, y)
		}
		return n().Mod(x, y)
	case spec.OpShl:
		return n().Lsh(x, uint(bigMax(y, bigZero).Uint64()))
	case spec.OpShr:
		return n().Rsh(x, uint(bigMax(y, bigZero).Uint64()))
	case spec.OpBitAnd:
		return n().And(x, y)
	case spec.OpBitOr:
		return n().Or(x, y)
	case spec.OpBitXor:
		return n().Xor(x, y)
	case spec.OpTwoCompMod:
		w := int(y.Int64())
		v := n().And(x, below(w))
		if v.Bit(w-1) == 1 {
			v.Sub(v, power(w))
		}
		return v
	case spec.OpUSatCast:
		return bigMin(bigMax(x, bigZero), below(int(y.Int64())))
	case spec.OpSatCast:
		w := signed(int(y.Int64()))
		return bigMin(bigMax(x, w.lo), w.hi)
	}
	panic("no such operator")
}

func bigBool(p *spec.Program, field func(spec.FieldRef) *big.Int, e spec.Expr) bool {
	switch e := e.(type) {
	case spec.Bool:
		return e.Value
	case spec.Unary:
		if e.Op == spec.OpNot {
			return !bigBool(p, field, e.X)
		}
		return bigEval(p, field, e.X).Sign() != 0 // d2b
	}
	b := e.(spec.Binary)
	switch b.Op {
	case spec.OpAnd:
		return bigBool(p, field, b.X) && bigBool(p, field, b.Y)
	case spec.OpOr:
		return bigBool(p, field, b.X) || bigBool(p, field, b.Y)
	}
	c := bigEval(p, field, b.X).Cmp(bigEval(p, field, b.Y))
	switch b.Op {
	case spec.OpEq:
		return c == 0
	case spec.OpNe:
		return c != 0
	case spec.OpGt:
		return c > 0
	case spec.OpLt:
		return c < 0
	case spec.OpGe:
		return c >= 0
	}
	return c <= 0
}

// exprGen makes random expressions over the fields of one header.
type exprGen struct {
	*rand.Rand
	fields int
}

func (g exprGen) int(depth int) spec.Expr {
	if depth == 0 || g.IntN(8) == 0 {
		if g.IntN(3) == 0 {
			v := new(big.Int).SetUint64(g.Uint64())
			v.Lsh(v, uint(g.IntN(100))).Rsh(v, uint(g.IntN(160)))
			if g.IntN(3) == 0 {
				v.Neg(v)
			}
			return spec.Const{Value: v}
		}
		return spec.FieldRef{Header: 0, Field: g.IntN(g.fields)}
	}
	switch g.IntN(14) {
	case 0:
		return spec.Cond{If: g.bool(depth - 1), Then: g.int(depth - 1), Else: g.int(depth - 1)}
	case 1:
		return spec.Unary{Op: spec.OpBitNot, X: g.int(depth - 1)}
	case 2:
		return spec.Unary{Op: spec.OpBoolToData, X: g.bool(depth - 1)}
	case 3:
		op := []spec.Op{spec.OpTwoCompMod, spec.OpUSatCast, spec.OpSatCast}[g.IntN(3)]
		return spec.Binary{Op: op, X: g.int(depth - 1), Y: spec.Const{Value: big.NewInt(int64(1 + g.IntN(140)))}}
	case 4, 5:
		// A distance that is a small field or constant, or an expression masked small.
		by := spec.Expr(spec.Const{Value: big.NewInt(int64(g.IntN(150)))})
		if g.IntN(2) == 0 {
			by = spec.Binary{Op: spec.OpBitAnd, X: g.int(depth - 1), Y: spec.Const{Value: big.NewInt(127)}}
		}
		return spec.Binary{Op: spec.OpShl + spec.Op(g.IntN(2)), X: g.int(depth - 1), Y: by}
	case 6:
		return spec.Binary{Op: spec.OpDiv + spec.Op(g.IntN(2)), X: g.int(depth - 1), Y: g.int(depth - 1)}
	case 7:
		return spec.Binary{Op: spec.OpMul, X: g.int(depth - 1), Y: g.int(depth - 1)}
	}
	op := []spec.Op{spec.OpAdd, spec.OpSub, spec.OpBitAnd, spec.OpBitOr, spec.OpBitXor}[g.IntN(5)]
	return spec.Binary{Op: op, X: g.int(depth - 1), Y: g.int(depth - 1)}
}

func (g exprGen) bool(depth int) spec.Expr {
	if depth == 0 {
		return spec.Bool{Value: g.IntN(2) == 0}
	}
	switch g.IntN(6) {
	case 0:
		return spec.Unary{Op: spec.OpNot, X: g.bool(depth - 1)}
	case 1:
		return spec.Binary{Op: spec.OpAnd + spec.Op(g.IntN(2)), X: g.bool(depth - 1), Y: g.bool(depth - 1)}
	case 2:
		return spec.Unary{Op: spec.OpDataToBool, X: g.int(depth - 1)}
	}
	return spec.Binary{Op: spec.OpEq + spec.Op(g.IntN(6)), X: g.int(depth - 1), Y: g.int(depth - 1)}
}

var testWidths = []int{1, 8, 9, 32, 48, 63, 64, 65, 128, 200, 16, 64, 128, 2}

// exprProgram has one metadata struct with a field of every width; the last few
// are signed, every other one saturates.
func exprProgram() *spec.Program {
	t := spec.HeaderType{Name: "t", VarBit: -1}
	for i, w := range testWidths {
		t.Fields = append(t.Fields, spec.Field{Name: fmt.Sprint("f", i), Width: w, Signed: i >= len(testWidths)-4, Saturating: i%2 == 1})
	}
	return &spec.Program{HeaderTypes: []spec.HeaderType{t}, Headers: []spec.Header{{Name: "m", Metadata: true, Stack: -1, Union: -1}}}
}

// fieldValue is the number in a field.
func fieldValue(l *layout, phv []uint64, ref spec.FieldRef) *big.Int {
	f := l.field(ref)
	v := wideBig(append(append([]uint64(nil), phv[f.slot:f.slot+f.words]...), 0))
	if f.signed && v.Bit(int(f.width)-1) == 1 {
		v.Sub(v, power(int(f.width)))
	}
	return v
}

// lowered is dst = src as code, and cond, jumping when it does not hold and when
// it does.
func lowered(t *testing.T, k *compiler, dst spec.FieldRef, src, cond spec.Expr) (run func(*packet), decide [2]func(*packet) bool) {
	c := &code{}
	l := &lowerer{compiler: k, code: c, prog: &Program{spec: k.prog}, live: map[uint32]bool{}}
	if err := l.primitive(&spec.Primitive{Op: "assign", Args: []spec.Expr{dst, src}}); err != nil {
		t.Fatal(err)
	}
	l.emit(instr{op: opEnd})
	run = func(p *packet) { p.exec(c, plain, 0) }
	for want := range 2 {
		l.land()
		at, mark := l.here(), l.take(1)
		jumps := l.branch(cond, want == 1)
		l.set(mark, uint64(1-want))
		l.emit(instr{op: opEnd})
		l.land(jumps...)
		l.set(mark, uint64(want))
		l.emit(instr{op: opEnd})
		decide[want] = func(p *packet) bool {
			p.exec(c, plain, at)
			return p.phv[mark] == 1
		}
	}
	return run, decide
}

func TestExpressionsAreExact(t *testing.T) {
	p := exprProgram()
	l, err := newLayout(p)
	if err != nil {
		t.Fatal(err)
	}
	seed := uint64(1)
	for round := range 6000 {
		rnd := rand.New(rand.NewPCG(seed, uint64(round)))
		g := exprGen{rnd, len(testWidths)}
		k := &compiler{layout: l}
		dst := spec.FieldRef{Header: 0, Field: rnd.IntN(len(testWidths))}
		src, cond := g.int(1+rnd.IntN(4)), g.bool(1+rnd.IntN(4))
		step, holds := k.store(dst, src), k.bool(cond, 0)
		run, decide := lowered(t, k, dst, src, cond)
		l.start()
		pk := &packet{phv: slices.Clone(l.initial), sw: &Switch{scratch: make([]uint64, k.scratch)}}
		for range 4 {
			for i := range testWidths {
				f := l.field(spec.FieldRef{Header: 0, Field: i})
				for w := range f.words {
					v := rnd.Uint64()
					switch rnd.IntN(4) {
					case 0:
						v = 0
					case 1:
						v = ^uint64(0)
					}
					pk.phv[f.slot+w] = v
				}
				pk.phv[f.slot+f.words-1] &= f.mask
			}
			read := func(r spec.FieldRef) *big.Int { return fieldValue(l, pk.phv, r) }
			value, truth := bigEval(p, read, src), bigBool(p, read, cond)
			if in := l.interval(src); value.Cmp(in.lo) < 0 || value.Cmp(in.hi) > 0 {
				t.Fatalf("round %d: %v is outside of its bounds [%v, %v]: %#v", round, value, in.lo, in.hi, src)
			}
			if got := holds(pk); got != truth {
				t.Fatalf("round %d: got %v, want %v: %#v", round, got, truth, cond)
			}
			for want := range 2 {
				if got := decide[want](pk); got != truth {
					t.Fatalf("round %d: got %v as code, want %v: %#v", round, got, truth, cond)
				}
			}
			before := slices.Clone(pk.phv)
			run(pk)
			asCode := fieldValue(l, pk.phv, dst)
			copy(pk.phv, before)
			step(pk)
			if got := fieldValue(l, pk.phv, dst); got.Cmp(asCode) != 0 {
				t.Fatalf("round %d: got %x as code, %x as a closure: %#v", round, asCode, got, src)
			}
			f := l.field(dst)
			if f.sat {
				in := unsigned(int(f.width))
				if f.signed {
					in = signed(int(f.width))
				}
				value = bigMin(bigMax(value, in.lo), in.hi)
			}
			want := new(big.Int).And(value, below(int(f.width)))
			got := new(big.Int).And(fieldValue(l, pk.phv, dst), below(int(f.width)))
			if got.Cmp(want) != 0 {
				t.Fatalf("round %d: %d bits: got %x, want %x: %#v", round, f.width, got, want, src)
			}
			if pk.phv[f.slot+f.words-1]&^f.mask != 0 {
				t.Fatalf("round %d: bits above the field's width are set", round)
			}
		}
	}
}

// Of an index that is not negative its low 32 bits count.
func TestCell(t *testing.T) {
	l, err := newLayout(exprProgram())
	if err != nil {
		t.Fatal(err)
	}
	f := func(field int, words []uint64, want uint64) {
		t.Helper()
		k := &compiler{layout: l}
		ref := spec.FieldRef{Field: field}
		i := k.cell(ref)
		pk := &packet{phv: make([]uint64, l.slots), sw: &Switch{scratch: make([]uint64, k.scratch)}}
		copy(pk.phv[l.field(ref).slot:], words)
		if got := i(pk); got != want {
			t.Errorf("f%d = %x: got %#x; want %#x", field, words, got, want)
		}
	}
	f(1, []uint64{200}, 200)
	f(6, []uint64{1<<32 + 5}, 5)
	f(8, []uint64{7, 1}, 7)
	f(10, []uint64{0xffff}, ^uint64(0))           // -1: nowhere
	f(12, []uint64{3, 1 << 63}, ^uint64(0))       // negative, too
	f(4, []uint64{0xffff_ffff_ffff}, 0xffff_ffff) // 48 bits
}

// Headers of any shape come out of the wire as they went in.
func TestWire(t *testing.T) {
	for round := range 3000 {
		rnd := rand.New(rand.NewPCG(7, uint64(round)))
		ht := spec.HeaderType{Name: "h", VarBit: -1, MaxLength: 60}
		bits, widest := 0, 0
		for range 1 + rnd.IntN(8) {
			w := 1 + rnd.IntN([]int{8, 16, 64, 200}[rnd.IntN(4)])
			ht.Fields = append(ht.Fields, spec.Field{Width: w})
			bits, widest = bits+w, max(widest, w)
		}
		if r := bits % 8; r != 0 {
			ht.Fields, bits = append(ht.Fields, spec.Field{Width: 8 - r}), bits+8-r
		}
		ht.Bits = bits
		vl := 0
		if rnd.IntN(3) == 0 {
			ht.VarBit = rnd.IntN(len(ht.Fields) + 1)
			vl = 8 * rnd.IntN(30)
			ht.Fields = append(ht.Fields[:ht.VarBit:ht.VarBit], append([]spec.Field{{Width: 240, VarBit: true}}, ht.Fields[ht.VarBit:]...)...)
		}
		w := newWire(&ht)
		in := make([]byte, bits/8+vl/8+slack)
		for i := range in {
			in[i] = byte(rnd.Uint32())
		}
		fields := make([]uint64, 64*len(ht.Fields))
		// The slow way: bit by bit.
		at := 0
		for _, f := range w.bits {
			n := int(f.width)
			if f.varbit {
				getVarBit(in, at, vl, f, fields)
				n = vl
			} else {
				getField(in, at, f, fields)
				want := new(big.Int)
				for i := range n {
					want.Lsh(want, 1).SetBit(want, 0, uint(in[(at+i)/8]>>(7-(at+i)%8)&1))
				}
				words := fields[f.slot : f.slot+(f.width+63)/64]
				if got := wideBig(append(append([]uint64(nil), words...), 0)); got.Cmp(want) != 0 {
					t.Fatalf("round %d: %d bits at %d: got %x, want %x", round, n, at, got, want)
				}
			}
			at += n
		}
		if w.varbit < 0 {
			fast := make([]uint64, len(fields))
			w.extract(fast, in)
			for i := range fast {
				if fast[i] != fields[i] {
					t.Fatalf("round %d: slot %d: the fast way got %x, the slow one %x", round, i, fast[i], fields[i])
				}
			}
		}
		out := make([]byte, len(in)-slack)
		w.emit(out, fields)
		if string(out) != string(in[:len(out)]) {
			t.Fatalf("round %d: emitted %x, want %x (widest field %d bits)", round, out, in[:len(out)], widest)
		}
	}
}
