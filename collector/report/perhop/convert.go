package perhop

import (
	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/collector/report"
	"github.com/telltale-net/telltale/collector/report/inband"
	"github.com/telltale-net/telltale/collector/report/profile"
	"github.com/telltale-net/telltale/internal/dissect"
)

// Emit takes a record, to read during the call only.
type Emit func(*postcard.Record)

// Counts say what a converter has met.
type Counts struct {
	Stacks      uint64 // INT headers with hop metadata
	Unannounced uint64 // of those, in reports with F clear
	Hops        uint64 // records of hops in stacks
	Nameless    uint64 // hops without a valid node id: no record
	Cut         uint64 // INT headers of which the packet has a part only
	Bad         uint64 // packets marked for INT, or INT headers, that could not be read
	Sniffed     uint64 // INT headers known by their looks, not by a mark
	Flipped     uint64 // shims with NPT = 2 and the protocol in the wrong byte
	Unknown     uint64 // reports whose inner contents, or a TLV in them, are of a type that is not defined
}

// Converter turns reports and packets into records without allocating. It is not
// safe for concurrent use.
type Converter struct {
	Domains report.Domains
	Clocks  *Clocks // nil = timestamps that wrap are left as they are

	counts  Counts
	records uint64 // emitted
	packet  dissect.Packet
	head    inband.Header
	hop     inband.Hop
	own     postcard.Record
	rec     postcard.Record // of the packet at hand, and of one hop after the other
	ofAll   postcard.Fields // what rec has of the packet
	plan    plan

	unplanned bool // no plan is made: every hop is read field by field (for tests)
}

// Counts returns what the converter has met so far.
func (c *Converter) Counts() Counts { return c.counts }

// give emits a record.
func (c *Converter) give(rec *postcard.Record, emit Emit) {
	c.records++
	emit(rec)
}

// Report emits the records of one individual report of a datagram that was received
// at a time of the collector's clock (ns) from a source with profile p.
func (c *Converter) Report(received int64, p *profile.Profile, g report.Group, r *report.Report, emit Emit) {
	own := &c.own
	own.Received = received
	r.Dissect(&c.packet, &p.Marks)
	r.RecordOf(g, own, &c.packet)
	own.HwID = p.Subsystem(g.HwID)
	c.reportTimes(received, p, g, r)
	if !r.KnownInner() {
		c.counts.Unknown++
	}
	if c.packet.INTs == 0 && !c.packet.BadINT {
		c.give(own, emit)
		return
	}
	_, b := r.Packet()
	c.stacks(received, p, b, own, r, emit)
}

// Packet emits the records of the hops whose metadata a data packet carries. b
// starts with a header of kind start.
func (c *Converter) Packet(received int64, p *profile.Profile, start dissect.Start, b []byte, emit Emit) {
	c.packet.ParseINT(start, b, &p.Marks)
	c.own = postcard.Record{Received: received, Flags: postcard.Tracked}
	report.Flows(&c.own, &c.packet)
	c.stacks(received, p, b, &c.own, nil, emit)
}

