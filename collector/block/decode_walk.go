package block

import "github.com/telltale-net/telltale/collector/postcard"

// walk reads the columns of the records.
func (d *Decoder) walk(dst []postcard.Record, h *Header, unit uint64) []postcard.Record {
	d.timed = d.timed[:0]
	outers := 1
	for i := range d.tenants {
		t := &d.tenants[i]
		d.model.startFlow()
		for range t.records {
			dst = append(dst, postcard.Record{VNI: t.VNI, FlowHash: t.Hash, Inner: t.Inner})
			d.record(&dst[len(dst)-1], unit, &outers)
		}
	}
	return dst
}

// record reads one record; the encoder's record is its mirror.
func (d *Decoder) record(r *postcard.Record, unit uint64, outers *int) {
	m := &d.model
	r.PacketID = m.packet + uint16(d.col[colPacket].zigzag())
	first := m.first(r.PacketID)
	s := d.shape()
	d.shapes[s].to(r)
	p := &m.place[s]
	if first {
		r.Length = m.firstLength + uint16(d.col[colLength].zigzag())
		m.firstLength = r.Length
	} else {
		p.length += uint16(d.col[colLength].zigzag())
		r.Length = m.length + p.length
	}
	var in, out uint64
	switch {
	case r.Has&postcard.HasIngress == 0:
		in = d.col[colFirst].uvarint()
	case first:
		in = m.firstTime + d.col[colFirst].zigzag()
		m.firstTime = in
	default:
		w := m.wire(s, r.Length)
		*w += d.col[colWire].zigzag()
		p.wire = *w
		in = m.leave + p.wire
	}
	r.Ingress = in * unit
	if r.Has&postcard.HasEgress != 0 {
		out = in + d.col[colStay].zigzag()
		r.Egress = out * unit
		r.Latency = uint32(r.Egress-r.Ingress) + uint32(d.col[colLatency].zigzag())
	} else {
		out = d.col[colStay].zigzag()
		r.Egress = out * unit
		r.Latency = uint32(d.col[colLatency].max(1<<32 - 1))
	}
	r.QueueDepth = uint32(d.col[colQueue].max(1<<32 - 1))
	r.EnqDepth = uint32(d.col[colEnq].max(1<<32 - 1))
	d.outer(r, outers)
	r.Epoch = m.epoch + uint8(d.col[colEpoch].zigzag())

	leave := leaves(r.Has, in, out)
	d.timed = append(d.timed, timed{stream: int32(p.stream), leave: leave})
	if leave != noTime {
		m.leave = leave
	}
	m.shape, m.length, m.epoch, m.packet = s+1, r.Length, r.Epoch, r.PacketID
}

// shape reads the record's shape and returns its index.
func (d *Decoder) shape() int {
	m := &d.model
	code := d.col[colShape].index(len(d.shapes) + 1)
	if code == 0 {
		if guess := m.next[m.shape]; guess >= 0 {
			return int(guess)
		}
		d.col[colShape].fail("no shape has been here before")
		return 0
	}
	m.next[m.shape] = int32(code - 1)
	return code - 1
}

// outer reads the record's outer flow; seen is how many there were before.
func (d *Decoder) outer(r *postcard.Record, seen *int) {
	m := &d.model
	c := &d.col[colOuter]
	guess := 0
	if r.Has&postcard.HasOuter != 0 {
		guess = m.outer
	}
	i := guess
	switch code := c.uvarint(); {
	case code == 0:
	case code == 1 && *seen < len(d.outers):
		i = *seen
		*seen++
	case code >= 2 && code-2 < uint64(*seen):
		i = int(code - 2)
	default:
		c.fail("got code %d with %d of %d outer flows seen", code, *seen, len(d.outers))
	}
	if r.Has&postcard.HasOuter != 0 {
		m.outer = i
	}
	r.Outer = d.outers[i]
}

// sequences reads Seq and Received of the records in order of time, stream by stream.
func (d *Decoder) sequences(records []postcard.Record, h *Header, unit uint64, receivedUnit int64, mode int) {
	d.instants = d.instants[:0]
	last := floorDiv(h.First, receivedUnit)
	for r := &d.col[colInstants]; r.at < len(r.b) && len(d.instants) < len(records); {
		last += int64(r.uvarint())
		d.instants = append(d.instants, last)
	}
	seqs, received := &d.col[colSeq], &d.col[colReceived]
	if len(d.instants) == 0 {
		d.col[colInstants].fail("no instant is here")
		return
	}
	byTime(&d.times, d.timed)
	d.byReceived.reset()
	var p pace
	seq := uint32(0)
	for _, o := range d.times.list {
		t := d.timed[o.index]
		if p.starts(t) {
			seq = 0
		}
		seq += uint32(seqs.zigzag()) + 1
		at := p.guess(mode, t.leave, d.instants, unit, receivedUnit) + int(received.zigzag())
		if at < 0 || at >= len(d.instants) {
			received.fail("got instant %d of %d", at, len(d.instants))
			return
		}
		p.is(at, t.leave)
		r := &records[o.index]
		r.Seq, r.Received = seq, d.instants[at]*receivedUnit
		d.byReceived.add(uint64(at), int(o.index))
	}
}
