package differ

import (
	"context"
	"fmt"
	"time"

	configv1 "github.com/p4lang/p4runtime/go/p4/config/v1"
	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"
	"google.golang.org/grpc/status"
)

const (
	stateModels = 8 // that are asked what they have
	maxPerArray = 3 // differences reported of one array or list
)

// compareState asks both sides for all they have. What was in the judge before it died is
// not asked for: both began anew then.
func (d *differ) compareState(ctx context.Context) error {
	for _, q := range d.questions() {
		if err := d.compareRead(ctx, q); err != nil {
			return err
		}
	}
	if err := d.compareRegisters(ctx); err != nil {
		return err
	}
	return d.compareDigests(ctx)
}

// question is something to ask both sides for.
type question struct {
	name string
	ask  *p4v1.Entity
	unit configv1.CounterSpec_Unit // of the counters in the answer
}

func (d *differ) questions() (out []question) {
	info := d.cfg.Program.Info
	for _, t := range info.GetTables() {
		id := t.GetPreamble().GetId()
		e := &p4v1.TableEntry{TableId: id}
		var unit configv1.CounterSpec_Unit
		for _, c := range info.GetDirectCounters() {
			if c.GetDirectTableId() == id {
				e.CounterData, unit = &p4v1.CounterData{}, c.GetSpec().GetUnit()
			}
		}
		for _, m := range info.GetDirectMeters() {
			if m.GetDirectTableId() == id {
				e.MeterConfig = &p4v1.MeterConfig{}
			}
		}
		name := "table " + t.GetPreamble().GetName()
		if len(t.GetMatchFields()) > 0 {
			out = append(out, question{name, &p4v1.Entity{Entity: &p4v1.Entity_TableEntry{TableEntry: e}}, unit})
		}
		if t.GetImplementationId() == 0 {
			out = append(out, question{"default entry of " + name, &p4v1.Entity{Entity: &p4v1.Entity_TableEntry{TableEntry: &p4v1.TableEntry{TableId: id, IsDefaultAction: true}}}, 0})
		}
	}
	for _, p := range info.GetActionProfiles() {
		id, name := p.GetPreamble().GetId(), p.GetPreamble().GetName()
		out = append(out, question{"members of " + name, &p4v1.Entity{Entity: &p4v1.Entity_ActionProfileMember{ActionProfileMember: &p4v1.ActionProfileMember{ActionProfileId: id}}}, 0})
		if p.GetWithSelector() {
			out = append(out, question{"groups of " + name, &p4v1.Entity{Entity: &p4v1.Entity_ActionProfileGroup{ActionProfileGroup: &p4v1.ActionProfileGroup{ActionProfileId: id}}}, 0})
		}
	}
	for _, c := range info.GetCounters() {
		out = append(out, question{"counter " + c.GetPreamble().GetName(), &p4v1.Entity{Entity: &p4v1.Entity_CounterEntry{CounterEntry: &p4v1.CounterEntry{CounterId: c.GetPreamble().GetId()}}}, c.GetSpec().GetUnit()})
	}
	for _, m := range info.GetMeters() {
		out = append(out, question{"meter " + m.GetPreamble().GetName(), &p4v1.Entity{Entity: &p4v1.Entity_MeterEntry{MeterEntry: &p4v1.MeterEntry{MeterId: m.GetPreamble().GetId()}}}, 0})
	}
	pre := func(name string, e *p4v1.PacketReplicationEngineEntry) {
		out = append(out, question{name, &p4v1.Entity{Entity: &p4v1.Entity_PacketReplicationEngineEntry{PacketReplicationEngineEntry: e}}, 0})
	}
	pre("multicast groups", &p4v1.PacketReplicationEngineEntry{Type: &p4v1.PacketReplicationEngineEntry_MulticastGroupEntry{MulticastGroupEntry: &p4v1.MulticastGroupEntry{}}})
	pre("clone sessions", &p4v1.PacketReplicationEngineEntry{Type: &p4v1.PacketReplicationEngineEntry_CloneSessionEntry{CloneSessionEntry: &p4v1.CloneSessionEntry{}}})
	return out
}

