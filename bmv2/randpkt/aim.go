package randpkt

import (
	"encoding/binary"
	"slices"

	configv1 "github.com/p4lang/p4runtime/go/p4/config/v1"
	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"

	"github.com/telltale-net/telltale/bmv2/spec"
)

// An entry is hit by a packet whose fields agree with its key. Keys are often metadata
// that an action or the parser copied from header fields; which header fields may end
// in which metadata is read off the program's assignments.

// aim is what a packet needs to hit one entry.
type aim struct {
	fields []aimField
	port   int // where it must enter, -1 = anywhere
}

// aimField is one key field: the header fields it may come from, and what is wanted.
type aimField struct {
	from        []spec.FieldRef
	width       int
	value, mask []byte
}

const (
	maxAims  = 1 << 14
	aimsEach = 4 // entries that one packet is aimed at, at most
)

// sources lists for every field the header fields that its value may come from.
func sources(p *spec.Program) map[spec.FieldRef][]spec.FieldRef {
	from := map[spec.FieldRef][]spec.FieldRef{}
	assign := func(dst, src spec.Expr) {
		if d, ok := dst.(spec.FieldRef); ok {
			for _, f := range fields(src, nil) {
				if f.Field != spec.ValidField && f != d && !slices.Contains(from[d], f) {
					from[d] = append(from[d], f)
				}
			}
		}
	}
	for i := range p.Actions {
		for _, s := range p.Actions[i].Primitives {
			if len(s.Args) == 2 {
				assign(s.Args[0], s.Args[1])
			}
		}
	}
	for i := range p.Parsers {
		for k := range p.Parsers[i].States {
			for _, op := range p.Parsers[i].States[k].Ops {
				if op.Kind == spec.OpSet {
					assign(op.Args[0], op.Args[1])
				}
			}
		}
	}
	out := map[spec.FieldRef][]spec.FieldRef{}
	for i := range p.Tables {
		for _, k := range p.Tables[i].Key {
			seen := map[spec.FieldRef]bool{k.Field: true}
			for queue := []spec.FieldRef{k.Field}; len(queue) > 0; queue = queue[1:] {
				f := queue[0]
				if f.Field != spec.ValidField && !p.Headers[f.Header].Metadata && p.Width(f) == k.Width {
					out[k.Field] = append(out[k.Field], f)
				}
				for _, g := range from[f] {
					if !seen[g] {
						seen[g] = true
						queue = append(queue, g)
					}
				}
			}
		}
	}
	return out
}

// aimAt remembers an entry, so that packets may hit it.
func (g *Generator) aimAt(info *configv1.Table, e *p4v1.TableEntry) {
	i := slices.IndexFunc(g.spec.Tables, func(t spec.Table) bool { return t.Name == info.GetPreamble().GetName() })
	if i < 0 || len(g.aims) >= maxAims {
		return
	}
	t := &g.spec.Tables[i]
	a := aim{port: -1}
	for at, f := range info.GetMatchFields() { // in the order of the key
		k := slices.IndexFunc(e.GetMatch(), func(m *p4v1.FieldMatch) bool { return m.GetFieldId() == f.GetId() })
		if k < 0 || at >= len(t.Key) || f.GetBitwidth() == 0 {
			continue
		}
		key, width, m := &t.Key[at], int(f.GetBitwidth()), e.GetMatch()[k]
		value, mask := fit(matchValues(m)[0], width), ones(width)
		switch {
		case m.GetLpm() != nil:
			mask = prefix(width, int(m.GetLpm().GetPrefixLen()))
		case m.GetTernary() != nil:
			mask = fit(m.GetTernary().GetMask(), width)
		}
		if g.isIngressPort(key.Field) {
			a.port = int(binary.BigEndian.Uint16(fit(value, 16)))
			continue
		}
		if from := g.sources[key.Field]; len(from) > 0 {
			a.fields = append(a.fields, aimField{from, width, value, mask})
		}
	}
	if len(a.fields) > 0 || a.port >= 0 {
		g.aims = append(g.aims, a)
	}
}

func (g *Generator) isIngressPort(f spec.FieldRef) bool {
	h := &g.spec.Headers[f.Header]
	return f.Field >= 0 && h.Name == "standard_metadata" && g.spec.HeaderTypes[h.Type].Fields[f.Field].Name == "ingress_port"
}

// chooseAims picks the entries that a packet is to hit.
func (w *walk) chooseAims() {
	if len(w.g.aims) == 0 || w.r.IntN(4) == 0 {
		return
	}
	for range 1 + w.r.IntN(aimsEach) {
		a := &w.g.aims[w.r.IntN(len(w.g.aims))]
		if a.port >= 0 && a.port < 1<<portBits {
			w.port = uint16(a.port)
		}
		w.aims = append(w.aims, a)
	}
}

// aim writes what the entries want where the packet has the fields.
func (w *walk) aim() {
	for _, a := range w.aims {
		for i := range a.fields {
			f := &a.fields[i]
			var there []span
			for _, ref := range f.from {
				if s, ok := w.at[ref]; ok && s.width == f.width {
					there = append(there, s)
				}
			}
			if len(there) > 0 {
				setBits(w.buf, there[w.r.IntN(len(there))], f.value, f.mask)
			}
		}
	}
}
