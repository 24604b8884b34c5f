//lint:file-ignore SA1019 fields that P4Runtime deprecated are still part of it: kept, or refused by name.

package p4rt

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	p4configv1 "github.com/p4lang/p4runtime/go/p4/config/v1"
	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
)

// oracle is a slow model of what a switch must hold: every entity as it is to be
// read, by a printed key. It knows the P4Info and nothing of the server's code, and
// it is given well-formed updates only: whether they clash with the state is its
// judgement.
type oracle struct {
	info  *p4configv1.P4Info
	state map[string]*p4v1.Entity // values are never changed, only replaced
}

func newOracle(info *p4configv1.P4Info, initial []*p4v1.Entity) *oracle {
	o := &oracle{info: info, state: map[string]*p4v1.Entity{}}
	for _, e := range initial {
		o.state[keyOf(e)] = e
	}
	return o
}

// keyOf prints what makes an entity itself.
func keyOf(e *p4v1.Entity) string {
	switch v := e.GetEntity().(type) {
	case *p4v1.Entity_TableEntry:
		te := v.TableEntry
		if te.GetIsDefaultAction() {
			return fmt.Sprintf("default %d", te.GetTableId())
		}
		ms := slices.Clone(te.GetMatch())
		slices.SortFunc(ms, func(a, b *p4v1.FieldMatch) int { return cmp.Compare(a.GetFieldId(), b.GetFieldId()) })
		s := fmt.Sprintf("entry %d/%d", te.GetTableId(), te.GetPriority())
		for _, m := range ms {
			s += fmt.Sprintf(" %x", mustMarshal(m))
		}
		return s
	case *p4v1.Entity_ActionProfileMember:
		return fmt.Sprintf("member %d/%d", v.ActionProfileMember.GetActionProfileId(), v.ActionProfileMember.GetMemberId())
	case *p4v1.Entity_ActionProfileGroup:
		return fmt.Sprintf("group %d/%d", v.ActionProfileGroup.GetActionProfileId(), v.ActionProfileGroup.GetGroupId())
	case *p4v1.Entity_PacketReplicationEngineEntry:
		p := v.PacketReplicationEngineEntry
		if g := p.GetMulticastGroupEntry(); g != nil {
			return fmt.Sprintf("multicast %d", g.GetMulticastGroupId())
		}
		return fmt.Sprintf("clone %d", p.GetCloneSessionEntry().GetSessionId())
	case *p4v1.Entity_CounterEntry:
		return fmt.Sprintf("counter %d/%d", v.CounterEntry.GetCounterId(), v.CounterEntry.GetIndex().GetIndex())
	case *p4v1.Entity_MeterEntry:
		return fmt.Sprintf("meter %d/%d", v.MeterEntry.GetMeterId(), v.MeterEntry.GetIndex().GetIndex())
	case *p4v1.Entity_RegisterEntry:
		return fmt.Sprintf("register %d/%d", v.RegisterEntry.GetRegisterId(), v.RegisterEntry.GetIndex().GetIndex())
	case *p4v1.Entity_DigestEntry:
		return fmt.Sprintf("digest %d", v.DigestEntry.GetDigestId())
	case *p4v1.Entity_ValueSetEntry:
		return fmt.Sprintf("value set %d", v.ValueSetEntry.GetValueSetId())
	}
	panic(fmt.Sprintf("BUG: no key for %v", e))
}

// batch returns the codes that each update may be answered with.
func (o *oracle) batch(us []*p4v1.Update, mode p4v1.WriteRequest_Atomicity, mutated map[*p4v1.Update]codes.Code) [][]codes.Code {
	out := make([][]codes.Code, len(us))
	before := maps.Clone(o.state)
	for i, u := range us {
		out[i] = o.update(u, mode, mutated)
		if mode == p4v1.WriteRequest_CONTINUE_ON_ERROR || slices.Equal(out[i], fine) {
			continue
		}
		for j := range us {
			if j != i {
				out[j] = []codes.Code{codes.Aborted}
			}
		}
		o.state = before
		return out
	}
	return out
}

var fine = []codes.Code{codes.OK}

