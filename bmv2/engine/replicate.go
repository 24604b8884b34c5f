package engine

import (
	"github.com/telltale-net/telltale/bmv2/device"
)

// cloneIngress sends copies of the packet as it entered ingress: parsed anew,
// then with the metadata of the field list as they are now.
func (s *Switch) cloneIngress(p *packet, entered int) {
	session := s.clones[s.front&1][p.session]
	list := p.cloneList
	p.says(EventClone, "", uint64(p.session), session != nil)
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
	// Copies know nothing of what the pipeline asked for the original.
	p.clearRequests()
	p.truncated = noTruncation
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
	if g := s.groups[s.front&1][group]; g != nil {
		replicas = g.Replicas
	}
	p.says(EventMulticast, "", uint64(group), replicas != nil)
	s.replicate(p, replicas, &s.stats.Replicated)
}

// resetMetadata gives c the metadata that survives: those of the list, as p has them.
func (s *Switch) resetMetadata(c, p *packet, list uint16, instance uint64) {
	for _, m := range s.prog.metadata {
		clear(c.phv[m.first:m.end])
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
	p.says(EventResubmit, "", 0, false)
	c := p.copyBytes(p.head)
	c.id, c.of = p.id, p.of
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
	p.says(EventRecirculate, "", 0, false)
	c := p.copyBytes(p.head)
	c.id, c.of = p.id, p.of
	n := c.end - c.head
	c.length, c.pktLength = n, n
	s.keep(c, p, p.recirc)
	c.set(&s.prog.std.instanceType, instanceRecirculated)
	c.set(&s.prog.std.packetLength, uint64(n))
	s.release(p)
	s.ingress(c)
}

// cloneEgress sends copies of the packet as it is after egress, back to a queue.
func (s *Switch) cloneEgress(p *packet) {
	session := s.clones[s.front&1][p.session]
	list := p.cloneList
	p.says(EventClone, "", uint64(p.session), session != nil)
	p.cloning, p.session, p.cloneList = false, 0, 0
	if session == nil {
		s.stats.UnknownClones++
		return
	}
	c := p.copyParsed()
	s.resetMetadata(c, p, list, instanceEgressClone)
	s.sendClone(c, session)
}
