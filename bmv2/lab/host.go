package lab

import (
	"fmt"

	"github.com/telltale-net/telltale/bmv2/lab/frame"
	"github.com/telltale-net/telltale/bmv2/lab/traffic"
	"github.com/telltale-net/telltale/topology"
)

// gatewayMAC is where hosts send everything: the anycast gateway that every vswitch
// is to its tenants. Hosts use no ARP.
var gatewayMAC = topology.MAC{0x02, 0x74, 0x74, 0, 0, 0x01}

type host struct {
	topology.Host
	ref   int32
	wire  *wire // towards the vswitch
	node  *node // the vswitch
	stats HostStats
	_     [64]byte // others change what is behind
}

// HostStats counts what a host sent and what reached it. Frames the host could not
// use are counted by defect; a frame of a flow that goes to another host
// (frame.Misdelivered) would be a breach of isolation.
type HostStats struct {
	Name     string
	Sent     uint64
	Received uint64 // frames that arrived, good or not
	Good     uint64 // of a flow that goes here, duplicates included
	Defects  [frame.Defects]uint64
}

// flow is a flow at work. Its ends may be with different workers: what they change is
// not in one cache line.
type flow struct {
	traffic.Flow
	from, to *host

	_       [64]byte // the sender's
	source  *traffic.Source
	tmpl    frame.Tenant
	length  int // of the packet about to be sent
	stopped bool

	_    [64]byte // the sender's part of it first
	sink traffic.Sink
	_    [64]byte
}

// FlowID numbers the flows of a lab from 0 in the order of AddFlow.
type FlowID uint32

// FlowStats is a flow and the ground truth about it.
type FlowStats struct {
	ID FlowID
	traffic.Flow
	traffic.Stats
}

// AddFlow adds a flow. It may be called at any time; departures that would lie in the
// past are left out.
func (l *Lab) AddFlow(f traffic.Flow) (FlowID, error) {
	if err := f.Check(); err != nil {
		return 0, fmt.Errorf("cannot add a flow: %w", err)
	}
	l.lock()
	defer l.unlock()
	from, ok := l.hostsByName[f.From]
	if !ok {
		return 0, fmt.Errorf("cannot add flow %q: it comes from host %q, which the fabric does not have", f.Name, f.From)
	}
	to, ok := l.hostsByName[f.To]
	if !ok {
		return 0, fmt.Errorf("cannot add flow %q: it goes to host %q, which the fabric does not have", f.Name, f.To)
	}
	id := len(l.flows)
	x := &flow{Flow: f, source: traffic.NewSource(&f, l.cfg.Seed, flowStream|uint64(id)), from: from, to: to,
		tmpl: frame.Tenant{DstMAC: gatewayMAC, SrcMAC: from.MAC, Src: from.Address, Dst: to.Address, Proto: f.Proto,
			SrcPort: f.SrcPort, DstPort: f.DstPort, TTL: 64, TCPFlags: frame.SYN, Stamp: frame.Stamp{Flow: uint32(id)}}}
	l.flows = append(l.flows, x)
	from.node.part.scheduleSend(l.now, rank(id), x)
	l.nudge()
	return FlowID(id), nil
}

// StopFlow makes a flow send no more.
func (l *Lab) StopFlow(id FlowID) error {
	l.lock()
	defer l.unlock()
	if int(id) >= len(l.flows) {
		return fmt.Errorf("cannot stop flow %d: the lab has %d flows", id, len(l.flows))
	}
	l.flows[id].stopped = true
	return nil
}

// StopTraffic stops all flows.
func (l *Lab) StopTraffic() {
	l.lock()
	defer l.unlock()
	for _, f := range l.flows {
		f.stopped = true
	}
}

// Flows returns the ground truth about every flow, in the order of AddFlow.
func (l *Lab) Flows() []FlowStats {
	l.lock()
	defer l.unlock()
	out := make([]FlowStats, len(l.flows))
	for i, f := range l.flows {
		out[i] = FlowStats{ID: FlowID(i), Flow: f.Flow, Stats: f.sink.Stats()}
	}
	return out
}

// scheduleSend draws the flow's next departure from an instant on.
func (p *part) scheduleSend(from Time, id rank, f *flow) {
	for {
		at, length, ok := f.source.Next()
		if !ok {
			f.stopped = true
			return
		}
		if Time(at) < from {
			continue
		}
		f.length = length
		p.sends.push(event{at: Time(at), rank: evSend | id})
		return
	}
}

// hostSend sends the flow's next packet at its instant.
func (p *part) hostSend(at Time, ref int32) {
	f := p.lab.flows[ref]
	if f.stopped {
		return
	}
	w := f.from.wire
	t := &f.tmpl
	t.Length, t.Stamp.Sent, t.ID = f.length, int64(at), uint16(t.Stamp.Seq)
	f.sink.Sent(t.Length)
	f.from.stats.Sent++
	start, done, ok := w.nic.take(at, t.Length, w.rate)
	if ok {
		b := frame.AppendTenant(p.worker.scratch[:0], t)
		p.send(w, at, start, done, b)
		p.worker.scratch = b
	} else {
		w.sent.frames++
		w.sent.bytes += uint64(t.Length)
		w.sent.queueFull++
	}
	t.Stamp.Seq++
	if t.Proto == frame.TCP {
		if t.TCPFlags == frame.SYN {
			t.TCPSeq, t.TCPFlags = t.TCPSeq+1, frame.ACK|frame.PSH
		}
		t.TCPSeq += uint32(t.Length - frame.MinTCP + frame.StampLen)
	}
	p.scheduleSend(at, rank(ref), f)
}

// hostReceive is a frame's end at a host.
func (l *Lab) hostReceive(h *host, at Time, b []byte) {
	h.stats.Received++
	t, d := frame.ParseTenant(b)
	if d == frame.OK {
		d = l.account(h, at, &t)
	}
	if d == frame.OK {
		h.stats.Good++
	} else {
		h.stats.Defects[d]++
	}
}

// account credits a well-formed frame to its flow.
func (l *Lab) account(h *host, at Time, t *frame.Tenant) frame.Defect {
	switch {
	case t.DstMAC != h.MAC:
		return frame.WrongMAC
	case t.Dst != h.Address:
		return frame.WrongAddress
	case int64(t.Stamp.Flow) >= int64(len(l.flows)):
		return frame.UnknownFlow
	}
	f := l.flows[t.Stamp.Flow]
	if f.to != h {
		return frame.Misdelivered
	}
	if !f.sink.Arrived(t.Stamp.Seq, t.Length, int64(at)-t.Stamp.Sent) {
		return frame.UnknownFlow
	}
	return frame.OK
}
