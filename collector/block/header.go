package block

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/telltale-net/telltale/collector/postcard"
)

// Header says what the records of a block are about.
type Header struct {
	Records     int
	First, Last int64  // of Received, ns
	Low, High   uint64 // of Ingress (node's clock, ns), over the records that have one; Low > High when none has
	MaxQueue    uint32 // highest QueueDepth
	MaxLatency  uint32 // highest Latency, ns
	Flags       postcard.Flags
	Has         postcard.Fields // what any record has

	filter filter
	sizes  [columns]uint64 // bytes << 1 | compressed
	body   int             // offset in the block
}

// Size returns the bytes of the whole block.
func (h *Header) Size() int {
	n := h.body
	for _, s := range h.sizes {
		n += int(s >> 1)
	}
	return n
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func frameError(offset int, format string, args ...any) error {
	return &Error{Part: "frame", Offset: offset, What: fmt.Sprintf(format, args...)}
}

// ReadHeader reads the header of a block. It checks the frame but not the sum, which
// [Decoder.Decode] does: skipping a block costs no look at its body.
func ReadHeader(b []byte) (Header, error) {
	var h Header
	if len(b) < fixedSize {
		return h, frameError(len(b), "got %d bytes, want at least %d", len(b), fixedSize)
	}
	if string(b[:4]) != magic {
		return h, frameError(0, "got magic %q, want %q", b[:4], magic)
	}
	headLen, bodyLen := binary.LittleEndian.Uint32(b[4:]), binary.LittleEndian.Uint32(b[8:])
	if got, want := uint64(len(b)), fixedSize+uint64(headLen)+uint64(bodyLen); got != want {
		return h, frameError(len(b), "got %d bytes, want %d", got, want)
	}
	h.body = fixedSize + int(headLen)
	r := reader{b: b[fixedSize:h.body], part: "header"}
	h.Records = int(r.max(MaxRecords))
	h.First = int64(r.uvarint())
	h.Last = int64(r.uvarint())
	h.Low = r.uvarint()
	h.High = r.uvarint()
	h.MaxQueue = uint32(r.max(1<<32 - 1))
	h.MaxLatency = uint32(r.max(1<<32 - 1))
	h.Flags = postcard.Flags(r.byte())
	h.Has = postcard.Fields(r.max(1<<32 - 1))
	words := int(r.max(maxFilter))
	if raw := r.bytes(words * 8); raw != nil {
		h.filter = make(filter, words)
		for i := range h.filter {
			h.filter[i] = binary.LittleEndian.Uint64(raw[8*i:])
		}
	}
	var sum uint64
	for i := range h.sizes {
		h.sizes[i] = r.max(1 << 32)
		sum += h.sizes[i] >> 1
	}
	if err := r.end(); err != nil {
		return Header{}, err
	}
	if sum != uint64(bodyLen) {
		return Header{}, &Error{Part: "header", Offset: int(headLen), What: fmt.Sprintf("columns are %d bytes, the body %d", sum, bodyLen)}
	}
	if h.Records == 0 {
		return Header{}, &Error{Part: "header", What: "got 0 records, want at least 1"}
	}
	return h, nil
}

// appendTo writes the header without the frame.
func (h *Header) appendTo(b []byte) []byte {
	u := binary.AppendUvarint
	b = u(b, uint64(h.Records))
	b = u(b, uint64(h.First))
	b = u(b, uint64(h.Last))
	b = u(b, h.Low)
	b = u(b, h.High)
	b = u(b, uint64(h.MaxQueue))
	b = u(b, uint64(h.MaxLatency))
	b = append(b, byte(h.Flags))
	b = u(b, uint64(h.Has))
	b = u(b, uint64(len(h.filter)))
	for _, w := range h.filter {
		b = binary.LittleEndian.AppendUint64(b, w)
	}
	for _, s := range h.sizes {
		b = u(b, s)
	}
	return b
}

// base is where the walk's time starts, ns.
func (h *Header) base() uint64 {
	if h.Low > h.High {
		return 0
	}
	return h.Low
}
