package p4rt

import (
	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"
	"google.golang.org/grpc/codes"

	"github.com/telltale-net/telltale/bmv2/device"
	"github.com/telltale-net/telltale/bmv2/p4rt/entity"
)

func (s *store) applyEntry(op p4v1.Update_Type, te *p4v1.TableEntry, mode undoMode) (undo, error) {
	e, err := s.schema.DecodeEntry(op, te)
	if err != nil {
		return nil, err
	}
	if mode == liveUndo && op == p4v1.Update_MODIFY && e.Counter != nil {
		return nil, errNoUndo("counter_data")
	}
	switch {
	case e.Default:
		return s.modifyDefault(&e)
	case op == p4v1.Update_INSERT:
		return s.insertEntry(&e)
	case op == p4v1.Update_MODIFY:
		return s.modifyEntry(&e, mode)
	default:
		return s.deleteEntry(&e, mode)
	}
}

// modifyDefault: an unset action restores the program's own default, and with it
// everything else about the entry (specification, "Default Entry").
func (s *store) modifyDefault(e *entity.Entry) (undo, error) {
	name, key := e.Table.Name, e.Key()
	old, err := s.dev.Default(name)
	if err != nil {
		return nil, err
	}
	if err := s.dev.SetDefault(name, e.Target); err != nil {
		return nil, err
	}
	oldNote, wasSet := s.notes[key], s.defaults[e.Table.ID]
	s.defaults[e.Table.ID] = e.Target != nil
	if e.Target == nil {
		delete(s.notes, key)
	} else {
		s.annotate(key, &note{controllerMetadata: e.ControllerMetadata, metadata: e.Metadata})
	}
	return func() error {
		s.annotate(key, oldNote)
		s.defaults[e.Table.ID] = wasSet
		if !wasSet {
			return s.dev.SetDefault(name, nil)
		}
		return s.dev.SetDefault(name, &old)
	}, nil
}

// annotate keeps a note, or forgets it when there is nothing in it.
func (s *store) annotate(key string, n *note) {
	if n == nil || n.controllerMetadata == 0 && len(n.metadata) == 0 && n.oneShot == nil {
		delete(s.notes, key)
		return
	}
	s.notes[key] = n
}

func (s *store) insertEntry(e *entity.Entry) (undo, error) {
	d := device.Entry{
		Matches: e.Matches, Priority: e.Priority, IdleTimeout: e.IdleTimeout, Metadata: e.Metadata, Meter: e.Meter,
	}
	if e.Counter != nil {
		d.Counter = *e.Counter
	}
	if e.OneShotProto != nil {
		// An entry that exists is refused as such, also where the selector is full.
		if _, err := s.find(e); err == nil {
			return nil, entity.Errorf(codes.AlreadyExists, "table %s: an entry with this key and priority is there", e.Table.Name)
		}
	}
	shot, err := s.target(e, &d)
	if err != nil {
		return nil, err
	}
	if err := s.dev.Insert(e.Table.Name, d); err != nil {
		return nil, result(err, s.dropOneShot(shot))
	}
	if e.Counter != nil {
		if err := s.dev.WriteDirectCounter(e.Table.Name, d, *e.Counter); err != nil {
			return nil, result(err, s.dev.Delete(e.Table.Name, d), s.dropOneShot(shot))
		}
	}
	// A note that is still here speaks of an entry that went without P4Runtime.
	key := e.Key()
	if old := s.notes[key]; old != nil {
		if err := s.dropOneShot(old.oneShot); err != nil {
			return nil, err
		}
	}
	s.annotate(key, &note{controllerMetadata: e.ControllerMetadata, oneShot: shot})
	return func() error {
		delete(s.notes, key)
		if err := s.dev.Delete(e.Table.Name, d); err != nil {
			return err
		}
		return s.dropOneShot(shot)
	}, nil
}

// target fills d.Target; a one-shot becomes a group of its own.
func (s *store) target(e *entity.Entry, d *device.Entry) (*oneShot, error) {
	if e.OneShotProto != nil {
		shot, err := s.makeOneShot(e)
		if err != nil {
			return nil, err
		}
		d.Target = shot.target()
		return shot, nil
	}
	if e.Target == nil {
		return nil, nil
	}
	if (e.Target.Member != nil || e.Target.Group != nil) && s.sets[e.Table.Profile.ID].used() {
		return nil, entity.Errorf(codes.InvalidArgument, "table %s: action profile %s is programmed with one-shot action sets; members and groups cannot be mixed in", e.Table.Name, e.Table.Profile.Name)
	}
	d.Target = *e.Target
	return nil, nil
}

