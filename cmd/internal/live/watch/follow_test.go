package watch

import (
	"context"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/telltale-net/telltale/collector/block"
	"github.com/telltale-net/telltale/collector/journal"
	"github.com/telltale-net/telltale/collector/postcard"
)

// TestFollow: one process writes a log on a NATS server, another watches it: what is there
// and what comes.
func TestFollow(t *testing.T) {
	m := lossy(t)
	ns, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	ns.Start()
	defer ns.WaitForShutdown()
	defer ns.Shutdown()
	if !ns.ReadyForConnections(20 * time.Second) {
		t.Fatal("the server does not start")
	}
	cfg := journal.DefaultConfig()
	cfg.URL, cfg.BlockRecords, cfg.Unit = ns.ClientURL(), 1000, 1
	open := func(readOnly bool) *journal.Journal {
		cfg.ReadOnly = readOnly
		j, err := journal.Open(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		return j
	}
	closing := func(j *journal.Journal) {
		if err := j.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}
	writer := open(false)
	defer closing(writer)
	write := func(records []postcard.Record) {
		if err := writer.Append(records); err != nil {
			t.Fatal(err)
		}
		if err := writer.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	write(m.Records[:len(m.Records)/2])
	reader := open(true)
	defer closing(reader)
	ctx, cancel := context.WithCancel(t.Context())
	found := &awaited{text: "  bad      spine1>leaf4", found: make(chan struct{})}
	var sum Summary
	done := make(chan error, 1)
	go func() {
		var err error
		sum, err = Records(ctx, found, func(ctx context.Context, fn func([]postcard.Record) error) error {
			_, err := reader.Tail(ctx, block.Query{From: 1}, fn)
			return err
		}, m.Fabric, Options{Format: Text, Length: time.Second, Rate: 1 << 20})
		done <- err
	}()
	write(m.Records[len(m.Records)/2:])
	select {
	case <-found.found:
	case <-time.After(30 * time.Second):
		t.Error("the lossy link was not found")
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if sum.Windows < 3 {
		t.Errorf("got %s", &sum)
	}
}
