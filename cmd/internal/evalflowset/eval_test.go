package evalflowset

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"image/png"
	"reflect"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// still is a clock for tests: what takes how long must not show in results.
func still() (time.Time, time.Duration) { return time.Time{}, 0 }

func small(experiment string) Config {
	return Config{Experiment: experiment, Ks: []int{4}, Epochs: 1, LossEpochs: 6, Digests: 2, Windows: 1, FirstSeed: 1, Sizes: []int{200}, Flows: 400, Budget: 2000, Memory: 1 << 30, Workers: 2}
}

func TestRun(t *testing.T) {
	defer goleak.VerifyNone(t)
	var all []*Result
	for range 2 {
		last := 0
		res, err := Run(context.Background(), small("all"), still, func(done, total int) {
			if done != last+1 || done > total { // steps come one at a time
				t.Errorf("progress: %d of %d after %d", done, total, last)
			}
			last = done
		})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, res)
	}
	if !reflect.DeepEqual(all[0], all[1]) {
		t.Error("two runs differ")
	}
	figures := map[string][]string{}
	for _, tab := range all[0].Tables {
		for _, row := range tab.Rows {
			if len(row) != len(tab.Columns) {
				t.Errorf("%s: %d cells in a row of %d columns", tab.Title, len(row), len(tab.Columns))
			}
			figures[tab.Experiment+" "+row[0]] = row
		}
	}
	for key, want := range map[string][]string{
		"accept not known": {"not known", "4", "1", "100.0000", "100.0000", "100.0", "0", "0"},
		"losses known":     {"known", "7", "7", "0", "0", "0"},
	} {
		if !reflect.DeepEqual(figures[key], want) {
			t.Errorf("%s: got %v, want %v", key, figures[key], want)
		}
	}
	var text, picture bytes.Buffer
	if err := all[0].WriteCSV(&text); err != nil {
		t.Fatal(err)
	}
	if rows, err := csv.NewReader(&text).ReadAll(); err != nil || len(rows) < 100 {
		t.Errorf("%d lines of figures, %v", len(rows), err)
	}
	if err := all[0].Tables[0].Draw(&picture, "png"); err != nil {
		t.Fatal(err)
	}
	if _, err := png.Decode(&picture); err != nil {
		t.Error(err)
	}
}

func TestRunStops(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	_, err := Run(ctx, small("all"), still, func(int, int) { cancel() })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
	bad := small("all")
	bad.Ks = []int{5}
	if _, err := Run(context.Background(), bad, still, nil); err == nil {
		t.Error("a tree of five pods was made")
	}
}
