package p4rt_test

import (
	"testing"

	p4configv1 "github.com/p4lang/p4runtime/go/p4/config/v1"
	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/telltale-net/telltale/bmv2/p4rt"
	"github.com/telltale-net/telltale/bmv2/p4rt/p4rttest"
)

// Fields of P4Runtime 1.5, as bytes: the stubs are older.
func varint(num protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(nil, num, protowire.VarintType), v)
}

func blob(num protowire.Number, b []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(nil, num, protowire.BytesType), b)
}

func with[M proto.Message](m M, unknown []byte) M {
	m.ProtoReflect().SetUnknown(unknown)
	return m
}

// writeOne sends one update and returns its code.
func (r *rig) writeOne(u *p4v1.Update) codes.Code {
	r.t.Helper()
	_, err := r.stub.Write(r.ctx, &p4v1.WriteRequest{DeviceId: deviceID, ElectionId: &p4v1.Uint128{Low: 1}, Updates: []*p4v1.Update{u}})
	if err == nil {
		return codes.OK
	}
	return detailCodes(r.t, err)[0]
}

// What clients of P4Runtime 1.5 write is understood or refused, never skipped.
func TestNewerFields(t *testing.T) {
	r := ready(t)
	update := func(u string) *p4v1.Update { return text(t, &p4v1.Update{}, u) }
	for _, c := range []struct {
		what   string
		update string
		bend   func(*p4v1.Entity)
		want   codes.Code
	}{
		{"is_const false", routeIn("INSERT"), func(e *p4v1.Entity) { with(e.GetTableEntry(), varint(13, 0)) }, codes.OK},
		{"is_const in a MODIFY", routeIn("MODIFY"), func(e *p4v1.Entity) { with(e.GetTableEntry(), varint(13, 1)) }, codes.InvalidArgument},
		{"is_const in a DELETE", routeIn("DELETE"), func(e *p4v1.Entity) { with(e.GetTableEntry(), varint(13, 1)) }, codes.InvalidArgument},
		{"DELETE ignores any other", routeIn("DELETE"), func(e *p4v1.Entity) { with(e.GetTableEntry(), varint(99, 1)) }, codes.OK},
		{"is_const in an INSERT", routeIn("INSERT"), func(e *p4v1.Entity) { with(e.GetTableEntry(), varint(13, 1)) }, codes.InvalidArgument},
		{"a field nobody knows", routeIn("INSERT"), func(e *p4v1.Entity) { with(e.GetTableEntry(), varint(99, 1)) }, codes.Unimplemented},
		{"eburst", `type: MODIFY entity { meter_entry { meter_id: 0x14000001 config { cir: 1 pir: 1 } } }`, func(e *p4v1.Entity) { with(e.GetMeterEntry().GetConfig(), varint(5, 7)) }, codes.InvalidArgument},
		{"action_selection_mode", nexthop("INSERT", shot(1)), func(e *p4v1.Entity) {
			with(e.GetTableEntry().GetAction().GetActionProfileActionSet(), varint(2, 1))
		}, codes.Unimplemented},
		{"size_semantics", nexthop("INSERT", shot(1)), func(e *p4v1.Entity) {
			with(e.GetTableEntry().GetAction().GetActionProfileActionSet(), varint(3, 2))
		}, codes.Unimplemented},
		{"backup_replicas", mc("INSERT", 1, `replicas { egress_port: 1 }`), func(e *p4v1.Entity) {
			with(e.GetPacketReplicationEngineEntry().GetMulticastGroupEntry().GetReplicas()[0], blob(4, nil))
		}, codes.Unimplemented},
		{"port beyond its type", mc("INSERT", 1, `replicas { }`), func(e *p4v1.Entity) {
			with(e.GetPacketReplicationEngineEntry().GetMulticastGroupEntry().GetReplicas()[0], blob(3, []byte{2, 0}))
		}, codes.InvalidArgument},
	} {
		u := update(c.update)
		c.bend(u.GetEntity())
		if got := r.writeOne(u); got != c.want {
			t.Errorf("%s: got %v, want %v", c.what, got, c.want)
		}
	}
}

