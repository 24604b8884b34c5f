package lab

import (
	"context"
	"testing"
	"time"

	"github.com/telltale-net/telltale/bmv2/lab/frame"
	"github.com/telltale-net/telltale/bmv2/lab/traffic"
)

func TestWallClockStops(t *testing.T) {
	fab := small(t)
	from, to := far(t, fab)
	l := fakes(t, Config{Fabric: fab, Clock: Wall(10)})
	add(t, l, traffic.Flow{From: from.Name, To: to.Name, Proto: frame.UDP, SrcPort: 1, DstPort: 2,
		Sizes: traffic.Fixed(100), Arrivals: traffic.Arrivals{PPS: 1000}})
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	start := time.Now()
	if err := l.Run(ctx); err != nil {
		t.Fatal(err)
	}
	took := time.Since(start)
	s := l.Flows()[0]
	// A loaded machine may be late, never early.
	if most := uint64(took.Seconds()*10*1000) + 1; s.Delivered == 0 || s.Sent > most {
		t.Errorf("after %v at tenfold speed %d packets sent, %d delivered; want 1…%d", took, s.Sent, s.Delivered, most)
	}
	if now := l.Now(); time.Duration(now) > 10*took {
		t.Errorf("the lab is at %v, the clock at most at %v", time.Duration(now), 10*took)
	}
	runUntil(t, l, time.Duration(l.Now())+time.Second) // virtual time goes on where the wall clock stopped
}

// A virtual clock with nothing to do waits until something comes, or the end.
func TestVirtualClockWaits(t *testing.T) {
	fab := small(t)
	from, to := far(t, fab)
	l := fakes(t, Config{Fabric: fab, Clock: Virtual()})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- l.Run(ctx) }()
	add(t, l, traffic.Flow{From: from.Name, To: to.Name, Proto: frame.UDP, SrcPort: 1, DstPort: 2,
		Sizes: traffic.Fixed(100), Arrivals: traffic.Arrivals{PPS: 1000}, Stop: time.Second})
	for l.Flows()[0].Delivered < 1000 {
		time.Sleep(time.Millisecond)
	}
	if err := l.RunUntil(Time(time.Hour)); err == nil {
		t.Error("two runs at once were allowed")
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}
