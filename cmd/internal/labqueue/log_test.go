package labqueue

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/telltale-net/telltale/analyzers"
	"github.com/telltale-net/telltale/analyzers/queue/postcards"
	"github.com/telltale-net/telltale/cmd/internal/recordlog"
	"github.com/telltale-net/telltale/collector/block"
	"github.com/telltale-net/telltale/collector/journal"
)

// TestThroughTheLog keeps a lab's postcards in a log and reads the queues off it: the
// same as off the postcards themselves. It says what a postcard takes in the log.
func TestThroughTheLog(t *testing.T) {
	f := newFabric(t, 1, true)
	f.until(t, f.at(400*time.Millisecond))
	net, err := analyzers.NewNetwork(f.Fabric)
	if err != nil {
		t.Fatal(err)
	}
	cfg := journal.DefaultConfig()
	cfg.Dir, cfg.Unit, cfg.Reserve = t.TempDir(), 1, 0
	j, err := journal.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := j.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	if err := j.Append(f.cards); err != nil {
		t.Fatal(err)
	}
	if err := j.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	var read journal.ReadStats
	got, gotStats, err := recordlog.Queues(t.Context(), recordlog.FromLog(j, block.Query{}, &read), net, len(f.cards))
	if err != nil {
		t.Fatal(err)
	}
	want, wantStats, err := postcards.Convert(net, f.cards, postcards.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if gotStats != wantStats {
		t.Errorf("from the log %+v, from the postcards %+v", gotStats, wantStats)
	}
	var a, b bytes.Buffer
	if err := got.Write(&a); err != nil {
		t.Fatal(err)
	}
	if err := want.Write(&b); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a.Bytes(), b.Bytes()) {
		t.Error("the queues read off the log differ from those read off the postcards")
	}
	s := j.Stats()
	t.Logf("%d postcards, %.2f bytes each in the log", s.Stored, float64(s.Bytes)/float64(s.Stored))
}
