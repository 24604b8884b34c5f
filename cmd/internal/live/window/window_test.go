package window

import (
	"bytes"
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/telltale-net/telltale/analyzers"
	"github.com/telltale-net/telltale/analyzers/incident"
	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/topology"
)

// TestLossMap: what links carried and lost is what they did, in windows that share no
// packet and leave none out, and the lossy link is blamed.
func TestLossMap(t *testing.T) {
	m := newModel(t, 1)
	m.Run(100, 2500, 4000)
	m.Lossy["leaf1>spine2"], m.Full["leaf3>vs5"] = 0.02, 0.01
	m.Run(2500, 8300, 4000)
	a, _, all := m.play(t, Config{}, 1<<20, nil)
	sent, lost, dropped := map[string]uint64{}, map[string]uint64{}, map[string]uint64{}
	for i, w := range all.Windows {
		if w.To-w.From != 1000*ms || w.From != int64(i)*1000*ms || w.Level != 0 || w.Records != w.Taken || w.ReportLoss != 0 {
			t.Errorf("window %d: %+v", i, w)
		}
		for _, l := range w.Links {
			sent[l.Node+">"+l.Peer] += l.Sent
			lost[l.Node+">"+l.Peer] += l.Lost
			dropped[l.Node+">"+l.Peer] += l.Dropped
		}
		var bad []string
		if w.From >= 3000*ms {
			bad = []string{"leaf1>spine2", "leaf3>vs5"}
		}
		if got := w.Blame.BadLinks(); w.From != 2000*ms && !slices.Equal(slices.Sorted(slices.Values(got)), bad) {
			t.Errorf("window %d blames %v, want %v", i, got, bad)
		}
	}
	if len(all.Windows) != 9 {
		t.Errorf("got %d windows, want 9", len(all.Windows))
	}
	for link, n := range m.Sent {
		// The first packets of all precede the reports of switches behind.
		if sent[link] > n || sent[link]+5 < n || lost[link] != m.Lost[link] || dropped[link] != m.Dropped[link] {
			t.Errorf("%s: %d sent, %d lost, %d dropped; want %d, %d, %d", link, sent[link], lost[link], dropped[link], n, m.Lost[link], m.Dropped[link])
		}
	}
	for _, l := range a.Totals() {
		if l.Sent != sent[l.Node+">"+l.Peer] || l.Lost != lost[l.Node+">"+l.Peer] || l.Dropped != dropped[l.Node+">"+l.Peer] {
			t.Errorf("total %+v, want %d, %d", l, sent[l.Node+">"+l.Peer], lost[l.Node+">"+l.Peer])
		}
	}
	opened := opened(all.Events)
	if len(opened) != 1 || opened[0].Kind != analyzers.LinkLoss || opened[0].Place.Node != "leaf1" || opened[0].Place.Peer != "spine2" {
		t.Errorf("findings %+v, want the lossy link", opened)
	}
}

func opened(events []incident.Event) (out []analyzers.Finding) {
	for _, e := range events {
		if e.Type == incident.Opened {
			out = append(out, e.Finding)
		}
	}
	return out
}

// TestLostReports: reports that are lost are no lost packets, nobody is blamed for them,
// and the window says how many there were.
func TestLostReports(t *testing.T) {
	for _, share := range []float64{0.001, 0.01, 0.05} {
		m := newModel(t, 2)
		m.Reports = share
		m.Run(0, 6000, 4000)
		_, _, all := m.play(t, Config{}, 1<<20, nil)
		for i, w := range all.Windows {
			if bad := w.Blame.BadLinks(); len(bad) > 0 {
				t.Errorf("%g of reports lost, window %d: %v blamed", share, i, bad)
			}
			if i < 6 && (w.ReportLoss < share/2 || w.ReportLoss > share*2) {
				t.Errorf("%g of reports lost, window %d says %g", share, i, w.ReportLoss)
			}
		}
		if f := opened(all.Events); len(f) > 0 {
			t.Errorf("%g of reports lost: findings %+v", share, f)
		}
	}
}

