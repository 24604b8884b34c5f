package collect

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/openconfig/gnmi/proto/gnmi"
	"github.com/openconfig/gnmic/pkg/api"
	"github.com/openconfig/gnmic/pkg/api/target"

	"github.com/telltale-net/telltale/collector/gnmi/tree"
	"github.com/telltale-net/telltale/collector/report"
	"github.com/telltale-net/telltale/collector/report/send"
)

// settings returns settings with flags.
func settings(t *testing.T, flags ...string) *Settings {
	t.Helper()
	s, fs := NewSettings()
	if err := fs.Parse(flags); err != nil {
		t.Fatal(err)
	}
	return s
}

// fabric is a topology in which leaf1 has Node ID 1.
const fabric = "../../../topology/testdata/example.yml"

// sendDrops sends reports of so many packets that nodes from 1, which is leaf1, dropped
// for want of a route, one packet each in turn.
func (r *started) sendDrops(packets, nodes int) {
	r.t.Helper()
	conn, err := net.Dial("udp", r.Reports.String())
	if err != nil {
		r.t.Fatal(err)
	}
	defer conn.Close()
	var e report.Encoder
	for i := range packets {
		if err := e.Reset(report.Group{NodeID: uint32(1 + i%nodes), HwID: 9, Sequence: uint32(i / nodes)}); err != nil {
			r.t.Fatal(err)
		}
		if err := e.Add(&report.Report{
			RepType: report.INT, InType: report.InIPv4, Flags: report.Dropped, MdBits: report.MdLevel1 | report.MdDrop,
			Level1In: 1, DropReason: 29, Inner: []byte{0x45, 0, 0, 28, 0, 0, 0x40, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 0, 7, 0, 53, 0, 8, 0, 0},
		}); err != nil {
			r.t.Fatal(err)
		}
		if _, err := conn.Write(e.Bytes()); err != nil {
			r.t.Fatal(err)
		}
	}
}

// gnmic returns gnmic's client of the collector.
func (r *started) gnmic(opts ...api.TargetOption) *target.Target {
	r.t.Helper()
	i := slices.IndexFunc(r.Outputs, func(a Address) bool { return a.Output == "gnmi" })
	if i < 0 {
		r.t.Fatalf("no gNMI among %v", r.Outputs)
	}
	if len(opts) == 0 {
		opts = []api.TargetOption{api.Insecure(true)}
	}
	c, err := api.NewTarget(append(opts, api.Name("telltale"), api.Address(r.Outputs[i].Address))...)
	if err != nil {
		r.t.Fatal(err)
	}
	if err := c.CreateGNMIClient(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { c.Close() })
	return c
}

// feed is what a subscription of gnmic has told so far, by path.
type feed struct {
	t      *testing.T
	resps  chan *target.SubscribeResponse
	errs   chan *target.TargetError
	values map[string]string
}

func subscribe(t *testing.T, c *target.Target, opts ...api.GNMIOption) *feed {
	t.Helper()
	req, err := api.NewSubscribeRequest(append(opts, api.Encoding("json_ietf"))...)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	f := &feed{t: t, values: map[string]string{}}
	f.resps, f.errs = c.SubscribeChan(ctx, req, fmt.Sprint(req))
	return f
}

// until reads on until all leaves have these values.
func (f *feed) until(want map[string]string) {
	f.t.Helper()
	late := time.After(20 * time.Second)
	for {
		missing := ""
		for p, v := range want {
			if f.values[p] != v {
				missing += fmt.Sprintf("\n%s: got %q, want %q", p, f.values[p], v)
			}
		}
		if missing == "" {
			return
		}
		select {
		case r := <-f.resps:
			f.take(r.Response.GetUpdate())
		case err := <-f.errs:
			f.t.Fatalf("the subscription ended: %v", err)
		case <-late:
			f.t.Fatalf("never came:%s\ngot %s", missing, strings.Join(slices.Sorted(maps.Keys(f.values)), "\n"))
		}
	}
}

func (f *feed) take(n *gnmi.Notification) {
	for _, d := range n.GetDelete() {
		delete(f.values, pathText(n.GetPrefix(), d))
	}
	for _, u := range n.GetUpdate() {
		var v any
		d := json.NewDecoder(bytes.NewReader(u.GetVal().GetJsonIetfVal()))
		d.UseNumber()
		if err := d.Decode(&v); err != nil {
			f.t.Fatalf("%v: %v", u, err)
		}
		f.values[pathText(n.GetPrefix(), u.GetPath())] = fmt.Sprint(v)
	}
}

func pathText(prefix, path *gnmi.Path) string {
	p := tree.Path{Target: prefix.GetTarget(), Origin: prefix.GetOrigin()}
	for _, e := range slices.Concat(prefix.GetElem(), path.GetElem()) {
		var pairs []string
		for k, v := range e.Key {
			pairs = append(pairs, k, v)
		}
		p.Elems = append(p.Elems, tree.E(e.Name, pairs...))
	}
	return p.String()
}