// stacks emits own, the record of the sender of report r (nil: of nobody), and the
// records of the hops in the INT headers of the packet b, which has been dissected.
func (c *Converter) stacks(received int64, p *profile.Profile, b []byte, own *postcard.Record, r *report.Report, emit Emit) {
	pending := r != nil // own has yet to be emitted
	hops, begun := false, false
	if c.packet.BadINT {
		c.counts.Bad++
	}
	for i := range c.packet.INTs {
		x := &c.packet.INT[i]
		st, ok := c.read(p, b, x, r == nil || r.Flags&report.Tracked != 0)
		if !ok {
			continue
		}
		if x.Type == dissect.INTMX { // behind the header: the sender's own
			c.head.Hop(0, &c.hop)
			c.fill(received, p, own)
			continue
		}
		if !begun {
			c.fromPacket(own)
			begun = true
		}
		for j := range st.hops {
			if !st.planned || !c.plan.read(st.stack[j*st.size:(j+1)*st.size], p.Latency, c.ofAll, &c.rec) {
				c.takeApart(b, x, j, &st)
				if c.hop.Has&inband.NodeID == 0 {
					c.counts.Nameless++
					continue
				}
				c.blank()
				if c.rec.Node = postcard.NodeID(c.hop.NodeID); !pending || j > 0 || c.rec.Node != own.Node {
					c.fill(received, p, &c.rec)
				}
			}
			c.counts.Hops++
			hops = true
			if pending && j == 0 && c.rec.Node == own.Node {
				c.takeApart(b, x, j, &st)
				c.fill(received, p, own)
				c.give(own, emit)
				pending = false
				continue
			}
			if pending && saysSomething(r, own) {
				c.give(own, emit)
			}
			pending = false
			c.give(&c.rec, emit)
		}
	}
	if pending && (!hops || saysSomething(r, own)) {
		c.give(own, emit)
	}
}

// read reads the INT header x of the packet b, announced by the report around it or
// not, and reports whether it has hops.
func (c *Converter) read(p *profile.Profile, b []byte, x *dissect.INT, announced bool) (st stack, ok bool) {
	if x.Sniffed {
		c.counts.Sniffed++
	}
	if x.Flipped {
		c.counts.Flipped++
	}
	if st, ok = c.glance(p, b, x); !ok {
		if err := c.head.Read(b, x, c.Domains); err != nil {
			c.counts.Bad++
			return st, false
		}
		if c.head.Missing > 0 {
			c.counts.Cut++
		}
		if p.OwnBehindMX {
			c.head.ReadBehind(b)
		}
		st = stack{stack: c.head.Stack, size: int(c.head.HopML) * 4, hops: c.head.Hops(), planned: c.plannable(p), read: true}
	}
	if st.hops == 0 {
		return st, false
	}
	c.counts.Stacks++
	if !announced {
		c.counts.Unannounced++
	}
	return st, true
}

// takeApart sets c.hop to the j-th hop of the stack st of the INT header x in the packet b.
func (c *Converter) takeApart(b []byte, x *dissect.INT, j int, st *stack) {
	if !st.read {
		if err := c.head.Read(b, x, c.Domains); err != nil || c.head.Hops() != st.hops {
			panic("BUG: a stack looks otherwise at second sight")
		}
		st.read = true
	}
	c.head.Hop(j, &c.hop)
}

// saysSomething reports whether a report says anything of its sender, beside whose
// packet it saw.
func saysSomething(r *report.Report, own *postcard.Record) bool {
	const ofThePacket = postcard.HasInner | postcard.HasOuter | postcard.HasVNI
	return own.Has&^ofThePacket != 0 || own.Flags&(postcard.Dropped|postcard.Congested) != 0 || len(r.DSMetadata) > 0
}

// fromPacket makes c.rec a record of the same packet and of no hop.
func (c *Converter) fromPacket(own *postcard.Record) {
	const ofThePacket = postcard.HasInner | postcard.HasOuter | postcard.HasVNI | postcard.HasFlowHash | postcard.HasPacketID
	c.ofAll = own.Has & ofThePacket
	rec := &c.rec
	*rec = *own
	rec.Flags &= postcard.Tracked
	rec.HwID, rec.EnqDepth, rec.Rule, rec.Length, rec.DropReason = 0, 0, 0, 0, 0
	rec.Stage = postcard.Egress
	c.blank()
}

// blank takes out of c.rec what a hop put there.
func (c *Converter) blank() {
	rec := &c.rec
	rec.Has, rec.Node = c.ofAll, 0
	rec.InPort, rec.OutPort, rec.Queue, rec.QueueDepth = 0, 0, 0, 0
	rec.Latency, rec.Ingress, rec.Egress = 0, 0, 0
}

