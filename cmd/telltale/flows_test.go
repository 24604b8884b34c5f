package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/telltale-net/telltale/bmv2/lab"
	"github.com/telltale-net/telltale/bmv2/lab/traffic"
	"github.com/telltale-net/telltale/cmd/internal/recordlog"
	"github.com/telltale-net/telltale/collector"
	"github.com/telltale-net/telltale/collector/journal"
	"github.com/telltale-net/telltale/collector/ledger"
	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/controlplane"
	"github.com/telltale-net/telltale/controlplane/intent"
	"github.com/telltale-net/telltale/controlplane/p4rt"
	"github.com/telltale-net/telltale/topology"
)

// labLog is a lab's log: a fabric in which one link loses packets and tells nobody, every
// hop reports every packet, and some of the reports do not arrive.
type labLog struct {
	dir, topology string
	from, to      string // the ends of the lossy link
	lost          uint64 // packets there
	flows         []lab.FlowStats
	addresses     map[string]netip.Addr // of hosts
}

func newLabLog(t *testing.T, telemetry float64) *labLog {
	t.Helper()
	top, err := topology.LeafSpine(topology.DefaultLeafSpine())
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	l := &labLog{dir: filepath.Join(dir, "log"), topology: filepath.Join(dir, "topology.yaml"), from: "leaf2", to: "spine1", addresses: map[string]netip.Addr{}}
	if err := os.WriteFile(l.topology, topology.Write(top), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, h := range top.Hosts {
		l.addresses[h.Name] = h.Address
	}
	ix, err := topology.NewIndex(top)
	if err != nil {
		t.Fatal(err)
	}
	col, err := collector.New(collector.DefaultConfig(), collector.Deps{})
	if err != nil {
		t.Fatal(err)
	}
	settings := intent.DefaultSettings()
	settings.AllHops = true
	var cards []postcard.Record
	fabric, err := lab.New(lab.Config{Fabric: top, Seed: 1, ReportPort: settings.ReportPort,
		OnReport: func(at lab.Time, src netip.AddrPort, payload []byte) {
			col.Ingest(int64(at), src, payload, func(r *postcard.Record) { cards = append(cards, *r) })
		}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := fabric.Close(); err != nil {
			t.Error(err)
		}
	}()
	controller, err := controlplane.Connect(t.Context(), controlplane.Config{
		Fabric: ix, Settings: settings, Election: p4rt.Election{Low: 1},
		Address: func(n topology.Node) (string, error) { return fabric.P4RTAddr(n.Name) },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := controller.Close(); err != nil {
			t.Error(err)
		}
	}()
	if _, err := controller.Install(t.Context()); err != nil {
		t.Fatal(err)
	}
	faults := 0
	for _, x := range top.Links {
		switch {
		case x.Telemetry && telemetry > 0:
			err = lab.LossyLink(x.A.Node, x.A.Port, telemetry).Apply(fabric)
		case x.A.Node == l.from && x.B.Node == l.to:
			faults++
			err = lab.LossyLink(x.A.Node, x.A.Port, 0.05).Apply(fabric)
		case x.B.Node == l.from && x.A.Node == l.to:
			faults++
			err = lab.LossyLink(x.B.Node, x.B.Port, 0.05).Apply(fabric)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if faults != 1 {
		t.Fatalf("got %d links from %s to %s, want 1", faults, l.from, l.to)
	}
	flows, err := traffic.Mix{Seed: 1, PPS: 4000}.Make(&top)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range flows {
		if _, err := fabric.AddFlow(f); err != nil {
			t.Fatal(err)
		}
	}
	book := ledger.NewBook(1)
	if err := fabric.RunUntil(lab.Time(1500 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	fabric.StopTraffic()
	if err := fabric.RunUntil(lab.Time(1700 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	for _, x := range fabric.Stats().Links {
		if strings.HasPrefix(x.From, l.from+":") && strings.HasPrefix(x.To, l.to+":") {
			l.lost = x.Lost
		}
	}
	l.flows = fabric.Flows()
	s := col.Snapshot()
	page := book.Page(int64(fabric.Now()), ledger.State{Sources: s.Sources, Sum: s.Sum, Rejected: s.Rejected})

	cfg := journal.DefaultConfig()
	cfg.Dir, cfg.Unit, cfg.Reserve = l.dir, 1, 0
	j, err := journal.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	from := func(_ context.Context, fn func([]postcard.Record) error) error { return fn(cards) }
	pages := func(_ context.Context, _, _ int64, fn func(*ledger.Page) error) error { return fn(&page) }
	if err := recordlog.Record(t.Context(), from, pages, j); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	return l
}

// run runs a command about the log and returns its lines.
func (l *labLog) run(t *testing.T, args ...string) (lines []string, stderr string) {
	t.Helper()
	var out, note bytes.Buffer
	cmd := newRootCmd()
	cmd.SetOut(&out)
	cmd.SetErr(&note)
	cmd.SetArgs(append(args, "--data", l.dir, "--topology", l.topology))
	if err := cmd.ExecuteContext(t.Context()); err != nil {
		t.Fatalf("%v: %v\n%s", args, err, &note)
	}
	return strings.Split(strings.TrimSpace(out.String()), "\n"), note.String()
}

func decode(t *testing.T, line string, to any) {
	t.Helper()
	if err := json.Unmarshal([]byte(line), to); err != nil {
		t.Fatalf("%s: %v", line, err)
	}
}

// lossLine is the last line of an answer from a log.
type lossLine struct{ Loss *ledger.Loss }

// TestFlowsOfALab: what the lab sent and delivered of every flow is what `telltale flows`
// counts at the flow's ends, in between only one link takes packets away, and that link is
// the one that `telltale losses` names, with as many packets as the lab lost there.
func TestFlowsOfALab(t *testing.T) {
	l := newLabLog(t, 0)
	if l.lost < 20 {
		t.Fatalf("the lab lost %d packets, want some", l.lost)
	}
	type tuple struct {
		src, dst string
		proto    uint8
		sp, dp   uint16
	}
	type counts struct{ first, last uint64 }
	want := map[tuple]counts{}
	for _, f := range l.flows {
		if f.Sent == 0 {
			continue
		}
		k := tuple{l.addresses[f.From].String(), l.addresses[f.To].String(), f.Proto, f.SrcPort, f.DstPort}
		c := want[k]
		want[k] = counts{c.first + f.Sent, c.last + f.Delivered}
	}
	lines, note := l.run(t, "flows", "--format", "json")
	got := map[tuple]map[string]uint64{}
	for _, line := range lines[:len(lines)-1] {
		var x struct {
			Flow struct {
				Src, Dst     string
				Proto        uint8
				Sport, Dport uint16
			}
			Hops []struct {
				Node    string
				Packets uint64
			}
		}
		decode(t, line, &x)
		k := tuple{x.Flow.Src, x.Flow.Dst, x.Flow.Proto, x.Flow.Sport, x.Flow.Dport}
		if got[k] == nil {
			got[k] = map[string]uint64{}
		}
		for _, h := range x.Hops {
			got[k][h.Node] += h.Packets
		}
	}
	if len(got) != len(want) {
		t.Errorf("got %d flows, want %d", len(got), len(want))
	}
	var missing uint64
	for k, w := range want {
		most, least := uint64(0), uint64(math.MaxUint64)
		for _, n := range got[k] {
			most, least = max(most, n), min(least, n)
		}
		if most != w.first || least > w.last || len(got[k]) > 1 && least != w.last && w.first == w.last {
			t.Errorf("flow %v: got %v, want %d sent and %d delivered", k, got[k], w.first, w.last)
		}
		missing += w.first - w.last
	}
	if missing != l.lost {
		t.Fatalf("the lab's flows lost %d packets, its link %d", missing, l.lost)
	}
	var last lossLine
	decode(t, lines[len(lines)-1], &last)
	if last.Loss == nil || last.Loss.Total.Lost != 0 || last.Loss.Total.Received == 0 || !strings.Contains(note, "loss of the window: 0 of ") {
		t.Errorf("got loss %+v and %q, want none", last.Loss, note)
	}

	lost, doubt := l.losses(t)
	link := l.from + ">" + l.to
	if len(lost) != 1 || lost[link]+doubt[link] != l.lost || doubt[link] > 1 { // the last one, behind which nothing comes
		t.Errorf("losses: got %v and %v in doubt, want %d on %s", lost, doubt, l.lost, link)
	}
	if byFlow := l.byFlow(t); len(byFlow) != 1 || byFlow[link] != lost[link] {
		t.Errorf("losses --flows: got %v, want %v", byFlow, lost)
	}
	l.lost = lost[link]
	l.sent(t, link)
	text, note := l.run(t, "losses")
	if !strings.Contains(note, "loss of the window: 0 of ") || !strings.Contains(strings.Join(text, "\n"), fmt.Sprintf("%d lost between switches", l.lost)) {
		t.Errorf("losses: got %q and %q", text, note)
	}
}

// losses returns what `telltale losses` says of links that lost packets, and of links where
// lost reports may be taken for lost packets.
func (l *labLog) losses(t *testing.T) (lost, doubt map[string]uint64) {
	t.Helper()
	lines, _ := l.run(t, "losses", "--format", "json")
	var x struct {
		Links []struct {
			Node, Peer  string
			Lost, Doubt uint64
		}
	}
	decode(t, lines[0], &x)
	lost, doubt = map[string]uint64{}, map[string]uint64{}
	for _, k := range x.Links {
		if k.Lost > 0 {
			lost[k.Node+">"+k.Peer] += k.Lost
		}
		if k.Doubt > 0 {
			doubt[k.Node+">"+k.Peer] += k.Doubt
		}
	}
	return lost, doubt
}

// byFlow is losses by what `telltale losses --flows` says.
func (l *labLog) byFlow(t *testing.T) map[string]uint64 {
	t.Helper()
	lines, _ := l.run(t, "losses", "--flows", "--format", "json")
	lost := map[string]uint64{}
	for _, line := range lines[:len(lines)-1] {
		var x struct {
			Links []struct {
				From, To string
				Lost     uint64
			}
		}
		decode(t, line, &x)
		for _, k := range x.Links {
			if k.Lost > 0 {
				lost[k.From+">"+k.To] += k.Lost
			}
		}
	}
	return lost
}

// TestLossesOfALabWithReportsMissing: where reports are missing, that is said, and losses
// that they may explain are in doubt; no loss is told that was none.
func TestLossesOfALabWithReportsMissing(t *testing.T) {
	l := newLabLog(t, 0.01)
	lost, doubt := l.losses(t)
	link := l.from + ">" + l.to
	if n := lost[link]; len(lost) != 1 || n > l.lost || n < l.lost/2 || n+doubt[link] < l.lost*9/10 {
		t.Errorf("got %v packets lost and %v in doubt, want nearly %d on %s alone", lost, doubt, l.lost, link)
	}
	lines, note := l.run(t, "losses", "--format", "json")
	var last lossLine
	decode(t, lines[len(lines)-1], &last)
	if last.Loss == nil || last.Loss.Total.Lost == 0 || last.Loss.Fraction < 0.005 || last.Loss.Fraction > 0.02 {
		t.Errorf("got loss %+v and %q, want 1 %%", last.Loss, note)
	}
}
