package engine

import "github.com/telltale-net/telltale/bmv2/spec"

// visit calls see for an expression and all that is in it.
func visit(e spec.Expr, see func(spec.Expr)) {
	if e == nil {
		return
	}
	see(e)
	switch e := e.(type) {
	case spec.Unary:
		visit(e.X, see)
	case spec.Binary:
		visit(e.X, see)
		visit(e.Y, see)
	case spec.Cond:
		visit(e.If, see)
		visit(e.Then, see)
		visit(e.Else, see)
	case spec.RegisterCell:
		visit(e.Index, see)
	case spec.AccessField:
		visit(e.Header, see)
	case spec.AccessUnion:
		visit(e.Union, see)
	case spec.Deref:
		visit(e.Index, see)
	case spec.DerefUnion:
		visit(e.Index, see)
	case spec.Vector:
		for _, x := range e.Elements {
			visit(x, see)
		}
	}
}

// plainExpr says whether an expression is made of constants, arguments and fields
// known at compile time: computing it has no effect but its value.
func plainExpr(e spec.Expr) bool {
	ok := true
	visit(e, func(e spec.Expr) {
		switch e := e.(type) {
		case spec.Const, spec.Bool, spec.FieldRef, spec.ParamRef, spec.Binary, spec.Cond, spec.HeaderRef:
		case spec.Unary:
			ok = ok && (e.Op == spec.OpNot || e.Op == spec.OpBitNot || e.Op == spec.OpBoolToData || e.Op == spec.OpDataToBool || e.Op == spec.OpValid)
		default:
			ok = false
		}
	})
	return ok
}
