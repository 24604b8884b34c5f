package p4rt

import (
	"reflect"
	"slices"

	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"
	"google.golang.org/grpc/codes"

	"github.com/telltale-net/telltale/bmv2/device"
	"github.com/telltale-net/telltale/bmv2/p4rt/entity"
)

// restatedKey names a multicast group or clone session.
type restatedKey struct {
	clone bool
	id    uint32
}

// restated is a group or session that is read otherwise than the device's object
// would be encoded: with metadata, or with ports in the field of P4Runtime 1.5. It
// counts as long as the device still has that object.
type restated struct {
	object any // device.MulticastGroup or device.CloneSession
	entity *p4v1.Entity
}

func (s *store) applyPRE(op p4v1.Update_Type, p *p4v1.PacketReplicationEngineEntry) (undo, error) {
	switch t := p.GetType().(type) {
	case *p4v1.PacketReplicationEngineEntry_MulticastGroupEntry:
		g, err := entity.DecodeMulticastGroup(op, t.MulticastGroupEntry)
		if err != nil {
			return nil, err
		}
		return upsert(s, op, p, restatedKey{false, g.ID}, g, object[device.MulticastGroup]{
			"multicast group", s.dev.MulticastGroups(), func(o device.MulticastGroup) uint32 { return o.ID }, s.dev.SetMulticastGroup, s.dev.DeleteMulticastGroup,
		})
	case *p4v1.PacketReplicationEngineEntry_CloneSessionEntry:
		c, err := entity.DecodeCloneSession(op, t.CloneSessionEntry)
		if err != nil {
			return nil, err
		}
		return upsert(s, op, p, restatedKey{true, c.ID}, c, object[device.CloneSession]{
			"clone session", s.dev.CloneSessions(), func(o device.CloneSession) uint32 { return o.ID }, s.dev.SetCloneSession, s.dev.DeleteCloneSession,
		})
	}
	return nil, entity.Errorf(codes.InvalidArgument, "packet replication engine entry is neither a multicast group nor a clone session")
}

// object is what upsert needs to know of groups or sessions.
type object[T any] struct {
	kind string
	all  []T
	id   func(T) uint32
	set  func(T) error
	del  func(uint32) error
}

// upsert gives the device's set and delete the meaning of INSERT, MODIFY and DELETE.
func upsert[T any](s *store, op p4v1.Update_Type, p *p4v1.PacketReplicationEngineEntry, key restatedKey, to T, o object[T]) (undo, error) {
	i := slices.IndexFunc(o.all, func(x T) bool { return o.id(x) == key.id })
	switch {
	case op == p4v1.Update_INSERT && i >= 0:
		return nil, entity.Errorf(codes.AlreadyExists, "%s %d is already there", o.kind, key.id)
	case op != p4v1.Update_INSERT && i < 0:
		return nil, entity.Errorf(codes.NotFound, "no %s %d", o.kind, key.id)
	}
	before, was := s.restated[key]
	back := func() error {
		delete(s.restated, key)
		if was {
			s.restated[key] = before
		}
		if i < 0 {
			return o.del(key.id)
		}
		return o.set(o.all[i])
	}
	if op == p4v1.Update_DELETE {
		if err := o.del(key.id); err != nil {
			return nil, err
		}
		delete(s.restated, key)
		return back, nil
	}
	if err := o.set(to); err != nil {
		return nil, err
	}
	delete(s.restated, key)
	if e, plain := entity.Restated(p); !plain {
		s.restated[key] = restated{to, e}
	}
	return back, nil
}

// readPRE reads one group or session, or all of a kind.
func (s *store) readPRE(q *p4v1.PacketReplicationEngineEntry, emit func(*p4v1.Entity)) error {
	switch t := q.GetType().(type) {
	case *p4v1.PacketReplicationEngineEntry_MulticastGroupEntry:
		return readReplication(s, restatedKey{false, t.MulticastGroupEntry.GetMulticastGroupId()}, "multicast group",
			s.dev.MulticastGroups(), func(o device.MulticastGroup) uint32 { return o.ID }, entity.EncodeMulticastGroup, emit)
	case *p4v1.PacketReplicationEngineEntry_CloneSessionEntry:
		return readReplication(s, restatedKey{true, t.CloneSessionEntry.GetSessionId()}, "clone session",
			s.dev.CloneSessions(), func(o device.CloneSession) uint32 { return o.ID }, entity.EncodeCloneSession, emit)
	}
	return entity.Errorf(codes.InvalidArgument, "packet replication engine entry names neither multicast groups nor clone sessions")
}

func readReplication[T any](s *store, key restatedKey, kind string, all []T, id func(T) uint32, encode func(T) *p4v1.Entity, emit func(*p4v1.Entity)) error {
	found := key.id == 0
	for _, o := range all {
		if key.id != 0 && id(o) != key.id {
			continue
		}
		found = true
		if r, ok := s.restated[restatedKey{key.clone, id(o)}]; ok && reflect.DeepEqual(r.object, any(o)) {
			emit(r.entity)
		} else {
			emit(encode(o))
		}
	}
	if !found {
		return entity.Errorf(codes.NotFound, "no %s %d", kind, key.id)
	}
	return nil
}
