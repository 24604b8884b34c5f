package gnmi

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/openconfig/gnmi/proto/gnmi"
	"github.com/openconfig/gnmic/pkg/api"
	"google.golang.org/grpc/codes"

	"github.com/telltale-net/telltale/collector/gnmi/model"
	"github.com/telltale-net/telltale/collector/gnmi/tree"
)

const inPktsFull = "leaf1 openconfig:/" + inPkts

func paths(m map[string]*gnmi.Update) []string { return slices.Sorted(maps.Keys(m)) }

func TestOnce(t *testing.T) {
	b := newBed(t, Config{})
	f := b.open(b.subscribe(api.Target("leaf1"), api.SubscriptionListModeONCE(), api.EncodingPROTO(), api.Subscription(api.Path("/interfaces/interface/state/counters"))))
	got := f.round()
	want := []string{
		"leaf1 openconfig:/interfaces/interface[name=eth0]/state/counters/in-pkts",
		"leaf1 openconfig:/interfaces/interface[name=eth0]/state/counters/out-octets",
		"leaf1 openconfig:/interfaces/interface[name=eth1]/state/counters/in-pkts",
	}
	if !slices.Equal(paths(got), want) {
		t.Errorf("got %v, want %v", paths(got), want)
	}
	// The RPC ends well after the sync_response.
	req := b.subscribe(api.Target("leaf1"), api.SubscriptionListModeONCE(), api.Subscription(api.Path(inPkts)))
	if err := b.failure(req); err == nil || err.Error() != "EOF" {
		t.Errorf("got %v, want the end of the stream", err)
	}
	updatesOnly := b.subscribe(api.Target("leaf1"), api.SubscriptionListModeONCE(), api.UpdatesOnly(true), api.Subscription(api.Path(inPkts)))
	if got := b.open(updatesOnly).round(); len(got) != 0 {
		t.Errorf("updates_only: got %v, want a sync_response alone", got)
	}
}

func TestPrefix(t *testing.T) {
	b := newBed(t, Config{})
	f := b.open(b.subscribe(api.Prefix("interfaces/interface[name=eth0]"), api.Target("leaf1"), api.SubscriptionListModeONCE(), api.EncodingPROTO(), api.Subscription(api.Path("state/counters/in-pkts"))))
	if got := f.round(); got[inPktsFull].GetVal().GetUintVal() != 10 || len(got) != 1 {
		t.Errorf("got %v", got)
	}
	// Without a target, the response has none either.
	f = b.open(b.subscribe(api.SubscriptionListModeONCE(), api.EncodingPROTO(), api.Subscription(api.Path("telltale:/findings/finding[id=a]/state/kind"))))
	n := f.next()
	if n.Prefix.Target != "" || n.Prefix.Origin != "telltale" || n.Update[0].Val.GetStringVal() != "policy-deny" {
		t.Errorf("got %v", n)
	}
}

func TestEncodings(t *testing.T) {
	b := newBed(t, Config{})
	for encoding, want := range map[string]string{"JSON_IETF": `json_ietf_val:"\"10\""`, "JSON": `json_val:"10"`, "PROTO": "uint_val:10"} {
		f := b.open(b.subscribe(api.Target("leaf1"), api.SubscriptionListModeONCE(), api.Encoding(encoding), api.Subscription(api.Path(inPkts))))
		if got := f.round()[inPktsFull].GetVal().String(); got != want {
			t.Errorf("%s: got %s, want %s", encoding, got, want)
		}
	}
}