// fill adds to rec what it has not and the hop has.
func (c *Converter) fill(received int64, p *profile.Profile, rec *postcard.Record) {
	h := &c.hop
	lacks := func(f postcard.Fields, bits inband.Bits) bool {
		if rec.Has&f != 0 || h.Has&bits != bits {
			return false
		}
		rec.Has |= f
		return true
	}
	if lacks(postcard.HasPorts, inband.Level1) {
		rec.InPort, rec.OutPort = uint32(h.Level1In), uint32(h.Level1Out)
	} else if c.head.Version > 0 && lacks(postcard.HasPorts, inband.Level2) {
		rec.InPort, rec.OutPort = h.Level2In, h.Level2Out
	}
	if lacks(postcard.HasQueue, inband.Queue) {
		rec.Queue, rec.QueueDepth = h.QueueID, h.QueueOccupancy
	}
	if lacks(postcard.HasLatency, inband.HopLatency) {
		rec.Latency = clamp(p.Latency.Nanoseconds(uint64(h.HopLatency)))
	}
	wire := uint8(64)
	if c.head.Version < 2 && !c.head.Wide {
		wire = 32
	}
	in, out, latency := p.HopTimes(wire, h.IngressTime, h.EgressTime)
	if p.HopTimeBits != 0 {
		wire = min(wire, p.HopTimeBits)
	}
	both := h.Has&(inband.IngressTime|inband.EgressTime) == inband.IngressTime|inband.EgressTime
	if both && latency <= maxLatency && lacks(postcard.HasLatency, 0) {
		rec.Latency = uint32(latency)
	}
	hadIngress := rec.Has&postcard.HasIngress != 0
	if lacks(postcard.HasIngress, inband.IngressTime) {
		rec.Ingress = c.extend(received, rec.Node, in, h.IngressTime, wire, p.HopTime)
	}
	if lacks(postcard.HasEgress, inband.EgressTime) {
		switch {
		case both && hadIngress:
			rec.Egress = rec.Ingress + latency
		case both:
			rec.Egress = rec.Ingress + (out - in)
		default:
			rec.Egress = c.extend(received, rec.Node, p.HopTime.Nanoseconds(h.EgressTime), h.EgressTime, wire, p.HopTime)
		}
	}
}

// reportTimes puts the times of a report into its sender's record.
func (c *Converter) reportTimes(received int64, p *profile.Profile, g report.Group, r *report.Report) {
	own := &c.own
	if r.Has(report.MdHopLatency) {
		own.Latency = clamp(p.Latency.Nanoseconds(uint64(r.HopLatency)))
	}
	hasIn, hasOut := r.Has(report.MdIngressTime), r.Has(report.MdEgressTime)
	if !hasIn && !hasOut {
		return
	}
	width, unit := p.Width(g.Version)
	in, out, latency := p.Times(g.Version, r.IngressTime, r.EgressTime)
	if hasIn {
		own.Ingress = c.extend(received, own.Node, in, r.IngressTime, width, unit)
	}
	switch {
	case hasIn && hasOut:
		own.Egress = own.Ingress + (out - in)
		switch {
		case r.Has(report.MdHopLatency):
		case latency <= maxLatency:
			own.Latency = uint32(latency)
			own.Has |= postcard.HasLatency
		default:
			own.Has &^= postcard.HasLatency
		}
	case hasOut:
		own.Egress = c.extend(received, own.Node, unit.Nanoseconds(r.EgressTime), r.EgressTime, width, unit)
	}
}

// extend returns the time that the wire's t, ns in nanoseconds, stands for.
func (c *Converter) extend(received int64, node postcard.NodeID, ns, t uint64, width uint8, u profile.Unit) uint64 {
	if c.Clocks == nil || width >= 64 {
		return ns
	}
	return c.Clocks.of(node, width).Extend(received, t, width, u)
}

// maxLatency is the longest latency that a record holds. What the difference of two
// timestamps exceeds it by says that they do not belong together.
const maxLatency = 1<<32 - 1

func clamp(v uint64) uint32 { return uint32(min(v, maxLatency)) }