// compareRead asks both sides one question.
func (d *differ) compareRead(ctx context.Context, q question) error {
	theirs, err := d.bench.controller.Read(ctx, q.ask)
	if ctx.Err() != nil {
		return err
	}
	if err != nil {
		d.sum.Unread = append(d.sum.Unread, fmt.Sprintf("%s: %v", q.name, status.Convert(err).Code()))
		return nil
	}
	judge := d.catalogue(q, theirs)
	var all []map[string]*p4v1.CounterData
	asked := d.models.all[:min(stateModels, len(d.models.all))]
	if q.ask.GetTableEntry().GetCounterData() == nil && q.ask.GetCounterEntry() == nil {
		asked = asked[:1] // what packets do not change is the same in all
	}
	for _, m := range asked {
		ours, err := m.controller.Read(ctx, q.ask)
		if err != nil {
			return fmt.Errorf("the model, asked for %s: %w", q.name, err)
		}
		all = append(all, d.catalogue(q, ours))
	}
	var amiss []string
	var counters []counter
	for _, key := range sortedKeys(all[0]) {
		there, ok := judge[key]
		if !ok {
			amiss = append(amiss, "only the model has "+key)
			continue
		}
		d.sum.Entities++
		if all[0][key] == nil && there == nil {
			continue
		}
		c := counter{key: key, judge: countOf(there)}
		for _, here := range all {
			c.models = append(c.models, countOf(here[key]))
		}
		counters = append(counters, c)
	}
	for _, key := range sortedKeys(judge) {
		if _, ok := all[0][key]; !ok {
			amiss = append(amiss, "only the judge has "+key)
		}
	}
	wrong, undefined := compareCounters(counters, d.sum.Undefined)
	d.sum.Cells += len(counters)
	d.sum.UndefinedCells += undefined
	if err := d.amiss(q.name, amiss, false); err != nil {
		return err
	}
	return d.amiss(q.name, wrong, true)
}

// amiss reports what is not the same about one list. Where packets went ways that no model
// knows, what they left behind is not known either.
func (d *differ) amiss(name string, what []string, byPackets bool) error {
	if byPackets && d.sum.Misfits+d.sum.Strays > 0 {
		d.sum.UndefinedCells += len(what)
		return nil
	}
	for i, w := range what {
		if i == maxPerArray {
			w = fmt.Sprintf("%d more", len(what)-i)
		}
		if err := d.report(&Difference{State: name + ": " + w}); err != nil || i == maxPerArray {
			return err
		}
	}
	return nil
}

// maxRegister is how wide a cell may be that the judge can show.
const maxRegister = 63

func (d *differ) compareRegisters(ctx context.Context) error {
	for _, r := range d.cfg.Program.Engine.Spec().Registers {
		if d.bench.judge.Registers == nil || r.Width > maxRegister {
			d.sum.Unread = append(d.sum.Unread, "register "+r.Name)
			continue
		}
		theirs, err := d.bench.judge.Registers(ctx, r.Name)
		if err != nil {
			return fmt.Errorf("the judge: %w", err)
		}
		if len(theirs) != r.Size {
			return fmt.Errorf("the judge: got %d cells of register %q, want %d", len(theirs), r.Name, r.Size)
		}
		var amiss []string
		undefined := 0
		for i, there := range theirs {
			var here, undef uint64
			for k, m := range d.models.all[:min(stateModels, len(d.models.all))] {
				b, err := m.sw.ReadRegister(r.Name, i)
				if err != nil {
					return fmt.Errorf("the model: %w", err)
				}
				var v uint64
				for _, x := range b {
					v = v<<8 | uint64(x)
				}
				if k == 0 {
					here = v
				}
				undef |= v ^ here
			}
			d.sum.Cells++
			if undef != 0 {
				undefined++
			}
			if (here^uint64(there))&^undef != 0 {
				amiss = append(amiss, fmt.Sprintf("cell %d: the model has %#x, the judge %#x", i, here, there))
			}
		}
		d.sum.UndefinedCells += undefined
		if len(amiss) <= undefined { // written at an undefined index, which no model came by
			d.sum.UndefinedCells += len(amiss)
			continue
		}
		if err := d.amiss("register "+r.Name, amiss, true); err != nil {
			return err
		}
	}
	return nil
}

// compareDigests compares the digests, for which the judge may take a moment.
func (d *differ) compareDigests(ctx context.Context) error {
	const (
		longest = 3 * time.Second
		step    = 5 * time.Millisecond
	)
	late := time.NewTimer(longest)
	defer late.Stop()
	tick := time.NewTicker(step)
	defer tick.Stop()
wait:
	for d.bench.digests.count() < d.digests.n {
		select {
		case <-tick.C:
		case <-late.C:
			break wait
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	amiss, equal := d.digests.against(d.bench.digests)
	d.sum.Digests = equal
	return d.amiss("digests", amiss, true)
}
