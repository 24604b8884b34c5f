package engine

import (
	"github.com/telltale-net/telltale/bmv2/device"
	"github.com/telltale-net/telltale/bmv2/spec"
)

// maxPasses bounds how often one packet goes through ingress.
const maxPasses = 1 << 16

// control runs a control flow from its first node.
func (p *packet) control(n *node) {
	for n != nil && !p.exit {
		if p.steps++; p.steps > maxSteps {
			return
		}
		switch n.kind {
		case spec.NodeTable:
			n = p.sw.tables[n.table].apply(p)
		case spec.NodeConditional:
			yes := n.cond(p)
			if p.sw.trace != nil {
				p.note(Event{Kind: EventBranch, Name: n.name, Hit: yes})
			}
			if yes {
				n = n.yes
			} else {
				n = n.no
			}
		default:
			if p.sw.trace != nil {
				p.note(Event{Kind: EventAction, Name: n.act.name, Args: n.raw})
			}
			n.act.run(p, n.args)
			n = n.no
		}
	}
}

// arrive makes a packet of bytes that came in on a port.
func (s *Switch) arrive(now Time, port uint16, data []byte) *packet {
	p := s.newPacket(len(data))
	copy(p.buf[p.head:], data)
	p.now, p.port, p.length, p.pktLength = now, port, len(data), len(data)
	std := &s.prog.std
	p.set(&std.ingressPort, uint64(port))
	p.set(&std.packetLength, uint64(len(data)))
	p.set(&std.ingressTime, micros(now))
	return p
}

func micros(t Time) uint64 { return uint64(t) / 1000 }

// ingress takes a packet from the parser to the queues. What happens after the
// pipeline, and in which order, is simple_switch's ingress_thread.
func (s *Switch) ingress(p *packet) {
	std := &s.prog.std
	for {
		if p.passes++; p.passes > maxPasses {
			s.stats.TooManyPasses++
			s.drop(p, "too many passes")
			return
		}
		p.steps = 0
		entered := p.pktLength
		p.parse(s.prog.parser)
		p.set(&std.parserError, uint64(p.errorCode))
		p.set(&std.checksumError, b2u(p.checksum))
		p.control(s.prog.ingress)
		p.exit = false
		if p.steps > maxSteps {
			s.stats.Runaways++
			s.drop(p, "no end in ingress")
			return
		}

		if p.cloning {
			s.cloneIngress(p, entered)
		}
		if p.learnList != 0 {
			s.digest(p)
		}
		if p.resubmit != 0 {
			p = s.again(p, entered)
			continue
		}
		break
	}
	if group := p.get(&std.mcastGroup); group != 0 {
		p.set(&std.instanceType, instanceReplica)
		s.multicast(p, uint32(group))
		return
	}
	out := p.phv[std.egressSpec.slot]
	if out == s.dropPort {
		s.stats.IngressDrops++
		s.drop(p, "egress_spec after ingress")
		return
	}
	p.set(&std.instanceType, instanceNormal)
	s.enqueue(p, uint16(out))
}

