package journal

import (
	"fmt"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/telltale-net/telltale/collector/block"
	"github.com/telltale-net/telltale/collector/postcard"
)

// cluster starts a NATS cluster of three on loopback.
func cluster(t *testing.T) (nodes []*server.Server, urls string) {
	t.Helper()
	var routes []*url.URL
	var ports []int
	for range 3 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
		routes = append(routes, &url.URL{Scheme: "nats", Host: l.Addr().String()})
		l.Close()
	}
	var all []string
	for i := range 3 {
		s, err := server.NewServer(&server.Options{
			ServerName: fmt.Sprintf("n%d", i+1), Host: "127.0.0.1", Port: server.RANDOM_PORT,
			JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true,
			Cluster: server.ClusterOpts{Name: "c", Host: "127.0.0.1", Port: ports[i], PoolSize: -1},
			Routes:  routes,
		})
		if err != nil {
			t.Fatal(err)
		}
		s.Start()
		t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
		nodes = append(nodes, s)
	}
	for _, s := range nodes {
		if !s.ReadyForConnections(20 * time.Second) {
			t.Fatal("a NATS server does not become ready")
		}
		all = append(all, s.ClientURL())
	}
	return nodes, strings.Join(all, ",")
}

// TestClusterLosesANode stops the node that leads the stream while the log is written.
func TestClusterLosesANode(t *testing.T) {
	nodes, urls := cluster(t)
	j := open(t, func(c *Config) {
		c.URL, c.Replicas = urls, 3
		c.BlockRecords = 100
	})
	defer closing(t, j)
	next := uint32(0)
	write := func(n int) {
		t.Helper()
		for range n {
			if err := j.Append(numbered(next, 100)); err != nil {
				t.Fatal(err)
			}
			next += 100
		}
	}
	write(50)
	if err := j.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	write(30)
	for _, n := range nodes {
		if n.JetStreamIsStreamLeader(server.DEFAULT_GLOBAL_ACCOUNT, j.cfg.Stream) {
			n.Shutdown()
			break
		}
	}
	write(50)
	if err := j.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s := j.Stats(); s.Stored != uint64(next) || s.Shed != 0 || s.Alarm != "" {
		t.Errorf("got %+v, want %d stored and no alarm", s, next)
	}
	got, _ := seqs(t, j, block.Query{})
	wantSeqs(t, got, 0, next)
	t.Logf("%d records before, during and after the loss; stats %+v", next, j.Stats())
}

// TestLargeBlocks has a server whose messages are smaller than a block.
func TestLargeBlocks(t *testing.T) {
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true, MaxPayload: 1500,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	defer func() { s.Shutdown(); s.WaitForShutdown() }()
	if !s.ReadyForConnections(20 * time.Second) {
		t.Fatal("the NATS server does not become ready")
	}
	j := open(t, func(c *Config) {
		c.URL = s.ClientURL()
		c.BlockRecords = 8000
	})
	defer closing(t, j)
	if err := j.Append(numbered(0, 8000)); err != nil {
		t.Fatal(err)
	}
	if err := j.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	got, stats := seqs(t, j, block.Query{})
	wantSeqs(t, got, 0, 8000)
	if stats.Blocks < 2 {
		t.Errorf("got %d blocks, want more than one", stats.Blocks)
	}
}

// TestDamage puts something into the stream that is no block.
func TestDamage(t *testing.T) {
	j := open(t, func(c *Config) { c.Dir = t.TempDir() })
	defer closing(t, j)
	if err := j.Append(numbered(0, 10)); err != nil {
		t.Fatal(err)
	}
	if err := j.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := j.link.Load().js.Publish(t.Context(), j.subject(1_800_000_000*second), []byte("no block")); err != nil {
		t.Fatal(err)
	}
	stats, err := j.Read(t.Context(), block.Query{}, func([]postcard.Record) error { return nil })
	if err != nil || stats.Records != 10 || stats.Damaged != 1 || stats.Damage == nil {
		t.Errorf("got %+v and error %v, want 10 records and one block damaged", stats, err)
	}
}
