package p4rt_test

import (
	"fmt"
	"strings"
	"testing"

	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/telltale-net/telltale/bmv2/p4rt"
	"github.com/telltale-net/telltale/bmv2/p4rt/p4rttest"
)

const everything = `entities { table_entry { counter_data {} meter_config {} } } entities { action_profile_member {} } entities { action_profile_group {} }
	entities { meter_entry {} } entities { counter_entry {} } entities { register_entry {} } entities { value_set_entry {} } entities { digest_entry {} } entities { table_entry { table_id: 0x02000004 is_default_action: true } }
	entities { packet_replication_engine_entry { clone_session_entry {} } } entities { packet_replication_engine_entry { multicast_group_entry {} } }`

// CONTINUE_ON_ERROR attempts every update, and reports one error per update in
// their order ("Batch Atomicity", "Error Reporting").
func TestContinueOnError(t *testing.T) {
	r := ready(t)
	got := r.write(upd(routeIn("INSERT"), routeIn("INSERT"), tiny(1), tiny(1), tiny(2)))
	if s := fmt.Sprint(got); s != "[OK AlreadyExists OK AlreadyExists OK]" {
		t.Errorf("got %s", s)
	}
	if st := r.srv.Stats(); st.Updates != 5 || st.UpdatesFailed != 2 || st.Writes != 1 {
		t.Errorf("stats %+v", st)
	}
}

// ROLLBACK_ON_ERROR and DATAPLANE_ATOMIC leave the state as it was, whatever came
// before the failure; the latter also counters and registers.
func TestRollback(t *testing.T) {
	t.Run("rollback", func(t *testing.T) { rollbacks(t, p4v1.WriteRequest_ROLLBACK_ON_ERROR) })
	t.Run("atomic", func(t *testing.T) {
		rollbacks(t, p4v1.WriteRequest_DATAPLANE_ATOMIC,
			`type: MODIFY entity { counter_entry { counter_id: 0x12000001 data { packet_count: 5 } } }`,
			`type: MODIFY entity { counter_entry { counter_id: 0x12000001 index { index: 2 } data { byte_count: 6 } } }`,
			reg("MODIFY", `data { bitstring: "\001" }`), reg("MODIFY", `index { index: 1 } data { bitstring: "\002" }`),
			route("INSERT", `match { field_id: 1 lpm { value: "\014\000\000\000" prefix_len: 8 } } counter_data { packet_count: 1 } `+actDrop),
			route("MODIFY", `match { field_id: 1 lpm { value: "\014\000\000\000" prefix_len: 8 } } counter_data { packet_count: 2 } `+actPunt),
			`type: MODIFY entity { direct_counter_entry { table_entry { table_id: 0x02000001 match { field_id: 1 lpm { value: "\014\000\000\000" prefix_len: 8 } } } data { packet_count: 3 } } }`,
		)
	})
}