// TestMended: a link that loses no packets any more is blamed for as long as its losses weigh
// anything, which is 29 windows, and no other one is meanwhile.
func TestMended(t *testing.T) {
	const mended = 8
	for _, rate := range []float64{0.2, 0.02, 0.005} {
		m := newModel(t, 3)
		m.Run(0, 2000, 2000)
		m.Lossy["leaf1>spine2"] = rate
		m.Run(2000, mended*1000, 2000)
		delete(m.Lossy, "leaf1>spine2")
		m.Run(mended*1000, (mended+31)*1000, 2000)
		_, _, all := m.play(t, Config{}, 1<<20, nil)
		last := 0
		for i, w := range all.Windows {
			for _, l := range w.Blame.BadLinks() {
				if last = i; l != "leaf1>spine2" {
					t.Errorf("a loss of %g: window %d blames %s", rate, i, l)
				}
			}
		}
		t.Logf("a loss of %g: blamed for %d windows after it ended", rate, last-mended+1)
		if after := last - mended + 1; after < 1 || after > 29 {
			t.Errorf("a loss of %g: blamed for %d windows after it ended, want 1 to 29", rate, after)
		}
	}
}

// TestSampled: of more packets than may be analysed, whole ones are taken: nothing looks
// lost that is not, what is lost is found, and the estimates are near the truth.
func TestSampled(t *testing.T) {
	for _, lossy := range []bool{false, true} {
		m := newModel(t, 3)
		if m.Run(0, 1000, 4000); lossy {
			m.Lossy["spine1>leaf3"] = 0.05
		}
		m.Reports = 0.001
		m.Run(1000, 8000, 12000)
		a, s, all := m.play(t, Config{}, 12000, nil)
		if s.Level() < 2 {
			t.Fatalf("level %d with 60,000 records a second, of which 12,000 may be taken", s.Level())
		}
		taken := uint64(0)
		for i, w := range all.Windows {
			taken += w.Taken
			bad := w.Blame.BadLinks()
			if len(bad) > 0 && (!lossy || !slices.Equal(bad, []string{"spine1>leaf3"})) {
				t.Errorf("window %d blames %v", i, bad)
			}
			if i >= 5 && lossy && len(bad) == 0 {
				t.Errorf("window %d blames nobody", i)
			}
		}
		if taken > 8*14000 {
			t.Errorf("%d records taken in 8 s, of which 12,000 a second may be", taken)
		}
		for _, l := range a.Totals() {
			link := l.Node + ">" + l.Peer
			if x := float64(l.Sent) / float64(m.Sent[link]); x < 0.8 || x > 1.2 {
				t.Errorf("%s: about %d sent, in truth %d", link, l.Sent, m.Sent[link])
			}
		}
		f := opened(all.Events)
		if lossy != (len(f) == 1 && f[0].Kind == analyzers.LinkLoss && f[0].Place.Peer == "leaf3") || len(f) > 1 {
			t.Errorf("lossy %v: findings %+v", lossy, f)
		}
	}
}

// TestShed: packets torn by shedding are not lost packets, and the window says so.
func TestShed(t *testing.T) {
	if testing.Short() {
		t.Skip("many packets")
	}
	m := newModel(t, 4)
	m.Run(0, 8000, 4000)
	_, _, all := m.play(t, Config{}, 1<<20, func(at int64) bool { return at/(50*ms)%10 == 3 && at > 2000*ms && at < 5000*ms })
	for i, w := range all.Windows {
		shed := i >= 2 && i < 5
		if shed != (w.Shed > 0) || shed && w.ReportLoss < 0.05 {
			t.Errorf("window %d: %d shed, report loss %g", i, w.Shed, w.ReportLoss)
		}
		if shed && w.Blame != nil || i >= 6 && w.Blame == nil {
			t.Errorf("window %d: blame %v", i, w.Blame)
		}
		if w.Blame != nil && len(w.Blame.BadLinks()) > 0 {
			t.Errorf("window %d blames %v", i, w.Blame.BadLinks())
		}
	}
	if f := opened(all.Events); len(f) > 0 {
		t.Errorf("findings %+v", f)
	}
}

