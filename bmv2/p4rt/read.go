package p4rt

import (
	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"
	"google.golang.org/grpc/codes"

	"github.com/telltale-net/telltale/bmv2/device"
	"github.com/telltale-net/telltale/bmv2/p4rt/entity"
)

// read answers one request of a Read batch. Zero ids are wildcards.
func (s *store) read(req *p4v1.Entity, emit func(*p4v1.Entity)) error {
	if err := entity.CheckNewer(req); err != nil {
		return err
	}
	switch e := req.GetEntity().(type) {
	case *p4v1.Entity_TableEntry:
		return s.readEntries(e.TableEntry, emit)
	case *p4v1.Entity_ActionProfileMember:
		return s.readMembers(e.ActionProfileMember, emit)
	case *p4v1.Entity_ActionProfileGroup:
		return s.readGroups(e.ActionProfileGroup, emit)
	case *p4v1.Entity_CounterEntry:
		return s.readCounters(e.CounterEntry, emit)
	case *p4v1.Entity_DirectCounterEntry:
		return s.readDirectCounters(e.DirectCounterEntry, emit)
	case *p4v1.Entity_MeterEntry:
		return s.readMeters(e.MeterEntry, emit)
	case *p4v1.Entity_DirectMeterEntry:
		return s.readDirectMeters(e.DirectMeterEntry, emit)
	case *p4v1.Entity_RegisterEntry:
		return s.readRegisters(e.RegisterEntry, emit)
	case *p4v1.Entity_PacketReplicationEngineEntry:
		return s.readPRE(e.PacketReplicationEngineEntry, emit)
	case *p4v1.Entity_DigestEntry:
		return s.readDigests(e.DigestEntry, emit)
	case *p4v1.Entity_ValueSetEntry:
		return s.readValueSets(e.ValueSetEntry, emit)
	case *p4v1.Entity_ExternEntry:
		if e.ExternEntry.GetExternTypeId() == 0 && e.ExternEntry.GetExternId() == 0 {
			return nil // all externs: there are none
		}
		return entity.Errorf(codes.NotFound, "no extern of type %d", e.ExternEntry.GetExternTypeId())
	case nil:
		return entity.Errorf(codes.InvalidArgument, "entity is empty; a wildcard read names the kind of entity")
	default:
		return entity.Errorf(codes.Unimplemented, "entity %T is not offered", e)
	}
}

// readMembers and readGroups leave out what stands for one-shots: a client never
// wrote those.
func (s *store) readMembers(q *p4v1.ActionProfileMember, emit func(*p4v1.Entity)) error {
	ps, err := s.profiles(q.GetActionProfileId(), q.GetMemberId())
	if err != nil {
		return err
	}
	for _, p := range ps {
		if s.sets[p.ID].used() {
			continue
		}
		all, err := s.profile(p).Members(p.Name)
		if err != nil {
			return err
		}
		if id := q.GetMemberId(); id != 0 {
			m, err := s.member(p, id)
			if err != nil {
				return err
			}
			all = []device.Member{m}
		}
		for _, m := range all {
			out, err := s.schema.EncodeMember(p, m)
			if err != nil {
				return err
			}
			emit(&p4v1.Entity{Entity: &p4v1.Entity_ActionProfileMember{ActionProfileMember: out}})
		}
	}
	return nil
}

func (s *store) readGroups(q *p4v1.ActionProfileGroup, emit func(*p4v1.Entity)) error {
	ps, err := s.profiles(q.GetActionProfileId(), q.GetGroupId())
	if err != nil {
		return err
	}
	for _, p := range ps {
		if s.sets[p.ID].used() || !p.Selector {
			continue
		}
		all, err := s.profile(p).Groups(p.Name)
		if err != nil {
			return err
		}
		if id := q.GetGroupId(); id != 0 {
			g, err := s.group(p, id)
			if err != nil {
				return err
			}
			all = []device.Group{g}
		}
		for _, g := range all {
			emit(&p4v1.Entity{Entity: &p4v1.Entity_ActionProfileGroup{ActionProfileGroup: s.schema.EncodeGroup(p, g)}})
		}
	}
	return nil
}

// profiles is one profile, or all for id 0; inside is the id of a member or group.
func (s *store) profiles(id, inside uint32) ([]*entity.Profile, error) {
	if id == 0 {
		if inside != 0 {
			return nil, entity.Errorf(codes.InvalidArgument, "action profile id 0 selects all profiles; member or group id %d cannot be used with it", inside)
		}
		return s.schema.Profiles, nil
	}
	p, err := s.schema.Profile(id)
	return []*entity.Profile{p}, err
}
