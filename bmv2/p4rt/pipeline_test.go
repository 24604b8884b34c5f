package p4rt_test

import (
	"strings"
	"testing"

	p4configv1 "github.com/p4lang/p4runtime/go/p4/config/v1"
	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/telltale-net/telltale/bmv2/p4rt"
	"github.com/telltale-net/telltale/bmv2/p4rt/p4rttest"
)

const (
	verify  = p4v1.SetForwardingPipelineConfigRequest_VERIFY
	save    = p4v1.SetForwardingPipelineConfigRequest_VERIFY_AND_SAVE
	commit  = p4v1.SetForwardingPipelineConfigRequest_COMMIT
	push    = p4v1.SetForwardingPipelineConfigRequest_VERIFY_AND_COMMIT
	reapply = p4v1.SetForwardingPipelineConfigRequest_RECONCILE_AND_COMMIT
)

func TestPipelineActions(t *testing.T) {
	r := newRig(t, p4rt.Limits{})
	r.primary()
	info := p4rttest.Info()
	for _, c := range []struct {
		what   string
		action p4v1.SetForwardingPipelineConfigRequest_Action
		config *p4v1.ForwardingPipelineConfig
		want   codes.Code
		cookie uint64 // in force afterwards, 0 = no pipeline
	}{
		{"unspecified", 0, config(info, 1), codes.InvalidArgument, 0},
		{"verify nothing", verify, nil, codes.InvalidArgument, 0},
		{"verify", verify, config(info, 1), codes.OK, 0},
		{"commit without a saved config", commit, nil, codes.NotFound, 0},
		{"save nothing", save, nil, codes.InvalidArgument, 0},
		{"commit nothing", push, nil, codes.InvalidArgument, 0},
		{"reconcile nothing", reapply, nil, codes.InvalidArgument, 0},
		{"save", save, config(info, 2), codes.OK, 2},
		{"commit with a config", commit, config(info, 3), codes.InvalidArgument, 2},
		{"commit", commit, nil, codes.OK, 2},
		{"commit again", commit, nil, codes.NotFound, 2},
		{"push", push, config(info, 4), codes.OK, 4},
		{"push rubbish", push, &p4v1.ForwardingPipelineConfig{P4Info: info, P4DeviceConfig: []byte("{")}, codes.InvalidArgument, 4},
	} {
		if err := r.setPipeline(c.action, c.config); status.Code(err) != c.want {
			t.Errorf("%s: %v, want %v", c.what, err, c.want)
		}
		got, err := r.stub.GetForwardingPipelineConfig(r.ctx, &p4v1.GetForwardingPipelineConfigRequest{DeviceId: deviceID})
		if err != nil || got.GetConfig().GetCookie().GetCookie() != c.cookie || (got.GetConfig() == nil) != (c.cookie == 0) {
			t.Errorf("%s: then the config is %v, %v; want cookie %d", c.what, got.GetConfig().GetCookie(), err, c.cookie)
		}
	}
}

func TestGetPipeline(t *testing.T) {
	r := ready(t)
	want := config(p4rttest.Info(), 42)
	for typ, mask := range map[p4v1.GetForwardingPipelineConfigRequest_ResponseType]*p4v1.ForwardingPipelineConfig{
		p4v1.GetForwardingPipelineConfigRequest_ALL:                      want,
		p4v1.GetForwardingPipelineConfigRequest_COOKIE_ONLY:              {Cookie: want.Cookie},
		p4v1.GetForwardingPipelineConfigRequest_P4INFO_AND_COOKIE:        {Cookie: want.Cookie, P4Info: want.P4Info},
		p4v1.GetForwardingPipelineConfigRequest_DEVICE_CONFIG_AND_COOKIE: {Cookie: want.Cookie, P4DeviceConfig: want.P4DeviceConfig},
	} {
		got, err := r.stub.GetForwardingPipelineConfig(r.ctx, &p4v1.GetForwardingPipelineConfigRequest{DeviceId: deviceID, ResponseType: typ})
		if err != nil || !proto.Equal(got.GetConfig(), mask) {
			t.Errorf("%v: got %v, %v", typ, got.GetConfig(), err)
		}
	}
	_, err := r.stub.GetForwardingPipelineConfig(r.ctx, &p4v1.GetForwardingPipelineConfigRequest{DeviceId: 8})
	if status.Code(err) != codes.NotFound {
		t.Errorf("unknown device: %v", err)
	}
	// Without SetForwardingPipelineConfig there is no cookie.
	if err := r.srv.Install(p4rttest.Info(), p4rttest.JSON(p4rttest.Info())); err != nil {
		t.Fatal(err)
	}
	got, err := r.stub.GetForwardingPipelineConfig(r.ctx, &p4v1.GetForwardingPipelineConfigRequest{DeviceId: deviceID})
	if err != nil || got.GetConfig().GetCookie() != nil || got.GetConfig().GetP4Info() == nil {
		t.Errorf("after Install: %v, %v", got.GetConfig().GetCookie(), err)
	}
}