// TestSameRecordsSameResults also holds for what is written.
func TestSameRecordsSameResults(t *testing.T) {
	if testing.Short() {
		t.Skip("many packets")
	}
	var runs [2][]byte
	for i := range runs {
		m := newModel(t, 5)
		m.Lossy["vs3>leaf2"] = 0.1
		m.Run(0, 4000, 3000)
		_, _, all := m.play(t, Config{Length: 700 * time.Millisecond}, 8000, nil)
		var err error
		if runs[i], err = json.Marshal(all); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(runs[0], runs[1]) {
		t.Errorf("two runs differ")
	}
}

// TestTimeJumps: a silence of a day is one step, not 86,400 windows.
func TestTimeJumps(t *testing.T) {
	m := newModel(t, 6)
	m.Run(0, 1500, 1000)
	day := int64(24 * time.Hour / time.Millisecond)
	m.Run(day, day+1500, 1000)
	_, _, all := m.play(t, Config{}, 1<<20, nil)
	if n := len(all.Windows); n != 4 {
		t.Errorf("%d windows, want 4", n)
	}
	if f := opened(all.Events); len(f) > 0 {
		t.Errorf("findings %+v", f)
	}
}

// TestTooManyRecords: what does not fit is left out, and nobody is blamed for it.
func TestTooManyRecords(t *testing.T) {
	if testing.Short() {
		t.Skip("many packets")
	}
	m := newModel(t, 7)
	m.Run(0, 3000, 4000)
	_, _, all := m.play(t, Config{MaxRecords: 10_000}, 1<<20, nil)
	blind := 0
	for _, w := range all.Windows {
		if w.Blame == nil {
			blind++
		} else if bad := w.Blame.BadLinks(); len(bad) > 0 {
			t.Errorf("%v blamed", bad)
		}
	}
	if blind == 0 {
		t.Error("60,000 records fit where there is room for 10,000")
	}
}

func TestNewRefuses(t *testing.T) {
	if _, err := New(topology.Fabric{Nodes: []topology.Node{{}}}, Config{}); err == nil {
		t.Error("a broken fabric is taken")
	}
	m := newModel(t, 1)
	if _, err := New(m.Fabric, Config{Length: time.Millisecond}); err == nil {
		t.Error("windows of 1 ms are taken")
	}
	a, _ := New(m.Fabric, Config{})
	if res := a.Advance(5, nil); res.Events != nil || res.Windows != nil {
		t.Errorf("results of nothing: %+v", res)
	}
	a.Observe(&Batch{Offered: 3, Shed: 3})
	if res := a.Flush(nil); res.Events != nil || res.Windows != nil {
		t.Errorf("results of nothing: %+v", res)
	}
}

// TestWholePackets: whatever the rate does, of a packet all records are taken or none.
func TestWholePackets(t *testing.T) {
	if testing.Short() {
		t.Skip("many packets")
	}
	m := newModel(t, 8)
	m.Run(0, 500, 1000)
	m.Run(500, 1500, 30000)
	m.Run(1500, 2000, 1000)
	m.Run(2000, 2600, 100000)
	m.Run(2600, 18000, 500)
	s := NewSampler(10_000, 1000*ms)
	type name struct {
		hash uint32
		id   uint16
		vni  uint32
		src  postcard.Addr
		at   uint64
	}
	offered, taken := map[name]int{}, map[name]int{}
	levels := map[uint]bool{}
	for i := range m.Records {
		r := &m.Records[i]
		k := name{r.FlowHash, r.PacketID, r.VNI, r.Inner.Src, r.Ingress}
		offered[k]++
		if s.Choose(r) {
			taken[k]++
		}
		levels[s.Level()] = true
	}
	parts := 0
	for k, n := range taken {
		if n != offered[k] {
			parts++
		}
	}
	// When the level falls, packets on their way join in at a later hop.
	if parts > 30 {
		t.Errorf("%d of %d packets were taken in part", parts, len(taken))
	}
	if len(levels) < 4 || s.Level() != 0 {
		t.Errorf("%d levels, at the end %d; want some, and 0", len(levels), s.Level())
	}
}

// TestNamelessRecords are taken by their report's number: about as many.
func TestNamelessRecords(t *testing.T) {
	s := NewSampler(1000, 1000*ms)
	n := 0
	for i := range 100_000 {
		if s.Choose(&postcard.Record{Received: int64(i) * 50_000, Node: 7, Seq: uint32(i)}) {
			n++
		}
	}
	if n < 2000 || n > 10_000 {
		t.Errorf("%d of 100,000 records in 5 s were taken, want 1,000 a second", n)
	}
}

// TestHoles against the truth: every missing report is in one hole around it.
func TestHoles(t *testing.T) {
	m := newModel(t, 9)
	m.Reports = 0.02
	m.Run(0, 500, 4000)
	s := NewSampler(1, 1000*ms)
	for i := range m.Records {
		s.Choose(&m.Records[i])
	}
	missing := map[postcard.NodeID]int{}
	for _, h := range s.TakeHoles(nil) {
		missing[h.Node] += h.Missing
		if h.From > h.Until {
			t.Errorf("hole %+v ends before it begins", h)
		}
	}
	got := map[postcard.NodeID]int{}
	for i := range m.Records {
		got[m.Records[i].Node]++
	}
	for name, n := range m.Seq {
		id := m.IDs[name]
		// Reports before the first and after the last are not missed; overtaken ones are.
		if d := missing[id] + got[id] - int(n); d < -6 || d > int(n)/50 {
			t.Errorf("%s: %d reports sent, %d came, %d missing", name, n, got[id], missing[id])
		}
	}
	if len(s.TakeHoles(nil)) > 0 {
		t.Error("holes are told twice")
	}
}

// BenchmarkChoose is what a record costs the network's goroutine, less its copy.
func BenchmarkChoose(b *testing.B) {
	m := newModel(b, 1)
	m.Run(0, 1000, 20000)
	for _, x := range []struct {
		name string
		rate int
	}{{"all", 1 << 18}, {"one in many", 100}} {
		b.Run(x.name, func(b *testing.B) {
			b.ReportAllocs()
			s := NewSampler(x.rate, 1000*ms)
			i, holes, began := 0, 0, processorTime()
			for b.Loop() {
				r := &m.Records[i]
				if i++; i == len(m.Records) {
					i = 0
					holes += len(s.TakeHoles(nil))
				}
				s.Choose(r)
			}
			b.ReportMetric(float64(processorTime()-began)/float64(b.N), "cpu-ns/record")
			b.ReportMetric(float64(s.Level()), "level")
		})
	}
}

// BenchmarkAnalyze is the whole analysis: 4 s of records, with their windows.
func BenchmarkAnalyze(b *testing.B) {
	m := newModel(b, 1)
	m.Run(0, 4000, 10000)
	b.ReportAllocs()
	n, began := 0, processorTime()
	for b.Loop() {
		a, err := New(m.Fabric, Config{})
		if err != nil {
			b.Fatal(err)
		}
		for from := 0; from < len(m.Records); from += 1000 {
			batch := Batch{Records: m.Records[from:min(from+1000, len(m.Records))], Offered: 1000}
			a.Observe(&batch)
			a.Advance(0, nil)
		}
		a.Flush(nil)
		n += len(m.Records)
	}
	b.ReportMetric(float64(processorTime()-began)/float64(n), "cpu-ns/record")
}
