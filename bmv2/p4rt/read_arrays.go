package p4rt

import (
	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"
	"google.golang.org/grpc/codes"

	"github.com/telltale-net/telltale/bmv2/device"
	"github.com/telltale-net/telltale/bmv2/p4rt/entity"
)

// eachCell calls f for the cells a request selects: one, those of one array, or,
// for id 0, those of all.
func eachCell(id uint32, all []*entity.Array, find func(uint32) (*entity.Array, error), index *p4v1.Index, f func(a *entity.Array, i int) error) error {
	if id != 0 {
		a, err := find(id)
		if err != nil {
			return err
		}
		all = []*entity.Array{a}
	} else if index != nil {
		return entity.Errorf(codes.InvalidArgument, "id 0 selects all arrays; index %d cannot be used with it", index.GetIndex())
	}
	for _, a := range all {
		from, to, err := cells(a, index)
		if err != nil {
			return err
		}
		for i := from; i < to; i++ {
			if err := f(a, i); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *store) readCounters(q *p4v1.CounterEntry, emit func(*p4v1.Entity)) error {
	return eachCell(q.GetCounterId(), s.schema.Counters, s.schema.Counter, q.GetIndex(), func(a *entity.Array, i int) error {
		v, err := s.dev.ReadCounter(a.Name, i)
		if err != nil {
			return err
		}
		emit(&p4v1.Entity{Entity: &p4v1.Entity_CounterEntry{CounterEntry: &p4v1.CounterEntry{
			CounterId: a.ID, Index: &p4v1.Index{Index: int64(i)}, Data: entity.EncodeCounter(v),
		}}})
		return nil
	})
}

func (s *store) readMeters(q *p4v1.MeterEntry, emit func(*p4v1.Entity)) error {
	if err := noColours(q.GetCounterData()); err != nil {
		return err
	}
	return eachCell(q.GetMeterId(), s.schema.Meters, s.schema.Meter, q.GetIndex(), func(a *entity.Array, i int) error {
		c, err := s.dev.ReadMeter(a.Name, i)
		if err != nil {
			return err
		}
		emit(&p4v1.Entity{Entity: &p4v1.Entity_MeterEntry{MeterEntry: &p4v1.MeterEntry{
			MeterId: a.ID, Index: &p4v1.Index{Index: int64(i)}, Config: entity.EncodeMeter(c),
		}}})
		return nil
	})
}

func (s *store) readRegisters(q *p4v1.RegisterEntry, emit func(*p4v1.Entity)) error {
	return eachCell(q.GetRegisterId(), s.schema.Registers, s.schema.Register, q.GetIndex(), func(a *entity.Array, i int) error {
		v, err := s.dev.ReadRegister(a.Name, i)
		if err != nil {
			return err
		}
		emit(&p4v1.Entity{Entity: &p4v1.Entity_RegisterEntry{RegisterEntry: &p4v1.RegisterEntry{
			RegisterId: a.ID, Index: &p4v1.Index{Index: int64(i)}, Data: a.EncodeCell(v),
		}}})
		return nil
	})
}

func (s *store) readDirectCounters(q *p4v1.DirectCounterEntry, emit func(*p4v1.Entity)) error {
	return s.readDirect(q.GetTableEntry(), directCounter, func(te *p4v1.TableEntry, d device.Entry) {
		emit(&p4v1.Entity{Entity: &p4v1.Entity_DirectCounterEntry{DirectCounterEntry: &p4v1.DirectCounterEntry{
			TableEntry: te, Data: entity.EncodeCounter(d.Counter),
		}}})
	})
}

func (s *store) readDirectMeters(q *p4v1.DirectMeterEntry, emit func(*p4v1.Entity)) error {
	if err := noColours(q.GetCounterData()); err != nil {
		return err
	}
	return s.readDirect(q.GetTableEntry(), directMeter, func(te *p4v1.TableEntry, d device.Entry) {
		emit(&p4v1.Entity{Entity: &p4v1.Entity_DirectMeterEntry{DirectMeterEntry: &p4v1.DirectMeterEntry{
			TableEntry: te, Config: entity.EncodeMeter(d.Meter),
		}}})
	})
}

// readDirect walks the entries whose counter or meter is asked for: all tables,
// all entries of a table, or one entry, which must exist.
func (s *store) readDirect(q *p4v1.TableEntry, what string, emit func(*p4v1.TableEntry, device.Entry)) error {
	if q == nil {
		return entity.Errorf(codes.InvalidArgument, "%s entry without a table entry", what)
	}
	walk := func(t *entity.Table, one string) error {
		all, err := s.dev.Entries(t.Name)
		if err != nil {
			return err
		}
		found := one == ""
		for _, d := range all {
			if one != "" && t.Key(d.Matches, d.Priority) != one {
				continue
			}
			ms, err := t.FieldMatches(d.Matches)
			if err != nil {
				return err
			}
			found = true
			emit(&p4v1.TableEntry{TableId: t.ID, Match: ms, Priority: d.Priority}, d)
		}
		if !found {
			return entity.Errorf(codes.NotFound, "table %s: no entry with this key and priority", t.Name)
		}
		return nil
	}
	if q.GetTableId() == 0 {
		for _, t := range s.schema.Tables {
			if hasDirect(t, what) != nil {
				continue
			}
			if err := walk(t, ""); err != nil {
				return err
			}
		}
		return nil
	}
	if len(q.GetMatch()) == 0 && !q.GetIsDefaultAction() && q.GetPriority() == 0 {
		t, err := s.schema.Table(q.GetTableId())
		if err != nil {
			return err
		}
		if err := hasDirect(t, what); err != nil {
			return err
		}
		return walk(t, "")
	}
	e, err := s.direct(q, what)
	if err != nil {
		return err
	}
	return walk(e.Table, e.Key())
}
