package evalblame

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"image/png"
	"math"
	"reflect"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func evaluate(t *testing.T, cfg Config) *Result {
	t.Helper()
	last := 0
	res, err := Run(context.Background(), cfg, func(done, total int) {
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

// TestFloors: figures of a small evaluation stay well above what would mean that
// something broke. What they should be is printed by the command with its defaults.
func TestFloors(t *testing.T) {
	if testing.Short() {
		t.Skip("simulates some 80 epochs of 96,000 flows")
	}
	defer goleak.VerifyNone(t)
	res := evaluate(t, Config{Seeds: 1, FirstSeed: 1, Healthy: 3, Quick: true, Workers: 2})
	if len(res.Tables) != len(experiments()) {
		t.Fatalf("got %d tables, want %d", len(res.Tables), len(experiments()))
	}
	for _, tab := range res.Tables {
		for _, r := range tab.Rows {
			ours, theirs := r.Methods[Ours], r.Methods[Votes]
			if least := 0.9; tab.Experiment != "paths" && tab.Experiment != "hard" && (ours.Accuracy.Mean < least || ours.Precision.Mean < 0.8 || ours.Findable.Mean < 0.8) {
				t.Errorf("%s, %s: got %+v", tab.Experiment, r.What, ours)
			}
			if ours.F1.Mean < theirs.F1.Mean-0.15 {
				t.Errorf("%s, %s: F1 %.3f, 007 has %.3f", tab.Experiment, r.What, ours.F1.Mean, theirs.F1.Mean)
			}
		}
	}
	if e := res.Epochs; len(e) != epochCount || e[epochCount-1].Found < 0.9 || e[epochCount-1].Found < e[0].Found {
		t.Errorf("got %+v", e)
	}
	if h := res.Healthy; h == nil || h.Epochs != 3 || h.Alarms[Ours] != 0 {
		t.Errorf("got %+v", h)
	}
	if len(res.Kinds) != 1 || res.Kinds[0].Wrong > 0 || res.Kinds[0].Right < 6 {
		t.Errorf("got kinds %+v", res.Kinds)
	}
	if len(res.Calibration) < 2 {
		t.Errorf("got calibration %+v", res.Calibration)
	}
	checkFiles(t, res)
}

func checkFiles(t *testing.T, res *Result) {
	t.Helper()
	var b bytes.Buffer
	if err := res.WriteCSV(&b); err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(&b).ReadAll()
	if err != nil || len(lines) < 100 {
		t.Errorf("got %d lines of CSV, %v", len(lines), err)
	}
	for i := range res.Tables {
		tab := &res.Tables[i]
		var pic bytes.Buffer
		if err := tab.Draw(&pic, Accuracy, "png"); err != nil {
			t.Fatal(err)
		}
		if _, err := png.Decode(&pic); err != nil {
			t.Errorf("%s: %v", tab.Experiment, err)
		}
		for k := range tab.Rows {
			for _, line := range tab.Lines(k) {
				if len(line) != len(tab.Columns()) {
					t.Fatalf("got %d cells for %d columns", len(line), len(tab.Columns()))
				}
			}
		}
	}
}

// TestSameSeeds: the same seeds give the same figures, however many epochs run at a time.
func TestSameSeeds(t *testing.T) {
	if testing.Short() {
		t.Skip("simulates epochs of 96,000 flows")
	}
	a := evaluate(t, Config{Experiment: "kinds", Quick: true, Seeds: 3, Workers: 1})
	b := evaluate(t, Config{Experiment: "kinds", Quick: true, Seeds: 3, Workers: 3})
	if !reflect.DeepEqual(a, b) {
		t.Errorf("got %+v and %+v", a, b)
	}
}

func TestFigure(t *testing.T) {
	f := figure([]float64{4, 1, 3, 2})
	if f.Mean != 2.5 || f.Median != 2.5 || f.Low != 1 || f.High != 4 || math.Abs(f.Error-math.Sqrt(5.0/12)) > 1e-12 {
		t.Errorf("got %+v", f)
	}
}

func TestWrongConfig(t *testing.T) {
	for _, c := range []struct {
		cfg  Config
		want string
	}{
		{Config{Experiment: "nope"}, `unknown experiment "nope"`},
		{Config{Seeds: -1}, "got -1 seeds"},
		{Config{Workers: -1}, "-1 runs at a time"},
	} {
		if _, err := Run(context.Background(), c.cfg, func(int, int) {}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
}

func TestCancelled(t *testing.T) {
	defer goleak.VerifyNone(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Run(ctx, Config{}, func(int, int) {}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want that it was cancelled", err)
	}
}
