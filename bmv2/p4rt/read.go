package p4rt

import (
	"bytes"

	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"
	"google.golang.org/grpc/codes"

	"github.com/telltale-net/telltale/bmv2/device"
	"github.com/telltale-net/telltale/bmv2/p4rt/entity"
)

// read answers one request of a Read batch. Zero ids are wildcards.
func (s *store) read(req *p4v1.Entity, emit func(*p4v1.Entity)) error {
	if err := entity.CheckUnknown(req.ProtoReflect()); err != nil {
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

// readEntries: specification, "Wildcard Reads" of tables.
func (s *store) readEntries(q *p4v1.TableEntry, emit func(*p4v1.Entity)) error {
	send := func(te *p4v1.TableEntry) { emit(&p4v1.Entity{Entity: &p4v1.Entity_TableEntry{TableEntry: te}}) }
	if q.GetMeterCounterData() != nil {
		return entity.Errorf(codes.Unimplemented, "meters have no counters per colour: leave meter_counter_data unset")
	}
	if q.GetTableId() == 0 {
		if q.GetMatch() != nil || q.GetAction() != nil || q.GetPriority() != 0 || q.GetControllerMetadata() != 0 || //nolint:staticcheck // deprecated, still a filter
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
		controllerMetadata: q.GetControllerMetadata(), //nolint:staticcheck // as above
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
		te.ControllerMetadata = cm //nolint:staticcheck // as above
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
		te.Metadata, te.ControllerMetadata = n.metadata, n.controllerMetadata //nolint:staticcheck // as above
	}
	if f.action != 0 && te.GetAction().GetAction().GetActionId() != f.action ||
		len(f.metadata) > 0 && !bytes.Equal(te.Metadata, f.metadata) ||
		f.controllerMetadata != 0 && te.ControllerMetadata != f.controllerMetadata { //nolint:staticcheck // as above
		return nil
	}
	send(te)
	return nil
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
		all, err := s.dev.Members(p.Name)
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
		all, err := s.dev.Groups(p.Name)
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

// arrays is one array, or all for id 0.
func arrays(id uint32, all []*entity.Array, find func(uint32) (*entity.Array, error), index *p4v1.Index) ([]*entity.Array, error) {
	if id == 0 {
		if index != nil {
			return nil, entity.Errorf(codes.InvalidArgument, "id 0 selects all arrays; index %d cannot be used with it", index.GetIndex())
		}
		return all, nil
	}
	a, err := find(id)
	return []*entity.Array{a}, err
}

func (s *store) readCounters(q *p4v1.CounterEntry, emit func(*p4v1.Entity)) error {
	as, err := arrays(q.GetCounterId(), s.schema.Counters, s.schema.Counter, q.GetIndex())
	if err != nil {
		return err
	}
	for _, a := range as {
		from, to, err := cells(a, q.GetIndex())
		if err != nil {
			return err
		}
		for i := from; i < to; i++ {
			v, err := s.dev.ReadCounter(a.Name, i)
			if err != nil {
				return err
			}
			emit(&p4v1.Entity{Entity: &p4v1.Entity_CounterEntry{CounterEntry: &p4v1.CounterEntry{
				CounterId: a.ID, Index: &p4v1.Index{Index: int64(i)}, Data: entity.EncodeCounter(v),
			}}})
		}
	}
	return nil
}

func (s *store) readMeters(q *p4v1.MeterEntry, emit func(*p4v1.Entity)) error {
	if err := noColours(q.GetCounterData()); err != nil {
		return err
	}
	as, err := arrays(q.GetMeterId(), s.schema.Meters, s.schema.Meter, q.GetIndex())
	if err != nil {
		return err
	}
	for _, a := range as {
		from, to, err := cells(a, q.GetIndex())
		if err != nil {
			return err
		}
		for i := from; i < to; i++ {
			c, err := s.dev.ReadMeter(a.Name, i)
			if err != nil {
				return err
			}
			emit(&p4v1.Entity{Entity: &p4v1.Entity_MeterEntry{MeterEntry: &p4v1.MeterEntry{
				MeterId: a.ID, Index: &p4v1.Index{Index: int64(i)}, Config: entity.EncodeMeter(c),
			}}})
		}
	}
	return nil
}

func (s *store) readRegisters(q *p4v1.RegisterEntry, emit func(*p4v1.Entity)) error {
	as, err := arrays(q.GetRegisterId(), s.schema.Registers, s.schema.Register, q.GetIndex())
	if err != nil {
		return err
	}
	for _, a := range as {
		from, to, err := cells(a, q.GetIndex())
		if err != nil {
			return err
		}
		for i := from; i < to; i++ {
			v, err := s.dev.ReadRegister(a.Name, i)
			if err != nil {
				return err
			}
			emit(&p4v1.Entity{Entity: &p4v1.Entity_RegisterEntry{RegisterEntry: &p4v1.RegisterEntry{
				RegisterId: a.ID, Index: &p4v1.Index{Index: int64(i)}, Data: a.EncodeCell(v),
			}}})
		}
	}
	return nil
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

func (s *store) readPRE(q *p4v1.PacketReplicationEngineEntry, emit func(*p4v1.Entity)) error {
	switch t := q.GetType().(type) {
	case *p4v1.PacketReplicationEngineEntry_MulticastGroupEntry:
		id, found := t.MulticastGroupEntry.GetMulticastGroupId(), false
		for _, g := range s.dev.MulticastGroups() {
			if id == 0 || g.ID == id {
				emit(entity.EncodeMulticastGroup(g))
				found = true
			}
		}
		if id != 0 && !found {
			return entity.Errorf(codes.NotFound, "no multicast group %d", id)
		}
		return nil
	case *p4v1.PacketReplicationEngineEntry_CloneSessionEntry:
		id, found := t.CloneSessionEntry.GetSessionId(), false
		for _, c := range s.dev.CloneSessions() {
			if id == 0 || c.ID == id {
				emit(entity.EncodeCloneSession(c))
				found = true
			}
		}
		if id != 0 && !found {
			return entity.Errorf(codes.NotFound, "no clone session %d", id)
		}
		return nil
	}
	return entity.Errorf(codes.InvalidArgument, "packet replication engine entry names neither multicast groups nor clone sessions")
}
