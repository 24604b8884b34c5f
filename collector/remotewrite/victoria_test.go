package remotewrite

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/VictoriaMetrics/VictoriaMetrics/lib/prompb"

	"github.com/telltale-net/telltale/collector/metricstore"
)

// victoria is a VictoriaMetrics server of its own process.
type victoria struct {
	t       *testing.T
	program string
	dir     string
	addr    string
	cmd     *exec.Cmd
}

// newVictoria builds the server from the module, into Go's build cache.
func newVictoria(t *testing.T) *victoria {
	t.Helper()
	if testing.Short() {
		t.Skip("builds VictoriaMetrics")
	}
	began := time.Now()
	out, err := exec.Command("go", "tool", "-n", "victoria-metrics").Output()
	if err != nil {
		t.Fatalf("cannot build VictoriaMetrics: %v", err)
	}
	t.Logf("VictoriaMetrics was there after %v", time.Since(began).Round(time.Millisecond))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return &victoria{t: t, program: strings.TrimSpace(string(out)), dir: t.TempDir(), addr: l.Addr().String()}
}

func (v *victoria) start() {
	v.t.Helper()
	v.cmd = exec.Command(v.program, "-storageDataPath="+v.dir, "-httpListenAddr="+v.addr, "-search.latencyOffset=0s", "-dedup.minScrapeInterval=1ms", "-loggerLevel=ERROR", "-memory.allowedBytes=64MiB", "-search.disableCache")
	v.cmd.Stderr = os.Stderr
	if err := v.cmd.Start(); err != nil {
		v.t.Fatal(err)
	}
	v.t.Cleanup(v.kill)
	eventually(v.t, "VictoriaMetrics answers", func() bool { return v.get("/health") == "OK" })
}

func (v *victoria) kill() {
	if v.cmd != nil {
		_ = v.cmd.Process.Kill()
		_ = v.cmd.Wait()
		v.cmd = nil
	}
}

// stop ends the server as an operator would, so that it keeps what it has taken.
func (v *victoria) stop() {
	v.t.Helper()
	if err := v.cmd.Process.Signal(os.Interrupt); err != nil {
		v.t.Fatal(err)
	}
	_ = v.cmd.Wait()
	v.cmd = nil
}

func (v *victoria) get(path string) string {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Get("http://" + v.addr + path)
	if err != nil {
		return ""
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return ""
	}
	return string(b)
}

// values returns the results of a query by labels, out of the answer of the API.
func values(t *testing.T, body string) map[string]string {
	t.Helper()
	var answer struct {
		Data struct {
			Result []struct {
				Metric map[string]string
				Value  [2]any
			}
		}
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		t.Fatalf("%v in %q", err, body)
	}
	all := map[string]string{}
	for _, r := range answer.Data.Result {
		all[fmt.Sprint(r.Metric)] = fmt.Sprint(r.Value[1])
	}
	return all
}

// at are the series of one moment: counters that have grown by their number each second.
func at(moment time.Time, second int) (all []prompb.TimeSeries) {
	for port := range 40 {
		all = append(all, prompb.TimeSeries{
			Labels:  []prompb.Label{{Name: "__name__", Value: "t_packets_total"}, {Name: "port", Value: fmt.Sprint(port)}},
			Samples: []prompb.Sample{{Value: float64(second * port), Timestamp: moment.UnixMilli()}},
		})
	}
	return all
}

// A real VictoriaMetrics gets every sample once, over a time when it is away and over the
// death of the collector, and answers as the embedded store does.
func TestVictoriaMetrics(t *testing.T) {
	v := newVictoria(t)
	embedded := metricstore.DefaultConfig()
	embedded.Dir, embedded.Memory, embedded.Reserve = t.TempDir(), 32<<20, 0
	store, err := metricstore.Open(embedded, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	v.start()
	cfg := configFor(t, "http://"+v.addr+"/api/v1/write")
	cfg.Samples = 30
	c, stop := run(t, cfg)
	base := time.Now().Truncate(time.Second).Add(-2 * time.Minute)
	give := func(from, to int) {
		for s := from; s < to; s++ {
			all := at(base.Add(time.Duration(s)*time.Second), s)
			if err := c.Send(all, nil); err != nil {
				t.Fatal(err)
			}
			if err := store.Write(all, nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	delivered := func() bool { return c.Stats().Queue.Records == 0 }
	give(0, 30)
	eventually(t, "all is delivered", delivered)
	v.stop()
	give(30, 60) // while it is away
	eventually(t, "the client notices", func() bool { return c.Ready() != nil })
	stop() // and the collector too: what waits is on the disk
	c, stop = run(t, cfg)
	give(60, 70)
	v.start()
	eventually(t, "all is delivered", delivered)
	give(70, 90)
	eventually(t, "all is delivered", delivered)
	stop()
	if st := c.Stats(); st.RejectedSamples != 0 || st.Queue.DroppedSamples != 0 {
		t.Errorf("got %+v", st)
	}
	v.get("/internal/force_flush")
	store.Flush()
	moment := base.Add(89 * time.Second).Unix()
	for q, want := range map[string]string{
		`sum(count_over_time(t_packets_total[100s]))`: fmt.Sprint(90 * 40), // none is missing, none is there twice
		`count(t_packets_total)`:                      "40",
		`sum(last_over_time(t_packets_total[100s]))`:  fmt.Sprint(89 * 39 * 40 / 2),
		`t_packets_total{port="7"}`:                   fmt.Sprint(89 * 7),
		`rate(t_packets_total{port="7"}[60s])`:        "7",
		`sum by (port) (t_packets_total)`:             "",
		`quantile(0.9, t_packets_total)`:              "",
		`sum(increase(t_packets_total[30s]))`:         fmt.Sprint(30 * 39 * 40 / 2),
	} {
		path := fmt.Sprintf("/api/v1/query?nocache=1&time=%d&query=%s", moment, url.QueryEscape(q))
		got := values(t, v.get(path))
		w := httptest.NewRecorder()
		store.Handler().ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		ours := values(t, w.Body.String())
		if fmt.Sprint(got) != fmt.Sprint(ours) || len(got) == 0 {
			t.Errorf("%s: the server says %v, the embedded store %v", q, got, ours)
		}
		for labels, v := range got {
			if want != "" && v != want {
				t.Errorf("%s: %s: got %s, want %s", q, labels, v, want)
			}
		}
	}
}