// Metadata of groups and ports given as bytes are read as they were written,
// canonical; a MODIFY replaces them and a DELETE forgets them.
func TestReplicationAsWritten(t *testing.T) {
	r := ready(t)
	group := func(port []byte, metadata string) *p4v1.Entity {
		u := text(t, &p4v1.Update{}, mc("INSERT", 3, `replicas { instance: 1 } replicas { egress_port: 5 instance: 2 }`))
		g := u.GetEntity().GetPacketReplicationEngineEntry().GetMulticastGroupEntry()
		with(g.GetReplicas()[0], blob(3, port))
		with(g, blob(3, []byte(metadata)))
		return u.GetEntity()
	}
	session := func(port []byte) *p4v1.Entity {
		u := text(t, &p4v1.Update{}, clone("INSERT", 9, `replicas { }`))
		with(u.GetEntity().GetPacketReplicationEngineEntry().GetCloneSessionEntry().GetReplicas()[0], blob(3, port))
		return u.GetEntity()
	}
	const all = `entities { packet_replication_engine_entry { multicast_group_entry { } } } entities { packet_replication_engine_entry { clone_session_entry { } } }`
	is := func(what string, want ...*p4v1.Entity) {
		t.Helper()
		got, err := r.read(all)
		if err != nil || !proto.Equal(&p4v1.ReadResponse{Entities: got}, &p4v1.ReadResponse{Entities: want}) {
			t.Errorf("%s: read %v, %v; want %v", what, got, err, want)
		}
	}
	for _, e := range []*p4v1.Entity{group([]byte{0, 7}, "a"), session([]byte{0, 0, 8})} {
		if c := r.writeOne(&p4v1.Update{Type: p4v1.Update_INSERT, Entity: e}); c != codes.OK {
			t.Fatal(c)
		}
	}
	is("written", group([]byte{7}, "a"), session([]byte{8}))
	if gs := r.dev.MulticastGroups(); gs[0].Replicas[0].Port != 7 || gs[0].Replicas[1].Port != 5 {
		t.Errorf("the device has %v", gs)
	}
	if err := r.setPipeline(reapply, config(p4rttest.Info(), 7)); err != nil {
		t.Fatal(err)
	}
	is("reconciled", group([]byte{7}, "a"), session([]byte{8}))
	if cs, _ := r.writeAs(upd(mc("MODIFY", 3, ""), clone("DELETE", 9, ""), tiny(0), tiny(0)), p4v1.WriteRequest_ROLLBACK_ON_ERROR); cs[3] != codes.AlreadyExists {
		t.Fatal(cs)
	}
	is("taken back", group([]byte{7}, "a"), session([]byte{8}))
	zero := group([]byte{0, 0}, "z")
	if c := r.writeOne(&p4v1.Update{Type: p4v1.Update_MODIFY, Entity: zero}); c != codes.OK || r.dev.MulticastGroups()[0].Replicas[0].Port != 0 {
		t.Errorf("port 0 as bytes: %v, the device has %v", c, r.dev.MulticastGroups())
	}
	is("port 0", group([]byte{0}, "z"), session([]byte{8}))
	r.must(upd(mc("MODIFY", 3, ""), clone("DELETE", 9, "")))
	is("modified", text(t, &p4v1.Update{}, mc("MODIFY", 3, "")).GetEntity())
}

// Entries of the program are read with is_const, in const tables and others.
func TestConstEntries(t *testing.T) {
	r := ready(t)
	r.dev.Declare("fixed", constEntry(9))
	r.dev.Declare("tiny", constEntry(3))
	r.must(upd(tiny(1)))
	got, err := r.read(`entities { table_entry { } }`)
	if err != nil || len(got) != 3 {
		t.Fatalf("%v, %v", got, err)
	}
	for _, e := range got {
		te := e.GetTableEntry()
		declared := te.GetMatch()[0].GetExact().GetValue()[0] != 1
		if is := string(te.ProtoReflect().GetUnknown()) == string(varint(13, 1)); is != declared {
			t.Errorf("%v: is_const %v", te, is)
		}
		if te.GetAction().GetAction() == nil || te.GetTableId() == 0 {
			t.Errorf("%v is not whole", te)
		}
	}
	// The default of a const table may change if it is not const itself.
	info := p4rttest.Info()
	info.Tables[4].ConstDefaultActionId = 0
	if err := r.setPipeline(push, config(info, 1)); err != nil {
		t.Fatal(err)
	}
	r.must(upd(settled(0x02000005, fwd(`\001`))))
}