func rollbacks(t *testing.T, mode p4v1.WriteRequest_Atomicity, more ...string) {
	before := []string{
		routeIn("INSERT") + "#", acl("INSERT", 1, "", actPunt+`meter_config { cir: 1 pir: 2 } metadata: "m"`), mem2(1),
		nexthop("INSERT", shot(1, 2)), settled(0x02000004, fwd(`\003`)+`metadata: "d"`), clone("INSERT", 100, "replicas { egress_port: 1 }"),
		mc("INSERT", 3, "replicas { egress_port: 2 }"), digest("INSERT"),
		`type: MODIFY entity { meter_entry { meter_id: 0x14000001 index { index: 1 } config { cir: 1 cburst: 2 pir: 3 pburst: 4 } } }`,
	}
	before[0] = strings.TrimSuffix(before[0], "#")
	batch := []string{
		routeIn("DELETE"), route("INSERT", actPunt), route("MODIFY", actDrop+`metadata: "n"`),
		acl("MODIFY", 1, "", fwd(`\001`)), acl("INSERT", 2, "", actPunt), nexthop("MODIFY", shot(4)), nexthop2(shot(1)), nexthop("DELETE", ""),
		settled(0x02000004, ""), mc("MODIFY", 3, ""), mc("DELETE", 3, ""), mc("INSERT", 4, ""),
		clone("MODIFY", 100, ""), clone("DELETE", 100, ""), clone("INSERT", 101, ""),
		`type: MODIFY entity { action_profile_member { action_profile_id: 0x11000002 member_id: 1 action { action_id: 0x01000001 params { param_id: 1 value: "\007" } params { param_id: 2 value: "\007" } } } }`,
		profiled(`action { action_profile_member_id: 1 }`), mem2(2),
		`type: MODIFY entity { meter_entry { meter_id: 0x14000001 } }`,
		`type: MODIFY entity { direct_meter_entry { table_entry { table_id: 0x02000002 priority: 1 ` + vni + ` } } }`,
		`type: MODIFY entity { digest_entry { digest_id: 0x17000001 config { max_list_size: 9 } } }`, digest("DELETE"), vset(`"\001"`),
	}
	batch = append(more, batch...)
	fails := tiny(0) // fine by itself
	for n := 0; n <= len(batch); n++ {
		r := ready(t)
		r.must(upd(before...))
		was, err := r.read(everything)
		if err != nil {
			t.Fatal(err)
		}
		us := append(append([]string{}, batch[:n]...), `type: DELETE entity { table_entry { table_id: 0x02000007 match { field_id: 1 exact { value: "\011" } } } }`, fails)
		cs, says := r.writeAs(upd(us...), mode)
		for i, c := range cs {
			want := codes.Aborted
			if i == n {
				want = codes.NotFound
			}
			if c != want {
				t.Fatalf("%d updates before the failure: update %d (%s): %v (%s), want %v", n, i, us[i], c, says[i], want)
			}
		}
		is, err := r.read(everything)
		if err != nil || !proto.Equal(&p4v1.ReadResponse{Entities: was}, &p4v1.ReadResponse{Entities: is}) {
			t.Fatalf("%d updates taken back, the last being %s: %v\n%v\nwant\n%v", n, us[max(n-1, 0)], err, is, was)
		}
	}
	r := ready(t)
	r.must(upd(before...))
	if cs, says := r.writeAs(upd(batch...), mode); strings.Trim(fmt.Sprint(cs), "[OK ]") != "" {
		t.Errorf("the whole batch: %v %q", cs, says)
	}
}

func TestAtomicityRefusals(t *testing.T) {
	write := func(r *rig, mode p4v1.WriteRequest_Atomicity, us string) error {
		req := text(t, &p4v1.WriteRequest{}, us)
		req.DeviceId, req.ElectionId, req.Atomicity = deviceID, &p4v1.Uint128{Low: 1}, mode
		_, err := r.stub.Write(r.ctx, req)
		return err
	}
	r := newRig(t, p4rt.Limits{AtomicCells: 3})
	r.primary()
	if err := r.setPipeline(push, config(p4rttest.Info(), 1)); err != nil {
		t.Fatal(err)
	}
	for us, want := range map[string]codes.Code{
		upd(routeIn("INSERT"), tiny(1), tiny(2), mem2(1), mem2(2)):                                                                          codes.OK,            // none
		upd(`type: MODIFY entity { counter_entry { counter_id: 0x12000001 data {} } }`):                                                     codes.Unimplemented, // 4
		upd(reg("MODIFY", `data { bitstring: "\001" }`)):                                                                                    codes.OK,            // 3
		upd(reg("MODIFY", `data { bitstring: "\001" }`), `type: MODIFY entity { meter_entry { meter_id: 0x14000001 index { index: 1 } } }`): codes.Unimplemented, // 4
		upd(reg("MODIFY", `data { bitstring: "\001" }`), route("MODIFY", net10+`counter_data { packet_count: 1 }`)):                         codes.Unimplemented, // 4
		upd(`type: MODIFY entity { counter_entry { counter_id: 0x12000001 index { index: 1 } data {} } }`):                                  codes.OK,
	} {
		err := write(r, p4v1.WriteRequest_DATAPLANE_ATOMIC, us)
		if status.Code(err) != want || len(status.Convert(err).Details()) != 0 {
			t.Errorf("DATAPLANE_ATOMIC, at most 3 cells, of %s: %v, want %v for the whole RPC", us, err, want)
		}
	}
	if err := write(r, 9, ""); status.Code(err) != codes.InvalidArgument {
		t.Errorf("atomicity 9: %v", err)
	}
	for _, u := range []string{
		route("MODIFY", net10+`counter_data { packet_count: 1 }`),
		`type: MODIFY entity { counter_entry { counter_id: 0x12000001 data {} } }`,
		`type: MODIFY entity { direct_counter_entry { table_entry { table_id: 0x02000001 ` + net10 + ` } data {} } }`,
		reg("MODIFY", `data { bitstring: "\001" }`),
	} {
		if cs, _ := r.writeAs(upd(u), p4v1.WriteRequest_ROLLBACK_ON_ERROR); cs[0] != codes.Unimplemented {
			t.Errorf("ROLLBACK_ON_ERROR of %s: %v, want UNIMPLEMENTED", u, cs[0])
		}
	}
}
