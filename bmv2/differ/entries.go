package differ

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"

	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/telltale-net/telltale/bmv2/randpkt"
)

// entries makes the models and fills both sides.
func (d *differ) entries(ctx context.Context) error {
	if err := d.remodel(ctx); err != nil {
		return err
	}
	d.rng = rand.New(rand.NewPCG(d.cfg.Seed, 0x9acce7))
	d.gen = randpkt.New(d.cfg.Program.Engine.Spec(), d.cfg.Program.Info, randpkt.Config{Ports: d.cfg.Ports})
	updates := d.cfg.Entries.GetUpdates()
	d.gen.Learn(updates)
	updates = append(updates[:len(updates):len(updates)], d.listen()...)
	if d.cfg.RandomEntries {
		updates = append(updates, d.gen.Entries(d.rng)...)
	}
	if d.bench.judge.AddToValueSet != nil {
		isSet := func(u *p4v1.Update) bool { return u.GetEntity().GetValueSetEntry() != nil }
		for _, u := range updates {
			if isSet(u) {
				d.sets = append(d.sets, u)
			}
		}
		updates = slices.DeleteFunc(slices.Clone(updates), isSet)
	}
	if err := d.write(ctx, updates, inverse); err != nil {
		return err
	}
	for _, m := range []*models{d.models, d.probes} {
		errs, err := m.write(ctx, d.sets)
		if err = errors.Join(append(errs, err)...); err != nil {
			return fmt.Errorf("the model does not take parser value sets: %w", err)
		}
	}
	if err := d.addToSets(ctx, d.bench); err != nil {
		return err
	}
	d.sum.Updates += len(d.sets)
	return nil
}

// listen asks for all digests that nobody has asked for, each in a message of its own and
// once as long as nobody acknowledges it.
func (d *differ) listen() (out []*p4v1.Update) {
	for _, in := range d.cfg.Program.Info.GetDigests() {
		id := in.GetPreamble().GetId()
		if slices.ContainsFunc(d.cfg.Entries.GetUpdates(), func(u *p4v1.Update) bool { return u.GetEntity().GetDigestEntry().GetDigestId() == id }) {
			continue
		}
		const never = 1 << 60 // ns
		out = append(out, &p4v1.Update{Type: p4v1.Update_INSERT, Entity: &p4v1.Entity{Entity: &p4v1.Entity_DigestEntry{DigestEntry: &p4v1.DigestEntry{
			DigestId: id, Config: &p4v1.DigestEntry_Config{MaxListSize: 1, AckTimeoutNs: never},
		}}}})
	}
	return out
}

// addToSets gives a judge the parser value sets, which it does not take over P4Runtime.
func (d *differ) addToSets(ctx context.Context, b *bench) error {
	for _, u := range d.sets {
		e := u.GetEntity().GetValueSetEntry()
		var name string
		for _, s := range d.cfg.Program.Info.GetValueSets() {
			if s.GetPreamble().GetId() == e.GetValueSetId() {
				name = s.GetPreamble().GetName()
			}
		}
		for _, m := range e.GetMembers() {
			var value []byte
			for _, f := range d.cfg.Program.Info.GetValueSets() {
				if f.GetPreamble().GetId() != e.GetValueSetId() {
					continue
				}
				for _, k := range f.GetMatch() {
					i := slices.IndexFunc(m.GetMatch(), func(v *p4v1.FieldMatch) bool { return v.GetFieldId() == k.GetId() })
					part := make([]byte, (k.GetBitwidth()+7)/8)
					if i >= 0 {
						v := m.GetMatch()[i].GetExact().GetValue()
						copy(part[max(0, len(part)-len(v)):], v[max(0, len(v)-len(part)):])
					}
					value = append(value, part...)
				}
			}
			if err := b.judge.AddToValueSet(ctx, name, value); err != nil {
				return fmt.Errorf("the judge: %w", err)
			}
		}
	}
	return nil
}

// changes is how often random entries are changed while packets come.
const changes = 8

