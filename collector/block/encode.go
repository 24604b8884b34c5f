package block

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/klauspost/compress/zstd"

	"github.com/telltale-net/telltale/collector/postcard"
)

// Encoder makes blocks. It keeps its buffers between blocks, so one that is reused
// allocates next to nothing. It is for one goroutine. The zero Encoder is ready.
type Encoder struct {
	// Unit is what Received is rounded down to, ns; 0 = 1, exact. The instant at which a
	// process reads a datagram means nothing below a microsecond.
	Unit int64

	// Fast packs the columns less tightly in less time: three hundredths more bytes for
	// a tenth less time. It may be changed between blocks.
	Fast bool

	tight, fast *zstd.Encoder
	col         [columns][]byte
	pack        []byte // the body

	// In the order of the records:
	ticks []int64  // Received, units
	began []uint64 // Ingress, ns; 0 where there is none

	tenants  tenantTable
	order    sorter // by flow and packet, within these by time
	times    sorter // by stream, time
	shapes   map[shape]int
	list     []shape
	outers   map[postcard.Flow]int
	outer    []postcard.Flow
	addr     map[postcard.Addr]uint32
	vnis     map[uint32]bool
	streams  map[stream]int
	timed    []timed   // in the order of the walk
	arrivals []arrival // in the order of the walk
	instants []int64   // distinct Received, units, ascending
	keys     []uint64
	model    model
	likely   [receivedModes][]byte
}

// arrival is the part of a record that is written in the order of its stream.
type arrival struct {
	seq uint32
	at  int32 // index of Received in Encoder.instants
}

// Append appends the block of the records, 1 to [MaxRecords] of them, to dst. The
// records are not changed.
func (e *Encoder) Append(dst []byte, records []postcard.Record) ([]byte, error) {
	if n := len(records); n == 0 || n > MaxRecords {
		return dst, fmt.Errorf("cannot make a block of records: got %d, want 1 to %d", n, MaxRecords)
	}
	if e.Unit < 0 {
		return dst, fmt.Errorf("cannot make a block of records: got unit of %d ns, want at least 0", e.Unit)
	}
	if e.tight == nil {
		if err := e.start(); err != nil {
			return dst, err
		}
	}
	var h Header
	received := max(e.Unit, 1)
	e.reset()
	unit := e.survey(records, &h, received)
	e.arrange()
	e.walk(records, &h, unit)
	e.sequences(unit, received)
	e.dictionaries()
	e.compress(&h)

	h.filter = newFilter(len(e.keys))
	for _, k := range e.keys {
		h.filter.add(k)
	}
	at := len(dst)
	dst = append(dst, magic...)
	dst = append(dst, make([]byte, fixedSize-len(magic))...)
	dst = h.appendTo(dst)
	headLen := len(dst) - at - fixedSize
	dst = append(dst, e.pack...)
	binary.LittleEndian.PutUint32(dst[at+4:], uint32(headLen))
	binary.LittleEndian.PutUint32(dst[at+8:], uint32(len(e.pack)))
	binary.LittleEndian.PutUint32(dst[at+12:], crc32.Checksum(dst[at+fixedSize:], castagnoli))
	return dst, nil
}

func (e *Encoder) start() (err error) {
	for _, z := range []struct {
		to    **zstd.Encoder
		level zstd.EncoderLevel
	}{{&e.tight, zstd.SpeedDefault}, {&e.fast, zstd.SpeedFastest}} {
		*z.to, err = zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false),
			zstd.WithSingleSegment(true), zstd.WithWindowSize(zstd.MinWindowSize<<7), zstd.WithEncoderLevel(z.level))
		if err != nil {
			return fmt.Errorf("cannot start zstd: %w", err)
		}
	}
	e.shapes = map[shape]int{}
	e.outers = map[postcard.Flow]int{}
	e.addr = map[postcard.Addr]uint32{}
	e.vnis = map[uint32]bool{}
	e.streams = map[stream]int{}
	return nil
}

func (e *Encoder) reset() {
	for i := range e.col {
		e.col[i] = e.col[i][:0]
	}
	clear(e.shapes)
	clear(e.outers)
	clear(e.addr)
	clear(e.vnis)
	clear(e.streams)
	e.list, e.timed, e.arrivals, e.keys = e.list[:0], e.timed[:0], e.arrivals[:0], e.keys[:0]
	e.outers[postcard.Flow{}] = 0
	e.outer = append(e.outer[:0], postcard.Flow{})
}

// dictionaries writes what the walk has found, and what a query may ask for.
func (e *Encoder) dictionaries() {
	for i := range e.tenants.list {
		t := &e.tenants.list[i]
		c := appendFlow(e.col[colFlows], &t.Inner, e.address(&t.Inner.Src), e.address(&t.Inner.Dst))
		c = binary.AppendUvarint(c, uint64(t.VNI))
		c = appendHash(c, &t.tenant)
		e.col[colFlows] = binary.AppendUvarint(c, uint64(t.records))
		e.keys = append(e.keys, flowKey(&t.Inner))
		if !e.vnis[t.VNI] {
			e.vnis[t.VNI] = true
			e.keys = append(e.keys, numberKey(kindVNI, t.VNI))
		}
	}
	for i := range e.list {
		s := &e.list[i]
		e.col[colShapes] = s.appendTo(e.col[colShapes])
		if s.Has&postcard.HasDropReason != 0 {
			e.keys = append(e.keys, numberKey(kindReason, uint32(s.DropReason)))
		}
	}
	for s := range e.streams {
		e.keys = append(e.keys, numberKey(kindNode, uint32(s.node)))
	}
}

// compress packs the columns into the body.
func (e *Encoder) compress(h *Header) {
	z := e.tight
	if e.Fast {
		z = e.fast
	}
	e.pack = e.pack[:0]
	for i, c := range e.col {
		at := len(e.pack)
		if len(c) > 0 {
			e.pack = z.EncodeAll(c, e.pack)
		}
		compressed := uint64(1)
		if len(e.pack)-at >= len(c) {
			e.pack = append(e.pack[:at], c...)
			compressed = 0
		}
		h.sizes[i] = uint64(len(e.pack)-at)<<1 | compressed
	}
}
