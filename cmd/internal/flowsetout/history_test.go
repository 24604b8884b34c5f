package flowsetout

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/VictoriaMetrics/VictoriaMetrics/lib/prompb"
	"go.uber.org/goleak"

	"github.com/telltale-net/telltale/analyzers"
	"github.com/telltale-net/telltale/analyzers/flowset"
	"github.com/telltale-net/telltale/analyzers/flowset/loss"
	"github.com/telltale-net/telltale/analyzers/flowset/postcards"
	"github.com/telltale-net/telltale/collector/ipfix"
	"github.com/telltale-net/telltale/collector/ipfix/export"
	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/collector/remotewrite"
	"github.com/telltale-net/telltale/topology"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreCurrent()) // what VictoriaMetrics' packages start with the program
}

// epochs are n epochs from a time on, two a second, each of which loses one packet.
func epochs(from int64, n int) (all []*postcards.Epoch) {
	for i := range n {
		at := from + int64(i)*500e6
		all = append(all, &postcards.Epoch{
			Number: uint64(i), From: at, To: at + 1e6, OneIn: 1, Packets: 10, Delivered: 9, Lost: 1,
			Links: []postcards.Link{{Node: "leaf1", Port: 2, Peer: "spine1", Sent: 10, Lost: 1, Flows: postcards.Flows{Wire: 1}}},
			Flows: []postcards.FlowLoss{{Flow: flow(1), Node: "leaf1", Port: 2, Peer: "spine1", Place: postcards.Wire, Sent: 5, Lost: 1},
				{Flow: flow(0), Node: "leaf1", Port: 3, Peer: "vs1", Place: postcards.Queue, Sent: 5, Lost: 1}},
			Counts: []postcards.Count{{Node: "leaf1", Flow: flow(1), Packets: 5}},
		})
	}
	return all
}

func flow(vni uint32) analyzers.TenantFlow {
	return analyzers.TenantFlow{VNI: vni, Flow: postcard.Flow{Src: postcard.AddrFrom(netip.MustParseAddr("10.0.0.1")), Dst: postcard.AddrFrom(netip.MustParseAddr("10.0.0.2")), Proto: 6}}
}

