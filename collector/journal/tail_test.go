package journal

import (
	"context"
	"sync"
	"testing"

	"github.com/telltale-net/telltale/collector/block"
	"github.com/telltale-net/telltale/collector/postcard"
)

// TestTail: what is there from a time on, and then what comes, without a gap.
func TestTail(t *testing.T) {
	for _, from := range []uint32{0, 100} {
		tail(t, from)
	}
}

func tail(t *testing.T, from uint32) {
	j := open(t, func(c *Config) { c.Dir = t.TempDir() })
	defer closing(t, j)
	there := numbered(0, 300)
	if err := j.Append(there); err != nil {
		t.Fatal(err)
	}
	if err := j.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	q := block.Query{From: 1}
	if from > 0 {
		q.From = there[from].Received // of a clock that is ahead of the server's
	}
	seen := make(chan uint32, 10_000)
	var running sync.WaitGroup
	running.Go(func() {
		if _, err := j.Tail(ctx, q, func(records []postcard.Record) error {
			for i := range records {
				seen <- records[i].Seq
			}
			return nil
		}); err != nil {
			t.Error(err)
		}
	})
	want := from
	read := func(until uint32) {
		for ; want < until; want++ {
			if got := <-seen; got != want {
				t.Fatalf("got record %d, want %d", got, want)
			}
		}
	}
	read(300)
	if err := j.Append(numbered(300, 700)); err != nil {
		t.Fatal(err)
	}
	read(1000)
	cancel()
	running.Wait()
}
