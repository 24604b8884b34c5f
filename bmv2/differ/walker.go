package differ

import (
	"hash/maphash"

	"github.com/telltale-net/telltale/bmv2/engine"
	"github.com/telltale-net/telltale/bmv2/spec"
)

// walker hears a switch's events and sums up the way that a packet takes: states, tables
// hit and by which entry, actions, branches, errors, copies.
type walker struct {
	h      maphash.Hash
	meters map[string]bool
	more   func(engine.Event) // may be nil
}

// waySeed is the same for all walkers, so that ways can be compared.
var waySeed = maphash.MakeSeed()

func newWalker(p *spec.Program, more func(engine.Event)) *walker {
	w := &walker{meters: map[string]bool{}, more: more}
	w.h.SetSeed(waySeed)
	for i := range p.Meters {
		w.meters[p.Meters[i].Name] = true
	}
	return w
}

func (w *walker) event(e engine.Event) {
	switch e.Kind {
	case engine.EventState, engine.EventParserError, engine.EventAction, engine.EventTable, engine.EventBranch, engine.EventClone,
		engine.EventMulticast, engine.EventResubmit, engine.EventRecirculate, engine.EventDrop, engine.EventDigest:
		w.mix(e)
		maphash.WriteComparable(&w.h, e.Handle)
	case engine.EventCell:
		if w.meters[e.Name] { // whose colour may be one that no model has seen
			w.mix(e)
			for _, f := range e.Fields {
				_, _ = w.h.Write(f.Value)
			}
		}
	}
	if w.more != nil {
		w.more(e)
	}
}

func (w *walker) mix(e engine.Event) {
	maphash.WriteComparable(&w.h, e.Kind)
	maphash.WriteComparable(&w.h, e.Hit)
	_, _ = w.h.WriteString(e.Name)
	maphash.WriteComparable(&w.h, e.Value)
}

// take returns the sum of one packet's way.
func (w *walker) take() uint64 {
	sum := w.h.Sum64()
	w.h.Reset()
	return sum
}