// Between VERIFY_AND_SAVE and COMMIT reads and writes go to the new pipeline and
// packets through the old one.
func TestSavedPipeline(t *testing.T) {
	r := ready(t)
	old := r.dev
	r.must(upd(routeIn("INSERT")))
	if err := r.setPipeline(save, config(p4rttest.Info(), 2)); err != nil {
		t.Fatal(err)
	}
	r.reads(`entities { table_entry { } }`, "")
	r.must(upd(route("INSERT", actDrop)))
	if es, _ := old.Entries("routes"); len(es) != 1 || r.dev != old {
		t.Error("the running device was touched before COMMIT")
	}
	if err := r.setPipeline(commit, nil); err != nil {
		t.Fatal(err)
	}
	if es, _ := r.dev.Entries("routes"); len(es) != 1 || es[0].Matches[0].PrefixLen != 0 || r.dev == old {
		t.Errorf("after COMMIT the device has %v", es)
	}
}

// RECONCILE_AND_COMMIT keeps all state that the new program can hold, or changes nothing.
func TestReconcilePipeline(t *testing.T) {
	r := ready(t)
	r.must(upd(routeIn("INSERT"), acl("INSERT", 1, "", actPunt+`meter_config { cir: 1 pir: 2 } idle_timeout_ns: 5 metadata: "m"`),
		nexthop("INSERT", shot(1, 2)), mem2(1), settled(0x02000004, fwd(`\003`)), clone("INSERT", 100, "replicas { egress_port: 1 }"),
		mc("INSERT", 3, ""), reg("MODIFY", `index { index: 1 } data { bitstring: "\005" }`), digest("INSERT"), vset(`"\001"`)))
	const all = `entities { table_entry { counter_data {} meter_config {} } } entities { action_profile_member {} } entities { action_profile_group {} }
		entities { register_entry {} } entities { digest_entry {} } entities { value_set_entry {} } entities { table_entry { table_id: 0x02000004 is_default_action: true } }
		entities { packet_replication_engine_entry { clone_session_entry {} } } entities { packet_replication_engine_entry { multicast_group_entry {} } }`
	before, err := r.read(all)
	if err != nil {
		t.Fatal(err)
	}
	info := p4rttest.Info()
	info.Tables[0].Size = 100
	old := r.dev
	if err := r.setPipeline(reapply, config(info, 7)); err != nil {
		t.Fatal(err)
	}
	after, err := r.read(all)
	if err != nil || !proto.Equal(&p4v1.ReadResponse{Entities: before}, &p4v1.ReadResponse{Entities: after}) || r.dev == old {
		t.Errorf("after the change: %v\n%v\nwant\n%v", err, after, before)
	}
	narrow := proto.Clone(info).(*p4configv1.P4Info)
	narrow.Tables[1].MatchFields[0].Bitwidth = 2 // the entry's VNI is 5
	if err := r.setPipeline(reapply, config(narrow, 8)); status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), "acl") {
		t.Errorf("state that does not fit: %v, want INVALID_ARGUMENT naming acl", err)
	}
	if again, err := r.read(all); err != nil || len(again) != len(before) {
		t.Errorf("the refused change left %d entities of %d, %v", len(again), len(before), err)
	}
}

