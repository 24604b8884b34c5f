package engine_test

import (
	"sync"
	"testing"

	"github.com/telltale-net/telltale/bmv2/device"
	"github.com/telltale-net/telltale/bmv2/engine"
)

// The control plane may write and read while packets flow.
func TestControlWhilePacketsFlow(t *testing.T) {
	w := newWalk(t, engine.Config{})
	w.must(w.InsertMember(ecmp, member(1, 3)))
	id := uint32(1)
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for i := range 300 {
				e := device.Entry{Matches: []device.Match{exact(byte(8 + i%2))}, Target: device.Target{Member: &id}}
				_ = w.Insert("I.spread", e)
				_ = w.ModifyMember(ecmp, member(1, byte(1+i%8)))
				_ = w.Delete("I.spread", e)
				_, _ = w.Entries("I.spread")
				_ = w.WriteRegister("I.cells", i%8, []byte{0, 1})
				_ = w.SetMulticastGroup(device.MulticastGroup{ID: 33, Replicas: []device.Replica{{Port: uint32(i % 5)}}})
				w.SetPortUp(3, i%2 == 0)
				w.Stats()
			}
		})
	}
	for i := range 3000 {
		w.put(uint8(i%18), 4, 33, "payload")
		w.Run(w.now, func(engine.Tx) {})
		w.now += 1000
	}
	wg.Wait()
	if _, waiting := w.Next(); waiting {
		t.Error("packets wait although all ports are infinitely fast")
	}
	if got := w.Stats().Received; got != 3000 {
		t.Errorf("received %d; want 3000", got)
	}
}