// Samples are at the steps, counters begin at zero a step before, and a long silence is
// told once.
func TestHistory(t *testing.T) {
	var text strings.Builder
	h := History{Step: time.Second, Labels: []prompb.Label{{Name: "job", Value: `a"b`}}, Write: WriteText(&text)}
	for _, e := range append(epochs(100e9, 5), epochs(1000e9+1, 1)...) {
		if err := h.Add(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.Close(postcards.Stats{Late: 3}); err != nil {
		t.Fatal(err)
	}
	var got []string
	for line := range strings.Lines(text.String()) {
		if strings.HasPrefix(line, `telltale_flowset_lost_packets_total{job="a\"b",node="leaf1",peer="spine1",place="wire",port="2"} `) {
			got = append(got, strings.TrimSpace(line[strings.Index(line, "} ")+2:]))
		}
	}
	if want := "0 100000, 2 101000, 4 102000, 5 103000, 5 1000000, 6 1001000"; strings.Join(got, ", ") != want {
		t.Errorf("got %s, want %s", strings.Join(got, ", "), want)
	}
	if !strings.Contains(text.String(), `telltale_flowset_late_reports_total{job="a\"b"} 3 1001000`) {
		t.Errorf("the end lacks the late reports:\n%s", text.String())
	}
	if err := (&History{Step: time.Second}).Close(postcards.Stats{}); err != nil {
		t.Errorf("nothing: %v", err)
	}
}

// What is written of the past is at its time in a real VictoriaMetrics, by remote write and
// by import of text, so that increase() finds every packet.
func TestVictoriaMetrics(t *testing.T) {
	if testing.Short() {
		t.Skip("builds VictoriaMetrics")
	}
	program, err := exec.Command("go", "tool", "-n", "victoria-metrics").Output()
	if err != nil {
		t.Fatalf("cannot build VictoriaMetrics: %v", err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	cmd := exec.Command(strings.TrimSpace(string(program)), "-storageDataPath="+t.TempDir(), "-httpListenAddr="+addr, "-search.latencyOffset=0s", "-loggerLevel=ERROR", "-memory.allowedBytes=64MiB", "-search.disableCache")
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	get := func(path string) string {
		res, err := client.Get("http://" + addr + path)
		if err != nil {
			return err.Error()
		}
		defer res.Body.Close()
		b, _ := io.ReadAll(res.Body)
		return string(b)
	}
	eventually(t, func() string { return strings.TrimPrefix(get("/health"), "OK") })
	begin := time.Now().Add(-20 * 24 * time.Hour).Truncate(time.Minute) // the past
	labels := func(source string) []prompb.Label {
		return []prompb.Label{{Name: "job", Value: "telltale"}, {Name: "source", Value: source}}
	}
	cfg := remotewrite.DefaultConfig()
	cfg.URL = "http://" + addr + "/api/v1/write"
	r, err := OpenRemote(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, h := range []*History{{Step: 15 * time.Second, Labels: labels("write"), Write: r.Write}, {Step: 15 * time.Second, Labels: labels("text"), Write: WriteText(&text)}} {
		for _, e := range epochs(begin.UnixNano()+1, 600) {
			if err := h.Add(e); err != nil {
				t.Fatal(err)
			}
		}
		if err := h.Close(postcards.Stats{}); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := r.Close(); err != nil || n < 20*10 {
		t.Fatalf("%d samples: %v", n, err)
	}
	res, err := client.Post("http://"+addr+"/api/v1/import/prometheus", "text/plain", strings.NewReader(text.String()))
	if err != nil || res.StatusCode/100 != 2 {
		t.Fatalf("import: %v, %v", res, err)
	}
	res.Body.Close()
	for _, source := range []string{"write", "text"} {
		for _, c := range []struct {
			window string
			until  time.Duration
			want   string
		}{{"10m", 6 * time.Minute, `"600"`}, {"1m", 3 * time.Minute, `"120"`}} {
			q := fmt.Sprintf(`increase(telltale_flowset_lost_packets_total{node="leaf1",source=%q,place="wire"}[%s])`, source, c.window)
			eventually(t, func() string {
				got := get("/api/v1/query?" + url.Values{"query": {q}, "time": {fmt.Sprint(begin.Add(c.until).Unix())}}.Encode())
				if !strings.Contains(got, c.want) {
					return q + ": got " + got + ", want " + c.want
				}
				return ""
			})
		}
	}
}

func eventually(t *testing.T, wrong func() string) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		w := wrong()
		if w == "" {
			return
		}
		if time.Now().After(end) {
			t.Fatal(w)
		}
	}
}

// A server that refuses samples, or is not there, is an error that says how many it has
// not taken, and the folder of what waits goes.
func TestRemoteFails(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	refuses := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadRequest) }))
	defer refuses.Close()
	cfg := remotewrite.DefaultConfig()
	cfg.URL = refuses.URL
	r, err := OpenRemote(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	h := History{Step: time.Second, Write: r.Write}
	if err := h.Add(epochs(100e9, 1)[0]); err != nil {
		t.Fatal(err)
	}
	if err := h.Close(postcards.Stats{}); err != nil {
		t.Fatal(err)
	}
	if n, err := r.Close(); n != 0 || err == nil || !strings.Contains(err.Error(), "samples: it refused them") {
		t.Errorf("%d, %v", n, err)
	}
	if r, err = OpenRemote(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	r.Abandon()
	if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) > 0 {
		t.Errorf("%v is left: %v", left, err)
	}
	cfg.URL = "nowhere"
	if _, err := OpenRemote(t.Context(), cfg); err == nil {
		t.Error("a URL without a host is taken")
	}
}

// Records have the numbers of nodes where they are known, and leave out what switches
// report themselves, if so asked.
func TestRecords(t *testing.T) {
	f, err := topology.LeafSpine(topology.DefaultLeafSpine())
	if err != nil {
		t.Fatal(err)
	}
	ix, err := topology.NewIndex(f)
	if err != nil {
		t.Fatal(err)
	}
	e := epochs(5, 1)[0]
	for _, c := range []struct {
		announced bool
		want      int
	}{{true, 3}, {false, 2}} {
		var got []string
		Records(e, ix, c.announced, func(f *ipfix.EpochFlow) bool {
			got = append(got, fmt.Sprintf("%d:%s %d %d/%d %d:%s %v %d-%d", f.Node, f.Name, f.Place, f.Packets, f.Lost, f.Next, f.NextName, f.HasVNI, f.From, f.To))
			return true
		})
		if len(got) != c.want {
			t.Errorf("got %v, want %d", got, c.want)
		}
		for _, s := range got {
			if !strings.Contains(s, ":leaf1 ") || strings.HasPrefix(s, "0:") || !strings.HasSuffix(s, " 5-1000005") {
				t.Errorf("got %s", s)
			}
		}
	}
	n := 0
	Records(e, nil, true, func(f *ipfix.EpochFlow) bool {
		n++
		if f.Node != 0 || f.Name != "leaf1" {
			t.Errorf("%+v", f)
		}
		return false
	})
	if n != 1 {
		t.Errorf("%d records behind the last one wanted", n)
	}
}

// Epochs of data sets keep what the tables say, and count what cannot be said.
func TestFromDataSet(t *testing.T) {
	k, err := flowset.Flow{Src: netip.MustParseAddr("10.0.0.1"), Dst: netip.MustParseAddr("10.0.0.2"), Proto: 6}.Key(flowset.KeyIPv4)
	if err != nil {
		t.Fatal(err)
	}
	d := flowset.Counted(flowset.Shape{Node: "s1", Stage: flowset.StageIngress, Epoch: 7, KeyBytes: flowset.KeyIPv4}, []flowset.Key{k}, []int64{9})
	odd := flowset.Counted(flowset.Shape{Node: "s1", Epoch: 7, KeyBytes: 9}, []flowset.Key{k}, []int64{4})
	l := loss.Epoch{
		Epoch:     7,
		Links:     []loss.Link{{From: "s1", To: "s2", Sent: 9, Lost: 2, Flows: 1}, {From: "s1", To: "s1", Sent: 11, Lost: 2, Flows: 1}},
		Flows:     []loss.Flow{{Key: k, KeyBytes: flowset.KeyIPv4, From: "s1", To: "s2", Sent: 9, Lost: 2}, {Key: k, KeyBytes: flowset.KeyIPv4, From: "s1", To: "s1", Sent: 11, Lost: 2}, {Key: k, KeyBytes: 5}},
		Anomalies: []loss.Anomaly{{Kind: "blackhole", Key: k, KeyBytes: flowset.KeyIPv4, Nodes: []string{"s1", "s2"}, Packets: 3}, {Kind: "blackhole", Key: k, KeyBytes: flowset.KeyIPv4, Nodes: []string{"s1"}}},
	}
	c := flowset.Coverage{Flows: 10, Counted: 9, Packets: 100, CountedPackets: 80}
	clock := Clock{Zero: 1000, Length: 10}
	e, others := FromDataSet(&l, c, []*flowset.Decoded{d, odd}, clock)
	if e.From != 1070 || e.To != 1080 || others != 2 || e.Lost != 2 || e.Dropped != 2 || e.Known() != 80 || e.Packets != 100 || e.Complete() || len(e.Anomalies) != 1 {
		t.Errorf("%d others, %+v", others, e)
	}
	if len(e.Flows) != 2 || e.Flows[0].Place != postcards.Wire || e.Flows[1].Place != postcards.Queue || e.Flows[1].Peer != "" {
		t.Errorf("%+v", e.Flows)
	}
	if len(e.Counts) != 1 || e.Counts[0].Node != "s1/ingress" || e.Counts[0].Packets != 9 {
		t.Errorf("%+v", e.Counts)
	}
	if clock.Check() != nil || (Clock{}).Check() == nil {
		t.Error("clocks")
	}
}

// More flows than there is room for wait until they are sent.
func TestFlows(t *testing.T) {
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	cfg := export.DefaultConfig()
	cfg.To, cfg.Flows = c.LocalAddr().String(), 50
	f, err := OpenFlows(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	for range 200 {
		if err := f.Send(&ipfix.EpochFlow{Name: "s1"}); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := f.Close(); n != 200 || err != nil {
		t.Errorf("%d sent: %v", n, err)
	}
	cfg.To = "tcp://127.0.0.1:1"
	if f, err = OpenFlows(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	for err = nil; err == nil; {
		err = f.Send(&ipfix.EpochFlow{})
	}
	if f.Abandon(); !strings.Contains(err.Error(), "were not sent to tcp://127.0.0.1:1: cannot connect") {
		t.Error(err)
	}
}
