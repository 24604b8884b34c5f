package p4rt

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
)

var update = flag.Bool("update", false, "write the golden files anew")

func parse(t testing.TB, s string) []*p4v1.Entity {
	t.Helper()
	var r p4v1.ReadResponse
	if err := prototext.Unmarshal([]byte(s), &r); err != nil {
		t.Fatalf("%v in %s", err, s)
	}
	return r.GetEntities()
}

func member(id, arg int) string {
	return fmt.Sprintf(`entities { action_profile_member { action_profile_id: 1 member_id: %d action { action_id: 1 params { param_id: 1 value: "\00%d" } } } } `, id, arg)
}

func group(id int, members ...int) string {
	var b strings.Builder
	for _, m := range members {
		fmt.Fprintf(&b, "members { member_id: %d weight: 1 } ", m)
	}
	return fmt.Sprintf(`entities { action_profile_group { action_profile_id: 1 group_id: %d %s } } `, id, b.String())
}

func toGroup(key, group int) string {
	return fmt.Sprintf(`entities { table_entry { table_id: 3 match { field_id: 1 exact { value: "\00%d" } } action { action_profile_group_id: %d } } } `, key, group)
}

func setting(arg int) string {
	return fmt.Sprintf(`entities { table_entry { table_id: 4 is_default_action: true action { action { action_id: 1 params { param_id: 1 value: "\00%d" } } } } } `, arg)
}

func session(id, port int) string {
	return fmt.Sprintf(`entities { packet_replication_engine_entry { clone_session_entry { session_id: %d replicas { egress_port: %d } } } } `, id, port)
}

// The plans, for people to read.
func TestDiffGolden(t *testing.T) {
	for _, c := range []struct{ name, have, want string }{
		{"build", "", toGroup(1, 1) + setting(1) + session(100, 1) + group(1, 1, 2) + member(1, 1) + member(2, 2)},
		{"teardown", member(1, 1) + group(1, 1) + toGroup(1, 1) + setting(1) + session(100, 1), ""},
		{"change", member(1, 1) + member(2, 2) + group(1, 1, 2) + toGroup(1, 1) + toGroup(2, 1) + setting(1), member(1, 3) + member(3, 3) + group(2, 3) + group(1, 1) + toGroup(1, 2) + toGroup(3, 1) + setting(2)},
		{"same", member(1, 1) + group(1, 1) + toGroup(1, 1), toGroup(1, 1) + group(1, 1) + member(1, 1)},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := Diff(parse(t, c.have), parse(t, c.want))
			if err != nil {
				t.Fatal(err)
			}
			var b strings.Builder
			fmt.Fprintf(&b, "unchanged %d\n", p.Unchanged)
			for i, ph := range p.Phases {
				for _, u := range ph {
					fmt.Fprintf(&b, "phase %d: %v %s\n", i+1, u.GetType(), Describe(u.GetEntity(), nil))
				}
			}
			path := filepath.Join("testdata", c.name+".golden")
			if *update {
				if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if b.String() != string(want) {
				t.Errorf("got\n%swant\n%s", b.String(), want)
			}
		})
	}
}

// Padding, the order of fields and what is no state make no difference.
func TestDiffIgnores(t *testing.T) {
	have := `entities { table_entry { table_id: 2 priority: 1 match { field_id: 1 exact { value: "\005" } } match { field_id: 2 ternary { value: "\001" mask: "\377" } }
		action { action { action_id: 1 params { param_id: 1 value: "\001" } params { param_id: 2 value: "\000" } } } counter_data { packet_count: 9 } time_since_last_hit { elapsed_ns: 1 } } }
		entities { packet_replication_engine_entry { multicast_group_entry { multicast_group_id: 1 replicas { egress_port: 1 } replicas { egress_port: 2 } } } }`
	want := `entities { table_entry { table_id: 2 priority: 1 match { field_id: 2 ternary { value: "\000\001" mask: "\000\377" } } match { field_id: 1 exact { value: "\000\005" } }
		action { action { action_id: 1 params { param_id: 2 value: "\000\000" } params { param_id: 1 value: "\000\001" } } } } }
		entities { packet_replication_engine_entry { multicast_group_entry { multicast_group_id: 1 replicas { egress_port: 2 } replicas { egress_port: 1 } } } }`
	p, err := Diff(parse(t, have), parse(t, want))
	if err != nil || p.Updates() != 0 || p.Unchanged != 2 {
		t.Errorf("plan %v, %v", p, err)
	}
}

