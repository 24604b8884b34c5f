package p4rt_test

import (
	"errors"
	"fmt"
	"os/exec"
	"testing"

	"github.com/antoninbas/p4runtime-go-client/pkg/client"
	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"
	"google.golang.org/grpc/codes"

	"github.com/telltale-net/telltale/bmv2/simpleswitch"
	"github.com/telltale-net/telltale/controlplane/p4rt"
	"github.com/telltale-net/telltale/p4src"
)

// The real simple_switch_grpc takes a pipeline of today's p4c, a desired state of
// every kind that it can hold, finds nothing to do the second time, and gives it
// all back; a refused update is reported with its index.
func TestRealSwitch(t *testing.T) {
	path, err := simpleswitch.Find()
	if errors.Is(err, exec.ErrNotFound) {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
	ctx := testContext(t)
	proc, err := simpleswitch.Start(ctx, simpleswitch.Config{Path: path, DeviceID: 3, CPUPort: 510})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := proc.Stop(); err != nil {
			t.Error(err)
		}
	})
	p, err := p4rt.Dial(proc.Addr(), nil, p4rt.Config{DeviceID: 3, Election: p4rt.Election{Low: 1}})
	if err != nil {
		t.Fatal(err)
	}
	run(t, ctx, p)
	if err := p.WaitPrimary(ctx); err != nil {
		t.Fatal(err)
	}
	if v, err := p.Capabilities(ctx); err != nil || v != "1.3.0" {
		t.Errorf("capabilities %q, %v", v, err)
	}
	if err := p.PushPipeline(ctx, p4rt.Pipeline{P4Info: p4src.VSwitch.P4Info, DeviceConfig: p4src.VSwitch.JSON, Cookie: 5}); err != nil {
		t.Fatal(err)
	}
	if _, cookie, err := p.Pipeline(ctx); err != nil || cookie != 5 {
		t.Errorf("cookie %d, %v", cookie, err)
	}
	b, err := p.Builder(ctx)
	if err != nil {
		t.Fatal(err)
	}
	mac := []byte{2, 0, 0, 0, 0, 1}
	table := func(e *p4v1.TableEntry) *p4v1.Entity {
		return &p4v1.Entity{Entity: &p4v1.Entity_TableEntry{TableEntry: e}}
	}
	want := entities(t, `entities { packet_replication_engine_entry { clone_session_entry { session_id: 100 replicas { egress_port: 4 instance: 1 } } } }
		entities { packet_replication_engine_entry { multicast_group_entry { multicast_group_id: 2 replicas { egress_port: 4 instance: 1 } replicas { egress_port: 5 instance: 1 } } } }`)
	group := &p4v1.ActionProfileGroup{GroupId: 7, MaxSize: 8}
	for id := range uint32(3) {
		m := b.NewActionProfileMember("ecmp", id+1, "forward", [][]byte{{byte(id + 1)}, mac, mac})
		want = append(want, &p4v1.Entity{Entity: &p4v1.Entity_ActionProfileMember{ActionProfileMember: m}})
		group.ActionProfileId = m.ActionProfileId
		group.Members = append(group.Members, &p4v1.ActionProfileGroup_Member{MemberId: id + 1, Weight: 1})
	}
	want = append(want, &p4v1.Entity{Entity: &p4v1.Entity_ActionProfileGroup{ActionProfileGroup: group}},
		table(b.NewTableEntry("nexthops", map[string]client.MatchInterface{"nexthop_id": &client.ExactMatch{Value: []byte{1}}}, b.NewTableActionGroup(7), nil)),
		table(b.NewTableEntry("telemetry", nil, b.NewTableActionDirect("telemetry_config", [][]byte{{1}, {2}, {1}, {0}}), nil)),
		table(b.NewTableEntry("watch", map[string]client.MatchInterface{"vni": &client.TernaryMatch{Value: []byte{9}, Mask: []byte{0xff, 0xff, 0xff}}}, b.NewTableActionDirect("watch_flow", [][]byte{{1}}), &client.TableEntryOptions{Priority: 4})))
	for i := range byte(200) {
		want = append(want, table(b.NewTableEntry("routes", map[string]client.MatchInterface{"ipv4_dst": &client.LpmMatch{Value: []byte{10, i, 0, 0}, PLen: 16}}, b.NewTableActionDirect("set_nexthop", [][]byte{{1}}), nil)))
	}
	res, err := p.Apply(ctx, want)
	if err != nil {
		t.Fatalf("first: %+v, %v", res, err)
	}
	t.Logf("first: %+v", res)
	if res, err = p.Apply(ctx, want); err != nil || res.Inserted+res.Modified+res.Deleted != 0 {
		t.Errorf("second: %+v, %v", res, err)
	}
	// A wider member list, a changed default, an entry less.
	group.Members = group.Members[:2]
	if res, err = p.Apply(ctx, want[:len(want)-1]); err != nil || res.Modified != 1 || res.Deleted != 1 || res.Inserted != 0 {
		t.Errorf("third: %+v, %v", res, err)
	}
	var we *p4rt.WriteError
	err = p.Write(ctx, []*p4v1.Update{
		{Type: p4v1.Update_MODIFY, Entity: want[len(want)-2]},
		{Type: p4v1.Update_INSERT, Entity: want[len(want)-2]},
	})
	if !errors.As(err, &we) || len(we.Failed) != 1 || we.Failed[0].Index != 1 || we.Failed[0].Code != codes.AlreadyExists {
		t.Errorf("an entry twice: %v", err)
	}
	if res, err = p.Apply(ctx, nil); err != nil {
		t.Errorf("last: %+v, %v", res, err)
	}
	t.Logf("last: %+v", res)
	left, err := p.ReadAll(ctx, entities(t, `entities { table_entry {} } entities { action_profile_member {} } entities { action_profile_group {} }`)...)
	if err != nil || len(left) != 0 {
		t.Errorf("left: %d, %v, %v", len(left), fmt.Sprint(left)[:min(len(left), 300)], err)
	}
}
