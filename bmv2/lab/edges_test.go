package lab

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/telltale-net/telltale/bmv2/lab/frame"
	"github.com/telltale-net/telltale/bmv2/lab/traffic"
	"github.com/telltale-net/telltale/topology"
)

// What reaches the collector and is no report for it is counted by defect, and only
// reports are handed on.
func TestCollectorCounts(t *testing.T) {
	fab := small(t)
	var got []string
	l := fakes(t, Config{Fabric: fab, ReportPort: 9000, OnReport: func(at Time, src netip.AddrPort, payload []byte) {
		got = append(got, src.String())
		if at != 0 || len(payload) != 58 {
			t.Errorf("report at %d with %d bytes", at, len(payload))
		}
	}})
	n := l.nodesByName["collector"]
	f := func(want frame.Defect, change func(*frame.Tenant), cut int) {
		t.Helper()
		x := frame.Tenant{DstMAC: n.MAC, Src: netip.MustParseAddr("10.0.0.1"), Dst: n.Address, Proto: frame.UDP,
			SrcPort: 7, DstPort: 9000, TTL: 1, Length: 100}
		change(&x)
		before := l.reports
		b := frame.AppendTenant(nil, &x)
		l.collect(n, 0, b[:len(b)-cut])
		after := l.reports
		if want == frame.OK && after.Delivered != before.Delivered+1 || want != frame.OK && after.Defects[want] != before.Defects[want]+1 {
			t.Errorf("counted %+v, want one more of %v", after, want)
		}
	}
	f(frame.OK, func(*frame.Tenant) {}, 0)
	f(frame.WrongMAC, func(x *frame.Tenant) { x.DstMAC[5]++ }, 0)
	f(frame.WrongAddress, func(x *frame.Tenant) { x.Dst = x.Src }, 0)
	f(frame.WrongPort, func(x *frame.Tenant) { x.DstPort++ }, 0)
	f(frame.OtherProtocol, func(x *frame.Tenant) { x.Proto = frame.TCP }, 0)
	f(frame.Truncated, func(*frame.Tenant) {}, 1)
	if s := l.Stats().Reports; len(got) != 1 || got[0] != "10.0.0.1:7" || s.Frames != 6 || s.Frames != s.Delivered+sumOf(s.Defects[:]) {
		t.Errorf("handed on %v, counted %+v", got, s)
	}
}

// A host takes what is for it, of flows that exist, and counts the rest; a packet of
// another host's flow shows as misdelivered.
func TestHostCounts(t *testing.T) {
	fab := small(t)
	from, to := far(t, fab)
	l := fakes(t, Config{Fabric: fab})
	id := add(t, l, traffic.Flow{From: from.Name, To: to.Name, Proto: frame.UDP, SrcPort: 1, DstPort: 2,
		Sizes: traffic.Fixed(100), Arrivals: traffic.Arrivals{PPS: 1000}, Stop: 2 * time.Millisecond})
	runUntil(t, l, time.Second)
	f := func(h topology.Host, want frame.Defect, change func(*frame.Tenant)) {
		t.Helper()
		x := frame.Tenant{DstMAC: h.MAC, Src: from.Address, Dst: h.Address, Proto: frame.UDP, Length: 100, Stamp: frame.Stamp{Flow: uint32(id)}}
		change(&x)
		host := l.hostsByName[h.Name]
		before := host.stats
		l.hostReceive(host, l.now, frame.AppendTenant(nil, &x))
		if want == frame.OK && host.stats.Good != before.Good+1 || want != frame.OK && host.stats.Defects[want] != before.Defects[want]+1 {
			t.Errorf("counted %+v, want one more of %v", host.stats, want)
		}
	}
	f(to, frame.OK, func(*frame.Tenant) {}) // the first again
	f(to, frame.WrongMAC, func(x *frame.Tenant) { x.DstMAC = from.MAC })
	f(to, frame.WrongAddress, func(x *frame.Tenant) { x.Dst = from.Address })
	f(to, frame.UnknownFlow, func(x *frame.Tenant) { x.Stamp.Flow = 77 })
	f(to, frame.UnknownFlow, func(x *frame.Tenant) { x.Stamp.Seq = 2 }) // never sent
	f(from, frame.Misdelivered, func(*frame.Tenant) {})
	if s := l.Flows()[id]; s.Sent != 2 || s.Delivered != 2 || s.Duplicated != 1 {
		t.Errorf("sent %d, delivered %d, duplicated %d; want 2, 2, 1", s.Sent, s.Delivered, s.Duplicated)
	}
}

