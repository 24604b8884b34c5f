//lint:file-ignore SA1019 fields that P4Runtime deprecated are still part of it: kept, or refused by name.

package p4rt

import (
	"math/rand/v2"
	"testing"

	p4configv1 "github.com/p4lang/p4runtime/go/p4/config/v1"
	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/telltale-net/telltale/bmv2/p4rt/entity"
	"github.com/telltale-net/telltale/bmv2/p4rt/p4rttest"
)

func fuzzStore(tb testing.TB) *store {
	tb.Helper()
	info := p4rttest.Info()
	schema, err := entity.New(info, p4rttest.JSON(info))
	if err != nil {
		tb.Fatal(err)
	}
	return newStore(schema, p4rttest.New(info))
}

// state reads everything there is.
func state(tb testing.TB, s *store) *p4v1.ReadResponse {
	tb.Helper()
	out := &p4v1.ReadResponse{}
	for _, q := range wildcards(s.schema.Info()) {
		if err := s.read(q, func(e *p4v1.Entity) { out.Entities = append(out.Entities, e) }); err != nil {
			tb.Fatalf("reading %v: %v", q, err)
		}
	}
	return out
}

// wildcards are the requests that together read everything.
func wildcards(info *p4configv1.P4Info) []*p4v1.Entity {
	out := []*p4v1.Entity{
		{Entity: &p4v1.Entity_TableEntry{TableEntry: &p4v1.TableEntry{CounterData: &p4v1.CounterData{}, MeterConfig: &p4v1.MeterConfig{}}}},
		{Entity: &p4v1.Entity_ActionProfileMember{ActionProfileMember: &p4v1.ActionProfileMember{}}},
		{Entity: &p4v1.Entity_ActionProfileGroup{ActionProfileGroup: &p4v1.ActionProfileGroup{}}},
		{Entity: &p4v1.Entity_CounterEntry{CounterEntry: &p4v1.CounterEntry{}}},
		{Entity: &p4v1.Entity_MeterEntry{MeterEntry: &p4v1.MeterEntry{}}},
		{Entity: &p4v1.Entity_RegisterEntry{RegisterEntry: &p4v1.RegisterEntry{}}},
		{Entity: &p4v1.Entity_DigestEntry{DigestEntry: &p4v1.DigestEntry{}}},
		{Entity: &p4v1.Entity_ValueSetEntry{ValueSetEntry: &p4v1.ValueSetEntry{}}},
		pre(&p4v1.MulticastGroupEntry{}, nil),
		pre(nil, &p4v1.CloneSessionEntry{}),
	}
	for _, t := range info.GetTables() {
		out = append(out, &p4v1.Entity{Entity: &p4v1.Entity_TableEntry{TableEntry: &p4v1.TableEntry{TableId: t.GetPreamble().GetId(), IsDefaultAction: true}}})
	}
	return out
}

// checkWrite applies a batch in the two modes that are offered and holds what must
// be true of any batch: no panic, no INTERNAL error, a failed rollback batch
// changes nothing, and what was inserted is read and can be deleted as it is read.
func checkWrite(tb testing.TB, s *store, us []*p4v1.Update) {
	tb.Helper()
	for _, u := range us {
		_ = s.read(u.GetEntity(), func(*p4v1.Entity) {})
	}
	before := state(tb, s)
	errs, failed := s.writeAllOrNone(us, liveUndo)
	for i, err := range errs {
		if entity.CodeOf(err) == codes.Internal {
			tb.Fatalf("update %d, %v: %v", i, us[i], err)
		}
	}
	if failed > 0 {
		if after := state(tb, s); !sameState(before, after) {
			tb.Fatalf("a batch that was taken back changed the state\n%v\nto\n%v\nbatch %v", before, after, us)
		}
	}
	errs, _ = s.writeEach(us)
	for i, err := range errs {
		if entity.CodeOf(err) == codes.Internal {
			tb.Fatalf("update %d, %v: %v", i, us[i], err)
		}
	}
	for _, e := range state(tb, s).Entities {
		switch {
		case e.GetTableEntry() != nil && !e.GetTableEntry().GetIsDefaultAction():
			te := proto.Clone(e.GetTableEntry()).(*p4v1.TableEntry)
			ent := &p4v1.Entity{Entity: &p4v1.Entity_TableEntry{TableEntry: te}}
			if _, err := s.apply(&p4v1.Update{Type: p4v1.Update_INSERT, Entity: ent}, noUndo); entity.CodeOf(err) != codes.AlreadyExists {
				tb.Fatalf("what was read cannot be written: %v: %v", te, err)
			}
		}
	}
}

