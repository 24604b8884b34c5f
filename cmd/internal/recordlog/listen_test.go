package recordlog

import (
	"bytes"
	"context"
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/telltale-net/telltale/collector"
	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/collector/report/send"
)

// TestDump records datagrams from a socket into a capture, and reads the capture: the
// same reports, with source, and times between the beginning and the end.
func TestDump(t *testing.T) {
	cfg := collector.DefaultConfig()
	cfg.Listen = "127.0.0.1:0"
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var sent send.Result
	began := time.Now().UnixNano()
	var file bytes.Buffer
	sending := make(chan error, 1)
	got, err := Dump(ctx, cfg, &file, func(to netip.AddrPort) {
		go func() {
			var err error
			sent, err = send.Run(ctx, send.Config{To: to, Rate: 20_000, Sources: 2, Coalesce: 3, Count: 3000})
			time.AfterFunc(200*time.Millisecond, cancel)
			sending <- err
		}()
	})
	if err := errors.Join(err, <-sending); err != nil {
		t.Fatal(err)
	}
	ended := time.Now().UnixNano()
	if got.Datagrams != sent.Datagrams || got.Sum.Lost != 0 {
		t.Errorf("got %d datagrams of %d, %d lost", got.Datagrams, sent.Datagrams, got.Sum.Lost)
	}
	var sum Captured
	records := 0
	err = FromCapture(&file, collector.DefaultConfig(), sent.To.Port(), &sum)(t.Context(), func(batch []postcard.Record) error {
		for i := range batch {
			if r := &batch[i]; r.Received < began || r.Received > ended {
				t.Fatalf("received at %d, want %d to %d", r.Received, began, ended)
			}
			records++
		}
		return nil
	})
	if err != nil || records != 3000 || sum.Malformed != 0 || sum.Reports != 3000 {
		t.Errorf("got %d records, %v, %v", records, &sum, err)
	}
	loss := sum.pages.list[0].Lines
	if len(loss) == 0 || loss[0].Source != netip.MustParseAddr("127.0.0.1") {
		t.Errorf("got streams %+v, want those of 127.0.0.1", loss)
	}
}

// A capture that cannot be written ends the recording and says why.
func TestDumpFails(t *testing.T) {
	cfg := collector.DefaultConfig()
	cfg.Listen = "127.0.0.1:0"
	_, err := Dump(t.Context(), cfg, full{}, func(to netip.AddrPort) {
		go func() {
			_, _ = send.Run(t.Context(), send.Config{To: to, Sources: 1, Coalesce: 15, Count: 100_000})
		}()
	})
	if !errors.Is(err, errFull) {
		t.Errorf("got %v", err)
	}
}

var errFull = errors.New("full")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }
