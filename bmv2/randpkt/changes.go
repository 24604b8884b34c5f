package randpkt

import (
	"math/rand/v2"

	configv1 "github.com/p4lang/p4runtime/go/p4/config/v1"
	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"
	"google.golang.org/protobuf/proto"
)

// Change is an update of what is there, and the one that takes it back.
type Change struct {
	Update, Inverse *p4v1.Update
}

// made is a table entry that the generator has made.
type made struct {
	table   *configv1.Table
	profile *profile
	entry   *p4v1.TableEntry
	there   bool
}

// changeable is a table whose default entry may be set.
type changeable struct {
	table *configv1.Table
	now   *p4v1.TableAction // nil = the program's own
}

// Changes deletes some of the entries that were made, gives others something else to do,
// puts back some of those deleted earlier, and sets default entries anew.
func (g *Generator) Changes(r *rand.Rand) (out []Change) {
	m := newMaker(g, r)
	of := func(typ p4v1.Update_Type, e *p4v1.TableEntry) *p4v1.Update {
		return &p4v1.Update{Type: typ, Entity: &p4v1.Entity{Entity: &p4v1.Entity_TableEntry{TableEntry: e}}}
	}
	for i := range g.made {
		e := &g.made[i]
		switch what := r.IntN(8); {
		case !e.there && what < 4:
			out = append(out, Change{of(p4v1.Update_INSERT, e.entry), of(p4v1.Update_DELETE, e.entry)})
			e.there = true
		case e.there && what == 0:
			out = append(out, Change{of(p4v1.Update_DELETE, e.entry), of(p4v1.Update_INSERT, e.entry)})
			e.there = false
		case e.there && what <= 2:
			changed := proto.CloneOf(e.entry)
			if changed.Action = m.target(e.table, e.profile); changed.Action == nil {
				continue
			}
			out = append(out, Change{of(p4v1.Update_MODIFY, changed), of(p4v1.Update_MODIFY, e.entry)})
			e.entry = changed
		}
	}
	for i := range g.defaults {
		d := &g.defaults[i]
		if r.IntN(2) == 0 {
			continue
		}
		set := func(a *p4v1.TableAction) *p4v1.Update {
			return of(p4v1.Update_MODIFY, &p4v1.TableEntry{TableId: d.table.GetPreamble().GetId(), IsDefaultAction: true, Action: a})
		}
		var next *p4v1.TableAction
		if r.IntN(4) > 0 {
			if a := m.action(d.table.GetActionRefs(), true); a != nil {
				next = &p4v1.TableAction{Type: &p4v1.TableAction_Action{Action: a}}
			}
		}
		out = append(out, Change{set(next), set(d.now)})
		d.now = next
	}
	return out
}