func (o *oracle) update(u *p4v1.Update, mode p4v1.WriteRequest_Atomicity, mutated map[*p4v1.Update]codes.Code) []codes.Code {
	if c, ok := mutated[u]; ok {
		return []codes.Code{c}
	}
	// What packets change too cannot be taken back while they run.
	volatile := u.GetEntity().GetCounterEntry() != nil || u.GetEntity().GetRegisterEntry() != nil || u.GetEntity().GetDirectCounterEntry() != nil ||
		u.GetType() == p4v1.Update_MODIFY && u.GetEntity().GetTableEntry().GetCounterData() != nil
	if volatile && mode == p4v1.WriteRequest_ROLLBACK_ON_ERROR {
		return []codes.Code{codes.Unimplemented, codes.NotFound}
	}
	var wrong []codes.Code
	switch v := u.GetEntity().GetEntity().(type) {
	case *p4v1.Entity_CounterEntry:
		o.cells(v.CounterEntry.GetIndex(), o.size(v.CounterEntry.GetCounterId()), func(i *p4v1.Index) *p4v1.Entity {
			return &p4v1.Entity{Entity: &p4v1.Entity_CounterEntry{CounterEntry: &p4v1.CounterEntry{CounterId: v.CounterEntry.CounterId, Index: i, Data: v.CounterEntry.Data}}}
		})
		return fine
	case *p4v1.Entity_MeterEntry:
		o.cells(v.MeterEntry.GetIndex(), o.size(v.MeterEntry.GetMeterId()), func(i *p4v1.Index) *p4v1.Entity {
			return &p4v1.Entity{Entity: &p4v1.Entity_MeterEntry{MeterEntry: &p4v1.MeterEntry{MeterId: v.MeterEntry.MeterId, Index: i, Config: v.MeterEntry.Config}}}
		})
		return fine
	case *p4v1.Entity_RegisterEntry:
		o.cells(v.RegisterEntry.GetIndex(), o.size(v.RegisterEntry.GetRegisterId()), func(i *p4v1.Index) *p4v1.Entity {
			return &p4v1.Entity{Entity: &p4v1.Entity_RegisterEntry{RegisterEntry: &p4v1.RegisterEntry{RegisterId: v.RegisterEntry.RegisterId, Index: i, Data: v.RegisterEntry.Data}}}
		})
		return fine
	case *p4v1.Entity_DirectCounterEntry:
		return o.direct(v.DirectCounterEntry.GetTableEntry(), func(te *p4v1.TableEntry) { te.CounterData = v.DirectCounterEntry.GetData() })
	case *p4v1.Entity_DirectMeterEntry:
		return o.direct(v.DirectMeterEntry.GetTableEntry(), func(te *p4v1.TableEntry) { te.MeterConfig = v.DirectMeterEntry.GetConfig() })
	case *p4v1.Entity_TableEntry:
		wrong = o.tableEntry(u.GetType(), v.TableEntry)
	case *p4v1.Entity_ActionProfileMember:
		wrong = o.member(u.GetType(), v.ActionProfileMember)
	case *p4v1.Entity_ActionProfileGroup:
		wrong = o.group(u.GetType(), v.ActionProfileGroup)
	case *p4v1.Entity_PacketReplicationEngineEntry:
		rs := slices.Concat(v.PacketReplicationEngineEntry.GetMulticastGroupEntry().GetReplicas(), v.PacketReplicationEngineEntry.GetCloneSessionEntry().GetReplicas())
		if u.GetType() != p4v1.Update_DELETE && slices.ContainsFunc(rs, func(r *p4v1.Replica) bool { return r.GetEgressPort() == 0 }) {
			return []codes.Code{codes.InvalidArgument}
		}
	}
	key := keyOf(u.GetEntity())
	old := o.state[key]
	switch {
	case u.GetType() == p4v1.Update_INSERT && old != nil:
		wrong = append(wrong, codes.AlreadyExists)
	case u.GetType() != p4v1.Update_INSERT && old == nil:
		wrong = append(wrong, codes.NotFound)
	}
	if len(wrong) > 0 {
		return wrong
	}
	if u.GetType() == p4v1.Update_DELETE {
		delete(o.state, key)
		return fine
	}
	e := proto.Clone(u.GetEntity()).(*p4v1.Entity)
	if te := e.GetTableEntry(); te != nil {
		o.asRead(te, old.GetTableEntry())
	}
	o.state[key] = e
	return fine
}