func TestDiffErrors(t *testing.T) {
	for _, c := range []struct{ what, have, want, says string }{
		{"twice", "", setting(1) + setting(2), "entity 1"},
		{"a counter", "", `entities { counter_entry { counter_id: 7 } }`, "counter 7"},
		{"a register", "", `entities { register_entry { register_id: 7 } }`, "register 7"},
		{"all meters", "", `entities { meter_entry { meter_id: 7 } }`, "index"},
		{"nothing", "", `entities { }`, "nothing"},
		{"max_size", `entities { action_profile_group { action_profile_id: 1 group_id: 2 max_size: 3 } }`, `entities { action_profile_group { action_profile_id: 1 group_id: 2 max_size: 4 } }`, "max_size is 3"},
		{"strange match", "", `entities { table_entry { table_id: 1 match { field_id: 2 } } }`, "field 2"},
	} {
		if _, err := Diff(parse(t, c.have), parse(t, c.want)); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want it to say %q", c.what, err, c.says)
		}
	}
}

// model is a switch of which only identities and references matter. It refuses
// what a real one would: references to nothing, and removal of what is referred to.
type model map[identity]*p4v1.Entity

func (m model) refs(e *p4v1.Entity) []identity {
	var out []identity
	switch {
	case e.GetActionProfileGroup() != nil:
		for _, x := range e.GetActionProfileGroup().GetMembers() {
			id, _ := identify(&p4v1.Entity{Entity: &p4v1.Entity_ActionProfileMember{ActionProfileMember: &p4v1.ActionProfileMember{ActionProfileId: 1, MemberId: x.GetMemberId()}}})
			out = append(out, id)
		}
	case e.GetTableEntry().GetAction().GetActionProfileGroupId() != 0:
		id, _ := identify(&p4v1.Entity{Entity: &p4v1.Entity_ActionProfileGroup{ActionProfileGroup: &p4v1.ActionProfileGroup{ActionProfileId: 1, GroupId: e.GetTableEntry().GetAction().GetActionProfileGroupId()}}})
		out = append(out, id)
	}
	return out
}

func (m model) apply(u *p4v1.Update) error {
	id, err := identify(u.GetEntity())
	if err != nil {
		return err
	}
	_, there := m[id]
	switch u.GetType() {
	case p4v1.Update_INSERT:
		if there {
			return fmt.Errorf("exists")
		}
	case p4v1.Update_MODIFY, p4v1.Update_DELETE:
		if !there {
			return fmt.Errorf("not there")
		}
	}
	if u.GetType() == p4v1.Update_DELETE {
		for _, e := range m {
			for _, r := range m.refs(e) {
				if r == id {
					return fmt.Errorf("in use by %s", Describe(e, nil))
				}
			}
		}
		delete(m, id)
		return nil
	}
	for _, r := range m.refs(u.GetEntity()) {
		if _, ok := m[r]; !ok {
			return fmt.Errorf("refers to nothing")
		}
	}
	m[id] = u.GetEntity()
	return nil
}

