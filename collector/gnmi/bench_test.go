package gnmi

import (
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/openconfig/gnmi/proto/gnmi"

	"github.com/telltale-net/telltale/collector/gnmi/model"
	"github.com/telltale-net/telltale/collector/gnmi/tree"
)

// sink is a stream that takes everything at once.
type sink struct {
	gnmi.GNMI_SubscribeServer
	values int
}

func (s *sink) Send(r *gnmi.SubscribeResponse) error {
	for _, u := range r.GetUpdate().GetUpdate() {
		s.values += 1 + int(u.Duplicates)
	}
	return nil
}

// BenchmarkSubscribers changes 1 000 counters at a time, which 100 subscribers of all of
// them are sent as messages, without the encoding to bytes and the transport.
func BenchmarkSubscribers(b *testing.B) {
	const subscribers, leaves = 100, 1000
	t := tree.New(model.Schema(), tree.Limits{Leaves: leaves, Subscribers: subscribers, Backlog: 1 << 40})
	server, err := New(Config{}, t)
	if err != nil {
		b.Fatal(err)
	}
	paths := make([]tree.Path, leaves)
	for i := range paths {
		paths[i] = inPackets(time.Duration(i).String())
	}
	set := func(v uint64) {
		for _, p := range paths {
			if err := t.Update(p, tree.Count(v), int64(v)); err != nil {
				b.Fatal(err)
			}
		}
	}
	set(0)
	senders := make([]*sender, subscribers)
	sinks := make([]*sink, subscribers)
	items := make([]tree.Item, 0, bundle)
	drain := func(s *sender) {
		for {
			if items = s.sub.Next(items); len(items) == 0 {
				return
			}
			if err := s.deliver(items); err != nil {
				b.Fatal(err)
			}
		}
	}
	for i := range senders {
		sub, err := t.Subscribe()
		if err != nil {
			b.Fatal(err)
		}
		defer sub.Close()
		sinks[i] = &sink{}
		senders[i] = &sender{server: server, stream: sinks[i], sub: sub, slot: 1, named: true, prefixes: map[prefixKey]*gnmi.Path{}}
		sub.Watch(tree.Path{Target: "leaf1", Origin: "openconfig"}, tree.AllUnits, true)
		drain(senders[i])
	}
	var before, after runtime.MemStats
	var u0, u1 syscall.Rusage
	runtime.ReadMemStats(&before)
	syscall.Getrusage(syscall.RUSAGE_SELF, &u0)
	round := uint64(0)
	b.ReportAllocs()
	for b.Loop() {
		round++
		set(round)
		for _, s := range senders {
			drain(s)
		}
	}
	syscall.Getrusage(syscall.RUSAGE_SELF, &u1)
	runtime.ReadMemStats(&after)
	sent := float64(round) * subscribers * leaves
	cpu := time.Duration(u1.Utime.Nano() - u0.Utime.Nano() + u1.Stime.Nano() - u0.Stime.Nano())
	b.ReportMetric(sent/cpu.Seconds(), "updates/cpu-s")
	b.ReportMetric(float64(after.Mallocs-before.Mallocs)/sent, "allocs/update")
	if got := sinks[0].values; got != int(round+1)*leaves {
		b.Fatalf("a subscriber was sent %d values, want %d", got, int(round+1)*leaves)
	}
}
