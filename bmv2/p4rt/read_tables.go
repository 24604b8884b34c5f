//lint:file-ignore SA1019 fields that P4Runtime deprecated are still part of it: kept, or refused by name.

package p4rt

import (
	"bytes"

	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"
	"google.golang.org/grpc/codes"

	"github.com/telltale-net/telltale/bmv2/device"
	"github.com/telltale-net/telltale/bmv2/p4rt/entity"
)

// readEntries: specification, "Wildcard Reads" of tables.
func (s *store) readEntries(q *p4v1.TableEntry, emit func(*p4v1.Entity)) error {
	send := func(te *p4v1.TableEntry) { emit(&p4v1.Entity{Entity: &p4v1.Entity_TableEntry{TableEntry: te}}) }
	if q.GetMeterCounterData() != nil {
		return entity.Errorf(codes.Unimplemented, "meters have no counters per colour: leave meter_counter_data unset")
	}
	if q.GetTableId() == 0 {
		if q.GetMatch() != nil || q.GetAction() != nil || q.GetPriority() != 0 || q.GetControllerMetadata() != 0 ||
			len(q.GetMetadata()) > 0 || q.GetIsDefaultAction() || q.GetIdleTimeoutNs() != 0 {
			return entity.Errorf(codes.InvalidArgument, "table id 0 selects all tables; no other filter can be used")
		}
		for _, t := range s.schema.Tables {
			if q.GetTimeSinceLastHit() != nil && !t.IdleTimeout {
				// The filter names no table, so this one is not to blame: it has
				// no such field to set.
				q := cloneQuery(q)
				q.TimeSinceLastHit = nil
				if err := s.readTable(t, q, send); err != nil {
					return err
				}
				continue
			}
			if err := s.readTable(t, q, send); err != nil {
				return err
			}
		}
		return nil
	}
	t, err := s.schema.Table(q.GetTableId())
	if err != nil {
		return err
	}
	if q.GetTimeSinceLastHit() != nil && (!t.IdleTimeout || q.GetIsDefaultAction()) {
		return entity.Errorf(codes.InvalidArgument, "table %s: time_since_last_hit, but idle timeouts are not supported here", t.Name)
	}
	if q.GetIdleTimeoutNs() != 0 && (!t.IdleTimeout || q.GetIsDefaultAction()) {
		return entity.Errorf(codes.InvalidArgument, "table %s: idle_timeout_ns, but idle timeouts are not supported here", t.Name)
	}
	if q.GetIsDefaultAction() {
		return s.readDefault(t, q, send)
	}
	return s.readTable(t, q, send)
}

func cloneQuery(q *p4v1.TableEntry) *p4v1.TableEntry {
	return &p4v1.TableEntry{TableId: q.TableId, MeterConfig: q.MeterConfig, CounterData: q.CounterData, TimeSinceLastHit: q.TimeSinceLastHit}
}

// filter is what a request selects within one table.
type filter struct {
	key                string // exact key, "" for all
	keyed              bool
	priority           int32
	action             uint32
	metadata           []byte
	controllerMetadata uint64
}

func (s *store) filter(t *entity.Table, q *p4v1.TableEntry) (filter, error) {
	f := filter{
		priority: q.GetPriority(), metadata: q.GetMetadata(),
		controllerMetadata: q.GetControllerMetadata(),
	}
	if len(q.GetMatch()) > 0 {
		ms, err := t.Matches(q.GetMatch())
		if err != nil {
			return f, err
		}
		// Priority is a filter of its own and may be left open.
		f.key, f.keyed = t.Key(ms, 0), true
	}
	switch a := q.GetAction().GetType().(type) {
	case nil:
	case *p4v1.TableAction_Action:
		if t.Profile != nil {
			return f, entity.Errorf(codes.InvalidArgument, "table %s: entries of an indirect table cannot be selected by action", t.Name)
		}
		f.action = a.Action.GetActionId()
	default:
		return f, entity.Errorf(codes.InvalidArgument, "table %s: entries cannot be selected by %T", t.Name, a)
	}
	return f, nil
}

func (s *store) readTable(t *entity.Table, q *p4v1.TableEntry, send func(*p4v1.TableEntry)) error {
	if len(t.Fields) == 0 {
		return nil
	}
	f, err := s.filter(t, q)
	if err != nil {
		return err
	}
	all, err := s.dev.Entries(t.Name)
	if err != nil {
		return err
	}
	for _, d := range all {
		if f.priority != 0 && d.Priority != f.priority || f.keyed && t.Key(d.Matches, 0) != f.key {
			continue
		}
		n := s.notes[t.Key(d.Matches, d.Priority)]
		var cm uint64
		if n != nil {
			cm = n.controllerMetadata
		}
		if len(f.metadata) > 0 && !bytes.Equal(d.Metadata, f.metadata) || f.controllerMetadata != 0 && cm != f.controllerMetadata {
			continue
		}
		if f.action != 0 && (d.Target.Action == nil || s.schema.ActionID(d.Target.Action.Name) != f.action) {
			continue
		}
		te, err := t.EncodeEntry(d)
		if err != nil {
			return err
		}
		if te.Action, err = s.action(d.Target, n); err != nil {
			return err
		}
		te.ControllerMetadata = cm
		if d.Const {
			entity.MarkConst(te)
		}
		if q.GetCounterData() != nil && t.DirectCounter {
			te.CounterData = entity.EncodeCounter(d.Counter)
		}
		if q.GetMeterConfig() != nil && t.DirectMeter {
			te.MeterConfig = entity.EncodeMeter(d.Meter)
		}
		if q.GetTimeSinceLastHit() != nil {
			te.TimeSinceLastHit = &p4v1.TableEntry_IdleTimeout{ElapsedNs: d.IdleFor}
		}
		send(te)
	}
	return nil
}

// action writes an entry's action; a one-shot is returned as it was written, as
// long as the device still has its group.
func (s *store) action(t device.Target, n *note) (*p4v1.TableAction, error) {
	if n != nil && n.oneShot != nil && t.Group != nil && *t.Group == n.oneShot.group {
		return &p4v1.TableAction{Type: &p4v1.TableAction_ActionProfileActionSet{ActionProfileActionSet: n.oneShot.proto}}, nil
	}
	return s.schema.EncodeTarget(t)
}

func (s *store) readDefault(t *entity.Table, q *p4v1.TableEntry, send func(*p4v1.TableEntry)) error {
	if len(q.GetMatch()) > 0 || q.GetPriority() != 0 {
		return entity.Errorf(codes.InvalidArgument, "table %s: the default entry has no match fields and no priority", t.Name)
	}
	f, err := s.filter(t, q)
	if err != nil {
		return err
	}
	target, err := s.dev.Default(t.Name)
	if err != nil {
		return err
	}
	te := &p4v1.TableEntry{TableId: t.ID, IsDefaultAction: true}
	if te.Action, err = s.schema.EncodeTarget(target); err != nil {
		return err
	}
	if n := s.notes[t.DefaultKey()]; n != nil {
		te.Metadata, te.ControllerMetadata = n.metadata, n.controllerMetadata
	}
	if f.action != 0 && te.GetAction().GetAction().GetActionId() != f.action ||
		len(f.metadata) > 0 && !bytes.Equal(te.Metadata, f.metadata) ||
		f.controllerMetadata != 0 && te.ControllerMetadata != f.controllerMetadata {
		return nil
	}
	send(te)
	return nil
}