// random is a state whose references hold.
func random(rng *rand.Rand, t testing.TB) []*p4v1.Entity {
	var b strings.Builder
	var members, groups []int
	for id := 1; id <= 5; id++ {
		if rng.IntN(2) == 0 {
			b.WriteString(member(id, rng.IntN(3)))
			members = append(members, id)
		}
	}
	for id := 1; id <= 4; id++ {
		if rng.IntN(2) == 0 {
			var in []int
			for _, m := range members {
				if rng.IntN(2) == 0 {
					in = append(in, m)
				}
			}
			b.WriteString(group(id, in...))
			groups = append(groups, id)
		}
	}
	for key := range 6 {
		if len(groups) > 0 && rng.IntN(2) == 0 {
			b.WriteString(toGroup(key, groups[rng.IntN(len(groups))]))
		}
	}
	b.WriteString(setting(rng.IntN(3)))
	if rng.IntN(2) == 0 {
		b.WriteString(session(100, rng.IntN(2)))
	}
	es := parse(t, b.String())
	rng.Shuffle(len(es), func(i, j int) { es[i], es[j] = es[j], es[i] })
	return es
}

// Applying diff(a, b) to a gives b, whatever the order within a phase, without a
// step that a switch would refuse; and there is nothing left to do then.
func TestDiffProperty(t *testing.T) {
	for seed := range uint64(400) {
		rng := rand.New(rand.NewPCG(seed, 7))
		a, b := random(rng, t), random(rng, t)
		m := model{}
		for _, e := range a {
			id, err := identify(e)
			if err != nil {
				t.Fatal(err)
			}
			m[id] = e
		}
		p, err := Diff(a, b)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		for i, ph := range p.Phases {
			rng.Shuffle(len(ph), func(x, y int) { ph[x], ph[y] = ph[y], ph[x] })
			for _, u := range ph {
				if err := m.apply(u); err != nil {
					t.Fatalf("seed %d, phase %d: %v %s: %v", seed, i+1, u.GetType(), Describe(u.GetEntity(), nil), err)
				}
			}
		}
		if len(m) != len(b) {
			t.Fatalf("seed %d: %d entities, want %d", seed, len(m), len(b))
		}
		for _, e := range b {
			id, _ := identify(e)
			if !proto.Equal(m[id], e) {
				t.Fatalf("seed %d: %v, want %v", seed, m[id], e)
			}
		}
		var now []*p4v1.Entity
		for _, e := range m {
			now = append(now, e)
		}
		if again, err := Diff(now, b); err != nil || again.Updates() != 0 || again.Unchanged != len(b) {
			t.Fatalf("seed %d: a second time: %v, %v", seed, again, err)
		}
	}
}

func TestBatchEnd(t *testing.T) {
	us := make([]*p4v1.Update, 10)
	for i, e := range parse(t, strings.Repeat(setting(1), 10)) {
		us[i] = &p4v1.Update{Type: p4v1.Update_MODIFY, Entity: e}
	}
	one := proto.Size(us[0]) + 4
	for _, c := range []struct{ from, count, size, want int }{
		{0, 3, 1 << 20, 3}, {9, 3, 1 << 20, 10}, {0, 100, 1, 1}, {0, 100, one, 1}, {0, 100, 2*one + 1, 2}, {2, 100, 1 << 20, 10},
	} {
		if got := batchEnd(us, c.from, c.count, c.size); got != c.want {
			t.Errorf("from %d with %d updates or %d bytes: to %d, want %d", c.from, c.count, c.size, got, c.want)
		}
	}
}

// What the switch marks const (P4Runtime 1.5) is neither deleted nor written again.
func TestConstEntries(t *testing.T) {
	mark := func(es []*p4v1.Entity) []*p4v1.Entity {
		for _, e := range es {
			e.GetTableEntry().ProtoReflect().SetUnknown([]byte{13 << 3, 1})
		}
		return es
	}
	p, err := Diff(append(mark(parse(t, toGroup(1, 1)+toGroup(2, 1))), parse(t, toGroup(3, 1))...), parse(t, toGroup(1, 1)))
	if err != nil || p.Immutable != 1 || p.Unchanged != 1 || p.Updates() != 1 || len(p.Phases[3]) != 1 {
		t.Errorf("%+v, %v; want one left alone, one unchanged, one deleted", p, err)
	}
}
