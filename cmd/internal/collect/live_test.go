package collect

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/openconfig/gnmic/pkg/api"

	"github.com/telltale-net/telltale/cmd/internal/live"
	"github.com/telltale-net/telltale/cmd/internal/live/livetest"
	"github.com/telltale-net/telltale/cmd/internal/recordlog"
	"github.com/telltale-net/telltale/collector/pipeline"
	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/topology"
)

// logged is a log that can be read while it is written.
type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// TestLive sends the reports of a fabric with a lossy link to a whole collector: the link
// is found, blamed, told at /findings, over gNMI, in the metrics and in the log, with what of the
// reports is missing.
func TestLive(t *testing.T) {
	m, err := livetest.New(1)
	if err != nil {
		t.Fatal(err)
	}
	m.Run(0, 1200, 1500)
	m.Lossy["leaf2>spine1"] = 0.2
	m.Run(1200, 3500, 1500)
	s := settings(t, "--gnmi", "127.0.0.1:0")
	s.Topology = filepath.Join(t.TempDir(), "fabric.yaml")
	if err := os.WriteFile(s.Topology, topology.Write(m.Fabric), 0o600); err != nil {
		t.Fatal(err)
	}
	var log logged
	r := runLogged(t, s, slog.New(slog.NewTextHandler(&log, nil)))
	told := subscribe(t, r.gnmic(), api.SubscriptionListModeSTREAM(), api.Target("telltale"),
		api.Subscription(api.Path("telltale:/findings"), api.SubscriptionModeON_CHANGE()),
		api.Subscription(api.Path("telltale:/loss-map"), api.SubscriptionModeON_CHANGE()),
		api.Subscription(api.Path("telltale:/blame"), api.SubscriptionModeON_CHANGE()))
	source := recordlog.Paced(func(ctx context.Context, fn func([]postcard.Record) error) error { return fn(m.Records) }, 1)
	if _, err := recordlog.Relay(t.Context(), source, r.Reports); err != nil {
		t.Fatal(err)
	}
	var got live.Results
	eventually(t, func() string {
		page := r.get("/findings")
		_, body, _ := strings.Cut(page, "\n")
		if err := json.Unmarshal([]byte(body), &got); err != nil {
			return err.Error() + " in " + page
		}
		if got.Window == nil || got.Window.Blame == nil || len(got.Window.Blame.BadLinks()) == 0 || len(got.Findings)+len(got.Recent) == 0 {
			return "nothing is found yet: " + page
		}
		return ""
	})
	if bad := got.Window.Blame.BadLinks(); len(bad) != 1 || bad[0] != "leaf2>spine1" {
		t.Errorf("%v blamed", bad)
	}
	for _, f := range append(got.Findings, got.Recent...) {
		if f.Kind != "link-loss" || f.Place.Node != "leaf2" || f.Place.Peer != "spine1" {
			t.Errorf("finding %+v", f)
		}
	}
	told.until(map[string]string{
		"telltale telltale:/findings/finding[id=incident-1]/state/kind":        "link-loss",
		"telltale telltale:/findings/finding[id=incident-1]/state/peer":        "spine1",
		"telltale telltale:/blame/links/link[name=leaf2>spine1]/state/verdict": "bad",
		"telltale telltale:/loss-map/link[node=leaf2][port=1]/state/peer":      "spine1",
	})
	metrics := r.get("/metrics")
	for _, want := range []string{`telltale_live_blame_probability{link="leaf2>spine1"}`, `telltale_output_ready{output="analysis"} 1`} {
		if !strings.Contains(metrics, want) {
			t.Errorf("metrics lack %s", want)
		}
	}
	sum, err := r.stop()
	if err != nil || sum.Records < uint64(len(m.Records))*9/10 {
		t.Errorf("%d of %d records came: %v", sum.Records, len(m.Records), err)
	}
	for _, want := range []string{`msg=finding event=opened id=incident-1 kind=link-loss place="leaf2 port 1 → spine1"`, `msg="packets are lost" at=leaf2>spine1 kind=`, "report_loss=0"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %s:\n%s", want, log.String())
		}
	}
}

func TestLiveSettings(t *testing.T) {
	for _, l := range []liveSettings{{Rate: 10, Window: time.Second}, {Rate: 1000, Window: time.Millisecond}, {Rate: 0, Window: 2 * time.Hour}} {
		if err := l.Check(&pipeline.Config{}); err == nil {
			t.Errorf("%+v: not refused", l)
		}
	}
	if o, err := (&liveSettings{Rate: 1000, Window: time.Second}).Open(t.Context(), &source{}); o != nil || err != nil {
		t.Errorf("without a topology: got %v, %v", o, err)
	}
}
