package remotewrite

import (
	"context"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/VictoriaMetrics/VictoriaMetrics/lib/prompb"
	"github.com/golang/snappy"
	"go.uber.org/goleak"

	"github.com/telltale-net/telltale/collector/exposition"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childEnv); dir != "" {
		child(dir, os.Getenv(childEnv+"_FIRST"))
	}
	goleak.VerifyTestMain(m, goleak.IgnoreCurrent(), // what VictoriaMetrics starts with the program, and once for good
		goleak.IgnoreAnyFunction("github.com/VictoriaMetrics/VictoriaMetrics/app/vmselect/promql.checkRollupResultCacheReset"),
		goleak.IgnoreAnyFunction("github.com/VictoriaMetrics/metrics.summariesSwapCron"))
}

// server is a remote write server that keeps the samples it takes, and answers with the
// statuses it is told.
type server struct {
	*httptest.Server
	mu      sync.Mutex
	answers []int // of the next requests; 204 when there are none
	after   string
	samples []string // name{labels} value@time, in order
	headers []http.Header
	times   []time.Time
	hook    func(r *http.Request)
}

func newServer(t *testing.T, start func(*httptest.Server)) *server {
	s := &server{}
	s.Server = httptest.NewUnstartedServer(s)
	start(s.Server)
	t.Cleanup(s.Close)
	return s
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(err)
	}
	s.headers = append(s.headers, r.Header)
	s.times = append(s.times, time.Now())
	if s.hook != nil {
		s.hook(r)
	}
	if len(s.answers) > 0 {
		code := s.answers[0]
		s.answers = s.answers[1:]
		if code/100 != 2 {
			w.Header().Set("Retry-After", s.after)
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(code)
			fmt.Fprint(w, "as told")
			return
		}
	}
	raw, err := snappy.Decode(nil, body)
	if err != nil {
		panic(err)
	}
	var u prompb.WriteRequestUnmarshaler
	wr, err := u.UnmarshalProtobuf(raw)
	if err != nil {
		panic(err)
	}
	for _, ts := range wr.Timeseries {
		for _, v := range ts.Samples {
			s.samples = append(s.samples, strings.Clone(fmt.Sprintf("%s %v@%d", prompb.LabelsToString(ts.Labels), v.Value, v.Timestamp)))
		}
	}
	w.WriteHeader(http.StatusNoContent)
}

func (s *server) got() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.samples...)
}

func samples(from, n int) (all []prompb.TimeSeries) {
	for i := range n {
		all = append(all, prompb.TimeSeries{Labels: []prompb.Label{{Name: "__name__", Value: "a"}}, Samples: []prompb.Sample{{Value: float64(from + i), Timestamp: int64(from + i)}}})
	}
	return all
}

func configFor(t *testing.T, url string) Config {
	c := DefaultConfig()
	c.URL, c.Dir, c.MinWait, c.MaxWait, c.Samples, c.Drain = url, t.TempDir(), time.Millisecond, 5*time.Millisecond, 10, 20*time.Millisecond
	return c
}

// run runs a client and returns how to end it.
func run(t *testing.T, cfg Config) (*Client, func()) {
	t.Helper()
	c, err := Open(cfg, slog.New(slog.NewTextHandler(t.Output(), nil)))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	var once sync.Once
	stop := func() {
		once.Do(func() {
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	}
	t.Cleanup(stop)
	return c, stop
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("after 20 s still not: %s", what)
		}
	}
}

func check(t *testing.T, s *server, n int) {
	t.Helper()
	for i, got := range s.got() {
		if want := fmt.Sprintf(`{__name__="a"} %d@%d`, i, i); got != want {
			t.Fatalf("sample %d: got %s, want %s", i, got, want)
		}
	}
	if got := len(s.got()); got != n {
		t.Fatalf("got %d samples, want %d", got, n)
	}
}

