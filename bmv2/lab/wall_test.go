package lab_test

import (
	"context"
	"net"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"github.com/telltale-net/telltale/bmv2/lab"
	"github.com/telltale-net/telltale/bmv2/lab/traffic"
	"github.com/telltale-net/telltale/collector"
	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/controlplane/intent"
	"github.com/telltale-net/telltale/topology"
)

// By the wall clock, reports leave the lab as real datagrams for a real socket, and
// a controller can work on the switches meanwhile.
func TestWallClockWithSockets(t *testing.T) {
	var records atomic.Int64
	ready := make(chan netip.AddrPort, 1)
	cfg := collector.DefaultConfig()
	cfg.Listen = "127.0.0.1:0"
	c, err := collector.New(cfg, collector.Deps{
		Sink:  func(batch []postcard.Record) { records.Add(int64(len(batch))) },
		Ready: func(a netip.AddrPort) { ready <- a },
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	collected := make(chan error, 1)
	go func() { collected <- c.Run(ctx) }()
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(<-ready))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()

	set := intent.DefaultSettings()
	set.AllHops = true
	w := newWorld(t, 1, topology.DefaultLeafSpine(), set)
	var sent atomic.Int64
	w.report = func(_ lab.Time, _ netip.AddrPort, payload []byte) {
		if _, err := conn.Write(payload); err == nil {
			sent.Add(1)
		}
	}
	w.mix(t, traffic.Mix{Seed: 1, PPS: 500})
	runCtx, stop := context.WithCancel(ctx)
	ran := make(chan error, 1)
	go func() { ran <- w.Run(runCtx) }()
	for deadline := time.Now().Add(20 * time.Second); records.Load() < 200; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d records of %d reports", records.Load(), sent.Load())
		}
	}
	if _, err := w.control.Reconcile(ctx); err != nil {
		t.Errorf("a controller cannot work on switches while packets flow: %v", err)
	}
	w.apply(t, lab.LossyLink("leaf1", 1, 1))
	for deadline := time.Now().Add(20 * time.Second); lostOn(w, "leaf1:1") == 0; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("a fault during the run has no effect")
		}
	}
	stop()
	if err := <-ran; err != nil {
		t.Error(err)
	}
	cancel()
	if err := <-collected; err != nil {
		t.Error(err)
	}
	balance(t, w)
}

func lostOn(w *world, from string) uint64 {
	for _, l := range w.Stats().Links {
		if l.From == from {
			return l.Lost
		}
	}
	return 0
}
