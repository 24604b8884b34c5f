package collect

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/openconfig/gnmic/pkg/api"

	"github.com/telltale-net/telltale/collector/gnmi"
	"github.com/telltale-net/telltale/collector/gnmi/model"
	"github.com/telltale-net/telltale/collector/gnmi/tree"
	"github.com/telltale-net/telltale/collector/report/send"
)

// leaf1 is a device: our server, with the data of a switch alone.
type leaf1 struct {
	t    *testing.T
	tree *tree.Tree
	addr string
	stop func()
}

func newLeaf1(t *testing.T, cfg gnmi.Config) *leaf1 {
	t.Helper()
	cfg.Target, cfg.Models = "leaf1", model.Models()
	d := &leaf1{t: t, tree: tree.New(model.Schema(), tree.Limits{Leaves: 1000, Subscribers: 20, Backlog: 1000})}
	server, err := gnmi.New(cfg, d.tree)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d.addr = l.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := server.Run(ctx, l); err != nil {
			t.Error(err)
		}
	}()
	d.stop = func() { cancel(); <-done }
	t.Cleanup(d.stop)
	return d
}

// counts sets what port 2 and its queue 3 have sent, and the pipeline has dropped.
func (d *leaf1) counts(sent, dropped uint64) {
	d.t.Helper()
	if err := model.Devices([]model.Device{{Target: "leaf1",
		Interfaces: []model.Interface{{Name: "Ethernet1/2", Index: 2, OutPackets: &sent}},
		Queues:     []model.Queue{{Interface: "Ethernet1/2", Name: "UC3", Packets: &sent}},
		Drops:      []model.Drop{{Reason: "no route", Leaf: "no-route", Packets: dropped}},
	}}).Apply(d.tree, time.Now().UnixNano()); err != nil {
		d.t.Fatal(err)
	}
}

// A device is asked for its counters, which are served as its own, and held against the
// postcards of its node: nine in ten packets are reported, and three drops are not.
func TestDevices(t *testing.T) {
	d := newLeaf1(t, gnmi.Config{})
	d.counts(1_000_000, 50)
	r := run(t, settings(t, "--gnmi", "127.0.0.1:0", "--gnmi-refresh", "50ms", "--topology", fabric, "--source-profile", "127.0.0.0/8=telltale",
		"--gnmi-device", "leaf1="+d.addr+",tls=off", "--gnmi-device", "leaf9=127.0.0.1:1,tls=off", "--gnmi-device-sample", "100ms"))
	c := r.gnmic()
	own := subscribe(t, c, api.SubscriptionListModeSTREAM(), api.Target("telltale"), api.Subscription(api.Path("telltale:/devices"), api.SubscriptionModeON_CHANGE()))
	its := subscribe(t, c, api.SubscriptionListModeSTREAM(), api.Target("leaf1"), api.Subscription(api.Path("/"), api.SubscriptionModeON_CHANGE()))
	const (
		at    = "telltale telltale:/devices/device[name=leaf1]/"
		port  = at + "ports/port[interface=Ethernet1/2]/"
		queue = port + "queues/queue[name=UC3]/state/"
		sent  = "leaf1 openconfig:/interfaces/interface[name=Ethernet1/2]/state/counters/out-pkts"
	)
	own.until(map[string]string{at + "state/connected": "true", at + "state/stale": "false", at + "state/node-id": "1", port + "state/number": "2", queue + "packets": "0",
		"telltale telltale:/devices/device[name=leaf9]/state/connected": "false"})
	its.until(map[string]string{sent: "1000000"})

	r.send(send.Config{Rate: 50_000, Sources: 1, Coalesce: 10, Count: 900, FirstNode: 1}, 900)
	r.sendDrops(7, 1)
	eventually(t, func() string {
		if m := r.get("/metrics"); !strings.Contains(m, "telltale_account_records_stored_total 907\n") {
			return m
		}
		return ""
	})
	d.counts(1_001_000, 60)
	own.until(map[string]string{
		port + "state/packets": "1000", port + "state/postcards": "900", port + "state/coverage": "0.9", queue + "coverage": "0.9",
		at + "drops/drop[counter=no-route]/state/drops": "10", at + "drops/drop[counter=no-route]/state/drop-postcards": "7",
		at + "drops/drop[counter=no-route]/state/unreported-drops": "3",
	})
	its.until(map[string]string{sent: "1001000"})
	m := r.get("/metrics")
	for _, want := range []string{
		"telltale_device_stale{device=\"leaf1\"} 0\n", "telltale_device_subscriptions{device=\"leaf9\"} 0\n",
		"telltale_device_port_coverage{device=\"leaf1\",interface=\"Ethernet1/2\"} 0.9\n",
		"telltale_device_queue_coverage{device=\"leaf1\",interface=\"Ethernet1/2\",queue=\"UC3\"} 0.9\n",
		"telltale_device_drop_counter_unreported_drops{device=\"leaf1\",counter=\"no-route\"} 3\n",
	} {
		if !strings.Contains(m, want) {
			t.Errorf("metrics: %q is missing", want)
		}
	}
	if ready := r.get("/readyz"); !strings.HasPrefix(ready, "200 OK\nok\ngnmi: device leaf9 at 127.0.0.1:1 tells nothing: ") {
		t.Errorf("readyz: got %s", ready)
	}
	d.stop()
	own.until(map[string]string{at + "state/stale": "true", at + "state/connected": "false", port + "state/coverage": "0.9"})
	its.until(map[string]string{sent: "1001000"}) // still there, and stale
	if _, err := r.stop(); err != nil {
		t.Error(err)
	}
}

