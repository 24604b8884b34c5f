package lab_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"

	"github.com/telltale-net/telltale/bmv2/device"
	"github.com/telltale-net/telltale/bmv2/lab"
	"github.com/telltale-net/telltale/bmv2/lab/traffic"
	"github.com/telltale-net/telltale/controlplane/intent"
	"github.com/telltale-net/telltale/p4src"
	"github.com/telltale-net/telltale/topology"
)

// balance checks that every frame that switches took in is accounted for: what the
// ports and the CPU brought and what was cloned was sent, dropped for a counted reason
// or waits in a queue.
func balance(t *testing.T, w *world) {
	t.Helper()
	s := w.Stats()
	for _, n := range s.Nodes {
		e := n.Engine
		if n.Pipelines == 0 {
			continue
		}
		if in := n.Received + n.PacketOuts; e.Received != in-n.NoPipeline {
			t.Errorf("%s: ports and CPU took in %d, %d before a pipeline, the engine %d", n.Name, in, n.NoPipeline, e.Received)
		}
		if out := n.Transmitted + n.NoLink + n.PacketIns; e.Transmitted != out {
			t.Errorf("%s: the engine sent %d, ports and CPU %d", n.Name, e.Transmitted, out)
		}
		if e.Received+e.Cloned+e.Replicated+e.Recirculated+e.Resubmitted != e.Enqueued+e.IngressDrops+e.TailDrops+e.BadPriority+e.NoReplicas+e.TooManyPasses+e.Resubmitted {
			t.Errorf("%s: ingress does not balance: %+v", n.Name, e)
		}
	}
	for _, l := range s.Links {
		if l.Sent != l.Delivered+l.Lost+l.Down+l.QueueFull+l.InFlight {
			t.Errorf("link does not balance: %+v", l)
		}
	}
}

// Whatever breaks when, the tenants' packets are accounted for: sent = delivered +
// dropped by the programs + dropped by full queues + lost on links.
func TestEveryPacketIsAccountedFor(t *testing.T) {
	for seed := range uint64(3) {
		r := rand.New(rand.NewPCG(seed, 4))
		c := topology.DefaultLeafSpine()
		c.Access.RateBps, c.Trunk.RateBps = 100e6, 100e6
		c.Access.Queue, c.Trunk.Queue = 16, 16
		w := newWorld(t, seed, c, intent.DefaultSettings())
		w.mix(t, traffic.Mix{Seed: seed, PPS: 6000, Stop: 900 * time.Millisecond})
		f := w.ix.Fabric()
		var active []lab.Fault
		for step := 1; step <= 20; step++ {
			leaf, _ := w.ix.Node(fmt.Sprint("leaf", 1+r.IntN(4)))
			link := f.Links[r.IntN(len(f.Links))]
			if n := len(active); n > 0 && r.IntN(3) == 0 {
				if err := active[n-1].Revert(w.Lab); err != nil {
					t.Fatal(err)
				}
				active = active[:n-1]
			} else if !link.Telemetry {
				x := []lab.Fault{
					lab.SlowPort(link.A.Node, link.A.Port, 0.02), lab.LossyLink(link.B.Node, link.B.Port, 0.3), lab.LinkDown(link.A.Node, link.A.Port),
					lab.LoseEntry(fmt.Sprint("spine", 1+r.IntN(2)), "routes", []device.Match{{Kind: device.LPM, Value: leaf.Prefix.Addr().AsSlice(), PrefixLen: leaf.Prefix.Bits()}}),
				}[r.IntN(4)]
				if err := x.Apply(w.Lab); err == nil { // it may be there already
					active = append(active, x)
				}
			}
			w.until(t, time.Duration(step)*50*time.Millisecond)
			balance(t, w)
		}
		for _, x := range active {
			if err := x.Revert(w.Lab); err != nil {
				t.Fatal(err)
			}
		}
		w.until(t, 20*time.Second)
		s, flows := w.Stats(), w.totals()
		var program, full, links uint64
		for _, n := range s.Nodes {
			if n.Pipelines > 0 {
				program += w.dropCounter(t, n.Name)
				full += n.Engine.TailDrops
			}
		}
		for _, l := range s.Links {
			links += l.Lost + l.Down + l.QueueFull
		}
		if s.InFlight != 0 || program == 0 || links == 0 {
			t.Errorf("seed %d: in flight %d, dropped by programs %d, lost on links %d: the test says little", seed, s.InFlight, program, links)
		}
		if flows.Sent != flows.Delivered+program+full+links {
			t.Errorf("seed %d: sent %d ≠ delivered %d + dropped by programs %d + by full queues %d + lost on links %d",
				seed, flows.Sent, flows.Delivered, program, full, links)
		}
		balance(t, w)
	}
}

// dropCounter sums a switch's drop_counter over all reasons, read as a controller does.
func (w *world) dropCounter(t *testing.T, node string) (n uint64) {
	t.Helper()
	sw, _ := w.control.Switch(node)
	err := sw.Session.Read(t.Context(), func(e *p4v1.Entity) error {
		n += uint64(e.GetCounterEntry().GetData().GetPacketCount())
		return nil
	}, &p4v1.Entity{Entity: &p4v1.Entity_CounterEntry{CounterEntry: &p4v1.CounterEntry{CounterId: p4src.CounterDrop}}})
	if err != nil {
		t.Fatal(err)
	}
	return n
}