// asRead is an entry after a write over old: the action stays if none is given, the
// counter too; where there is a counter it is always read.
func (o *oracle) asRead(te, old *p4v1.TableEntry) {
	t := o.table(te.GetTableId())
	switch {
	case te.Action != nil:
	case te.GetIsDefaultAction():
		id := uint32(0x01000002) // drop: the first action of settings and routes without parameters
		te.Action = &p4v1.TableAction{Type: &p4v1.TableAction_Action{Action: &p4v1.Action{ActionId: id}}}
		te.Metadata, te.ControllerMetadata = nil, 0
	default:
		te.Action = old.GetAction()
	}
	for _, c := range o.info.GetDirectCounters() {
		if c.GetDirectTableId() != t.GetPreamble().GetId() || te.GetIsDefaultAction() || te.CounterData != nil {
			continue
		}
		if te.CounterData = old.GetCounterData(); te.CounterData == nil {
			te.CounterData = &p4v1.CounterData{}
		}
	}
}

func (o *oracle) table(id uint32) *p4configv1.Table {
	for _, t := range o.info.GetTables() {
		if t.GetPreamble().GetId() == id {
			return t
		}
	}
	panic(fmt.Sprintf("BUG: no table %d", id))
}

func (o *oracle) profile(id uint32) *p4configv1.ActionProfile {
	for _, p := range o.info.GetActionProfiles() {
		if p.GetPreamble().GetId() == id {
			return p
		}
	}
	panic(fmt.Sprintf("BUG: no profile %d", id))
}

func (o *oracle) size(array uint32) int64 {
	for _, c := range o.info.GetCounters() {
		if c.GetPreamble().GetId() == array {
			return c.GetSize()
		}
	}
	for _, m := range o.info.GetMeters() {
		if m.GetPreamble().GetId() == array {
			return m.GetSize()
		}
	}
	for _, r := range o.info.GetRegisters() {
		if r.GetPreamble().GetId() == array {
			return int64(r.GetSize())
		}
	}
	panic(fmt.Sprintf("BUG: no array %d", array))
}

func (o *oracle) cells(index *p4v1.Index, size int64, cell func(*p4v1.Index) *p4v1.Entity) {
	from, to := int64(0), size
	if index != nil {
		from, to = index.GetIndex(), index.GetIndex()+1
	}
	for i := from; i < to; i++ {
		e := cell(&p4v1.Index{Index: i})
		o.state[keyOf(e)] = e
	}
}

func (o *oracle) direct(of *p4v1.TableEntry, change func(*p4v1.TableEntry)) []codes.Code {
	key := keyOf(&p4v1.Entity{Entity: &p4v1.Entity_TableEntry{TableEntry: of}})
	old := o.state[key]
	if old == nil {
		return []codes.Code{codes.NotFound}
	}
	e := proto.Clone(old).(*p4v1.Entity)
	change(e.GetTableEntry())
	o.state[key] = e
	return fine
}

// entries calls f for every entry that is not a default.
func (o *oracle) entries(f func(key string, te *p4v1.TableEntry)) {
	for k, e := range o.state {
		if te := e.GetTableEntry(); te != nil && !te.GetIsDefaultAction() {
			f(k, te)
		}
	}
}

// shots counts the one-shots of a profile and their actions.
func (o *oracle) shots(profile uint32) (sets, actions int) {
	o.entries(func(_ string, te *p4v1.TableEntry) {
		if s := te.GetAction().GetActionProfileActionSet(); s != nil && o.table(te.GetTableId()).GetImplementationId() == profile {
			sets++
			actions += len(s.GetActionProfileActions())
		}
	})
	return sets, actions
}

