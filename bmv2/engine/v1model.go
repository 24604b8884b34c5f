package engine

// What circles at one instant has to end: it would hold up its caller for ever. A
// packet that circles while time passes may do so as long as it likes.
const (
	// maxPasses bounds the pipelines that a packet, and what it is a copy of, go
	// through at one instant.
	maxPasses = 1 << 12
	// maxTurns bounds those of all packets together since the last one that was
	// received. Beyond, fewPasses is as many as a packet may have made: what copies
	// itself again and again grows faster than its passes do.
	maxTurns  = 1 << 18
	fewPasses = 1 << 6
)

// pass counts one more; false when they were too many.
func (s *Switch) pass(p *packet) bool {
	p.passes++
	s.turns++
	if p.passes <= fewPasses || p.passes <= maxPasses && s.turns <= maxTurns {
		return true
	}
	s.stats.TooManyPasses++
	s.drop(p, "too many passes")
	return false
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
		if !s.pass(p) {
			return
		}
		p.steps = 0
		entered := p.pktLength
		if s.trace != nil {
			s.trace.mark(p)
		}
		p.parse(s.prog.parser)
		p.set(&std.parserError, uint64(p.errorCode))
		p.set(&std.checksumError, b2u(p.checksum))
		if s.trace != nil {
			s.trace.changes(p, "parser")
		}
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
			p.moves(EventEnqueue, port, priority, depth)
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
		p.says(EventDrop, why, 0, false)
	}
	s.release(p)
}

// depart runs egress on a packet that left its queue. It returns whether the
// packet is to be transmitted; else it is gone.
func (s *Switch) depart(p *packet, at Time, port uint16, priority, depth int) bool {
	std := &s.prog.std
	if at != p.now {
		p.now, p.passes = at, 0
	}
	if at != s.instant {
		s.instant, s.turns = at, 0
	}
	if !s.pass(p) {
		return false
	}
	if s.trace != nil {
		p.moves(EventDequeue, port, priority, depth)
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
