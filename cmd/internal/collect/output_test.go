package collect

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"github.com/telltale-net/telltale/collector/pipeline"
	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/collector/report/send"
)

// started is a collector that runs in a test.
type started struct {
	Ready
	t      *testing.T
	cancel context.CancelFunc
	done   chan struct{}
	sum    pipeline.Snapshot
	err    error
}

// run starts a collector with the settings, at ports of its own.
func run(t *testing.T, s *Settings) *started {
	t.Helper()
	return runLogged(t, s, nil)
}

// runLogged does so with a log of the process.
func runLogged(t *testing.T, s *Settings, log *slog.Logger) *started {
	t.Helper()
	s.Listen, s.HTTP = "127.0.0.1:0", "127.0.0.1:0"
	s.Data, s.Reserve, s.BlockAge = t.TempDir(), 0, 20*time.Millisecond
	r := &started{t: t, done: make(chan struct{})}
	var ctx context.Context
	ctx, r.cancel = context.WithCancel(context.Background())
	ready := make(chan Ready, 1)
	go func() {
		defer close(r.done)
		r.sum, r.err = Run(ctx, s, log, func(at Ready) { ready <- at })
	}()
	t.Cleanup(func() { r.stop() })
	select {
	case r.Ready = <-ready:
	case <-r.done:
		t.Fatal(r.err)
	}
	return r
}

// stop ends the collector and returns what Run returned.
func (r *started) stop() (pipeline.Snapshot, error) {
	r.cancel()
	<-r.done
	return r.sum, r.err
}

func (r *started) get(path string) string {
	r.t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Get("http://" + r.HTTP + path)
	if err != nil {
		r.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return res.Status + "\n" + string(b)
}

// send sends reports, and waits until so many records are stored in all.
func (r *started) send(cfg send.Config, stored uint64) {
	r.t.Helper()
	cfg.To = r.Reports
	if _, err := send.Run(r.t.Context(), cfg); err != nil {
		r.t.Fatal(err)
	}
	want := fmt.Sprintf("telltale_account_records_stored_total %d\n", stored)
	eventually(r.t, func() string {
		if m := r.get("/metrics"); !strings.Contains(m, want) {
			return fmt.Sprintf("want %s, got\n%s", want, m)
		}
		return ""
	})
}

// eventually waits until wrong returns nothing.
func eventually(t *testing.T, wrong func() string) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		w := wrong()
		if w == "" {
			return
		}
		if time.Now().After(end) {
			t.Fatal(w)
		}
	}
}

// fake is an output that notes what becomes of it.
type fake struct {
	name     string
	openFail error
	runFail  error
	notReady error
	story    *[]string // appended to by one goroutine at a time: outputs end one after the other
	seen     atomic.Uint64
	from     *source
}

func (f *fake) Flags(fs *pflag.FlagSet)      { fs.String(f.name, "", "") }
func (f *fake) Check(*pipeline.Config) error { return nil }
func (f *fake) Open(_ context.Context, s *source) (output, error) {
	f.from = s
	return f, f.openFail
}
func (f *fake) Close() error                { *f.story = append(*f.story, f.name+" closed"); return nil }
func (f *fake) Name() string                { return f.name }
func (f *fake) Observe(b []postcard.Record) { f.seen.Add(uint64(len(b))) }
func (f *fake) Ready() error                { return f.notReady }
func (f *fake) Address() string             { return "somewhere" }
func (f *fake) Mount(mux *http.ServeMux) {
	mux.HandleFunc("GET /"+f.name, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "page of ", f.name) })
}
func (f *fake) WriteMetrics(w io.Writer) error {
	_, err := fmt.Fprintf(w, "telltale_%s_seen_total %d\n", f.name, f.seen.Load())
	return err
}
func (f *fake) Run(ctx context.Context) error {
	if f.runFail != nil {
		return f.runFail
	}
	<-ctx.Done()
	*f.story = append(*f.story, fmt.Sprintf("%s ends with %d of %d", f.name, f.seen.Load(), f.from.Snapshot().Stored))
	return nil
}