// From reports to a subscriber of gnmic's: the collector's counts, the sums of postcards,
// and the switch's own target in OpenConfig's words.
func TestGNMI(t *testing.T) {
	r := run(t, settings(t, "--gnmi", "127.0.0.1:0", "--gnmi-refresh", "50ms", "--topology", fabric, "--source-profile", "127.0.0.0/8=telltale"))
	c := r.gnmic()
	own := subscribe(t, c, api.SubscriptionListModeSTREAM(), api.Target("telltale"),
		api.Subscription(api.Path("telltale:/collector"), api.SubscriptionModeON_CHANGE()),
		api.Subscription(api.Path("telltale:/tenants"), api.SubscriptionModeON_CHANGE()),
		api.Subscription(api.Path("telltale:/nodes"), api.SubscriptionModeSAMPLE(), api.SampleInterval(100*time.Millisecond)))
	leaf := subscribe(t, c, api.SubscriptionListModeSTREAM(), api.Target("leaf1"),
		api.Subscription(api.Path("/qos"), api.SubscriptionModeON_CHANGE()), api.Subscription(api.Path("/components"), api.SubscriptionModeON_CHANGE()))
	r.send(send.Config{Rate: 50_000, Sources: 1, Coalesce: 10, Count: 1000, FirstNode: 1}, 1000)
	r.sendDrops(7, 1)
	queue := "telltale telltale:/nodes/node[id=1]/ports/port[number=2]/queues/queue[number=3]/state/"
	own.until(map[string]string{
		"telltale telltale:/collector/state/records": "1007", "telltale telltale:/collector/log/state/stored": "1007",
		"telltale telltale:/collector/sources/source[address=127.0.0.1][hw-id=0][node-id=1][version=2]/state/reports": "1000",
		queue + "postcards": "1000", queue + "latency-max": "1000", queue + "queue-depth-max": "4",
		"telltale telltale:/tenants/tenant[vni=6]/state/postcards":                                                                          "1000",
		"telltale telltale:/nodes/node[id=1]/ports/port[number=0]/queues/queue[number=0]/drop-reasons/drop-reason[number=29]/state/packets": "7",
	})
	leaf.until(map[string]string{
		"leaf1 openconfig:/qos/interfaces/interface[interface-id=2]/output/queues/queue[name=3]/state/avg-queue-len":                  "400",
		"leaf1 openconfig:/components/component[name=pipeline]/integrated-circuit/pipeline-counters/drop/lookup-block/state/no-route": "7",
	})
	m := r.get("/metrics")
	for _, want := range []string{"telltale_output_ready{output=\"gnmi\"} 1\n", "telltale_gnmi_subscribers 2\n", "telltale_gnmi_leaves_refused_total 0\n"} {
		if !strings.Contains(m, want) {
			t.Errorf("metrics: %q is missing in\n%s", want, m)
		}
	}
	if sum, err := r.stop(); err != nil || sum.Stored != 1007 {
		t.Errorf("got %d stored, %v", sum.Stored, err)
	}
}

// What does not fit is told: /readyz says so, and the rest is served.
func TestGNMIFull(t *testing.T) {
	r := run(t, settings(t, "--gnmi", "127.0.0.1:0", "--gnmi-refresh", "50ms", "--gnmi-leaves", "1000"))
	r.sendDrops(200, 200)
	eventually(t, func() string {
		if got := r.get("/readyz"); !strings.HasPrefix(got, "200 OK\nok\ngnmi: some values are not served: ") || len(got) > 10_000 {
			return got
		}
		return ""
	})
	if _, err := r.stop(); err != nil {
		t.Error(err)
	}
}

func TestGNMIAccess(t *testing.T) {
	cert, key := certificate(t)
	users := filepath.Join(t.TempDir(), "users")
	if err := os.WriteFile(users, []byte("ada:right\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := run(t, settings(t, "--gnmi", "127.0.0.1:0", "--gnmi-cert", cert, "--gnmi-key", key, "--gnmi-users", users))
	if _, err := r.gnmic(api.SkipVerify(true), api.Username("ada"), api.Password("right")).Capabilities(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := r.gnmic(api.SkipVerify(true), api.Username("ada"), api.Password("wrong")).Capabilities(t.Context()); err == nil || !strings.Contains(err.Error(), "Unauthenticated") {
		t.Errorf("got %v", err)
	}
}

func TestGNMICheck(t *testing.T) {
	users := filepath.Join(t.TempDir(), "users")
	if err := os.WriteFile(users, []byte("ada:right\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	f := func(want string, flags ...string) {
		t.Helper()
		_, err := settings(t, append(flags, "--data", "d")...).Pipeline()
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%v: got %v, want %q", flags, err, want)
		}
	}
	f("")
	f("", "--gnmi", ":9339")
	f("", "--gnmi", "127.0.0.1:9339", "--gnmi-users", users)
	f("in the clear", "--gnmi", ":9339", "--gnmi-users", users)
	f("gnmi: ", "--gnmi", "nowhere")
	f("gnmi-cert, gnmi-key and gnmi-ca: ", "--gnmi", ":1", "--gnmi-cert", "none")
	f("gnmi-ca: got no", "--gnmi", ":1", "--gnmi-ca", "none")
	f("gnmi-users: ", "--gnmi", ":1", "--gnmi-users", "none")
	f("gnmi-leaves: got 1,", "--gnmi", ":1", "--gnmi-leaves", "1")
	f("gNMI target", "--gnmi", ":1", "--gnmi-target", "*")
	f(`gnmi-target: "leaf1" is a node`, "--gnmi", ":1", "--gnmi-target", "leaf1", "--topology", fabric)
}
