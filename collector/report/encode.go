package report

import (
	"encoding/binary"
	"fmt"
	"math/bits"
)

// EncodeError says which value of a report has no form on the wire.
type EncodeError struct {
	What string
	Got  int
	Want string
}

// Error implements error.
func (e *EncodeError) Error() string {
	return fmt.Sprintf("cannot encode %s of telemetry report: got %d, want %s", e.What, e.Got, e.Want)
}

// Encoder builds one datagram: Reset, then Add for every report, then Bytes. It
// reuses its buffer and allocates only to grow it.
type Encoder struct {
	buf    []byte
	closed bool // a report of length 0xFF was the last
}

// Reset starts a datagram with a group header; Version is taken as 2 and may be 0.
// The bytes of the datagram before become invalid.
func (e *Encoder) Reset(g Group) error {
	e.buf, e.closed = e.buf[:0], true
	switch {
	case g.Version != Version && g.Version != 0:
		return &EncodeError{What: "version", Got: int(g.Version), Want: "2"}
	case g.HwID > 0x3f:
		return &EncodeError{What: "hw_id", Got: int(g.HwID), Want: "at most 63"}
	case g.Sequence >= 1<<SequenceBits:
		return &EncodeError{What: "sequence number", Got: int(g.Sequence), Want: "below 2^22"}
	}
	e.closed = false
	e.buf = binary.BigEndian.AppendUint32(e.buf, Version<<28|uint32(g.HwID)<<SequenceBits|g.Sequence)
	e.buf = binary.BigEndian.AppendUint32(e.buf, g.NodeID)
	return nil
}

// Add appends a report. Report Length and MD Length are derived; a report of 0xFF
// words or more, one whose inner contents do not fill their last word, or one whose
// Length is 0xFF already, is marked 0xFF and must be the last. Of RepType INT, Reserved must hold one word
// per reserved bit 9–14 that is set; the word of reserved bit 0 is always written.
// After an error the datagram is as it was.
func (e *Encoder) Add(r *Report) error {
	if e.closed {
		return &EncodeError{What: "individual report", Got: len(e.buf), Want: "no report behind one that extends to the end of the datagram"}
	}
	if r.RepType > 15 || r.InType > 15 {
		return &EncodeError{What: "report type", Got: int(max(uint8(r.RepType), uint8(r.InType))), Want: "at most 15"}
	}
	size := len(r.Inner)
	mdLen := r.MDLen
	if r.RepType == INT {
		if err := r.checkMain(); err != nil {
			return err
		}
		md := baselineSize(r.MdBits) + len(r.DSMetadata)
		if r.MdBits&MdBit0 != 0 {
			md += wordSize
		}
		if md > 0xff*wordSize {
			return &EncodeError{What: "metadata", Got: md, Want: "at most 1020 bytes"}
		}
		mdLen = uint8(md / wordSize)
		size += fixedSize + md
	} else if r.RepType == InnerOnly {
		mdLen = 0
	}
	length := uint8(toTheEnd)
	if size%wordSize == 0 && size < toTheEnd*wordSize && r.Length != toTheEnd {
		length = uint8(size / wordSize)
	} else {
		e.closed = true
	}
	e.buf = append(e.buf, byte(r.RepType)<<4|byte(r.InType), length, mdLen, byte(r.Flags))
	if r.RepType == INT {
		e.appendMain(r)
	}
	e.buf = append(e.buf, r.Inner...)
	return nil
}

// Bytes returns the datagram; valid until the next Reset or Add.
func (e *Encoder) Bytes() []byte { return e.buf }

func (r *Report) checkMain() error {
	if n := bits.OnesCount16(uint16(r.MdBits&MdReserved)) * wordSize; len(r.Reserved) != n {
		return &EncodeError{What: "reserved metadata", Got: len(r.Reserved), Want: fmt.Sprintf("%d bytes, one word per bit", n)}
	}
	if len(r.DSMetadata)%wordSize != 0 {
		return &EncodeError{What: "domain-specific metadata", Got: len(r.DSMetadata), Want: "whole words"}
	}
	if max(r.QueueOccupancy, r.BufferOccupancy) > 0xffffff {
		return &EncodeError{What: "occupancy", Got: int(max(r.QueueOccupancy, r.BufferOccupancy)), Want: "at most 24 bits"}
	}
	return nil
}

func (e *Encoder) appendMain(r *Report) {
	o := binary.BigEndian
	b, m := e.buf, r.MdBits
	b = o.AppendUint16(b, uint16(m))
	b = o.AppendUint16(b, r.DomainID)
	b = o.AppendUint16(b, r.DSMdBits)
	b = o.AppendUint16(b, r.DSMdStatus)
	if m&MdBit0 != 0 {
		b = o.AppendUint32(b, r.Bit0)
	}
	if m&MdLevel1 != 0 {
		b = o.AppendUint16(o.AppendUint16(b, r.Level1In), r.Level1Out)
	}
	if m&MdHopLatency != 0 {
		b = o.AppendUint32(b, r.HopLatency)
	}
	if m&MdQueue != 0 {
		b = o.AppendUint32(b, uint32(r.QueueID)<<24|r.QueueOccupancy)
	}
	if m&MdIngressTime != 0 {
		b = o.AppendUint64(b, r.IngressTime)
	}
	if m&MdEgressTime != 0 {
		b = o.AppendUint64(b, r.EgressTime)
	}
	if m&MdLevel2 != 0 {
		b = o.AppendUint32(o.AppendUint32(b, r.Level2In), r.Level2Out)
	}
	if m&MdTxUtilization != 0 {
		b = o.AppendUint32(b, r.TxUtilization)
	}
	if m&MdBuffer != 0 {
		b = o.AppendUint32(b, uint32(r.BufferID)<<24|r.BufferOccupancy)
	}
	b = append(b, r.Reserved...)
	if m&MdDrop != 0 {
		b = o.AppendUint16(append(b, r.DropQueueID, r.DropReason), r.DropPadding)
	}
	e.buf = append(b, r.DSMetadata...)
}
