package engine_test

import (
	"encoding/binary"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/telltale-net/telltale/bmv2/device"
	"github.com/telltale-net/telltale/bmv2/engine"
)

// Whatever is written beside it, what stands in a table is always found, what packets
// count is never lost, and nothing that is not a batch's end shows half a batch.
func TestPacketsBesideWriters(t *testing.T) {
	s := router(t, 16, 13)
	route := func(i int, port byte) device.Entry {
		dst := binary.BigEndian.AppendUint32(nil, uint32(i)<<8)
		return device.Entry{Matches: []device.Match{{Kind: device.LPM, Value: dst, PrefixLen: 24}},
			Target: action("I.set_nexthop", []byte{10, 0, 0, 1}, []byte{0, port})}
	}
	dmac := func(i int) device.Entry {
		return device.Entry{Matches: []device.Match{exact(binary.BigEndian.AppendUint32(nil, uint32(0x14000000+i))...)}, Target: action("I.set_dmac", []byte{2, 0, 0, 0, 0, byte(i)})}
	}
	var stop atomic.Bool
	var writers sync.WaitGroup
	must := func(err error) {
		if err != nil {
			t.Error(err)
			stop.Store(true)
		}
	}
	rounds := func(f func(round int)) {
		writers.Go(func() {
			for round := 0; round < 2 && !stop.Load(); round++ {
				f(round)
			}
		})
	}
	rounds(func(int) { // the trie and its tables grow and shrink
		for i := range 800 {
			must(s.Insert("I.routes", route(0x140000+i, 2)))
		}
		for i := range 800 {
			must(s.Modify("I.routes", route(0x140000+i, 3)))
			must(s.Delete("I.routes", route(0x140000+i, 2)))
		}
	})
	rounds(func(int) {
		for i := range 400 {
			must(s.Insert("I.neighbours", dmac(i)))
		}
		for i := range 400 {
			must(s.Delete("I.neighbours", dmac(i)))
		}
	})
	// The packets' own route is moved by batches that take it away first, and that
	// sometimes change their mind.
	own := 0x0a0000
	rounds(func(round int) {
		for i := range 150 {
			s.Atomically(func(d device.Device) (keep bool) {
				port := byte(1 + i%8)
				must(d.Delete("I.routes", route(own, port)))
				must(d.Insert("I.routes", route(own, port)))
				return i%3 > 0
			})
		}
	})
	reads := 0
	rounds(func(int) {
		for range 100 {
			if _, err := s.Entries("I.routes"); err != nil {
				must(err)
			}
			if n := s.Stats(); n.Transmitted > n.Received {
				t.Errorf("half a packet: %+v", n)
			}
			reads++
		}
	})
	done := make(chan struct{})
	go func() { writers.Wait(); close(done) }()
	frame := vxlanFrame(0)[:98]
	copy(frame[30:], []byte{10, 0, 0, 1})
	in, out := 0, 0
	for now, more := engine.Time(0), true; more && !stop.Load(); now += 1000 {
		select {
		case <-done:
			more = false
		default:
		}
		s.Receive(now, 1, frame)
		s.Run(now, func(engine.Tx) { out++ })
		if in++; in%64 == 0 {
			runtime.Gosched()
		}
	}
	writers.Wait()
	if n := s.Stats(); in != out || n.Received != uint64(in) || n.Transmitted != uint64(out) {
		t.Errorf("%d packets in and %d out, %+v", in, out, n)
	}
	t.Logf("%d packets, %d reads, %d waits", in, reads, s.Stats().ControlWaits)
	if es, err := s.Entries("I.routes"); err != nil || len(es) != 16 {
		t.Errorf("%d routes left, want 16, %v", len(es), err)
	}
}