// A device that shows a certificate, wants ours, and asks who we are.
func TestDeviceOverTLS(t *testing.T) {
	cert, key := certificate(t)
	ours, ourKey := certificate(t)
	conf, err := gnmi.LoadTLS(cert, key, ours)
	if err != nil {
		t.Fatal(err)
	}
	login := filepath.Join(t.TempDir(), "login")
	if err := os.WriteFile(login, []byte("ada:hunter2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	d := newLeaf1(t, gnmi.Config{TLS: conf, Users: map[string]gnmi.Secret{"ada": "hunter2"}})
	d.counts(5, 0)
	device := "leaf1=" + d.addr + ",ca=" + cert
	for _, c := range []struct{ options, want string }{
		{",cert=" + ours + ",key=" + ourKey + ",login=" + login, ""},
		{",cert=" + ours + ",key=" + ourKey, "Unauthenticated"},
		{",login=" + login, "certificate required"},
	} {
		r := run(t, settings(t, "--gnmi-device", device+c.options, "--gnmi-device-sample", "100ms", "--gnmi-refresh", "50ms", "--topology", fabric))
		eventually(t, func() string {
			ready := r.get("/readyz")
			if c.want == "" && ready == "200 OK\nok\n" || c.want != "" && strings.Contains(ready, "device leaf1") && strings.Contains(ready, c.want) {
				return ""
			}
			return ready
		})
		if m := r.get("/metrics") + r.get("/readyz"); strings.Contains(m, "hunter2") {
			t.Error("the password is told")
		}
		if _, err := r.stop(); err != nil {
			t.Error(err)
		}
	}
}

func TestDevicesCheck(t *testing.T) {
	f := func(want string, flags ...string) {
		t.Helper()
		_, err := settings(t, append(flags, "--data", "d")...).Pipeline()
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%v: got %v, want %q", flags, err, want)
		}
	}
	f("", "--gnmi-device", "leaf1=h:1", "--gnmi-device", "leaf2=h:1,tls=off")
	f(`the name "leaf1" is taken`, "--gnmi-device", "leaf1=h:1", "--gnmi-device", "leaf1=h:2")
	f(`the name "telltale" is taken`, "--gnmi-device", "telltale=h:1")
	f("gnmi-device: gNMI device leaf1: ", "--gnmi-device", "leaf1=h:1,ca=none")
	f("gnmi-device-sample: got 1ns", "--gnmi-device", "leaf1=h:1", "--gnmi-device-sample", "1ns")
}