func TestInOrderWhateverTheAnswers(t *testing.T) {
	s := newServer(t, (*httptest.Server).Start)
	s.answers = []int{500, 503, 429, 301, 200, 204, 502}
	c, stop := run(t, configFor(t, s.URL))
	if err := c.Send(samples(0, 25), nil); err != nil {
		t.Fatal(err)
	}
	if err := c.Send(samples(25, 30), []prompb.MetricMetadata{{MetricFamilyName: "a", Help: "A."}}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "all samples there", func() bool { return len(s.got()) == 55 })
	stop()
	check(t, s, 55)
	st := c.Stats()
	if st.Retries != 5 || st.Requests != 6 || st.Samples != 55 || st.Queue.Records != 0 || st.Failure != "" || st.LastTaken.IsZero() {
		t.Errorf("got %+v", st)
	}
	for name, want := range map[string]string{"Content-Encoding": "snappy", "Content-Type": "application/x-protobuf", "X-Prometheus-Remote-Write-Version": "0.1.0", "Authorization": ""} {
		if got := s.headers[0].Get(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

func TestRefusedIsDropped(t *testing.T) {
	s := newServer(t, (*httptest.Server).Start)
	s.answers = []int{400, 204, 404}
	c, stop := run(t, configFor(t, s.URL))
	if err := c.Send(samples(0, 35), nil); err != nil {
		t.Fatal(err)
	}
	eventually(t, "nothing waits", func() bool { return c.Stats().Queue.Records == 0 })
	stop()
	if got := s.got(); len(got) != 15 || got[0] != `{__name__="a"} 10@10` || got[14] != `{__name__="a"} 34@34` {
		t.Errorf("got %v, want 10 to 19 and 30 to 34", got)
	}
	if st := c.Stats(); st.Rejected != 2 || st.RejectedSamples != 20 || st.Retries != 0 {
		t.Errorf("got %+v", st)
	}
}

func TestRetryAfter(t *testing.T) {
	s := newServer(t, (*httptest.Server).Start)
	s.answers, s.after = []int{429}, "1"
	c, stop := run(t, configFor(t, s.URL))
	if err := c.Send(samples(0, 1), nil); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a failure", func() bool { return c.Ready() != nil })
	if err := c.Ready(); !strings.Contains(err.Error(), "status 429: as told; 1 samples wait") {
		t.Errorf("ready: got %v", err)
	}
	eventually(t, "the sample there", func() bool { return len(s.got()) == 1 })
	stop()
	if d := s.times[1].Sub(s.times[0]); d < time.Second {
		t.Errorf("tried again after %v, want a second", d)
	}
}

// What a server that is away does not get, it gets from the next process.
func TestServerAway(t *testing.T) {
	s := newServer(t, (*httptest.Server).Start)
	away := httptest.NewServer(http.NotFoundHandler())
	away.Close()
	cfg := configFor(t, away.URL)
	c, stop := run(t, cfg)
	if err := c.Send(samples(0, 42), nil); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a failure", func() bool { return c.Ready() != nil })
	stop()
	if st := c.Stats(); st.Queue.Records != 5 || st.Queue.Samples != 42 || st.Samples != 0 {
		t.Errorf("got %+v, want 5 requests waiting", st)
	}
	cfg.URL = s.URL
	c, stop = run(t, cfg)
	eventually(t, "all samples there", func() bool { return len(s.got()) == 42 })
	eventually(t, "nothing waits", func() bool { return c.Stats().Queue.Records == 0 })
	stop()
	check(t, s, 42)
}

// What is left when the end comes is sent, if the server takes it.
func TestDrain(t *testing.T) {
	s := newServer(t, (*httptest.Server).Start)
	cfg := configFor(t, s.URL)
	cfg.Drain = 20 * time.Second
	c, err := Open(cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Send(samples(0, 100), nil); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Run(ctx); err != nil {
		t.Fatal(err)
	}
	check(t, s, 100)
}

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestSecrets(t *testing.T) {
	var log strings.Builder
	secrets := []string{"s3cret", "t0ken"}
	s := newServer(t, (*httptest.Server).StartTLS)
	ca := write(t, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})))
	for _, set := range []func(*Config){
		func(c *Config) { c.User, c.PasswordFile = "me", write(t, "s3cret\n") },
		func(c *Config) { c.BearerFile = write(t, "t0ken") },
	} {
		s.mu.Lock()
		s.answers, s.headers = []int{500, 403}, nil
		s.mu.Unlock()
		cfg := configFor(t, s.URL+"/write?token=t0ken")
		cfg.CA = ca
		set(&cfg)
		c, err := Open(cfg, slog.New(slog.NewTextHandler(&log, nil)))
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Send(samples(0, 1), nil); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- c.Run(ctx) }()
		eventually(t, "it is refused", func() bool { return c.Stats().Rejected == 1 })
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if got := s.headers[0].Get("Authorization"); !strings.HasPrefix(got, "Basic ") && got != "Bearer t0ken" {
			t.Errorf("got %q", got)
		}
		if err := WriteMetrics(&log, []*Client{c}); err != nil {
			t.Error(err)
		}
		fmt.Fprint(&log, c.Name())
	}
	for _, secret := range secrets {
		if strings.Contains(log.String(), secret) {
			t.Errorf("%q is in the log or the metrics:\n%s", secret, log.String())
		}
	}
	cfg := configFor(t, s.URL) // an authority that is not known
	c, stop := run(t, cfg)
	if err := c.Send(samples(0, 1), nil); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the certificate is refused", func() bool { err := c.Ready(); return err != nil && strings.Contains(err.Error(), "certificate") })
	stop()
}