// sameState ignores the order of entries: taking back a DELETE inserts anew.
func sameState(a, b *p4v1.ReadResponse) bool {
	count := map[string]int{}
	for _, e := range a.Entities {
		count[mustMarshal(e)]++
	}
	for _, e := range b.Entities {
		count[mustMarshal(e)]--
	}
	for _, n := range count {
		if n != 0 {
			return false
		}
	}
	return true
}

func mustMarshal(m proto.Message) string {
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		panic("BUG: " + err.Error())
	}
	return string(b)
}

func FuzzWrite(f *testing.F) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 40 {
		b, err := proto.Marshal(&p4v1.WriteRequest{Updates: randomUpdates(rng, 6)})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var req p4v1.WriteRequest
		if proto.Unmarshal(data, &req) != nil || len(req.Updates) > 100 {
			return
		}
		checkWrite(t, fuzzStore(t), req.Updates)
	})
}

// A long walk of random updates, most of them nearly right, on one store.
func TestRandomWrites(t *testing.T) {
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 3))
		s := fuzzStore(t)
		ok := 0
		for range 60 {
			us := randomUpdates(rng, 1+rng.IntN(6))
			checkWrite(t, s, us)
			ok += len(state(t, s).Entities)
		}
		if ok == 0 {
			t.Errorf("seed %d: nothing was ever written", seed)
		}
	}
}

