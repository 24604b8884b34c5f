package p4rt

import (
	"fmt"

	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"
)

// Plan is how to get from one state to another: phases of updates. Within a phase
// no update depends on another, so that a switch may reorder them; a phase may
// begin when the one before is done.
//
//	1  members, replication, digests, meters   insert, modify
//	2  groups                                  insert, modify
//	3  table entries                           insert, modify
//	4  table entries                           delete
//	5  groups                                  delete
//	6  members, replication, digests           delete
//
// New state is made before old state is broken: a packet always finds one of them.
// The price is room for both; a table that is full to the brim refuses phase 3.
type Plan struct {
	Phases    [6][]*p4v1.Update
	Unchanged int // desired and already there
	Immutable int // there, not desired, and marked const: left alone
}

// Updates is the number of updates in all phases.
func (p *Plan) Updates() int {
	n := 0
	for _, ph := range p.Phases {
		n += len(ph)
	}
	return n
}

// Diff compares what a switch has with what it should have. Entities of want keep
// their order within a phase, deletions go against the order of have.
//
// Default entries and meters always exist: they are only ever modified, and those
// that want does not name are left as they are, and so are entries that the switch
// says are const. Everything else in have that want does not name is deleted.
//
// It is an error if want names an entity twice, or one that is no state
// (counters, registers), or a group with a max_size other than the one it has,
// which P4Runtime does not let change.
func Diff(have, want []*p4v1.Entity) (Plan, error) {
	var p Plan
	present := make(map[identity]*p4v1.Entity, len(have))
	for _, e := range have {
		id, err := identify(e)
		if err != nil {
			return p, fmt.Errorf("p4rt: comparing states: present state: %w", err)
		}
		present[id] = e
	}
	wanted := make(map[identity]bool, len(want))
	for i, e := range want {
		id, err := identify(e)
		if err != nil {
			return p, fmt.Errorf("p4rt: comparing states: desired entity %d: %w", i, err)
		}
		if wanted[id] {
			return p, fmt.Errorf("p4rt: comparing states: desired entity %d, %s, comes twice", i, Describe(e, nil))
		}
		wanted[id] = true
		old := present[id]
		op := p4v1.Update_INSERT
		switch {
		case old != nil && equal(old, e):
			p.Unchanged++
			continue
		case old != nil || permanentEntity(e):
			op = p4v1.Update_MODIFY
		}
		if g := e.GetActionProfileGroup(); g != nil && old != nil && old.GetActionProfileGroup().GetMaxSize() != g.GetMaxSize() {
			return p, fmt.Errorf("p4rt: comparing states: desired entity %d, %s: max_size is %d on the switch and cannot become %d; use another group id",
				i, Describe(e, nil), old.GetActionProfileGroup().GetMaxSize(), g.GetMaxSize())
		}
		p.Phases[id.class] = append(p.Phases[id.class], &p4v1.Update{Type: op, Entity: e})
	}
	for i := len(have) - 1; i >= 0; i-- {
		e := have[i]
		id, err := identify(e)
		if err != nil {
			return p, fmt.Errorf("BUG: %w", err) // it was fine above
		}
		if wanted[id] || permanentEntity(e) {
			continue
		}
		if isConst(e.GetTableEntry()) {
			p.Immutable++
			continue
		}
		ph := len(p.Phases) - 1 - int(id.class)
		p.Phases[ph] = append(p.Phases[ph], &p4v1.Update{Type: p4v1.Update_DELETE, Entity: e})
	}
	return p, nil
}

// permanentEntity says whether an entity always exists and can only be modified.
func permanentEntity(e *p4v1.Entity) bool {
	return e.GetTableEntry().GetIsDefaultAction() || e.GetMeterEntry() != nil
}