func TestCheck(t *testing.T) {
	for want, set := range map[string]func(*Config){
		"cannot be read":        func(c *Config) { c.URL = "http://a:s3cret@b\x7f" },
		"want no user":          func(c *Config) { c.URL = "http://a:s3cret@b/" },
		"want http://HOST":      func(c *Config) { c.URL = "ftp://b" },
		"no folder":             func(c *Config) { c.Dir = "" },
		"both a user and":       func(c *Config) { c.User = "me" },
		"not both":              func(c *Config) { c.User, c.PasswordFile, c.BearerFile = "me", write(t, "x"), write(t, "y") },
		"is empty":              func(c *Config) { c.BearerFile = write(t, "\n") },
		"no certificate in it":  func(c *Config) { c.CA = write(t, "x") },
		"our certificate":       func(c *Config) { c.Cert = write(t, "x") },
		"samples in a request":  func(c *Config) { c.Samples = 0 },
		"longest wait: got":     func(c *Config) { c.MaxWait = 0 },
		"bytes of the queue":    func(c *Config) { c.Bytes = 1 },
		"no such file":          func(c *Config) { c.BearerFile = "/nowhere/at/all" },
		"authority of the serv": func(c *Config) { c.CA = "/nowhere/at/all" },
	} {
		c := configFor(t, "http://127.0.0.1:1/write")
		if err := c.Check(); err != nil {
			t.Fatal(err)
		}
		set(&c)
		err := c.Check()
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("got %v, want %q in it", err, want)
		}
		if _, err := Open(c, nil); err == nil {
			t.Errorf("%s: opened all the same", want)
		}
	}
}

func TestJudge(t *testing.T) {
	for status, want := range map[int]verdict{200: taken, 204: taken, 301: again, 400: refused, 401: refused, 404: refused, 429: again, 500: again, 503: again, 100: again, 700: again} {
		if got := judge(status); got != want {
			t.Errorf("%d: got %d, want %d", status, got, want)
		}
	}
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for header, want := range map[string]time.Duration{
		"": -1, "3": 3 * time.Second, "-1": -1, "999999": MaxRetryAfter, "Fri, 02 Jan 2026 03:05:05 GMT": time.Minute, "Fri, 02 Jan 2026 03:00:05 GMT": 0, "soon": -1,
	} {
		got, ok := retryAfter(header, now)
		if ok != (want >= 0) || ok && got != want {
			t.Errorf("%q: got %v, %v; want %v", header, got, ok, want)
		}
	}
	c := Config{MinWait: time.Second, MaxWait: 10 * time.Second}
	var waits []string
	for i := 1; i < 7; i++ {
		waits = append(waits, c.wait(i, 0, false, 0).String())
	}
	if got := strings.Join(waits, " "); got != "1s 2s 4s 8s 10s 10s" {
		t.Errorf("got %s", got)
	}
	if got := c.wait(100, 0, false, 0.999999); got < 7500*time.Millisecond || got > 7501*time.Millisecond {
		t.Errorf("got %v, want three quarters of 10 s", got)
	}
	if got := c.wait(1, time.Minute, true, 0.5); got != time.Minute {
		t.Errorf("got %v, want what the server said", got)
	}
}

// The metrics can be read back, and say what the stats do.
func TestMetrics(t *testing.T) {
	cfg := configFor(t, "http://127.0.0.1:1/write")
	c, err := Open(cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Send(samples(0, 12), nil); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := WriteMetrics(&b, []*Client{c}); err != nil {
		t.Fatal(err)
	}
	m, err := exposition.Parse(b.String(), exposition.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range m.Series {
		if s.Labels[0].Value == "telltale_remote_write_queue_samples" && s.Samples[0].Value != 12 {
			t.Errorf("got %v samples waiting, want 12", s.Samples[0].Value)
		}
	}
	if len(m.Series) != 13 {
		t.Errorf("got %d series, want 13", len(m.Series))
	}
}

func BenchmarkRequests(b *testing.B) {
	var all []prompb.TimeSeries
	for i := range 30_000 {
		all = append(all, prompb.TimeSeries{Labels: []prompb.Label{
			{Name: "__name__", Value: "telltale_hop_latency_seconds_bucket"}, {Name: "le", Value: "0.001"}, {Name: "node", Value: "leaf1"}, {Name: "peer", Value: "spine1"}, {Name: "port", Value: strconv.Itoa(i)}, {Name: "queue", Value: "0"},
		}, Samples: []prompb.Sample{{Value: float64(i), Timestamp: 1790000000000}}})
	}
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		for _, r := range Requests(all, nil, 5000) {
			n += len(r.Body)
		}
		b.ReportMetric(float64(n)/float64(len(all)), "B/sample")
	}
}
