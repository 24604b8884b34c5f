package p4rt

import (
	"slices"

	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"
	"google.golang.org/grpc/codes"

	"github.com/telltale-net/telltale/bmv2/device"
	"github.com/telltale-net/telltale/bmv2/p4rt/entity"
)

func (s *store) applyPRE(op p4v1.Update_Type, p *p4v1.PacketReplicationEngineEntry, _ bool) (undo, error) {
	switch t := p.GetType().(type) {
	case *p4v1.PacketReplicationEngineEntry_MulticastGroupEntry:
		g, err := entity.DecodeMulticastGroup(op, t.MulticastGroupEntry)
		if err != nil {
			return nil, err
		}
		all := s.dev.MulticastGroups()
		i := slices.IndexFunc(all, func(o device.MulticastGroup) bool { return o.ID == g.ID })
		set := func(i int) func() error { return func() error { return s.dev.SetMulticastGroup(all[i]) } }
		del := func() error { return s.dev.DeleteMulticastGroup(g.ID) }
		return upsert(op, "multicast group", g.ID, i, func() error { return s.dev.SetMulticastGroup(g) }, del, set)
	case *p4v1.PacketReplicationEngineEntry_CloneSessionEntry:
		c, err := entity.DecodeCloneSession(op, t.CloneSessionEntry)
		if err != nil {
			return nil, err
		}
		all := s.dev.CloneSessions()
		i := slices.IndexFunc(all, func(o device.CloneSession) bool { return o.ID == c.ID })
		set := func(i int) func() error { return func() error { return s.dev.SetCloneSession(all[i]) } }
		del := func() error { return s.dev.DeleteCloneSession(c.ID) }
		return upsert(op, "clone session", c.ID, i, func() error { return s.dev.SetCloneSession(c) }, del, set)
	}
	return nil, entity.Errorf(codes.InvalidArgument, "packet replication engine entry is neither a multicast group nor a clone session")
}

// upsert gives the device's set and delete the meaning of INSERT, MODIFY and
// DELETE; i is the place of the old object, −1 if there is none.
func upsert(op p4v1.Update_Type, kind string, id uint32, i int, set, del func() error, restore func(i int) func() error) (undo, error) {
	switch {
	case op == p4v1.Update_INSERT && i >= 0:
		return nil, entity.Errorf(codes.AlreadyExists, "%s %d is already there", kind, id)
	case op != p4v1.Update_INSERT && i < 0:
		return nil, entity.Errorf(codes.NotFound, "no %s %d", kind, id)
	case op == p4v1.Update_INSERT:
		return del, set()
	case op == p4v1.Update_MODIFY:
		return restore(i), set()
	}
	return restore(i), del()
}