func TestFlowsComeAndGo(t *testing.T) {
	fab := small(t)
	from, to := far(t, fab)
	l := fakes(t, Config{Fabric: fab})
	base := traffic.Flow{Name: "f", From: from.Name, To: to.Name, Proto: frame.TCP, SrcPort: 1, DstPort: 2,
		Sizes: traffic.Fixed(100), Arrivals: traffic.Arrivals{PPS: 1000}}
	f := func(want string, change func(*traffic.Flow)) {
		t.Helper()
		x := base
		change(&x)
		if _, err := l.AddFlow(x); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("AddFlow = %v, want %q", err, want)
		}
	}
	f(`host "nobody"`, func(x *traffic.Flow) { x.From = "nobody" })
	f(`host "nobody"`, func(x *traffic.Flow) { x.To = "nobody" })
	f("no sizes", func(x *traffic.Flow) { x.Sizes = nil })
	runUntil(t, l, time.Second)
	id := add(t, l, base) // what would have left in the past is left out
	runUntil(t, l, 1999*time.Millisecond)
	if s := l.Flows()[id]; s.Sent != 1000 || s.Delivered != 999 {
		t.Errorf("sent %d, delivered %d in the second after the flow came; want 1000, 999", s.Sent, s.Delivered)
	}
	if err := l.StopFlow(id); err != nil {
		t.Fatal(err)
	}
	if err := l.StopFlow(id + 1); err == nil {
		t.Error("a flow that does not exist could be stopped")
	}
	other := add(t, l, base)
	runUntil(t, l, 3*time.Second)
	l.StopTraffic()
	runUntil(t, l, 4*time.Second)
	if a, b := l.Flows()[id], l.Flows()[other]; a.Sent != 1000 || a.Missing() != 0 || b.Missing() != 0 || b.Sent < 1000 || b.Sent > 1003 {
		t.Errorf("sent %d and %d, missing %d and %d", a.Sent, b.Sent, a.Missing(), b.Missing())
	}
	if n := pending(l); n != 0 {
		t.Errorf("%d events pending after all traffic stopped", n)
	}
}

// Before a pipeline comes, frames are counted, not forwarded; packet-outs beyond what
// may wait are refused and counted.
func TestNothingVanishes(t *testing.T) {
	fab := small(t)
	l, err := build(Config{Fabric: fab})
	if err != nil {
		t.Fatal(err)
	}
	addMix(t, l, traffic.Mix{PPS: 1000, Stop: time.Second})
	leaf := l.nodesByName["leaf1"]
	for range maxPacketOuts + 10 {
		l.packetOut(leaf, make([]byte, 100))
	}
	runUntil(t, l, 2*time.Second)
	s := l.Stats()
	var dark uint64
	for _, n := range s.Nodes {
		dark += n.NoPipeline
	}
	sent := uint64(0)
	for _, f := range l.Flows() {
		sent += f.Sent
	}
	if n := s.Nodes[leaf.ref]; n.PacketOuts != maxPacketOuts || n.PacketOutsShed != 10 || sent == 0 || dark != sent+maxPacketOuts {
		t.Errorf("packet-outs %d, shed %d; %d sent, %d came before a pipeline", n.PacketOuts, n.PacketOutsShed, sent, dark)
	}
	if err := l.RunUntil(Time(time.Second)); err == nil {
		t.Error("time could be turned back")
	}
}
