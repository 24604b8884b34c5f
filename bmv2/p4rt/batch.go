package p4rt

import (
	"errors"
	"fmt"

	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"
	"google.golang.org/grpc/codes"

	"github.com/telltale-net/telltale/bmv2/device"
	"github.com/telltale-net/telltale/bmv2/p4rt/entity"
)

// undo takes back one update that was applied.
type undo func() error

// undoMode is what may happen between an update and its undo.
type undoMode uint8

const (
	noUndo     undoMode = iota // it will not be taken back
	liveUndo                   // packets: what they change too cannot be taken back
	frozenUndo                 // nothing: no packet is processed until it is decided
)

// errNoUndo marks updates that cannot be taken back, because packets may have
// changed the state in between.
func errNoUndo(what string) error {
	return entity.Errorf(codes.Unimplemented, "ROLLBACK_ON_ERROR: %s cannot be taken back, packets change it too; DATAPLANE_ATOMIC can", what)
}

// write applies a batch. errs has one error per update; err refuses the batch as a
// whole. most bounds the cells that DATAPLANE_ATOMIC may write (specification, "Batch
// Atomicity").
func (s *store) write(mode p4v1.WriteRequest_Atomicity, us []*p4v1.Update, most int) (errs []error, failed int, err error) {
	switch mode {
	case p4v1.WriteRequest_CONTINUE_ON_ERROR:
		errs, failed = s.writeEach(us)
		return errs, failed, nil
	case p4v1.WriteRequest_ROLLBACK_ON_ERROR:
		errs, failed = s.writeAllOrNone(us, liveUndo)
		return errs, failed, nil
	case p4v1.WriteRequest_DATAPLANE_ATOMIC:
		dev, ok := s.dev.(device.Atomic)
		if !ok {
			return nil, 0, entity.Errorf(codes.Unimplemented, "DATAPLANE_ATOMIC: this device cannot change several things at once")
		}
		if n := s.cells(us); n > most {
			return nil, 0, entity.Errorf(codes.Unimplemented, "DATAPLANE_ATOMIC: a batch that writes %d counters, meters and registers would hold packets back for too long, at most %d are offered", n, most)
		}
		dev.Atomically(func(d device.Device) (keep bool) {
			s.dev = d
			defer func() { s.dev = dev }()
			errs, failed = s.writeAllOrNone(us, frozenUndo)
			return failed == 0
		})
		return errs, failed, nil
	}
	return nil, 0, entity.Errorf(codes.InvalidArgument, "atomicity %v is not valid", mode)
}

// cells is how many cells of arrays and direct counters a batch writes: packets
// change them too and wait meanwhile.
func (s *store) cells(us []*p4v1.Update) (n int) {
	whole := func(a *entity.Array, err error, i *p4v1.Index) {
		if n++; err == nil && i == nil {
			n += a.Size - 1
		}
	}
	for _, u := range us {
		switch e := u.GetEntity().GetEntity().(type) {
		case *p4v1.Entity_TableEntry:
			if e.TableEntry.GetCounterData() != nil {
				n++
			}
		case *p4v1.Entity_DirectCounterEntry:
			n++
		case *p4v1.Entity_CounterEntry:
			a, err := s.schema.Counter(e.CounterEntry.GetCounterId())
			whole(a, err, e.CounterEntry.GetIndex())
		case *p4v1.Entity_MeterEntry:
			a, err := s.schema.Meter(e.MeterEntry.GetMeterId())
			whole(a, err, e.MeterEntry.GetIndex())
		case *p4v1.Entity_RegisterEntry:
			a, err := s.schema.Register(e.RegisterEntry.GetRegisterId())
			whole(a, err, e.RegisterEntry.GetIndex())
		}
	}
	return n
}

// writeEach attempts every update, whatever became of the others.
func (s *store) writeEach(us []*p4v1.Update) (errs []error, failed int) {
	errs = make([]error, len(us))
	for i, u := range us {
		if _, errs[i] = s.apply(u, noUndo); errs[i] != nil {
			failed++
		}
	}
	return errs, failed
}

// writeAllOrNone applies all updates or none. After the first failure the ones
// before it are taken back and the ones after it are not tried; both are reported
// as ABORTED.
func (s *store) writeAllOrNone(us []*p4v1.Update, mode undoMode) (errs []error, failed int) {
	errs = make([]error, len(us))
	undos := make([]undo, 0, len(us))
	for i, u := range us {
		back, err := s.apply(u, mode)
		if err == nil {
			undos = append(undos, back)
			continue
		}
		errs[i] = err
		for j := range us {
			switch {
			case j < i:
				errs[j] = entity.Errorf(codes.Aborted, "taken back, because update %d failed", i)
			case j > i:
				errs[j] = entity.Errorf(codes.Aborted, "not tried, because update %d failed", i)
			}
		}
		if rerr := rollback(undos); rerr != nil {
			errs[i] = entity.Errorf(codes.Internal, "%v; and taking back the updates before it failed: %v", err, rerr)
		}
		return errs, len(us)
	}
	return errs, 0
}

// rollback runs undos, newest first, all of them.
func rollback(undos []undo) error {
	var errs []error
	for i := len(undos) - 1; i >= 0; i-- {
		if err := undos[i](); err != nil {
			errs = append(errs, fmt.Errorf("update %d: %w", i, err))
		}
	}
	return errors.Join(errs...)
}

// nothingToUndo is the undo of an update that changed nothing.
func nothingToUndo() error { return nil }