// modifyEntry replaces an entry's state. An unset action keeps the old one; unset
// counter_data leaves the counter; an unset meter_config resets the meter.
func (s *store) modifyEntry(e *entity.Entry, mode undoMode) (undo, error) {
	name, key := e.Table.Name, e.Key()
	d := device.Entry{
		Matches: e.Matches, Priority: e.Priority, IdleTimeout: e.IdleTimeout, Metadata: e.Metadata, Meter: e.Meter,
	}
	var old device.Entry
	keep := e.Target == nil && e.OneShotProto == nil
	if keep || mode != noUndo {
		var err error
		if old, err = s.find(e); err != nil {
			return nil, err
		}
	}
	oldNote := s.notes[key]
	n := &note{controllerMetadata: e.ControllerMetadata}
	if keep {
		d.Target = old.Target
		if oldNote != nil {
			n.oneShot = oldNote.oneShot
		}
		if old.Const {
			return s.modifyConst(e, old)
		}
	} else {
		shot, err := s.target(e, &d)
		if err != nil {
			return nil, err
		}
		n.oneShot = shot
	}
	replaced := !keep && oldNote != nil && oldNote.oneShot != nil
	if err := s.dev.Modify(name, d); err != nil {
		if !keep {
			err = result(err, s.dropOneShot(n.oneShot))
		}
		return nil, err
	}
	if e.Counter != nil {
		if err := s.dev.WriteDirectCounter(name, d, *e.Counter); err != nil {
			return nil, err
		}
	}
	s.annotate(key, n)
	// The group of a replaced one-shot is made anew should it be needed again.
	if replaced {
		if err := s.dropOneShot(oldNote.oneShot); err != nil {
			return nil, err
		}
	}
	return func() error {
		back := old
		if e.Counter == nil {
			back.Counter = device.CounterValue{} // leaves the counter alone
		}
		if replaced {
			if err := s.install(oldNote.oneShot); err != nil {
				return err
			}
			back.Target = oldNote.oneShot.target()
		}
		if err := s.dev.Modify(name, back); err != nil {
			return err
		}
		if e.Counter != nil {
			if err := s.dev.WriteDirectCounter(name, back, old.Counter); err != nil {
				return err
			}
		}
		s.annotate(key, oldNote)
		if !keep {
			return s.dropOneShot(n.oneShot)
		}
		return nil
	}, nil
}

// modifyConst touches the direct resources of an entry that is const otherwise
// (specification, "Constant Tables").
func (s *store) modifyConst(e *entity.Entry, old device.Entry) (undo, error) {
	if e.IdleTimeout != old.IdleTimeout || len(e.Metadata) > 0 || e.ControllerMetadata != 0 {
		return nil, entity.Errorf(codes.PermissionDenied, "table %s: of a const entry only counter and meter can change", e.Table.Name)
	}
	if e.Counter != nil {
		if err := s.dev.WriteDirectCounter(e.Table.Name, old, *e.Counter); err != nil {
			return nil, err
		}
	}
	if e.Table.DirectMeter {
		d := old
		d.Counter, d.Meter = device.CounterValue{}, e.Meter
		if err := s.dev.Modify(e.Table.Name, d); err != nil {
			return nil, err
		}
	}
	return func() error {
		if e.Counter != nil {
			if err := s.dev.WriteDirectCounter(e.Table.Name, old, old.Counter); err != nil {
				return err
			}
		}
		if !e.Table.DirectMeter {
			return nil
		}
		back := old
		back.Counter = device.CounterValue{}
		return s.dev.Modify(e.Table.Name, back)
	}, nil
}

func (s *store) deleteEntry(e *entity.Entry, mode undoMode) (undo, error) {
	name, key := e.Table.Name, e.Key()
	var old device.Entry
	if mode != noUndo {
		var err error
		if old, err = s.find(e); err != nil {
			return nil, err
		}
	}
	if err := s.dev.Delete(name, device.Entry{Matches: e.Matches, Priority: e.Priority}); err != nil {
		return nil, err
	}
	oldNote := s.notes[key]
	delete(s.notes, key)
	if oldNote != nil {
		if err := s.dropOneShot(oldNote.oneShot); err != nil {
			return nil, err
		}
	}
	return func() error {
		back := old
		if oldNote != nil && oldNote.oneShot != nil {
			if err := s.install(oldNote.oneShot); err != nil {
				return err
			}
			back.Target = oldNote.oneShot.target()
		}
		if err := s.dev.Insert(name, back); err != nil {
			return err
		}
		s.annotate(key, oldNote)
		if e.Table.DirectCounter {
			return s.dev.WriteDirectCounter(name, back, old.Counter)
		}
		return nil
	}, nil
}
