package differ

import (
	"reflect"
	"slices"

	"github.com/telltale-net/telltale/bmv2/spec"
)

// needs is what about a program matters to how it can be compared.
type needs struct {
	chance   bool // it draws random numbers
	timed    bool // it reads clocks, how long packets waited or how many
	meters   bool
	stateful bool // packets see what earlier packets did, through registers or meters
	paced    bool // … or how many of them wait, in a place where the judge's threads race
}

// stateOps are the primitives by which packets see what others did; registers as
// expressions are found apart.
var stateOps = []string{"register_read", "register_write", "execute_meter"}

func needsOf(p *spec.Program) (n needs) {
	egress := slices.IndexFunc(p.Pipelines, func(l spec.Pipeline) bool { return l.Name == "egress" })
	inEgress := map[int]bool{} // actions
	for i := range p.Tables {
		t := &p.Tables[i]
		if t.DirectMeter >= 0 {
			n.meters = true
			n.paced = n.paced || t.Pipeline == egress
		}
		if t.Pipeline == egress {
			for _, a := range t.Actions {
				inEgress[a] = true
			}
		}
	}
	for i := range p.ActionCalls {
		if p.ActionCalls[i].Pipeline == egress {
			inEgress[p.ActionCalls[i].Action] = true
		}
	}
	for i := range p.Conditionals {
		if len(collect[spec.RegisterCell](p.Conditionals[i].If)) > 0 {
			n.stateful = true
			n.paced = n.paced || p.Conditionals[i].Pipeline == egress
		}
	}
	again := false
	for i := range p.Actions {
		state := len(collect[spec.RegisterCell](p.Actions[i])) > 0
		for k := range p.Actions[i].Primitives {
			op := p.Actions[i].Primitives[k].Op
			state = state || slices.Contains(stateOps, op)
			n.meters = n.meters || op == "execute_meter"
			n.chance = n.chance || op == "modify_field_rng_uniform"
			again = again || op == "recirculate"
		}
		n.stateful = n.stateful || state
		n.paced = n.paced || state && inEgress[i]
	}
	n.stateful = n.stateful || n.meters
	read := metadataRead(p)
	depth := read["enq_qdepth"] || read["deq_qdepth"]
	n.timed = depth || n.meters || read["enq_timestamp"] || read["deq_timedelta"] ||
		read["ingress_global_timestamp"] || read["egress_global_timestamp"]
	n.paced = n.paced || n.stateful && again || depth
	return n
}

// metadataRead names the fields of metadata that a program mentions.
func metadataRead(p *spec.Program) map[string]bool {
	out := map[string]bool{}
	for _, f := range collect[spec.FieldRef]([]any{
		p.Actions, p.Conditionals, p.Tables, p.Parsers, p.Deparsers, p.FieldLists, p.LearnLists, p.Calculations, p.Checksums,
	}) {
		h := &p.Headers[f.Header]
		fields := p.HeaderTypes[h.Type].Fields
		if h.Metadata && f.Field >= 0 && f.Field < len(fields) { // the zero value of a reference is none
			out[fields[f.Field].Name] = true
		}
	}
	return out
}

// collect finds all values of a type inside another.
func collect[T any](in any) (out []T) {
	var look func(v reflect.Value)
	look = func(v reflect.Value) {
		if !v.IsValid() {
			return
		}
		if v.CanInterface() {
			if t, ok := v.Interface().(T); ok {
				out = append(out, t)
			}
		}
		switch v.Kind() {
		case reflect.Interface, reflect.Pointer:
			look(v.Elem())
		case reflect.Slice, reflect.Array:
			for i := range v.Len() {
				look(v.Index(i))
			}
		case reflect.Struct:
			for i := range v.NumField() {
				if v.Type().Field(i).IsExported() {
					look(v.Field(i))
				}
			}
		}
	}
	look(reflect.ValueOf(in))
	return out
}
