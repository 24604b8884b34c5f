package collect

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/VictoriaMetrics/VictoriaMetrics/lib/prompb"
	"github.com/golang/snappy"

	"github.com/telltale-net/telltale/collector/report/send"
)

// promQL returns the value of a query without labels, "" where there is none.
func (r *started) promQL(q string) string {
	r.t.Helper()
	_, body, _ := strings.Cut(r.get("/api/v1/query?query="+url.QueryEscape(q)), "\n")
	var answer struct {
		Data struct{ Result []struct{ Value [2]any } }
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		r.t.Fatalf("%s: %v in %s", q, err, body)
	}
	if len(answer.Data.Result) == 0 {
		return ""
	}
	return fmt.Sprint(answer.Data.Result[0].Value[1])
}

// What a network sends can be asked for with PromQL, and arrives at a server that is
// written to; both have what /metrics shows.
func TestMetricsAreKeptAndSent(t *testing.T) {
	var mu sync.Mutex
	last := map[string]float64{}
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err == nil {
			b, err = snappy.Decode(nil, b)
		}
		var u prompb.WriteRequestUnmarshaler
		wr, err2 := u.UnmarshalProtobuf(b)
		if err != nil || err2 != nil {
			panic(fmt.Sprint(err, err2))
		}
		mu.Lock()
		defer mu.Unlock()
		for _, s := range wr.Timeseries {
			last[strings.Clone(prompb.LabelsToString(s.Labels))] = s.Samples[0].Value
		}
	}))
	defer server.Close()
	s, _ := NewSettings()
	m := metricsOf(s)
	m.Interval, m.URLs, m.Labels = 100*time.Millisecond, []string{server.URL}, []string{"instance=here", "site=x"}
	r := run(t, s)
	r.send(send.Config{Rate: 50_000, Sources: 2, Coalesce: 15, Count: 3000, FirstNode: 7}, 3000)
	polls := 0
	eventually(t, func() string { // a query that found nothing is remembered for ten seconds
		polls++
		if got := r.promQL(fmt.Sprintf("sum(telltale_packets_total{job!=\"%d\"})", polls)); got != "3000" {
			return fmt.Sprintf("got %q packets by PromQL, want 3000", got)
		}
		return ""
	})
	for q, want := range map[string]string{
		`count(telltale_packets_total{job="telltale",instance="here",site="x"}) > bool 0`: "1",
		`sum(telltale_hop_latency_seconds_bucket{le="+Inf"})`:                             r.promQL("sum(telltale_hop_latency_seconds_count)"),
		`telltale_account_records_stored_total`:                                           "3000",
		`telltale_metrics_bad_lines_total`:                                                "0",
		`sum(telltale_node_info{node="7"})`:                                               "1",
	} {
		if got := r.promQL(q); got != want {
			t.Errorf("%s: got %q, want %q", q, got, want)
		}
	}
	if got := r.get("/vmui/"); !strings.HasPrefix(got, "200") || !strings.Contains(got, "<html") {
		t.Errorf("vmui: got %.200s", got)
	}
	if got := r.get("/api/v1/admin/tsdb/delete_series"); !strings.HasPrefix(got, "404") {
		t.Errorf("an admin's page: got %.100s", got)
	}
	eventually(t, func() string {
		mu.Lock()
		defer mu.Unlock()
		for labels, v := range last {
			if strings.Contains(labels, `__name__="telltale_account_records_stored_total"`) && strings.Contains(labels, `site="x"`) && v == 3000 {
				return ""
			}
		}
		return fmt.Sprintf("%d series arrived, none says 3000 records", len(last))
	})
	if _, err := r.stop(); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	for labels, v := range last { // every series has ended
		if v == v {
			t.Errorf("%s has not ended: %v", labels, v)
		}
	}
}

// metricsOf returns the settings of the metrics.
func metricsOf(s *Settings) *metricsSettings {
	for _, o := range s.outputs {
		if m, ok := o.(*metricsSettings); ok {
			return m
		}
	}
	panic("BUG: no settings of the metrics")
}

func TestMetricsSettings(t *testing.T) {
	for want, args := range map[string][]string{
		"metrics-interval: got 1ms":  {"--metrics-interval=1ms"},
		"metrics-queues and":         {"--metrics-queues=0"},
		"metrics-label: got \"a b\"": {"--metrics-label=a b"},
		"metrics store: retention":   {"--metrics-retention=1h"},
		"want http://HOST":           {"--remote-write=ftp://x"},
		"has been named before":      {"--remote-write=http://x", "--remote-write=http://x"},
		"want no user and password":  {"--remote-write=http://me:s3cret@x"},
		"not both":                   {"--remote-write=http://x", "--remote-write-user=a", "--remote-write-password-file=/dev/null", "--remote-write-bearer-file=/dev/null"},
		"no folder for what waits":   {"--data=", "--nats=nats://127.0.0.1:1", "--remote-write=http://x"},
	} {
		s, fs := NewSettings()
		if err := fs.Parse(append([]string{"--data=/nowhere"}, args...)); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Pipeline(); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%v: got %v, want %q in it", args, err, want)
		}
	}
	s, fs := NewSettings()
	if err := fs.Parse([]string{"--nats=nats://127.0.0.1:1", "--remote-write=http://me:s3cret@x", "--remote-write=http://y"}); err != nil {
		t.Fatal(err)
	}
	text, err := Dump(fs)
	if err != nil || strings.Contains(string(text), "s3cret") || !strings.Contains(string(text), "- http://me:MASKED@x\n") {
		t.Errorf("%v\n%s", err, text)
	}
	if _, ok := metricsOf(s).store(); ok {
		t.Error("a store without a folder")
	}
}
