package metricstore

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/VictoriaMetrics/VictoriaMetrics/lib/prompb"
	"go.uber.org/goleak"
)

const childEnv = "TELLTALE_METRICSTORE_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childEnv); dir != "" { // a process that has a store, until it is killed
		s, err := Open(configFor(dir), nil)
		if err == nil {
			err = s.Write([]prompb.TimeSeries{series("a_total", past(), 7)}, nil)
		}
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println("open")
		select {}
	}
	goleak.VerifyTestMain(m, goleak.IgnoreCurrent(), // what VictoriaMetrics starts with the program
		goleak.IgnoreAnyFunction("github.com/VictoriaMetrics/VictoriaMetrics/app/vmselect/promql.checkRollupResultCacheReset"), // started once, for good
		goleak.IgnoreAnyFunction("github.com/VictoriaMetrics/metrics.summariesSwapCron"),
	)
}

// past is when samples are of: queries do not see the last second.
func past() time.Time { return time.Now().Add(-2 * time.Second) }

func configFor(dir string) Config {
	c := DefaultConfig()
	c.Dir, c.Memory, c.Reserve = dir, 32<<20, 0
	return c
}

func opened(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := Open(configFor(dir), slog.New(slog.NewTextHandler(t.Output(), nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func series(name string, at time.Time, v float64, labels ...string) prompb.TimeSeries {
	s := prompb.TimeSeries{Labels: []prompb.Label{{Name: "__name__", Value: name}}, Samples: []prompb.Sample{{Value: v, Timestamp: at.UnixMilli()}}}
	for i := 0; i < len(labels); i += 2 {
		s.Labels = append(s.Labels, prompb.Label{Name: labels[i], Value: labels[i+1]})
	}
	return s
}

func ask(t *testing.T, s *Store, method, path string) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, httptest.NewRequest(method, path, nil))
	return w.Code, w.Body.String()
}

// query returns the values of an instant query, "labels value".
func query(t *testing.T, s *Store, q string) []string {
	t.Helper()
	code, body := ask(t, s, "GET", "/api/v1/query?query="+url.QueryEscape(q))
	var answer struct {
		Data struct {
			Result []struct {
				Metric map[string]string
				Value  [2]any
			}
		}
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil || code != 200 {
		t.Fatalf("%s: %d %v %s", q, code, err, body)
	}
	var all []string
	for _, r := range answer.Data.Result {
		all = append(all, fmt.Sprint(r.Metric, " ", r.Value[1]))
	}
	slices.Sort(all)
	return all
}

func TestWriteAndAsk(t *testing.T) {
	dir := t.TempDir()
	s := opened(t, dir)
	now := past()
	in := []prompb.TimeSeries{series("a_total", now.Add(-10*time.Second), 1, "node", "leaf1"), series("a_total", now, 5, "node", "leaf1"), series("a_total", now, 3, "node", "leaf2"), {}}
	if err := s.Write(in, []prompb.MetricMetadata{{MetricFamilyName: "a_total", Type: uint32(prompb.MetricMetadataCOUNTER), Help: "What it is."}}); err != nil {
		t.Fatal(err)
	}
	if in[0].Labels[0].Name != "__name__" {
		t.Error("the caller's labels were written to")
	}
	s.Flush()
	if got, want := query(t, s, "a_total"), []string{"map[__name__:a_total node:leaf1] 5", "map[__name__:a_total node:leaf2] 3"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := query(t, s, "sum(increase(a_total[1m]))"); len(got) != 1 {
		t.Errorf("got %v, want one sum", got)
	}
	if _, body := ask(t, s, "GET", "/api/v1/metadata"); !strings.Contains(body, "What it is.") {
		t.Errorf("metadata: got %s", body)
	}
	if got := s.Stats(); got != (Stats{Samples: 3}) {
		t.Errorf("got %+v, want 3 samples", got)
	}
	if err := s.Ready(); err != nil {
		t.Error(err)
	}

	// What was there is there after a restart, and a process has one store at a time.
	if _, err := Open(configFor(t.TempDir()), nil); !errors.Is(err, ErrSecond) {
		t.Errorf("a second store: got %v", err)
	}
	s.Close()
	if s.Ready() == nil || s.Write(in, nil) == nil {
		t.Error("a closed store is ready")
	}
	if code, _ := ask(t, s, "GET", "/api/v1/query?query=a_total"); code != 503 {
		t.Errorf("a closed store answers %d", code)
	}
	s = opened(t, dir)
	if got := query(t, s, "sum(a_total)"); !slices.Equal(got, []string{"map[] 8"}) {
		t.Errorf("after a restart: got %v", got)
	}
}

// Only what reads is served.
func TestHandlerReadsOnly(t *testing.T) {
	s := opened(t, t.TempDir())
	for _, path := range []string{
		"/vmui/", "/vmui/config.json", "/api/v1/labels", "/api/v1/label/__name__/values", "/api/v1/status/tsdb", "/api/v1/status/buildinfo",
		"/api/v1/query_range?query=1&start=1&end=2", "/api/v1/series?match[]=a", "/prettify-query?query=a", "/vmui/timezone",
	} {
		if code, body := ask(t, s, "GET", path); code != 200 {
			t.Errorf("GET %s: got %d %.100s", path, code, body)
		}
	}
	if code, _ := ask(t, s, "POST", "/api/v1/query?query=1"); code != 200 {
		t.Errorf("a query by POST: got %d", code)
	}
	for _, path := range []string{
		"/api/v1/admin/tsdb/delete_series?match[]=a", "/api/v1/admin/status/metric_names_stats/reset", "/tags/delSeries?path=a", "/api/v1/write", "/api/v1/import",
		"/api/v1/import/prometheus", "/api/v1/export", "/api/v1/export/native", "/snapshot/create", "/internal/force_merge", "/internal/force_flush",
		"/internal/resetRollupResultCache", "/metrics", "/flags", "/config", "/-/reload", "/debug/pprof/", "/federate", "/render", "/graphite/tags/delSeries",
		"/prometheus/api/v1/admin/tsdb/delete_series", "/vmalert/", "/target-relabel-debug", "//api/v1/query", "/api/v1/label/a/b/values", "/vmui/../api/v1/export", "/",
	} {
		for _, method := range []string{"GET", "POST"} {
			if code, _ := ask(t, s, method, path); code != http.StatusNotFound {
				t.Errorf("%s %s: got %d, want 404", method, path, code)
			}
		}
	}
	if code, _ := ask(t, s, "DELETE", "/api/v1/series"); code != http.StatusMethodNotAllowed {
		t.Errorf("DELETE: got %d", code)
	}
	if code, _ := ask(t, s, "GET", "/api/v1/query?query=("); code != 422 && code != 400 {
		t.Errorf("a query that is none: got %d", code)
	}
	w := httptest.NewRecorder()
	r := httptest.NewRequest("POST", "/api/v1/query", strings.NewReader("query="+strings.Repeat("a", MaxBody)))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if s.Handler().ServeHTTP(w, r); w.Code < 400 {
		t.Errorf("a query of a megabyte: got %d", w.Code)
	}
	if got := w.Header().Get("Access-Control-Allow-Origin"); got != "" {
		t.Errorf("other sites may read: %q", got)
	}
}

// What can be foreseen is an error, and does not end the process.
func TestForeseen(t *testing.T) {
	dir := t.TempDir()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), childEnv+"="+dir)
	var said strings.Builder
	child.Stderr = &said
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	first := make([]byte, 5)
	if _, err := io.ReadFull(out, first); err != nil || string(first) != "open\n" {
		t.Fatalf("the child says %q, %v", first, err)
	}
	if _, err := Open(configFor(dir), nil); err == nil || !strings.Contains(err.Error(), "another process has it") {
		t.Errorf("a folder in use: got %v", err)
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait()
	if said.Len() > 0 {
		t.Errorf("the child says %s", said.String())
	}
	opened(t, dir).Close() // after kill -9

	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for want, cfg := range map[string]Config{"not a directory": configFor(file), "no folder": configFor("")} {
		if _, err := Open(cfg, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error with %q", err, want)
		}
	}
	opened(t, dir).Close() // none of them keeps another away
}

// With less room than is to stay free it opens, takes nothing, and says so.
func TestNoRoom(t *testing.T) {
	cfg := configFor(t.TempDir())
	cfg.Reserve = 1 << 62
	s, err := Open(cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Write([]prompb.TimeSeries{series("a", past(), 1)}, nil); err == nil || s.Stats() != (Stats{Refused: 1}) {
		t.Errorf("got %v and %+v, want a sample refused", err, s.Stats())
	}
	if err := s.Ready(); err == nil {
		t.Error("it says that it takes more")
	}
	if got := query(t, s, "1"); len(got) != 1 {
		t.Errorf("it answers %v", got)
	}
}

func TestBesideEachOther(t *testing.T) {
	s := opened(t, t.TempDir())
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for j := range 20 {
				if err := s.Write([]prompb.TimeSeries{series("b", time.Now(), float64(j), "i", fmt.Sprint(i))}, nil); err != nil {
					t.Error(err)
				}
				ask(t, s, "GET", "/api/v1/query?query=b")
			}
		})
	}
	wg.Wait()
	if got := s.Stats().Samples; got != 80 {
		t.Errorf("got %d samples, want 80", got)
	}
}

// A line of VictoriaMetrics' logger becomes one of ours.
func TestLogIsPassedOn(t *testing.T) {
	var b strings.Builder
	p := &passOn{slog.New(slog.NewTextHandler(&b, nil))}
	for _, line := range []string{"error\tlib/a.go:1\tit broke\tbadly\n", "odd\n"} {
		if n, err := p.Write([]byte(line)); n != len(line) || err != nil {
			t.Error(n, err)
		}
	}
	for _, want := range []string{`it broke\tbadly`, "at=lib/a.go:1", "level=error", "VictoriaMetrics: odd"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is not in %s", want, b.String())
		}
	}
}
