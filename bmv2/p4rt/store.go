package p4rt

import (
	"sync"

	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"
	"google.golang.org/grpc/codes"

	"github.com/telltale-net/telltale/bmv2/device"
	"github.com/telltale-net/telltale/bmv2/p4rt/entity"
)

// store is the forwarding state of one pipeline: the device, and beside it what
// P4Runtime must return and a device does not keep. The device is the truth; a
// note about an entry that the device no longer has is ignored.
//
// Writers hold the server's lock; readers share it.
type store struct {
	schema   *entity.Schema
	dev      device.Device
	notes    map[string]*note     // by entity.Entry.Key
	defaults map[uint32]bool      // tables whose default a client set, by id
	sets     map[uint32]*oneShots // by action profile id
	shelves  map[uint32]*shelf    // by action profile id, of those that no table uses
	restated map[restatedKey]restated

	digestMu sync.Mutex
	digests  map[uint32]*digester // by digest id; enabled ones only
}

// note is what a client wrote with an entry and the device has no place for.
type note struct {
	controllerMetadata uint64
	metadata           []byte   // of default entries
	oneShot            *oneShot // what the action set became
}

func newStore(schema *entity.Schema, dev device.Device) *store {
	return &store{
		schema: schema, dev: dev,
		notes: map[string]*note{}, defaults: map[uint32]bool{}, sets: map[uint32]*oneShots{}, digests: map[uint32]*digester{},
		restated: map[restatedKey]restated{}, shelves: map[uint32]*shelf{},
	}
}

// apply carries out one update and returns how to take it back, which is to be
// used only if mode says so. It refuses updates that cannot be taken back in mode.
func (s *store) apply(u *p4v1.Update, mode undoMode) (undo, error) {
	op := u.GetType()
	if op != p4v1.Update_INSERT && op != p4v1.Update_MODIFY && op != p4v1.Update_DELETE {
		return nil, entity.Errorf(codes.InvalidArgument, "update type %v, want INSERT, MODIFY or DELETE", op)
	}
	if u.GetEntity() == nil {
		return nil, entity.Errorf(codes.InvalidArgument, "update without an entity")
	}
	if err := entity.CheckUpdate(u); err != nil {
		return nil, err
	}
	switch e := u.GetEntity().GetEntity().(type) {
	case *p4v1.Entity_TableEntry:
		return s.applyEntry(op, e.TableEntry, mode)
	case *p4v1.Entity_ActionProfileMember:
		return s.applyMember(op, e.ActionProfileMember, mode)
	case *p4v1.Entity_ActionProfileGroup:
		return s.applyGroup(op, e.ActionProfileGroup, mode)
	case *p4v1.Entity_PacketReplicationEngineEntry:
		return s.applyPRE(op, e.PacketReplicationEngineEntry)
	case *p4v1.Entity_CounterEntry:
		return s.applyCounter(op, e.CounterEntry, mode)
	case *p4v1.Entity_DirectCounterEntry:
		return s.applyDirectCounter(op, e.DirectCounterEntry, mode)
	case *p4v1.Entity_MeterEntry:
		return s.applyMeter(op, e.MeterEntry, mode)
	case *p4v1.Entity_DirectMeterEntry:
		return s.applyDirectMeter(op, e.DirectMeterEntry)
	case *p4v1.Entity_RegisterEntry:
		return s.applyRegister(op, e.RegisterEntry, mode)
	case *p4v1.Entity_DigestEntry:
		return s.applyDigest(op, e.DigestEntry)
	case *p4v1.Entity_ValueSetEntry:
		return s.applyValueSet(op, e.ValueSetEntry)
	case *p4v1.Entity_ExternEntry:
		return nil, entity.Errorf(codes.Unimplemented, "extern entries: v1model has no externs beyond those of P4Runtime")
	case nil:
		return nil, entity.Errorf(codes.InvalidArgument, "entity is empty")
	default:
		return nil, entity.Errorf(codes.Unimplemented, "entity %T is not offered", e)
	}
}

// onlyModify refuses INSERT and DELETE of what always exists.
func onlyModify(op p4v1.Update_Type, what string) error {
	if op != p4v1.Update_MODIFY {
		return entity.Errorf(codes.InvalidArgument, "%s can only be modified, got %v", what, op)
	}
	return nil
}

// find returns the device's entry with this key.
func (s *store) find(e *entity.Entry) (device.Entry, error) {
	if f, ok := s.dev.(device.Finder); ok {
		return f.Entry(e.Table.Name, device.Entry{Matches: e.Matches, Priority: e.Priority})
	}
	all, err := s.dev.Entries(e.Table.Name)
	if err != nil {
		return device.Entry{}, err
	}
	key := e.Key()
	for _, d := range all {
		if e.Table.Key(d.Matches, d.Priority) == key {
			return d, nil
		}
	}
	return device.Entry{}, entity.Errorf(codes.NotFound, "table %s: no entry with this key and priority", e.Table.Name)
}

// result joins what failed with what failed while cleaning up after it.
func result(err error, more ...error) error {
	for _, m := range more {
		if m != nil {
			err = entity.Errorf(codes.Internal, "%v; and taking back what was done failed: %v", err, m)
		}
	}
	return err
}