func (o *oracle) tableEntry(op p4v1.Update_Type, te *p4v1.TableEntry) (wrong []codes.Code) {
	t := o.table(te.GetTableId())
	if te.GetIsDefaultAction() || op == p4v1.Update_DELETE {
		return nil
	}
	if op == p4v1.Update_INSERT {
		n := int64(0)
		o.entries(func(_ string, x *p4v1.TableEntry) {
			if x.GetTableId() == te.GetTableId() {
				n++
			}
		})
		if n >= t.GetSize() {
			wrong = append(wrong, codes.ResourceExhausted)
		}
	}
	profile := t.GetImplementationId()
	if profile == 0 || te.GetAction() == nil {
		return wrong
	}
	sets, actions := o.shots(profile)
	switch a := te.GetAction().GetType().(type) {
	case *p4v1.TableAction_ActionProfileMemberId:
		if sets > 0 {
			wrong = append(wrong, codes.InvalidArgument)
		}
		if o.state[fmt.Sprintf("member %d/%d", profile, a.ActionProfileMemberId)] == nil {
			wrong = append(wrong, codes.NotFound)
		}
	case *p4v1.TableAction_ActionProfileGroupId:
		if sets > 0 {
			wrong = append(wrong, codes.InvalidArgument)
		}
		if o.state[fmt.Sprintf("group %d/%d", profile, a.ActionProfileGroupId)] == nil {
			wrong = append(wrong, codes.NotFound)
		}
	case *p4v1.TableAction_ActionProfileActionSet:
		if o.inside("member", profile)+o.inside("group", profile) > 0 {
			wrong = append(wrong, codes.InvalidArgument)
		}
		// A replacement is made before the old set goes.
		if int64(actions+len(a.ActionProfileActionSet.GetActionProfileActions())) > o.profile(profile).GetSize() {
			wrong = append(wrong, codes.ResourceExhausted)
		}
	}
	return wrong
}

// inside counts the members or groups of a profile.
func (o *oracle) inside(kind string, profile uint32) (n int) {
	prefix := fmt.Sprintf("%s %d/", kind, profile)
	for k := range o.state {
		if len(k) > len(prefix) && k[:len(prefix)] == prefix {
			n++
		}
	}
	return n
}

func (o *oracle) member(op p4v1.Update_Type, m *p4v1.ActionProfileMember) (wrong []codes.Code) {
	p := m.GetActionProfileId()
	if sets, _ := o.shots(p); sets > 0 {
		wrong = append(wrong, codes.InvalidArgument)
	}
	switch op {
	case p4v1.Update_INSERT:
		if int64(o.inside("member", p)) >= o.profile(p).GetSize() {
			wrong = append(wrong, codes.ResourceExhausted)
		}
	case p4v1.Update_DELETE:
		used := false
		o.entries(func(_ string, te *p4v1.TableEntry) {
			a, ok := te.GetAction().GetType().(*p4v1.TableAction_ActionProfileMemberId)
			used = used || ok && o.table(te.GetTableId()).GetImplementationId() == p && a.ActionProfileMemberId == m.GetMemberId()
		})
		for _, e := range o.state {
			g := e.GetActionProfileGroup()
			used = used || g.GetActionProfileId() == p && slices.ContainsFunc(g.GetMembers(), func(x *p4v1.ActionProfileGroup_Member) bool { return x.GetMemberId() == m.GetMemberId() })
		}
		if used {
			wrong = append(wrong, codes.FailedPrecondition)
		}
	}
	return wrong
}

func (o *oracle) group(op p4v1.Update_Type, g *p4v1.ActionProfileGroup) (wrong []codes.Code) {
	p := g.GetActionProfileId()
	if sets, _ := o.shots(p); sets > 0 {
		wrong = append(wrong, codes.InvalidArgument)
	}
	if op == p4v1.Update_DELETE {
		used := false
		o.entries(func(_ string, te *p4v1.TableEntry) {
			a, ok := te.GetAction().GetType().(*p4v1.TableAction_ActionProfileGroupId)
			used = used || ok && o.table(te.GetTableId()).GetImplementationId() == p && a.ActionProfileGroupId == g.GetGroupId()
		})
		if used {
			wrong = append(wrong, codes.FailedPrecondition)
		}
		return wrong
	}
	limit := int64(g.GetMaxSize())
	if limit == 0 {
		limit = int64(o.profile(p).GetMaxGroupSize())
	}
	sum := int64(0)
	for _, m := range g.GetMembers() {
		sum += int64(m.GetWeight())
		if o.state[fmt.Sprintf("member %d/%d", p, m.GetMemberId())] == nil {
			wrong = append(wrong, codes.NotFound)
		}
	}
	if limit > 0 && sum > limit {
		wrong = append(wrong, codes.ResourceExhausted)
	}
	if old := o.state[fmt.Sprintf("group %d/%d", p, g.GetGroupId())].GetActionProfileGroup(); op == p4v1.Update_MODIFY && old != nil && old.GetMaxSize() != g.GetMaxSize() {
		wrong = append(wrong, codes.InvalidArgument)
	}
	return wrong
}