func TestOutputs(t *testing.T) {
	var story []string
	a, b := &fake{name: "a", story: &story}, &fake{name: "b", story: &story, notReady: errors.New("the far end is away")}
	c := &fake{name: "c", story: &story, runFail: errors.New("torn")}
	s, _ := NewSettings()
	s.outputs = append(s.outputs, a, b, c)
	r := run(t, s)
	if want := []Address{{"a", "somewhere"}, {"b", "somewhere"}, {"c", "somewhere"}}; !slices.Equal(r.Outputs, want) {
		t.Errorf("got %v, want %v", r.Outputs, want)
	}
	r.send(send.Config{Rate: 50_000, Sources: 1, Coalesce: 10, Count: 1000}, 1000)
	eventually(t, func() string {
		if got, want := r.get("/readyz"), "200 OK\nok\nb: the far end is away\nc: it has failed, as the log of the process says\n"; got != want {
			return fmt.Sprintf("readyz: got %q, want %q", got, want)
		}
		return ""
	})
	m := r.get("/metrics")
	for _, want := range []string{"telltale_output_ready{output=\"a\"} 1\n", "telltale_output_ready{output=\"b\"} 0\n", "telltale_output_ready{output=\"c\"} 0\n", "telltale_a_seen_total 1000\n"} {
		if !strings.Contains(m, want) {
			t.Errorf("metrics: %q is missing", want)
		}
	}
	if got := r.get("/b"); got != "200 OK\npage of b" {
		t.Errorf("got %q", got)
	}
	sum, err := r.stop()
	if err == nil || err.Error() != "c: torn" || sum.Stored != 1000 {
		t.Errorf("got %v, %d stored, want the error of c alone", err, sum.Stored)
	}
	if want := []string{"a ends with 1000 of 1000", "b ends with 1000 of 1000"}; !slices.Equal(story, want) {
		t.Errorf("got %q, want %q", story, want)
	}
	if c.seen.Load() != 1000 {
		t.Errorf("the tap of an output that failed is gone: %d seen", c.seen.Load())
	}
}

// What one output cannot open keeps the collector from starting, and nothing stays open.
func TestOutputThatCannotOpen(t *testing.T) {
	var story []string
	s, _ := NewSettings()
	s.outputs = []outputSettings{&fake{name: "a", story: &story}, &fake{name: "b", story: &story, openFail: errors.New("no")}}
	s.Listen, s.HTTP, s.Data = "127.0.0.1:0", "127.0.0.1:0", t.TempDir()
	if _, err := Run(t.Context(), s, nil, nil); err == nil || err.Error() != "no" {
		t.Errorf("got %v", err)
	}
	if want := []string{"a closed"}; !slices.Equal(story, want) {
		t.Errorf("got %q, want %q", story, want)
	}
}

// However slow the taker: what was taken is handled, in order, and the rest is counted.
func TestRelay(t *testing.T) {
	r := newRelay(4)
	ctx, cancel := context.WithCancel(t.Context())
	var got []uint32
	done, gate := make(chan struct{}), make(chan struct{}, 100)
	go func() {
		defer close(done)
		r.run(ctx, func(batch []postcard.Record) {
			<-gate
			for i := range batch {
				got = append(got, batch[i].Seq)
			}
		})
	}()
	batch := make([]postcard.Record, 3)
	for i := range uint32(100) {
		for j := range batch {
			batch[j].Seq = i*3 + uint32(j) // the batch is used again at once
		}
		r.observe(batch)
		if i%10 == 0 {
			gate <- struct{}{}
		}
	}
	close(gate)
	cancel()
	<-done
	if taken, shed := r.taken.Load(), r.shed.Load(); taken+shed != 300 || taken != uint64(len(got)) || taken < 12 {
		t.Errorf("got %d taken, %d shed, %d handled of 300", taken, shed, len(got))
	}
	if !slices.IsSorted(got) {
		t.Error("not in order")
	}
}