// What a program of P4Runtime 1.5 asks for and the model has not is refused.
func TestNewerPrograms(t *testing.T) {
	r := newRig(t, p4rt.Limits{})
	r.primary()
	for _, c := range []struct {
		what string
		bend func(*p4configv1.P4Info)
		want codes.Code
	}{
		{"sum_of_weights", func(i *p4configv1.P4Info) { with(i.ActionProfiles[0], blob(6, nil)) }, codes.OK},
		{"sum_of_members", func(i *p4configv1.P4Info) { with(i.ActionProfiles[0], blob(7, nil)) }, codes.InvalidArgument},
		{"weights_disallowed", func(i *p4configv1.P4Info) { with(i.ActionProfiles[0], varint(8, 1)) }, codes.InvalidArgument},
		{"single rate three color", func(i *p4configv1.P4Info) { with(i.Meters[0].Spec, varint(2, 1)) }, codes.InvalidArgument},
		{"direct, single rate three color", func(i *p4configv1.P4Info) { with(i.DirectMeters[0].Spec, varint(2, 1)) }, codes.InvalidArgument},
		{"65535 multicast groups", func(i *p4configv1.P4Info) { with(i.PkgInfo, blob(11, varint(1, 65535))) }, codes.OK},
		{"65536 multicast groups", func(i *p4configv1.P4Info) { with(i.PkgInfo, blob(11, varint(1, 65536))) }, codes.InvalidArgument},
		{"malformed properties", func(i *p4configv1.P4Info) { with(i.PkgInfo, blob(11, []byte{0xff})) }, codes.InvalidArgument},
	} {
		cfg := config(p4rttest.Info(), 0)
		c.bend(cfg.P4Info)
		if err := r.setPipeline(verify, cfg); status.Code(err) != c.want {
			t.Errorf("%s: %v, want %v", c.what, err, c.want)
		}
	}
	// An action for whole groups only is for no entry.
	cfg := config(p4rttest.Info(), 0)
	cfg.P4Info.Tables[6].ActionRefs[1].Scope = 3
	// A single rate two color meter takes one rate.
	with(cfg.P4Info.Meters[0].Spec, varint(2, 2))
	with(cfg.P4Info.DirectMeters[0].Spec, varint(2, 2))
	if err := r.setPipeline(push, cfg); err != nil {
		t.Fatal(err)
	}
	const meter = `type: MODIFY entity { meter_entry { meter_id: 0x14000001 config { cir: 1 cburst: 2 `
	cs := r.write(upd(tiny(1), meter+`pir: 1 pburst: 2 } } }`, meter+`pir: 2 pburst: 2 } } }`, meter+`pir: 1 pburst: 3 } } }`,
		acl("INSERT", 1, "", actPunt+`meter_config { cir: 1 pir: 2 }`)))
	want := []codes.Code{codes.PermissionDenied, codes.OK, codes.InvalidArgument, codes.InvalidArgument, codes.InvalidArgument}
	for i := range want {
		if cs[i] != want[i] {
			t.Errorf("update %d: %v, want %v", i, cs[i], want[i])
		}
	}
}

func TestCapabilities(t *testing.T) {
	r := newRig(t, p4rt.Limits{})
	for device, want := range map[uint64]codes.Code{0: codes.OK, deviceID: codes.OK, 8: codes.NotFound} {
		c, err := r.stub.Capabilities(r.ctx, with(&p4v1.CapabilitiesRequest{}, varint(1, device)))
		if status.Code(err) != want || err == nil && c.GetP4RuntimeApiVersion() != "1.4.0-rc.5" {
			t.Errorf("device %d: %v, %v; want %v", device, c, err, want)
		}
	}
}
