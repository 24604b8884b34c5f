package live

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"github.com/telltale-net/telltale/analyzers"
	"github.com/telltale-net/telltale/analyzers/incident"
	"github.com/telltale-net/telltale/cmd/internal/live/livetest"
	"github.com/telltale-net/telltale/cmd/internal/live/window"
	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/collector/sequence"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newModel(t testing.TB) *livetest.Model {
	t.Helper()
	m, err := livetest.New(1)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// heard is what subscribers were told.
type heard struct {
	events  []incident.Event
	windows []*window.Window
	changed int
}

func (h *heard) deps() Deps {
	return Deps{
		Now:        func() int64 { return 0 }, // the records have the time
		ReportLoss: func(postcard.NodeID, int64, int64) sequence.Loss { return sequence.Loss{Received: 999, Lost: 1} },
		OnEvent:    func(e incident.Event) { h.events = append(h.events, e) },
		OnWindow:   func(w *window.Window) { h.windows = append(h.windows, w) },
		Changed:    func() { h.changed++ },
	}
}

// TestLive: all that was observed is judged before Run returns, subscribers are told,
// and what is known agrees with what they were told.
func TestLive(t *testing.T) {
	m := newModel(t)
	m.Run(0, 2000, 2000)
	m.Lossy["leaf3>spine1"] = 0.1
	m.Run(2000, 6000, 2000)
	var h heard
	l, err := New(m.Fabric, Config{Rate: 1 << 20}, h.deps())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := l.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	for i := 0; i < len(m.Records); i += 500 {
		l.Observe(m.Records[i:min(i+500, len(m.Records))])
		for len(l.full) == cap(l.full) {
			_ = l.Results()
		}
	}
	cancel()
	wg.Wait()
	c := &l.counts
	if c.offered.Load() != uint64(len(m.Records)) || c.taken.Load() != c.offered.Load() || c.shed.Load() != 0 {
		t.Errorf("%d records: %d offered, %d taken, %d shed", len(m.Records), c.offered.Load(), c.taken.Load(), c.shed.Load())
	}
	if len(h.windows) != 6 || h.changed == 0 {
		t.Errorf("%d windows, want 6; told of changes %d times", len(h.windows), h.changed)
	}
	r := l.Results()
	if r.Window != h.windows[5] || len(r.Losses) == 0 || len(r.Window.Blame.BadLinks()) != 1 || r.Window.ReportLoss != 0.001 {
		t.Errorf("results %+v", r)
	}
	all := append(r.Findings, r.Recent...)
	if len(all) != 1 || all[0].ID != "incident-1" || all[0].Kind != analyzers.LinkLoss || all[0].Place.Peer != "spine1" || all[0].ReportLoss != 0.001 {
		t.Errorf("findings %+v, want the lossy link", all)
	}
	if len(h.events) == 0 || h.events[0].Type != incident.Opened {
		t.Errorf("events %+v", h.events)
	}
	if _, err := json.Marshal(r); err != nil {
		t.Error(err)
	}
	var b strings.Builder
	if err := l.WriteMetrics(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"telltale_live_records_shed_total 0\n", "telltale_live_windows_total 6\n", "telltale_live_windows_without_blame_total 0\n",
		"telltale_live_packets_per_packet_taken 1\n", "telltale_live_finding_events_total{event=\"opened\"} 1\n",
		"telltale_live_blame_probability{link=\"leaf3>spine1\"}", "telltale_live_report_loss 0.00", "telltale_live_link_packets_lost_total{node=\"leaf3\",port=\"1\",peer=\"spine1\"}",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("metrics lack %q:\n%s", want, b.String())
		}
	}
}

// TestStuckSubscriber: while a subscriber does not return, Observe does; what it sheds is
// counted, the choice gets coarser, and all records are accounted for in the end.
func TestStuckSubscriber(t *testing.T) {
	m := newModel(t)
	m.Run(0, 6000, 8000)
	stuck, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	var shed, taken atomic.Uint64
	l, err := New(m.Fabric, Config{Rate: 1 << 20, Queue: 2}, Deps{Now: func() int64 { return 0 }, OnWindow: func(w *window.Window) {
		once.Do(func() { close(stuck) })
		<-release
		shed.Add(w.Shed)
		taken.Add(w.Taken)
	}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- l.Run(ctx) }()
	half := len(m.Records) / 2
	i := 0
	for ; i < half; i += 100 {
		l.Observe(m.Records[i : i+100])
	}
	<-stuck
	for ; i < len(m.Records); i += 100 {
		l.Observe(m.Records[i : i+100]) // would wait forever
	}
	close(release)
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	c := &l.counts
	if c.shed.Load() == 0 || c.level.Load() == 0 || shed.Load() != c.shed.Load() || taken.Load() != c.taken.Load() {
		t.Errorf("shed %d, windows say %d; taken %d, windows say %d; level %d", c.shed.Load(), shed.Load(), c.taken.Load(), taken.Load(), c.level.Load())
	}
}

// TestRecentFindings: no more closed findings are kept than there is room for.
func TestRecentFindings(t *testing.T) {
	var r Results
	for i := range uint64(5) {
		for _, e := range []incident.EventType{incident.Opened, incident.Updated, incident.Closed} {
			r.apply(&incident.Event{Type: e, ID: i}, 3)
		}
	}
	r.apply(&incident.Event{Type: incident.Opened, ID: 9}, 3)
	if len(r.Findings) != 1 || r.Findings[0].ID != "incident-9" || len(r.Recent) != 3 || r.Recent[0].ID != "incident-4" {
		t.Errorf("got %+v", r)
	}
}

func TestNewRefuses(t *testing.T) {
	m := newModel(t)
	for _, c := range []Config{{Rate: 1}, {Queue: -1}, {Recent: 1 << 20}, {Window: window.Config{Length: 1}}} {
		if _, err := New(m.Fabric, c, Deps{}); err == nil {
			t.Errorf("%+v is taken", c)
		}
	}
}

// TestObserveAllocatesNothing once its batches are made.
func TestObserveAllocatesNothing(t *testing.T) {
	m := newModel(t)
	m.Run(0, 1000, 8000)
	l, err := New(m.Fabric, Config{Rate: 1000, Queue: 1}, Deps{})
	if err != nil {
		t.Fatal(err)
	}
	l.Observe(m.Records)
	if n := testing.AllocsPerRun(50, func() { l.Observe(m.Records[len(m.Records)-1000:]) }); n > 0 {
		t.Errorf("%g allocations a batch of 1000 records", n)
	}
}

// BenchmarkObserve is what a record costs the network's goroutine, where everything is
// analysed (and nobody does: queue full), and where one packet of many is.
func BenchmarkObserve(b *testing.B) {
	m := newModel(b)
	m.Run(0, 1000, 20000)
	for _, x := range []struct {
		name string
		rate int
	}{{"all", 1e9}, {"sampled", 1000}} {
		b.Run(x.name, func(b *testing.B) {
			l, err := New(m.Fabric, Config{Rate: x.rate}, Deps{})
			if err != nil {
				b.Fatal(err)
			}
			ctx, cancel := context.WithCancel(b.Context())
			done := make(chan struct{})
			go func() { defer close(done); discard(ctx, l) }()
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				at := n % (len(m.Records) - 1000)
				l.Observe(m.Records[at : at+1000])
				n += 1000
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/record")
			cancel()
			<-done
		})
	}
}

// discard takes batches and does nothing with them.
func discard(ctx context.Context, l *Live) {
	for {
		select {
		case b := <-l.full:
			l.free <- b
		case <-ctx.Done():
			return
		}
	}
}