func b2u(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// cloneIngress sends copies of the packet as it entered ingress: parsed anew,
// then with the metadata of the field list as they are now.
func (s *Switch) cloneIngress(p *packet, entered int) {
	session := s.clones[p.session]
	list := p.cloneList
	p.note(Event{Kind: EventClone, Value: uint64(p.session)})
	p.cloning, p.session, p.cloneList = false, 0, 0
	if session == nil {
		s.stats.UnknownClones++
		return
	}
	c := p.copyBytes(p.head)
	c.pktLength = entered
	c.set(&s.prog.std.ingressPort, uint64(p.port))
	c.parse(s.prog.parser)
	s.resetMetadata(c, p, list, instanceIngressClone)
	s.sendClone(c, session)
}

// sendClone queues a clone once per replica of its session.
func (s *Switch) sendClone(c *packet, session *device.CloneSession) {
	if n := int(session.PacketLength); n > 0 {
		// The length of the copy, headers included.
		c.end = min(c.end, max(c.pos, c.pos+n-s.headerBytes(c)))
	}
	if session.ClassOfSvc != 0 {
		c.set(&s.prog.std.priority, uint64(session.ClassOfSvc))
	}
	s.replicate(c, session.Replicas, &s.stats.Cloned)
}

// replicate queues one copy of p per replica, the last one being p itself.
func (s *Switch) replicate(p *packet, replicas []device.Replica, count *uint64) {
	if len(replicas) == 0 {
		s.stats.NoReplicas++
		s.drop(p, "no replicas")
		return
	}
	for i := range replicas {
		c := p
		if i < len(replicas)-1 {
			c = p.copyParsed()
		}
		*count++
		c.set(&s.prog.std.egressRid, uint64(replicas[i].Instance))
		s.enqueue(c, uint16(replicas[i].Port))
	}
}

func (s *Switch) multicast(p *packet, group uint32) {
	var replicas []device.Replica
	if g := s.groups[group]; g != nil {
		replicas = g.Replicas
	}
	s.replicate(p, replicas, &s.stats.Replicated)
}

// resetMetadata gives c the metadata that survives: those of the list, as p has them.
func (s *Switch) resetMetadata(c, p *packet, list uint16, instance uint64) {
	for _, m := range s.prog.metadata {
		clear(c.phv[m.slot : m.slot+m.words])
	}
	s.keep(c, p, list)
	c.set(&s.prog.std.instanceType, instance)
}

// keep copies the fields of a list.
func (s *Switch) keep(c, p *packet, list uint16) {
	l := s.prog.lists[list]
	if l == nil {
		if list != 0 {
			s.stats.UnknownLists++
		}
		return
	}
	for _, r := range *l {
		copy(c.phv[r.slot:r.slot+r.words], p.phv[r.slot:r.slot+r.words])
	}
}

// again makes the resubmitted packet.
func (s *Switch) again(p *packet, entered int) *packet {
	s.stats.Resubmitted++
	p.note(Event{Kind: EventResubmit})
	c := p.copyBytes(p.head)
	c.pktLength = entered
	s.keep(c, p, p.resubmit)
	c.set(&s.prog.std.instanceType, instanceResubmitted)
	c.set(&s.prog.std.packetLength, uint64(entered))
	s.release(p)
	return c
}

// recirculate takes a packet as it was deparsed back to ingress.
func (s *Switch) recirculate(p *packet) {
	s.stats.Recirculated++
	p.note(Event{Kind: EventRecirculate})
	c := p.copyBytes(p.head)
	n := c.end - c.head
	c.length, c.pktLength = n, n
	s.keep(c, p, p.recirc)
	c.set(&s.prog.std.instanceType, instanceRecirculated)
	c.set(&s.prog.std.packetLength, uint64(n))
	s.release(p)
	s.ingress(c)
}

// digest reports the fields of a learn list, as they are at the end of ingress.
func (s *Switch) digest(p *packet) {
	d := s.prog.digests[p.learnList]
	p.learnList = 0
	if d == nil {
		s.stats.UnknownLists++
		return
	}
	s.stats.Digests++
	p.note(Event{Kind: EventDigest, Name: d.name})
	if s.onDigest == nil {
		return
	}
	out := Digest{At: p.now, Name: d.name, ID: d.id, Values: make([][]byte, 0, len(d.fields))}
	for i := range d.fields {
		f := &d.fields[i]
		if f.value != nil {
			out.Values = append(out.Values, f.value)
			continue
		}
		out.Values = append(out.Values, fieldBytes(p.phv, &f.field))
	}
	s.onDigest(out)
}

// fieldBytes is a field as a big-endian byte string.
func fieldBytes(phv []uint64, f *field) []byte {
	if f.varbit {
		n := int(phv[f.slot])
		out := make([]byte, (n+7)/8)
		putField(out, 0, bitField{f.slot, f.width, true}, phv)
		return out
	}
	out := make([]byte, (f.width+7)/8)
	for i := range out {
		bit := 8 * (len(out) - 1 - i)
		out[i] = byte(phv[int(f.slot)+bit/64] >> (bit % 64))
	}
	return out
}

// enqueue hands a packet to the traffic manager.
func (s *Switch) enqueue(p *packet, port uint16) {
	std := &s.prog.std
	priority := int(p.get(&std.priority))
	if std.queueing {
		depth := 0
		if priority < s.queuesPerPort {
			depth = s.tm.Depth(port, priority)
		}
		p.set(&std.enqTime, micros(p.now))
		p.set(&std.enqDepth, uint64(depth))
	}
	depth, ok := s.tm.Enqueue(int64(p.now), port, priority, p.pktLength, p)
	if ok {
		s.stats.Enqueued++
		if s.trace != nil {
			p.note(Event{Kind: EventEnqueue, Port: port, Value: uint64(depth)})
		}
		return
	}
	if priority >= s.queuesPerPort {
		s.stats.BadPriority++
		s.drop(p, "priority without a queue")
		return
	}
	s.stats.TailDrops++
	s.drop(p, "queue full")
}

func (s *Switch) drop(p *packet, why string) {
	if s.trace != nil {
		p.note(Event{Kind: EventDrop, Name: why})
	}
	s.release(p)
}

// emission is a header in the order of the deparser.
type emission struct {
	valid, first, end int32
	bytes             int   // fixed part
	varbit            int32 // slot of the length in bits, -1 = none
	wire              *wire
}

// size is the length of the header in a packet.
func (e *emission) size(phv []uint64) int {
	if e.varbit < 0 {
		return e.bytes
	}
	return e.bytes + int(phv[e.varbit]/8)
}

func newEmission(h *header) emission {
	e := emission{valid: h.valid, first: h.first, end: h.first + h.n, bytes: h.wire.bytes, varbit: -1, wire: h.wire}
	if h.varbit >= 0 {
		e.varbit = h.fields[h.varbit].slot
	}
	return e
}

// headerBytes is the length of the headers that would be emitted.
func (s *Switch) headerBytes(p *packet) (n int) {
	order := s.prog.deparser
	for i := range order {
		if e := &order[i]; p.phv[e.valid] != 0 {
			n += e.size(p.phv)
		}
	}
	return n
}

// depart runs egress on a packet that left its queue. It returns whether the
// packet is to be transmitted; else it is gone.
func (s *Switch) depart(p *packet, at Time, port uint16, priority, depth int) bool {
	std := &s.prog.std
	p.now = at
	if s.trace != nil {
		p.note(Event{Kind: EventDequeue, Port: port, Value: uint64(depth)})
	}
	p.set(&std.egressTime, micros(at))
	if std.queueing {
		p.set(&std.deqDelta, micros(at)-p.phv[std.enqTime.slot])
		p.set(&std.deqDepth, uint64(depth))
		p.set(&std.queue, uint64(priority))
	}
	p.set(&std.egressPort, uint64(port))
	p.set(&std.egressSpec, s.dropPort+1)
	p.set(&std.packetLength, uint64(p.pktLength))
	p.steps = 0
	p.control(s.prog.egress)
	p.exit = false
	if p.steps > maxSteps {
		s.stats.Runaways++
		s.drop(p, "no end in egress")
		return false
	}

	if p.cloning {
		s.cloneEgress(p)
	}
	if p.phv[std.egressSpec.slot] == s.dropPort {
		s.stats.EgressDrops++
		s.drop(p, "egress_spec after egress")
		return false
	}
	p.deparse()
	if p.recirc != 0 {
		s.recirculate(p)
		return false
	}
	return true
}

// cloneEgress sends copies of the packet as it is after egress, back to a queue.
func (s *Switch) cloneEgress(p *packet) {
	session := s.clones[p.session]
	list := p.cloneList
	p.note(Event{Kind: EventClone, Value: uint64(p.session)})
	p.cloning, p.session, p.cloneList = false, 0, 0
	if session == nil {
		s.stats.UnknownClones++
		return
	}
	c := p.copyParsed()
	s.resetMetadata(c, p, list, instanceEgressClone)
	s.sendClone(c, session)
}

// deparse puts the headers in front of the payload.
func (p *packet) deparse() {
	prog := p.sw.prog
	p.updateChecksums()
	for _, step := range prog.finish {
		step(p)
	}
	out := p.prepend(p.sw.headerBytes(p))
	for i := range prog.deparser {
		e := &prog.deparser[i]
		if p.phv[e.valid] == 0 {
			continue
		}
		n := e.size(p.phv)
		e.wire.emit(out[:n], p.phv[e.first:e.end])
		out = out[n:]
	}
}