// change changes entries on both sides, while no packets are under way.
func (d *differ) change(ctx context.Context) error {
	back := map[*p4v1.Update]*p4v1.Update{}
	var updates []*p4v1.Update
	for _, c := range d.gen.Changes(d.rng) {
		back[c.Update] = c.Inverse
		updates = append(updates, c.Update)
	}
	return d.write(ctx, updates, func(u *p4v1.Update) (*p4v1.Update, bool) { return back[u], true })
}

// write gives updates to both sides. What only one of them takes is taken back there, and
// is a difference, unless the judge says that it has no such thing.
func (d *differ) write(ctx context.Context, updates []*p4v1.Update, inverse func(*p4v1.Update) (*p4v1.Update, bool)) error {
	ours, err := d.models.write(ctx, updates)
	if err == nil {
		_, err = d.probes.write(ctx, updates)
	}
	if err != nil {
		return err
	}
	theirs, err := d.bench.controller.Write(ctx, updates)
	if err != nil {
		return fmt.Errorf("the judge: %w", err)
	}
	var undoOurs, undoTheirs []*p4v1.Update
	for i, u := range updates {
		unsupported := status.Code(theirs[i]) == codes.Unimplemented
		switch {
		case ours[i] == nil && theirs[i] == nil:
			d.sum.Updates++
			d.written = append(d.written, u)
			continue
		case ours[i] != nil && theirs[i] != nil:
			d.sum.Refused++
			continue
		}
		back, ok := inverse(u)
		if !ok {
			return fmt.Errorf("only one side takes %v, which cannot be taken back: model says %v; judge says %v", u, ours[i], theirs[i])
		}
		if ours[i] == nil {
			undoOurs = append(undoOurs, back)
		} else {
			undoTheirs = append(undoTheirs, back)
		}
		if unsupported {
			d.sum.Unsupported++
			continue
		}
		if err := d.report(&Difference{Update: u, Model: ours[i], JudgeAnswer: theirs[i]}); err != nil {
			return err
		}
	}
	slices.Reverse(undoOurs)
	slices.Reverse(undoTheirs)
	for _, m := range []*models{d.models, d.probes} {
		errs, err := m.write(ctx, undoOurs)
		if err = errors.Join(append(errs, err)...); err != nil {
			return fmt.Errorf("cannot take back what the judge refused: %w", err)
		}
	}
	errs, err := d.bench.controller.Write(ctx, undoTheirs)
	if err = errors.Join(append(errs, err)...); err != nil {
		return fmt.Errorf("cannot take back what the model refused: %w", err)
	}
	return nil
}

// inverse is the update that takes another one back, where both began empty.
func inverse(u *p4v1.Update) (*p4v1.Update, bool) {
	e := u.GetEntity()
	modify := func(e *p4v1.Entity) (*p4v1.Update, bool) {
		return &p4v1.Update{Type: p4v1.Update_MODIFY, Entity: e}, true
	}
	switch {
	case u.GetType() == p4v1.Update_INSERT:
		return &p4v1.Update{Type: p4v1.Update_DELETE, Entity: e}, true
	case u.GetType() != p4v1.Update_MODIFY:
		return nil, false
	case e.GetTableEntry().GetIsDefaultAction():
		return modify(&p4v1.Entity{Entity: &p4v1.Entity_TableEntry{TableEntry: &p4v1.TableEntry{TableId: e.GetTableEntry().GetTableId(), IsDefaultAction: true}}})
	case e.GetValueSetEntry() != nil:
		return modify(&p4v1.Entity{Entity: &p4v1.Entity_ValueSetEntry{ValueSetEntry: &p4v1.ValueSetEntry{ValueSetId: e.GetValueSetEntry().GetValueSetId()}}})
	case e.GetMeterEntry() != nil:
		return modify(&p4v1.Entity{Entity: &p4v1.Entity_MeterEntry{MeterEntry: &p4v1.MeterEntry{MeterId: e.GetMeterEntry().GetMeterId(), Index: e.GetMeterEntry().GetIndex()}}})
	}
	return nil, false
}
