package evalqueue

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"image/png"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// still is a clock for tests: what takes how long must not show in results.
func still() time.Time { return time.Time{} }

func evaluate(t *testing.T, cfg Config) *Result {
	t.Helper()
	last := 0
	res, err := Run(context.Background(), cfg, still, func(done, total int) {
		if done != last+1 || done > total {
			t.Errorf("progress: %d of %d after %d", done, total, last)
		}
		last = done
	})
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func (res *Result) share(t *testing.T, experiment, what string, m Method) Share {
	t.Helper()
	for _, tab := range res.Tables {
		for _, r := range tab.Rows {
			if s, ok := r.Shares[m]; ok && tab.Experiment == experiment && r.What == what {
				return s
			}
		}
	}
	t.Fatalf("no figure for %s, %s, %s", experiment, what, m)
	return Share{}
}

// The figures of a small evaluation stay well above what would mean that something broke.
// What they should be is printed by the command with its defaults.
func TestFloors(t *testing.T) {
	defer goleak.VerifyNone(t)
	res := evaluate(t, Config{Seeds: 1, FirstSeed: 1, Duration: 200 * time.Millisecond, Workers: 2})
	for _, f := range []struct {
		experiment, what string
		m                Method
		low, high        float64
	}{
		{"fig11", "rank ≤ 1", Ours, 0.95, 1},
		{"fig11", "rank ≤ 1", Plain, 0.70, 1},
		{"fig11", "rank ≤ 1", NetMed, 0.10, 0.70},
		{"fig12", "burst", Ours, 0.95, 1},
		{"fig12", "interrupt", Ours, 0.95, 1},
		{"fig12", "bug", Ours, 0.95, 1},
		{"fig12", "burst", Windows, 0, 0.30},
		{"noise", "overall", Ours, 0.90, 1},
		{"noise", "overall", Plain, 0.50, 0.99},
		{"noise", "burst", Ours, 0.85, 1},
		{"noise", "interrupt", Ours, 0.85, 1},
		{"noise", "bug", Ours, 0.85, 1},
		{"patterns", "paper: one pattern", Ours, 0.5, 1},
		{"sweep-interrupt", "700 µs", Ours, 0.90, 1},
		{"other", "1.6 Mpps", Ours, 0.90, 1},
		{"other", "packets read one by one", Ours, 0.90, 1},
		{"degrade", "clock 50µs", Ours, 0.80, 1},
		{"degrade", "loss 1 %", Ours, 0.80, 1},
		{"sparse", "all of that", Ours, 0.80, 1},
	} {
		if s := res.share(t, f.experiment, f.what, f.m); s.Median < f.low || s.Median > f.high {
			t.Errorf("%s, %s, %s: %v %%, want %.0f to %.0f", f.experiment, f.what, f.m, s, 100*f.low, 100*f.high)
		} else {
			t.Logf("%s, %s, %s: %v %%", f.experiment, f.what, f.m, s)
		}
	}
	checkCSV(t, res)
	checkPlots(t, res)
}

func checkCSV(t *testing.T, res *Result) {
	var b bytes.Buffer
	if err := res.WriteCSV(&b); err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(&b).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	want := 1
	for _, tab := range res.Tables {
		for _, r := range tab.Rows {
			want += len(r.Shares) + len(r.Paper)
		}
	}
	if len(lines) != want {
		t.Errorf("CSV: %d lines, want %d", len(lines), want)
	}
}

func checkPlots(t *testing.T, res *Result) {
	drawn := 0
	for i := range res.Tables {
		tab := &res.Tables[i]
		for k := range tab.Rows {
			if got, want := len(tab.Cells(k)), len(tab.Columns()); got != want {
				t.Fatalf("%s: row %d has %d cells, want %d", tab.Title, k, got, want)
			}
		}
		if !tab.Drawable() {
			continue
		}
		drawn++
		var svg, picture bytes.Buffer
		if err := tab.Draw(&svg, "svg"); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(svg.String(), "<svg") || !strings.Contains(svg.String(), string(Ours)) {
			t.Errorf("%s: no picture, or without a legend", tab.Title)
		}
		if err := tab.Draw(&picture, "png"); err != nil {
			t.Fatal(err)
		}
		if _, err := png.Decode(&picture); err != nil {
			t.Errorf("%s: %v", tab.Title, err)
		}
	}
	if drawn < 4 {
		t.Errorf("%d tables can be drawn, want at least figure 11, both sweeps and hops", drawn)
	}
}

// The number of workers does not show in the figures.
func TestWorkersDoNotShow(t *testing.T) {
	defer goleak.VerifyNone(t)
	cfg := Config{Experiment: "sweep-interrupt", Seeds: 2, FirstSeed: 7, Duration: 200 * time.Millisecond, Methods: []Method{Plain}}
	one := evaluate(t, cfg)
	cfg.Workers = 3
	if three := evaluate(t, cfg); !reflect.DeepEqual(one, three) {
		t.Errorf("three workers found\n%+v\none found\n%+v", three, one)
	}
}

func TestCancel(t *testing.T) {
	defer goleak.VerifyNone(t)
	ctx, cancel := context.WithCancel(context.Background())
	_, err := Run(ctx, Config{Seeds: 4, Duration: 200 * time.Millisecond, Workers: 2, Methods: []Method{Plain}}, still, func(done, _ int) {
		if done == 3 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want that it was canceled", err)
	}
}

func TestBadConfig(t *testing.T) {
	for _, c := range []Config{
		{Experiment: "fig99"},
		{Methods: []Method{"oracle"}},
		{Seeds: -1},
		{Workers: -1},
		{Duration: time.Hour},
		{Rate: -1, Duration: 200 * time.Millisecond},
	} {
		if _, err := Run(context.Background(), c, still, func(int, int) {}); err == nil {
			t.Errorf("%+v was accepted", c)
		}
	}
}

func TestShareOfSeeds(t *testing.T) {
	got := spread([]float64{0.9, 0.1, 0.5, 0.7}, 40)
	if want := (Share{Median: 0.6, Low: 0.1, High: 0.9, Seeds: 4, Judged: 40}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := spread(nil, 0); got != (Share{}) || got.String() != "–" {
		t.Errorf("of nothing: got %+v, %s", got, got)
	}
}
