package p4rt

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	p4configv1 "github.com/p4lang/p4runtime/go/p4/config/v1"
	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"

	"github.com/telltale-net/telltale/bmv2/engine"
	"github.com/telltale-net/telltale/bmv2/p4rt/entity"
	"github.com/telltale-net/telltale/bmv2/spec"
	"github.com/telltale-net/telltale/internal/testutil"
	"github.com/telltale-net/telltale/p4src"
)

// engineStore is the store of a real program on the real model.
func engineStore(t testing.TB, text, config []byte) *store {
	t.Helper()
	info := &p4configv1.P4Info{}
	if err := (prototext.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(text, info); err != nil {
		t.Fatal(err)
	}
	schema, err := entity.New(info, config)
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := spec.Load(config)
	if err != nil {
		t.Fatal(err)
	}
	compiled, err := engine.Compile(loaded)
	if err != nil {
		t.Fatal(err)
	}
	return newStore(schema, engine.New(compiled, engine.Config{}))
}

// What a client writes into the model it reads back, for our own programs and
// every program of the vectors, with random entries for every table.
func TestEngine(t *testing.T) {
	for _, p := range []p4src.Program{p4src.Fabric, p4src.VSwitch} {
		t.Run(p.Name, func(t *testing.T) { exercise(t, engineStore(t, p.P4Info, p.JSON)) })
	}
	dir := testutil.Shared(t, "vectors/stf")
	files, err := filepath.Glob(filepath.Join(dir, "*.p4info.txtpb"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no programs in the vectors: %v", err)
	}
	for _, f := range files {
		t.Run(strings.TrimSuffix(filepath.Base(f), ".p4info.txtpb"), func(t *testing.T) {
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			config, err := os.ReadFile(strings.TrimSuffix(f, ".p4info.txtpb") + ".json")
			if err != nil {
				t.Fatal(err)
			}
			exercise(t, engineStore(t, text, config))
		})
	}
}

func exercise(t *testing.T, s *store) {
	t.Helper()
	rng := rand.New(rand.NewPCG(1, 9))
	readAll := func(q *p4v1.Entity) []*p4v1.Entity {
		t.Helper()
		var out []*p4v1.Entity
		if err := s.read(q, func(e *p4v1.Entity) { out = append(out, e) }); err != nil {
			t.Fatalf("reading %v: %v", q, err)
		}
		return out
	}
	apply := func(op p4v1.Update_Type, e *p4v1.Entity) error {
		_, err := s.apply(&p4v1.Update{Type: op, Entity: e}, noUndo)
		return err
	}
	for _, q := range []*p4v1.Entity{
		{Entity: &p4v1.Entity_TableEntry{TableEntry: &p4v1.TableEntry{CounterData: &p4v1.CounterData{}}}},
		{Entity: &p4v1.Entity_CounterEntry{CounterEntry: &p4v1.CounterEntry{}}},
		{Entity: &p4v1.Entity_MeterEntry{MeterEntry: &p4v1.MeterEntry{}}},
		{Entity: &p4v1.Entity_RegisterEntry{RegisterEntry: &p4v1.RegisterEntry{}}},
	} {
		for _, e := range readAll(q) {
			if e.GetTableEntry() != nil {
				continue
			}
			if err := apply(p4v1.Update_MODIFY, e); err != nil {
				t.Fatalf("what was read cannot be written: %v: %v", e, err)
			}
		}
	}
	for _, tab := range s.schema.Tables {
		query := &p4v1.Entity{Entity: &p4v1.Entity_TableEntry{TableEntry: &p4v1.TableEntry{TableId: tab.ID, IsDefaultAction: true}}}
		before := readAll(query)
		if len(before) != 1 {
			t.Fatalf("table %s has %d default entries", tab.Name, len(before))
		}
		if !tab.ConstDefault && tab.Profile == nil && before[0].GetTableEntry().GetAction() != nil {
			if err := apply(p4v1.Update_MODIFY, before[0]); err != nil {
				t.Errorf("default of %s: %v", tab.Name, err)
			}
		}
		if len(tab.Fields) == 0 || tab.Const {
			continue
		}
		for range 5 {
			e := randomEntry(rng, s.schema.Info(), tab)
			if e == nil {
				break
			}
			te := e.GetTableEntry()
			if err := apply(p4v1.Update_INSERT, e); err != nil {
				if c := entity.CodeOf(err); c != codes.AlreadyExists && c != codes.ResourceExhausted {
					t.Errorf("INSERT %v: %v", e, err)
				}
				continue
			}
			var found int
			for _, back := range readAll(&p4v1.Entity{Entity: &p4v1.Entity_TableEntry{TableEntry: &p4v1.TableEntry{TableId: te.TableId, Match: te.Match, Priority: te.Priority}}}) {
				if proto.Equal(back, e) {
					found++
				}
			}
			if found != 1 {
				t.Errorf("%v is read %d times", e, found)
			}
			if err := apply(p4v1.Update_INSERT, e); entity.CodeOf(err) != codes.AlreadyExists {
				t.Errorf("INSERT again %v: %v", e, err)
			}
			if err := apply(p4v1.Update_MODIFY, e); err != nil {
				t.Errorf("MODIFY %v: %v", e, err)
			}
			if rng.IntN(2) == 0 {
				if err := apply(p4v1.Update_DELETE, e); err != nil {
					t.Errorf("DELETE %v: %v", e, err)
				}
			}
		}
	}
}

// Value sets of the model: what is written is read, and decides how packets parse.
func TestEngineValueSets(t *testing.T) {
	const text = `value_sets { preamble { id: 0x03000001 name: "P.tagged" } match { id: 1 name: "value" bitwidth: 8 match_type: EXACT } size: 4 }`
	config, err := os.ReadFile("../engine/testdata/walk.json")
	if err != nil {
		t.Fatal(err)
	}
	s := engineStore(t, []byte(text), config)
	sw := s.dev.(*engine.Switch)
	set := func(values ...byte) *p4v1.ValueSetEntry {
		v := &p4v1.ValueSetEntry{ValueSetId: 0x03000001}
		for _, b := range values {
			v.Members = append(v.Members, &p4v1.ValueSetMember{Match: []*p4v1.FieldMatch{{
				FieldId: 1, FieldMatchType: &p4v1.FieldMatch_Exact_{Exact: &p4v1.FieldMatch_Exact{Value: []byte{b}}},
			}}})
		}
		return v
	}
	for _, c := range []struct {
		members *p4v1.ValueSetEntry
		want    codes.Code
		errors  uint64 // parser errors of a packet that says 4 and has no tag
	}{
		{set(), codes.OK, 0},
		{set(8, 4), codes.OK, 1},
		{set(1, 2, 3, 4, 5), codes.ResourceExhausted, 2},
		{set(4, 4), codes.AlreadyExists, 3},
		{set(8), codes.OK, 3},
	} {
		before := state(t, s)
		_, err := s.apply(&p4v1.Update{Type: p4v1.Update_MODIFY, Entity: &p4v1.Entity{Entity: &p4v1.Entity_ValueSetEntry{ValueSetEntry: c.members}}}, noUndo)
		if entity.CodeOf(err) != c.want {
			t.Errorf("%v: %v, want %v", c.members, err, c.want)
		}
		want := &p4v1.ReadResponse{Entities: []*p4v1.Entity{{Entity: &p4v1.Entity_ValueSetEntry{ValueSetEntry: c.members}}}}
		if c.want != codes.OK {
			want = before
		}
		if got := state(t, s); !proto.Equal(got, want) {
			t.Errorf("%v: read %v, want %v", c.members, got, want)
		}
		sw.Receive(0, 9, []byte{0, 4, 0, 0})
		if got := sw.Stats().ParserErrors; got != c.errors {
			t.Errorf("%v: %d parser errors, want %d", c.members, got, c.errors)
		}
	}
}

// randomEntry makes a well-formed entry with canonical values; nil if no action of
// the table may be in one. Selectors are programmed by one-shots.
func randomEntry(rng *rand.Rand, info *p4configv1.P4Info, tab *entity.Table) *p4v1.Entity {
	value := func(width int) []byte { // below 2^min(width,8)
		return []byte{byte(rng.IntN(1 << min(width, 8)))}
	}
	te := &p4v1.TableEntry{TableId: tab.ID}
	for _, f := range tab.Fields {
		m := &p4v1.FieldMatch{FieldId: f.ID}
		v := value(f.Width)
		switch f.Match {
		case p4configv1.MatchField_EXACT:
			m.FieldMatchType = &p4v1.FieldMatch_Exact_{Exact: &p4v1.FieldMatch_Exact{Value: v}}
		case p4configv1.MatchField_LPM:
			m.FieldMatchType = &p4v1.FieldMatch_Lpm{Lpm: &p4v1.FieldMatch_LPM{Value: v, PrefixLen: int32(f.Width)}}
		case p4configv1.MatchField_TERNARY:
			te.Priority = int32(1 + rng.IntN(100))
			if v[0] == 0 {
				continue
			}
			m.FieldMatchType = &p4v1.FieldMatch_Ternary_{Ternary: &p4v1.FieldMatch_Ternary{Value: v, Mask: v}}
		case p4configv1.MatchField_OPTIONAL:
			te.Priority = int32(1 + rng.IntN(100))
			m.FieldMatchType = &p4v1.FieldMatch_Optional_{Optional: &p4v1.FieldMatch_Optional{Value: v}}
		case p4configv1.MatchField_RANGE:
			te.Priority = int32(1 + rng.IntN(100))
			if v[0] == 0 {
				continue
			}
			m.FieldMatchType = &p4v1.FieldMatch_Range_{Range: &p4v1.FieldMatch_Range{Low: v, High: v}}
		}
		te.Match = append(te.Match, m)
	}
	for _, f := range tab.Fields {
		if te.Priority == 0 && (f.Match == p4configv1.MatchField_TERNARY || f.Match == p4configv1.MatchField_RANGE) {
			te.Priority = 1
		}
	}
	var action *p4v1.Action
	for _, x := range info.GetTables() {
		if x.GetPreamble().GetId() != tab.ID {
			continue
		}
		refs := x.GetActionRefs()
		for _, i := range rng.Perm(len(refs)) {
			if refs[i].GetScope() == p4configv1.ActionRef_DEFAULT_ONLY {
				continue
			}
			action = &p4v1.Action{ActionId: refs[i].GetId()}
			for _, a := range info.GetActions() {
				if a.GetPreamble().GetId() == action.ActionId {
					for _, p := range a.GetParams() {
						action.Params = append(action.Params, &p4v1.Action_Param{ParamId: p.GetId(), Value: value(int(p.GetBitwidth()))})
					}
				}
			}
			break
		}
	}
	switch {
	case action == nil || tab.Profile != nil && !tab.Profile.Selector:
		return nil
	case tab.Profile != nil:
		te.Action = &p4v1.TableAction{Type: &p4v1.TableAction_ActionProfileActionSet{ActionProfileActionSet: &p4v1.ActionProfileActionSet{
			ActionProfileActions: []*p4v1.ActionProfileAction{{Action: action, Weight: 2}, {Action: action, Weight: 1}},
		}}}
	default:
		te.Action = &p4v1.TableAction{Type: &p4v1.TableAction_Action{Action: action}}
	}
	return &p4v1.Entity{Entity: &p4v1.Entity_TableEntry{TableEntry: te}}
}

// One route in and out again, as a client would write it, without the gRPC around it.
func BenchmarkApply(b *testing.B) {
	s := engineStore(b, p4src.Fabric.P4Info, p4src.Fabric.JSON)
	var routes *entity.Table
	for _, t := range s.schema.Tables {
		if t.Name == "routes" {
			routes = t
		}
	}
	e := randomEntry(rand.New(rand.NewPCG(1, 1)), s.schema.Info(), routes)
	b.ReportAllocs()
	for b.Loop() {
		for _, op := range []p4v1.Update_Type{p4v1.Update_INSERT, p4v1.Update_DELETE} {
			if _, err := s.apply(&p4v1.Update{Type: op, Entity: e}, noUndo); err != nil {
				b.Fatal(err)
			}
		}
	}
}
