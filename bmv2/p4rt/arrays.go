package p4rt

import (
	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"
	"google.golang.org/grpc/codes"

	"github.com/telltale-net/telltale/bmv2/device"
	"github.com/telltale-net/telltale/bmv2/p4rt/entity"
)

// cells lists the indices that a write or read addresses: one, or all when the
// index is unset.
func cells(a *entity.Array, i *p4v1.Index) (from, to int, err error) {
	if i == nil {
		return 0, a.Size, nil
	}
	n, err := a.Index(i.GetIndex())
	return n, n + 1, err
}

// setCells writes v into cells from to to−1, and returns how to restore them if
// that may be asked for.
func setCells[V any](name string, from, to int, mode undoMode, read func(string, int) (V, error), write func(string, int, V) error, v V) (undo, error) {
	var old []V
	back := func() error {
		for i, o := range old {
			if err := write(name, from+i, o); err != nil {
				return err
			}
		}
		return nil
	}
	for i := from; i < to; i++ {
		if mode != noUndo {
			o, err := read(name, i)
			if err != nil {
				return nil, result(err, back())
			}
			old = append(old, o)
		}
		if err := write(name, i, v); err != nil {
			return nil, result(err, back())
		}
	}
	return back, nil
}

func (s *store) applyCounter(op p4v1.Update_Type, c *p4v1.CounterEntry, mode undoMode) (undo, error) {
	a, err := s.schema.Counter(c.GetCounterId())
	if err != nil {
		return nil, err
	}
	if err := onlyModify(op, "counter "+a.Name); err != nil {
		return nil, err
	}
	from, to, err := cells(a, c.GetIndex())
	if err != nil {
		return nil, err
	}
	if c.GetData() == nil { // the value is not modified
		return nothingToUndo, nil
	}
	if mode == liveUndo {
		return nil, errNoUndo("a counter")
	}
	v, err := entity.DecodeCounter("counter "+a.Name, c.GetData())
	if err != nil {
		return nil, err
	}
	return setCells(a.Name, from, to, mode, s.dev.ReadCounter, s.dev.WriteCounter, v)
}

// direct decodes the table entry inside a direct counter or meter entry.
func (s *store) direct(te *p4v1.TableEntry, what string) (entity.Entry, error) {
	if te == nil {
		return entity.Entry{}, entity.Errorf(codes.InvalidArgument, "%s entry without a table entry", what)
	}
	e, err := s.schema.DecodeKey(te)
	if err != nil {
		return e, err
	}
	if e.Default {
		return e, entity.Errorf(codes.Unimplemented, "table %s: the model counts and meters hits only: no %s on the default entry", e.Table.Name, what)
	}
	return e, hasDirect(e.Table, what)
}

func hasDirect(t *entity.Table, what string) error {
	if what == directCounter && !t.DirectCounter || what == directMeter && !t.DirectMeter {
		return entity.Errorf(codes.InvalidArgument, "table %s has no %s", t.Name, what)
	}
	return nil
}

const (
	directCounter = "direct counter"
	directMeter   = "direct meter"
)

func (s *store) applyDirectCounter(op p4v1.Update_Type, c *p4v1.DirectCounterEntry, mode undoMode) (undo, error) {
	if err := onlyModify(op, "a direct counter"); err != nil {
		return nil, err
	}
	e, err := s.direct(c.GetTableEntry(), directCounter)
	if err != nil {
		return nil, err
	}
	old, err := s.find(&e)
	if err != nil || c.GetData() == nil { // without data the value is not modified
		return nothingToUndo, err
	}
	if mode == liveUndo {
		return nil, errNoUndo("a counter")
	}
	v, err := entity.DecodeCounter("table "+e.Table.Name, c.GetData())
	if err != nil {
		return nil, err
	}
	back := func() error { return s.dev.WriteDirectCounter(e.Table.Name, old, old.Counter) }
	return back, s.dev.WriteDirectCounter(e.Table.Name, old, v)
}

func noColours(d *p4v1.MeterCounterData) error {
	if d != nil {
		return entity.Errorf(codes.Unimplemented, "meters have no counters per colour: leave counter_data unset")
	}
	return nil
}

func (s *store) applyMeter(op p4v1.Update_Type, m *p4v1.MeterEntry, mode undoMode) (undo, error) {
	a, err := s.schema.Meter(m.GetMeterId())
	if err != nil {
		return nil, err
	}
	if err := onlyModify(op, "meter "+a.Name); err != nil {
		return nil, err
	}
	if err := noColours(m.GetCounterData()); err != nil {
		return nil, err
	}
	from, to, err := cells(a, m.GetIndex())
	if err != nil {
		return nil, err
	}
	var c *device.MeterConfig // unset: back to green for all
	if m.GetConfig() != nil {
		if c, err = entity.DecodeMeter("meter "+a.Name, a.Kind, m.GetConfig()); err != nil {
			return nil, err
		}
	}
	return setCells(a.Name, from, to, mode, s.dev.ReadMeter, s.dev.WriteMeter, c)
}

func (s *store) applyDirectMeter(op p4v1.Update_Type, m *p4v1.DirectMeterEntry) (undo, error) {
	if err := onlyModify(op, "a direct meter"); err != nil {
		return nil, err
	}
	if err := noColours(m.GetCounterData()); err != nil {
		return nil, err
	}
	e, err := s.direct(m.GetTableEntry(), directMeter)
	if err != nil {
		return nil, err
	}
	d, err := s.find(&e)
	if err != nil {
		return nil, err
	}
	d.Counter = device.CounterValue{} // leaves the counter alone
	old := d
	d.Meter = nil
	if m.GetConfig() != nil {
		if d.Meter, err = entity.DecodeMeter("table "+e.Table.Name, e.Table.MeterKind, m.GetConfig()); err != nil {
			return nil, err
		}
	}
	if err := s.dev.Modify(e.Table.Name, d); err != nil {
		return nil, err
	}
	return func() error { return s.dev.Modify(e.Table.Name, old) }, nil
}

func (s *store) applyRegister(op p4v1.Update_Type, r *p4v1.RegisterEntry, mode undoMode) (undo, error) {
	a, err := s.schema.Register(r.GetRegisterId())
	if err != nil {
		return nil, err
	}
	if err := onlyModify(op, "register "+a.Name); err != nil {
		return nil, err
	}
	from, to, err := cells(a, r.GetIndex())
	if err != nil {
		return nil, err
	}
	v, err := a.DecodeCell(r.GetData())
	if err != nil {
		return nil, err
	}
	if mode == liveUndo {
		return nil, errNoUndo("a register")
	}
	return setCells(a.Name, from, to, mode, s.dev.ReadRegister, s.dev.WriteRegister, v)
}