func TestPoll(t *testing.T) {
	b := newBed(t, Config{})
	f := b.open(b.subscribe(api.Target("leaf1"), api.SubscriptionListModePOLL(), api.EncodingPROTO(), api.Subscription(api.Path(inPkts))))
	for i := range uint64(3) {
		if got := f.round()[inPktsFull].GetVal().GetUintVal(); got != 10+i {
			t.Fatalf("round %d: got %d, want %d", i, got, 10+i)
		}
		b.inPackets(11+i, 1001)
		if err := b.client.SubscribePoll(b.ctx, f.name); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOnChange(t *testing.T) {
	b := newBed(t, Config{})
	f := b.open(b.subscribe(api.Target("leaf1"), api.EncodingPROTO(), api.Subscription(api.Path("interfaces"), api.SubscriptionModeON_CHANGE())))
	if got := f.round(); got[inPktsFull].GetVal().GetUintVal() != 10 {
		t.Fatalf("got %v", got)
	}
	b.inPackets(10, 1001) // no change
	b.inPackets(12, 1002)
	n := f.next()
	if n.Timestamp != 1002 || len(n.Update) != 1 || n.Update[0].Val.GetUintVal() != 12 || n.Update[0].Duplicates != 0 {
		t.Errorf("got %v, want 12 at 1002", n)
	}
	if err := b.tree.Update(inPackets("eth7"), tree.Count(1), 1003); err != nil {
		t.Fatal(err)
	}
	if n := f.next(); n.Timestamp != 1003 {
		t.Errorf("got %v, want the new interface", n)
	}
	b.tree.Delete(inPackets("eth7"), 1004)
	if n := f.next(); n.Timestamp != 1004 || len(n.Delete) != 1 || name(n.Prefix, n.Delete[0]) != inPackets("eth7").String() {
		t.Errorf("got %v, want a delete", n)
	}
}

func TestUpdatesOnly(t *testing.T) {
	for _, mode := range []string{"ON_CHANGE", "SAMPLE"} {
		t.Run(mode, func(t *testing.T) {
			b := newBed(t, Config{})
			f := b.open(b.subscribe(api.Target("leaf1"), api.EncodingPROTO(), api.UpdatesOnly(true),
				api.Subscription(api.Path(inPkts), api.SubscriptionMode(mode), api.SuppressRedundant(true))))
			if n := f.next(); n != nil {
				t.Fatalf("got %v, want a sync_response first", n)
			}
			b.inPackets(12, 1002)
			if n := f.next(); n.Update[0].Val.GetUintVal() != 12 {
				t.Errorf("got %v, want 12", n)
			}
		})
	}
}

func TestPathThatComesLater(t *testing.T) {
	b := newBed(t, Config{})
	f := b.open(b.subscribe(api.Target("leaf1"), api.EncodingPROTO(), api.Subscription(api.Path("interfaces/interface[name=eth7]"), api.SubscriptionModeON_CHANGE())))
	if got := f.round(); len(got) != 0 {
		t.Fatalf("got %v", got)
	}
	if err := b.tree.Update(inPackets("eth7"), tree.Count(1), 1003); err != nil {
		t.Fatal(err)
	}
	if n := f.next(); n.Update[0].Val.GetUintVal() != 1 {
		t.Errorf("got %v", n)
	}
}

func TestHeartbeat(t *testing.T) {
	b := newBed(t, Config{})
	f := b.open(b.subscribe(api.Target("leaf1"), api.EncodingPROTO(), api.Subscription(api.Path(inPkts), api.SubscriptionModeON_CHANGE(), api.HeartbeatInterval(10*time.Millisecond))))
	f.round()
	for range 3 { // nothing changes, and yet it comes
		if n := f.next(); n.Update[0].Val.GetUintVal() != 10 || n.Timestamp != 1000 {
			t.Errorf("got %v", n)
		}
	}
}

func TestSample(t *testing.T) {
	b := newBed(t, Config{})
	f := b.open(b.subscribe(api.Target("leaf1"), api.EncodingPROTO(), api.Subscription(api.Path(inPkts), api.SubscriptionModeSAMPLE(), api.SampleInterval(10*time.Millisecond))))
	f.round()
	start := time.Now()
	for range 3 {
		if n := f.next(); n.Update[0].Val.GetUintVal() != 10 {
			t.Errorf("got %v", n)
		}
	}
	if took := time.Since(start); took < 15*time.Millisecond {
		t.Errorf("three samples 10 ms apart came within %v", took)
	}
}

// A suppressed sample comes with a change or with the heartbeat, and not otherwise.
func TestSuppressRedundant(t *testing.T) {
	b := newBed(t, Config{})
	f := b.open(b.subscribe(api.Target("leaf1"), api.EncodingPROTO(), api.Subscription(api.Path("interfaces/interface/state/counters/in-pkts"), api.SubscriptionModeSAMPLE(),
		api.SampleInterval(10*time.Millisecond), api.SuppressRedundant(true))))
	f.round()
	for i := range uint64(3) {
		time.Sleep(30 * time.Millisecond) // of several samples nothing may come
		b.inPackets(11+i, 1001)
		if n := f.next(); len(n.Update) != 1 || n.Update[0].Val.GetUintVal() != 11+i {
			t.Errorf("got %v, want %d alone", n, 11+i)
		}
	}
	f = b.open(b.subscribe(api.Target("leaf1"), api.EncodingPROTO(), api.Subscription(api.Path(inPkts), api.SubscriptionModeSAMPLE(),
		api.SampleInterval(10*time.Millisecond), api.SuppressRedundant(true), api.HeartbeatInterval(20*time.Millisecond))))
	f.round()
	if n := f.next(); n.Update[0].Val.GetUintVal() != 13 {
		t.Errorf("got %v, want the heartbeat", n)
	}
}

// Counters are sampled, all else is sent on change.
func TestTargetDefined(t *testing.T) {
	b := newBed(t, Config{})
	f := b.open(b.subscribe(api.Target("leaf1"), api.EncodingPROTO(), api.Subscription(api.Path("interfaces/interface[name=eth0]/state"), api.SubscriptionModeTARGET_DEFINED())))
	if got := f.round(); len(got) != 4 {
		t.Fatalf("got %v, want all four leaves", paths(got))
	}
	got := map[string]*gnmi.Update{}
	for range 3 {
		add(got, f.next())
	}
	if len(got) != 2 || got[inPktsFull] == nil {
		t.Errorf("got %v, want samples of the two counters alone", paths(got))
	}
	index := tree.Path{Target: "leaf1", Origin: "openconfig", Elems: []tree.Elem{tree.E("interfaces"), tree.E("interface", "name", "eth0"), tree.E("state"), tree.E("ifindex")}}
	if err := b.tree.Update(index, tree.Number(5), 1005); err != nil {
		t.Fatal(err)
	}
	for got[index.String()] == nil {
		add(got, f.next())
	}
}

func TestAtomic(t *testing.T) {
	b := newBed(t, Config{})
	f := b.open(b.subscribe(api.Target("telltale"), api.EncodingPROTO(), api.Subscription(api.Path("telltale:/findings"), api.SubscriptionModeON_CHANGE())))
	first := f.next()
	if !first.Atomic || name(first.Prefix, nil) != "telltale telltale:/findings/finding[id=a]" || len(first.Update) < 10 {
		t.Fatalf("got %v, want the finding as one", first)
	}
	f.next()
	b.findings(model.Finding{ID: "a", Kind: "congestion"}, model.Finding{ID: "b", Kind: "isolation"})
	for _, want := range []string{"congestion", "isolation"} {
		got := map[string]*gnmi.Update{}
		n := f.next()
		add(got, n)
		if got[name(n.Prefix, nil)+"/state/kind"].GetVal().GetStringVal() != want || !n.Atomic || len(got) >= len(first.Update) {
			t.Errorf("got %v, want %s and fewer leaves than before", n, want)
		}
	}
	b.findings(model.Finding{ID: "b", Kind: "isolation"})
	if n := f.next(); len(n.Delete) != 1 || name(n.Prefix, n.Delete[0]) != "telltale telltale:/findings/finding[id=a]" {
		t.Errorf("got %v, want finding a deleted", n)
	}
}

// A part of an atomic container comes with the container's prefix.
func TestPartOfAtomic(t *testing.T) {
	b := newBed(t, Config{})
	f := b.open(b.subscribe(api.Target("telltale"), api.EncodingPROTO(), api.Subscription(api.Path("telltale:/findings/finding[id=*]/state/kind"), api.SubscriptionModeON_CHANGE())))
	n := f.next()
	if !n.Atomic || len(n.Prefix.Elem) != 2 || len(n.Update) != 1 || n.Update[0].Val.GetStringVal() != "policy-deny" {
		t.Errorf("got %v", n)
	}
}

func TestAllTargets(t *testing.T) {
	b := newBed(t, Config{})
	f := b.open(b.subscribe(api.Target("*"), api.SubscriptionListModeONCE(), api.EncodingPROTO(), api.Subscription(api.Path(inPkts))))
	got := f.round()
	if want := []string{inPktsFull, "leaf2 openconfig:/" + inPkts}; !slices.Equal(paths(got), want) {
		t.Errorf("got %v, want %v", paths(got), want)
	}
}

func TestSubscribeErrors(t *testing.T) {
	b := newBed(t, Config{MaxPaths: 2})
	poll := &gnmi.SubscribeRequest{Request: &gnmi.SubscribeRequest_Poll{Poll: &gnmi.Poll{}}}
	path := func(opts ...api.GNMIOption) api.GNMIOption {
		return api.Subscription(append([]api.GNMIOption{api.Path(inPkts)}, opts...)...)
	}
	req := func(opts ...api.GNMIOption) *gnmi.SubscribeRequest {
		return b.subscribe(append([]api.GNMIOption{api.Target("leaf1")}, opts...)...)
	}
	bad := req(path())
	bad.GetSubscribe().Mode = 7
	badMode := req(path())
	badMode.GetSubscribe().Subscription[0].Mode = 7
	for name, c := range map[string]struct {
		want codes.Code
		reqs []*gnmi.SubscribeRequest
	}{
		"poll first":      {codes.InvalidArgument, []*gnmi.SubscribeRequest{poll}},
		"list twice":      {codes.InvalidArgument, []*gnmi.SubscribeRequest{req(path()), req(path())}},
		"poll a stream":   {codes.InvalidArgument, []*gnmi.SubscribeRequest{req(path()), poll}},
		"list in a poll":  {codes.InvalidArgument, []*gnmi.SubscribeRequest{req(path(), api.SubscriptionListModePOLL()), req(path())}},
		"no entries":      {codes.InvalidArgument, []*gnmi.SubscribeRequest{req()}},
		"many entries":    {codes.InvalidArgument, []*gnmi.SubscribeRequest{req(path(), path(), path())}},
		"list mode":       {codes.InvalidArgument, []*gnmi.SubscribeRequest{bad}},
		"entry mode":      {codes.InvalidArgument, []*gnmi.SubscribeRequest{badMode}},
		"encoding":        {codes.Unimplemented, []*gnmi.SubscribeRequest{req(path(), api.EncodingBYTES())}},
		"sample too fast": {codes.InvalidArgument, []*gnmi.SubscribeRequest{req(path(api.SubscriptionModeSAMPLE(), api.SampleInterval(time.Millisecond)))}},
		"heart too fast":  {codes.InvalidArgument, []*gnmi.SubscribeRequest{req(path(api.SubscriptionModeON_CHANGE(), api.HeartbeatInterval(time.Millisecond)))}},
		"own interval":    {codes.InvalidArgument, []*gnmi.SubscribeRequest{req(path(api.SubscriptionModeTARGET_DEFINED(), api.SampleInterval(time.Second)))}},
		"not in schema":   {codes.Unimplemented, []*gnmi.SubscribeRequest{req(api.Subscription(api.Path("/system")))}},
	} {
		t.Run(name, func(t *testing.T) { wantCode(t, b.failure(c.reqs...), c.want) })
	}
}
