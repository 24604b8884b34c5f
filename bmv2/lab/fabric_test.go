package lab_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"net/netip"
	"testing"
	"time"

	"github.com/telltale-net/telltale/bmv2/lab"
	"github.com/telltale-net/telltale/bmv2/lab/traffic"
	"github.com/telltale-net/telltale/collector"
	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/controlplane"
	"github.com/telltale-net/telltale/controlplane/intent"
	"github.com/telltale-net/telltale/controlplane/p4rt"
	"github.com/telltale-net/telltale/topology"
)

// world is a lab with everything real around it: programs and entries pushed over
// P4Runtime, reports decoded by the collector.
type world struct {
	*lab.Lab
	ix        *topology.Index
	control   *controlplane.Controller
	collector *collector.Collector
	records   []postcard.Record
	datagrams hash.Hash // of all that reached the collector
	report    func(at lab.Time, src netip.AddrPort, payload []byte)
}

func newWorld(tb testing.TB, seed uint64, fabric topology.LeafSpineConfig, settings intent.Settings, change ...func(*lab.Config)) *world {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	tb.Cleanup(cancel)
	f, err := topology.LeafSpine(fabric)
	if err != nil {
		tb.Fatal(err)
	}
	w := &world{datagrams: sha256.New()}
	if w.ix, err = topology.NewIndex(f); err != nil {
		tb.Fatal(err)
	}
	if w.collector, err = collector.New(collector.DefaultConfig(), collector.Deps{}); err != nil {
		tb.Fatal(err)
	}
	w.report = func(at lab.Time, src netip.AddrPort, payload []byte) {
		fmt.Fprintln(w.datagrams, at, src)
		w.datagrams.Write(payload)
		w.collector.Ingest(int64(at), src, payload, func(r *postcard.Record) { w.records = append(w.records, *r) })
	}
	cfg := lab.Config{Fabric: f, Seed: seed,
		OnReport: func(at lab.Time, src netip.AddrPort, payload []byte) { w.report(at, src, payload) }}
	for _, c := range change {
		c(&cfg)
	}
	w.Lab, err = lab.New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := w.Lab.Close(); err != nil {
			tb.Error(err)
		}
	})
	w.control, err = controlplane.Connect(ctx, controlplane.Config{
		Fabric: w.ix, Settings: settings, Election: p4rt.Election{Low: 1},
		Address: func(n topology.Node) (string, error) { return w.P4RTAddr(n.Name) },
	})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := w.control.Close(); err != nil {
			tb.Error(err)
		}
	})
	if _, err := w.control.Install(ctx); err != nil {
		tb.Fatal(err)
	}
	return w
}

func (w *world) mix(tb testing.TB, m traffic.Mix) {
	tb.Helper()
	f := w.ix.Fabric()
	flows, err := m.Make(&f)
	if err != nil {
		tb.Fatal(err)
	}
	for _, x := range flows {
		if _, err := w.AddFlow(x); err != nil {
			tb.Fatal(err)
		}
	}
}

func (w *world) until(tb testing.TB, t time.Duration) {
	tb.Helper()
	if err := w.RunUntil(lab.Time(t)); err != nil {
		tb.Fatal(err)
	}
}

func (w *world) apply(tb testing.TB, f lab.Fault) {
	tb.Helper()
	if err := f.Apply(w.Lab); err != nil {
		tb.Fatal(err)
	}
}

// totals of all flows.
func (w *world) totals() (t traffic.Stats) {
	for _, f := range w.Flows() {
		t.Sent += f.Sent
		t.Delivered += f.Delivered
		t.Duplicated += f.Duplicated
		t.Reordered += f.Reordered
		t.Delay.Max = max(t.Delay.Max, f.Delay.Max)
	}
	return t
}

// drops counts drop postcards by node and reason.
func (w *world) drops() map[string]int {
	m := map[string]int{}
	for i := range w.records {
		if r := &w.records[i]; r.Lost() {
			n, _ := w.ix.NodeByID(uint32(r.Node))
			m[fmt.Sprintf("%s %d", n.Name, r.DropReason)]++
		}
	}
	return m
}

func (w *world) sum() string { return hex.EncodeToString(w.datagrams.Sum(nil)) }
