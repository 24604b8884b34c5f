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