// randomUpdates makes updates out of the program's ids, a few keys and a few
// values, so that they meet one another.
func randomUpdates(rng *rand.Rand, n int) []*p4v1.Update {
	pick := func(vs ...uint32) uint32 { return vs[rng.IntN(len(vs))] }
	value := func() []byte {
		return [][]byte{{0}, {1}, {2}, {0, 1}, {1, 0}, {0xff, 0xff}, {10, 0, 0, 0}, {}}[rng.IntN(8)]
	}
	action := func() *p4v1.Action {
		a := &p4v1.Action{ActionId: pick(0x01000001, 0x01000001, 0x01000002, 0x01000003)}
		if a.ActionId == 0x01000001 || rng.IntN(9) == 0 {
			a.Params = []*p4v1.Action_Param{{ParamId: 1, Value: value()}, {ParamId: 2, Value: value()}}
		}
		return a
	}
	match := func(table uint32) []*p4v1.FieldMatch {
		exact := &p4v1.FieldMatch{FieldId: 1, FieldMatchType: &p4v1.FieldMatch_Exact_{Exact: &p4v1.FieldMatch_Exact{Value: []byte{byte(rng.IntN(3))}}}}
		switch {
		case rng.IntN(12) == 0:
			return nil
		case table == 0x02000001:
			return []*p4v1.FieldMatch{{FieldId: 1, FieldMatchType: &p4v1.FieldMatch_Lpm{Lpm: &p4v1.FieldMatch_LPM{Value: []byte{byte(10 + rng.IntN(2)), 0, 0, 0}, PrefixLen: int32(7 + rng.IntN(3))}}}}
		case table == 0x02000002 && rng.IntN(2) == 0:
			return []*p4v1.FieldMatch{exact, {FieldId: 2, FieldMatchType: &p4v1.FieldMatch_Ternary_{Ternary: &p4v1.FieldMatch_Ternary{Value: value(), Mask: value()}}}}
		case table == 0x02000004:
			return nil
		}
		return []*p4v1.FieldMatch{exact}
	}
	tableEntry := func() *p4v1.TableEntry {
		te := &p4v1.TableEntry{TableId: pick(0x02000001, 0x02000002, 0x02000003, 0x02000003, 0x02000004, 0x02000006, 0x02000007)}
		te.Match = match(te.TableId)
		te.IsDefaultAction = rng.IntN(10) == 0 || te.TableId == 0x02000004
		if te.TableId == 0x02000002 {
			te.Priority = int32(rng.IntN(3))
			if rng.IntN(3) == 0 {
				te.MeterConfig = &p4v1.MeterConfig{Cir: 1, Pir: int64(rng.IntN(3))}
			}
			te.IdleTimeoutNs = int64(rng.IntN(3) * 10)
		}
		if rng.IntN(4) == 0 {
			te.Metadata = []byte{byte(rng.IntN(2))}
		}
		te.ControllerMetadata = uint64(rng.IntN(2))
		switch {
		case te.TableId == 0x02000003 || te.TableId == 0x02000006:
			switch rng.IntN(4) {
			case 0:
				te.Action = &p4v1.TableAction{Type: &p4v1.TableAction_ActionProfileMemberId{ActionProfileMemberId: uint32(rng.IntN(4))}}
			case 1:
				te.Action = &p4v1.TableAction{Type: &p4v1.TableAction_ActionProfileGroupId{ActionProfileGroupId: uint32(rng.IntN(3))}}
			case 2:
				set := &p4v1.ActionProfileActionSet{}
				for range rng.IntN(3) {
					set.ActionProfileActions = append(set.ActionProfileActions, &p4v1.ActionProfileAction{Action: action(), Weight: int32(rng.IntN(4))})
				}
				te.Action = &p4v1.TableAction{Type: &p4v1.TableAction_ActionProfileActionSet{ActionProfileActionSet: set}}
			}
		case rng.IntN(8) > 0:
			te.Action = &p4v1.TableAction{Type: &p4v1.TableAction_Action{Action: action()}}
		}
		if te.TableId == 0x02000001 && rng.IntN(6) == 0 {
			te.CounterData = &p4v1.CounterData{PacketCount: int64(rng.IntN(9))}
		}
		return te
	}
	profile := func() uint32 { return pick(0x11000001, 0x11000001, 0x11000002) }
	out := make([]*p4v1.Update, n)
	for i := range out {
		u := &p4v1.Update{Type: p4v1.Update_Type(1 + rng.IntN(3)), Entity: &p4v1.Entity{}}
		if rng.IntN(20) == 0 {
			u.Type = p4v1.Update_Type(rng.IntN(6))
		}
		switch rng.IntN(10) {
		case 0, 1, 2, 3:
			u.Entity.Entity = &p4v1.Entity_TableEntry{TableEntry: tableEntry()}
		case 4, 5:
			u.Entity.Entity = &p4v1.Entity_ActionProfileMember{ActionProfileMember: &p4v1.ActionProfileMember{ActionProfileId: profile(), MemberId: uint32(rng.IntN(4)), Action: action()}}
		case 6:
			g := &p4v1.ActionProfileGroup{ActionProfileId: profile(), GroupId: uint32(rng.IntN(3)), MaxSize: int32(rng.IntN(2) * 4)}
			for range rng.IntN(3) {
				g.Members = append(g.Members, &p4v1.ActionProfileGroup_Member{MemberId: uint32(1 + rng.IntN(3)), Weight: int32(rng.IntN(3))})
			}
			u.Entity.Entity = &p4v1.Entity_ActionProfileGroup{ActionProfileGroup: g}
		case 7:
			rs := []*p4v1.Replica{{EgressPort: uint32(rng.IntN(600)), Instance: uint32(rng.IntN(2))}, {EgressPort: 1}}
			if rng.IntN(2) == 0 {
				u.Entity = pre(&p4v1.MulticastGroupEntry{MulticastGroupId: uint32(rng.IntN(3)), Replicas: rs}, nil)
			} else {
				u.Entity = pre(nil, &p4v1.CloneSessionEntry{SessionId: uint32(rng.IntN(3)), Replicas: rs})
			}
		case 8:
			u.Entity.Entity = &p4v1.Entity_MeterEntry{MeterEntry: &p4v1.MeterEntry{MeterId: 0x14000001, Index: &p4v1.Index{Index: int64(rng.IntN(5) - 1)}, Config: &p4v1.MeterConfig{Cir: 1, Pir: 2}}}
			u.Type = p4v1.Update_MODIFY
		case 9:
			switch rng.IntN(3) {
			case 0:
				u.Entity.Entity = &p4v1.Entity_RegisterEntry{RegisterEntry: &p4v1.RegisterEntry{RegisterId: 0x16000002, Data: &p4v1.P4Data{Data: &p4v1.P4Data_Bitstring{Bitstring: value()}}}}
			case 1:
				u.Entity.Entity = &p4v1.Entity_DigestEntry{DigestEntry: &p4v1.DigestEntry{DigestId: 0x17000001, Config: &p4v1.DigestEntry_Config{MaxListSize: int32(rng.IntN(3))}}}
			case 2:
				te := tableEntry()
				u.Entity.Entity = &p4v1.Entity_DirectMeterEntry{DirectMeterEntry: &p4v1.DirectMeterEntry{TableEntry: te, Config: &p4v1.MeterConfig{Cir: 3, Pir: 4}}}
				u.Type = p4v1.Update_MODIFY
			}
		}
		out[i] = u
	}
	return out
}
