package block

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"slices"

	"github.com/klauspost/compress/zstd"

	"github.com/telltale-net/telltale/collector/postcard"
)

// Decoder opens blocks. It keeps its buffers between blocks. It is for one goroutine.
// The zero Decoder is ready.
type Decoder struct {
	zstd *zstd.Decoder
	col  [columns]reader
	raw  [columns][]byte

	addresses []postcard.Addr
	tenants   []tenantCount
	outers    []postcard.Flow
	shapes    []shape
	streams   map[stream]int
	timed     []timed
	times     sorter
	instants  []int64

	walked     []postcard.Record
	byReceived sorter
	model      model
}

// maxColumn bounds a column as decompressed: a record's varints are 10 bytes at most
// in each, a dictionary entry is at most 48.
const maxColumn = MaxRecords * 64

// Decode appends the records of a block that the query wants to dst (nil = all),
// sorted by Received; at one instant those of a node and subsystem stand together, in
// the order in which they left it. On an error dst comes back as it was.
func (d *Decoder) Decode(dst []postcard.Record, b []byte, q *Query) ([]postcard.Record, error) {
	h, err := ReadHeader(b)
	if err != nil {
		return dst, err
	}
	if got, want := crc32.Checksum(b[fixedSize:], castagnoli), binary.LittleEndian.Uint32(b[12:]); got != want {
		return dst, frameError(12, "got sum %08x, want %08x", got, want)
	}
	if err := d.open(&h, b[h.body:]); err != nil {
		return dst, err
	}
	unit, receivedUnit, mode := d.dictionaries(&h)
	if d.failed() == nil {
		d.walked = slices.Grow(d.walked[:0], h.Records)
		d.walked = d.walk(d.walked, &h, unit)
		d.sequences(d.walked, &h, unit, receivedUnit, mode)
	}
	if err := d.end(); err != nil {
		return dst, err
	}
	return d.selected(dst, q), nil
}

// selected appends the records that are wanted in their order.
func (d *Decoder) selected(dst []postcard.Record, q *Query) []postcard.Record {
	d.byReceived.sort()
	if q == nil {
		dst = slices.Grow(dst, len(d.walked))
	}
	for _, k := range d.byReceived.list {
		if r := &d.walked[k.index]; q == nil || q.Wants(r) {
			dst = append(dst, *r)
		}
	}
	return dst
}

// open decompresses the columns.
func (d *Decoder) open(h *Header, body []byte) error {
	if d.zstd == nil {
		z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxColumn), zstd.WithDecoderLowmem(true))
		if err != nil {
			return fmt.Errorf("cannot start zstd: %w", err)
		}
		d.zstd = z
		d.streams = map[stream]int{}
	}
	for i, s := range h.sizes {
		c := body[:s>>1]
		body = body[s>>1:]
		if s&1 != 0 {
			raw, err := d.zstd.DecodeAll(c, d.raw[i][:0])
			if err != nil {
				return &Error{Part: columnNames[i], What: err.Error()}
			}
			d.raw[i], c = raw, raw
		}
		d.col[i] = reader{b: c, part: columnNames[i]}
	}
	return nil
}

// failed returns the first column's error.
func (d *Decoder) failed() error {
	for i := range d.col {
		if err := d.col[i].err; err != nil {
			return err
		}
	}
	return nil
}

func (d *Decoder) end() error {
	if err := d.failed(); err != nil {
		return err
	}
	for i := range d.col {
		if err := d.col[i].end(); err != nil {
			return err
		}
	}
	return nil
}

// dictionaries reads the dictionaries and the units.
func (d *Decoder) dictionaries(h *Header) (unit uint64, receivedUnit int64, mode int) {
	d.addresses, d.tenants, d.shapes = d.addresses[:0], d.tenants[:0], d.shapes[:0]
	for r := &d.col[colAddresses]; r.at < len(r.b); {
		d.addresses = append(d.addresses, r.address())
	}
	sum := 0
	for r := &d.col[colFlows]; r.at < len(r.b); {
		var t tenantCount
		t.Inner = r.flow(d.addresses)
		t.VNI = uint32(r.max(1<<32 - 1))
		r.hash(&t.tenant)
		t.records = int(r.max(uint64(h.Records - sum)))
		sum += t.records
		d.tenants = append(d.tenants, t)
	}
	if r := &d.col[colFlows]; sum != h.Records {
		r.fail("flows have %d records, the header says %d", sum, h.Records)
	}
	d.outers = append(d.outers[:0], postcard.Flow{})
	for r := &d.col[colOuters]; r.at < len(r.b); {
		d.outers = append(d.outers, r.flow(d.addresses))
	}
	r := &d.col[colShapes]
	unit = r.max(1000)
	receivedUnit = int64(r.max(1<<63 - 1))
	mode = int(r.max(receivedModes - 1))
	if unit == 0 || receivedUnit == 0 {
		r.fail("a unit is 0")
		return
	}
	clear(d.streams)
	d.model.reset(h.base() / unit)
	for r.at < len(r.b) {
		s := r.shape()
		d.shapes = append(d.shapes, s)
		st := stream{s.Node, s.HwID}
		n, ok := d.streams[st]
		if !ok {
			n = len(d.streams)
			d.streams[st] = n
		}
		d.model.newShape(n)
	}
	if len(d.shapes) == 0 {
		r.fail("no shape is here")
	}
	return unit, receivedUnit, mode
}

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
