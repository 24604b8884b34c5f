package watch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/telltale-net/telltale/cmd/internal/live/livetest"
	"github.com/telltale-net/telltale/cmd/internal/live/window"
	"github.com/telltale-net/telltale/cmd/internal/recordlog"
	"github.com/telltale-net/telltale/collector"
	"github.com/telltale-net/telltale/collector/postcard"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// lossy is a fabric's postcards, of which 1 % are missing, with a link that loses packets
// in the last 3 of 5 s.
func lossy(t *testing.T) *livetest.Model {
	t.Helper()
	m, err := livetest.New(1)
	if err != nil {
		t.Fatal(err)
	}
	m.Reports = 0.01
	m.Run(0, 2000, 2000)
	m.Lossy["spine1>leaf4"] = 0.1
	m.Run(2000, 5000, 2000)
	return m
}

// source hands over the records of a model, a thousand at a time.
func source(m *livetest.Model) recordlog.Source {
	return func(_ context.Context, fn func([]postcard.Record) error) error {
		for i := 0; i < len(m.Records); i += 1000 {
			if err := fn(m.Records[i:min(i+1000, len(m.Records))]); err != nil {
				return err
			}
		}
		return nil
	}
}

func TestRecords(t *testing.T) {
	m := lossy(t)
	var out bytes.Buffer
	opt := Options{Format: JSON, Length: time.Second, Rate: 1 << 20}
	sum, err := Records(t.Context(), &out, source(m), m.Fabric, opt)
	if err != nil {
		t.Fatal(err)
	}
	if sum.Records != uint64(len(m.Records)) || sum.Windows != 5 {
		t.Errorf("got %s, want %d in 5", &sum, len(m.Records))
	}
	dec := json.NewDecoder(&out)
	for i := range 5 {
		var w window.Window
		if err := dec.Decode(&w); err != nil {
			t.Fatal(err)
		}
		bad := strings.Join(w.Blame.BadLinks(), " ")
		if want := map[bool]string{true: "spine1>leaf4"}[i >= 2]; bad != want || w.From != int64(i)*1e9 {
			t.Errorf("window %d from %d blames %q, want %q", i, w.From, bad, want)
		}
		if w.ReportLoss < 0.005 || w.ReportLoss > 0.02 {
			t.Errorf("window %d: report loss %g, want about 0.01", i, w.ReportLoss)
		}
	}
	opt.Format, opt.Once = Text, true
	out.Reset()
	if _, err := Records(t.Context(), &out, source(m), m.Fabric, opt); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 2 || !strings.HasPrefix(lines[0], "1970-01-01T00:00:04.000Z +1s  ") || !strings.HasPrefix(lines[1], "  bad      spine1>leaf4            probability ") ||
		!strings.Contains(lines[1], " packets vanished there") {
		t.Errorf("got\n%s", out.String())
	}
}

// TestNothing: a log without records has no windows and is no error.
func TestNothing(t *testing.T) {
	m := lossy(t)
	m.Records = nil
	var out bytes.Buffer
	sum, err := Records(t.Context(), &out, source(m), m.Fabric, Options{Format: Text, Length: time.Second, Rate: 1000, Once: true})
	if err != nil || sum.Windows != 0 || out.Len() != 0 {
		t.Errorf("got %v, %v, %q", sum, err, &out)
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("the pipe is gone") }

func TestErrors(t *testing.T) {
	m := lossy(t)
	ok := Options{Format: Text, Length: time.Second, Rate: 1 << 20}
	f := func(what, want string, out *bytes.Buffer, from recordlog.Source, change func(*Options)) {
		t.Helper()
		opt := ok
		change(&opt)
		if _, err := Records(t.Context(), out, from, m.Fabric, opt); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got error %v, want %q", what, err, want)
		}
	}
	var out bytes.Buffer
	f("format", "want text or json", &out, source(m), func(o *Options) { o.Format = "xml" })
	f("window", "want 100ms to 1h", &out, source(m), func(o *Options) { o.Length = 0 })
	f("rate", "want at least 100", &out, source(m), func(o *Options) { o.Rate = 0 })
	f("source", "damaged", &out, func(context.Context, func([]postcard.Record) error) error { return errors.New("damaged") }, func(*Options) {})
	if _, err := Records(t.Context(), broken{}, source(m), m.Fabric, ok); err == nil || !strings.Contains(err.Error(), "the pipe is gone") {
		t.Errorf("got %v", err)
	}
}

// TestStopped: what was read when the context ends is judged and told.
func TestStopped(t *testing.T) {
	m := lossy(t)
	ctx, cancel := context.WithCancel(t.Context())
	var out bytes.Buffer
	sum, err := Records(ctx, &out, func(ctx context.Context, fn func([]postcard.Record) error) error {
		if err := source(m)(ctx, fn); err != nil {
			return err
		}
		cancel()
		return ctx.Err()
	}, m.Fabric, Options{Format: Text, Length: time.Second, Rate: 1 << 20})
	if err != nil || sum.Windows != 5 || !strings.Contains(out.String(), "spine1>leaf4") {
		t.Errorf("got %v, %v:\n%s", sum, err, &out)
	}
}

// TestListen receives the reports over the network.
func TestListen(t *testing.T) {
	m := lossy(t)
	cfg := collector.DefaultConfig()
	cfg.Listen, cfg.Sockets = "127.0.0.1:0", 1
	ready := make(chan netip.AddrPort, 1)
	ctx, cancel := context.WithCancel(t.Context())
	found := &awaited{text: "  bad      spine1>leaf4", found: make(chan struct{})}
	var sum Summary
	done := make(chan error, 1)
	go func() {
		var err error
		sum, err = Listen(ctx, found, cfg, m.Fabric, Options{Format: Text, Length: 500 * time.Millisecond, Rate: 1 << 20}, func(a netip.AddrPort) { ready <- a })
		done <- err
	}()
	if _, err := recordlog.Relay(t.Context(), recordlog.Paced(source(m), 2.5), <-ready); err != nil {
		t.Fatal(err)
	}
	select {
	case <-found.found:
	case <-time.After(20 * time.Second):
		t.Error("the lossy link was not found")
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if sum.Records == 0 || sum.Windows == 0 || sum.Last == nil {
		t.Errorf("got %+v", sum)
	}
}

// awaited closes found when a text was written.
type awaited struct {
	text  string
	found chan struct{}
	once  sync.Once
}

func (a *awaited) Write(b []byte) (int, error) {
	if strings.Contains(string(b), a.text) {
		a.once.Do(func() { close(a.found) })
	}
	return len(b), nil
}