// A P4Info that does not match the JSON is refused with the name of the object.
func TestPipelineMismatch(t *testing.T) {
	r := newRig(t, p4rt.Limits{})
	r.primary()
	for _, c := range []struct {
		what string
		bend func(*p4configv1.P4Info) // the P4Info, not the JSON
		says []string
	}{
		{"table name", func(i *p4configv1.P4Info) { i.Tables[0].Preamble.Name = "ruotes" }, []string{"ruotes"}},
		{"key width", func(i *p4configv1.P4Info) { i.Tables[0].MatchFields[0].Bitwidth = 31 }, []string{"routes", "dst", "31", "32"}},
		{"key kind", func(i *p4configv1.P4Info) { i.Tables[0].MatchFields[0].Match = exactMatch }, []string{"routes", "dst", "exact", "lpm"}},
		{"key count", func(i *p4configv1.P4Info) { i.Tables[1].MatchFields = i.Tables[1].MatchFields[:3] }, []string{"acl", "3", "4"}},
		{"action", func(i *p4configv1.P4Info) { i.Actions[2].Preamble.Name = "pnut" }, []string{"routes", "pnut"}},
		{"action of the table", func(i *p4configv1.P4Info) { i.Tables[0].ActionRefs[0].Id = 0x01000004 }, []string{"routes", "stranger"}},
		{"parameter width", func(i *p4configv1.P4Info) { i.Actions[0].Params[0].Bitwidth = 8 }, []string{"forward", "port", "8", "9"}},
		{"parameter count", func(i *p4configv1.P4Info) { i.Actions[0].Params = i.Actions[0].Params[:1] }, []string{"forward", "1", "2"}},
		{"action profile", func(i *p4configv1.P4Info) { i.ActionProfiles[0].Preamble.Name = "lag" }, []string{"lag"}},
		{"selector", func(i *p4configv1.P4Info) { i.ActionProfiles[1].WithSelector = true }, []string{"members_only"}},
		{"direct counter", func(i *p4configv1.P4Info) { i.Tables[6].DirectResourceIds = []uint32{0x13000001} }, []string{"tiny", "counter"}},
		{"direct meter", func(i *p4configv1.P4Info) { i.Tables[6].DirectResourceIds = []uint32{0x15000001} }, []string{"tiny", "meter"}},
		{"idle timeout", func(i *p4configv1.P4Info) {
			i.Tables[6].IdleTimeoutBehavior = p4configv1.Table_NOTIFY_CONTROL
		}, []string{"tiny", "idle"}},
		{"counter size", func(i *p4configv1.P4Info) { i.Counters[0].Size = 5 }, []string{"drops", "5", "4"}},
		{"counter name", func(i *p4configv1.P4Info) { i.Counters[0].Preamble.Name = "x" }, []string{"counter x"}},
		{"meter name", func(i *p4configv1.P4Info) { i.Meters[0].Preamble.Name = "x" }, []string{"meter x"}},
		{"register width", func(i *p4configv1.P4Info) {
			i.Registers[0].TypeSpec.GetBitstring().GetBit().Bitwidth = 20
		}, []string{"depth", "20", "19"}},
		{"value set name", func(i *p4configv1.P4Info) { i.ValueSets[0].Preamble.Name = "x" }, []string{"value set x"}},
		{"value set width", func(i *p4configv1.P4Info) { i.ValueSets[0].Match[0].Bitwidth = 15 }, []string{"kinds", "15", "16"}},
		{"id twice", func(i *p4configv1.P4Info) { i.Tables[1].Preamble.Id = i.Tables[0].Preamble.Id }, []string{"routes", "acl"}},
		{"id 0", func(i *p4configv1.P4Info) { i.Tables[1].Preamble.Id = 0 }, []string{"acl"}},
		{"translated type", func(i *p4configv1.P4Info) {
			i.TypeInfo.NewTypes = map[string]*p4configv1.P4NewTypeSpec{"port_t": {Representation: &p4configv1.P4NewTypeSpec_TranslatedType{TranslatedType: &p4configv1.P4NewTypeTranslation{}}}}
			i.Actions[0].Params[0].TypeName = &p4configv1.P4NamedType{Name: "port_t"}
		}, []string{"port_t"}},
		{"packet header of broken bytes", func(i *p4configv1.P4Info) { i.ControllerPacketMetadata[0].Metadata[1].Bitwidth = 6 }, []string{"packet_in", "23"}},
	} {
		t.Run(c.what, func(t *testing.T) {
			cfg := config(p4rttest.Info(), 0)
			c.bend(cfg.P4Info)
			err := r.setPipeline(verify, cfg)
			if status.Code(err) != codes.InvalidArgument {
				t.Fatalf("got %v, want INVALID_ARGUMENT", err)
			}
			for _, s := range c.says {
				if !strings.Contains(err.Error(), s) {
					t.Errorf("%q does not say %q", err, s)
				}
			}
		})
	}
}

var exactMatch = &p4configv1.MatchField_MatchType_{MatchType: p4configv1.MatchField_EXACT}
