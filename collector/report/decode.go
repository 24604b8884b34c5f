package report

import (
	"encoding/binary"
	"math/bits"
)

func be16(b []byte) uint16 { return binary.BigEndian.Uint16(b) }
func be32(b []byte) uint32 { return binary.BigEndian.Uint32(b) }
func be64(b []byte) uint64 { return binary.BigEndian.Uint64(b) }

// Decoder walks the reports of one datagram after another without allocating. The
// zero Decoder knows no domain. It is not safe for concurrent use.
type Decoder struct {
	Domains Domains // read only
	Quirks  Quirks  // of the device that sent the datagram; set before Reset

	data   []byte
	off    int
	n      int // reports given out or found malformed
	legacy bool
}

// Reset starts on a datagram (the UDP payload) and returns its group header. The
// datagram must not change until the last report made from it is done with.
func (d *Decoder) Reset(datagram []byte) (Group, error) {
	d.data, d.off, d.n, d.legacy = nil, 0, 0, false
	if len(datagram) == 0 {
		return Group{}, &Error{Cause: GroupShort, Got: 0, Want: groupSize}
	}
	switch v := datagram[0] >> 4; {
	case v > Version:
		return Group{}, &Error{Cause: VersionUnknown, Got: int(v), Want: Version}
	case v < Version && (v != version10 || !d.Quirks.Version1Is2):
		d.legacy = true
		return d.resetLegacy(datagram)
	}
	if len(datagram) < groupSize {
		return Group{}, &Error{Cause: GroupShort, Got: len(datagram), Want: groupSize}
	}
	d.data, d.off = datagram, groupSize
	w := be32(datagram)
	return Group{
		Version:  Version,
		HwID:     uint8(w >> SequenceBits & 0x3f),
		Sequence: w & (1<<SequenceBits - 1),
		NodeID:   be32(datagram[4:]),
	}, nil
}

// Next sets r to the next report. It returns false at the end of the datagram.
// With an error r is not set and one report (or, where its length leads out of
// the datagram, all the rest) is lost; Next may be called again and goes on behind
// it, so the loop of a caller is
//
//	for ok, err := d.Next(&r); ok || err != nil; ok, err = d.Next(&r) { … }
func (d *Decoder) Next(r *Report) (bool, error) {
	if d.legacy {
		return d.nextLegacy(r)
	}
	left := len(d.data) - d.off
	if left < headerSize {
		if d.n == 0 && d.data != nil {
			d.n++
			return false, &Error{Cause: NoReport, Offset: d.off, Got: left, Want: headerSize}
		}
		return false, nil
	}
	d.n++
	at := d.off
	head := d.data[at : at+headerSize]
	end := at + headerSize + int(head[1])*wordSize
	switch {
	case head[1] == toTheEnd || d.Quirks.LengthUnset:
		end = len(d.data)
	case end > len(d.data):
		d.off = len(d.data)
		return false, &Error{Cause: LengthBeyond, Offset: at + headerSize, Got: left - headerSize, Want: int(head[1]) * wordSize}
	}
	d.off = end
	*r = Report{}
	r.Offset = at
	r.RepType, r.InType = RepType(head[0]>>4), InType(head[0]&15)
	r.Length, r.MDLen, r.Flags = head[1], head[2], Flags(head[3])
	body := d.data[at+headerSize : end : end]
	r.Inner = body
	switch {
	case d.Quirks.MainAlways && r.RepType <= INT:
		if err := r.readMainAlways(body); err != nil {
			return false, err
		}
	case r.RepType == INT:
		if err := r.readMain(body, d.Domains); err != nil {
			return false, err
		}
	}
	if err := r.checkTLVs(); err != nil {
		return false, err
	}
	return true, nil
}

// Trailing returns how many bytes are left behind the last report, 0…3, once Next
// has returned the end.
func (d *Decoder) Trailing() int { return len(d.data) - d.off }

// readMainAlways reads main contents that are always there, whatever RepType says,
// with one word of metadata behind them, whatever RepMdBits and MD Length say.
func (r *Report) readMainAlways(body []byte) error {
	if len(body) < fixedSize+wordSize {
		return &Error{Cause: MainShort, Offset: r.Offset + headerSize, Got: len(body), Want: fixedSize + wordSize}
	}
	r.ClaimedMdBits = MdBits(be16(body))
	r.DomainID, r.DSMdBits, r.DSMdStatus = be16(body[2:]), be16(body[4:]), be16(body[6:])
	r.DSMetadata = body[fixedSize : fixedSize+wordSize : fixedSize+wordSize]
	r.Inner = body[fixedSize+wordSize:]
	return nil
}

// readMain reads the main contents of RepType 1 from body, all the report has
// behind its first word.
func (r *Report) readMain(body []byte, domains Domains) error {
	at := r.Offset + headerSize
	if len(body) < fixedSize {
		return &Error{Cause: MainShort, Offset: at, Got: len(body), Want: fixedSize}
	}
	r.MdBits = MdBits(be16(body))
	r.DomainID = be16(body[2:])
	r.DSMdBits = be16(body[4:])
	r.DSMdStatus = be16(body[6:])
	at += fixedSize
	body = body[fixedSize:]
	size := int(r.MDLen) * wordSize
	if size > len(body) {
		return &Error{Cause: MDLengthBeyond, Offset: at, Got: len(body), Want: size}
	}
	md := body[:size:size]
	r.Inner = body[size:]

	want := baselineSize(r.MdBits)
	if want > size {
		return &Error{Cause: MetadataBeyond, Offset: at, Got: size, Want: want}
	}
	// A word per bit is the least that unknown metadata can be.
	ds := bits.OnesCount16(r.DSMdBits) * wordSize
	if d := domains.Lookup(r.DomainID); d != nil && d.SourceOnly&r.DSMdBits == 0 {
		if n, known := d.Size(r.DSMdBits); known {
			ds = n
		}
	}
	if r.DomainID == 0 {
		ds = 0 // "all DSMdBits are treated as reserved"
	}
	if want+ds > size {
		return &Error{Cause: DomainBeyond, Offset: at + want, Got: size - want, Want: ds}
	}
	withBit0 := r.MdBits&MdBit0 != 0 && want+wordSize+ds <= size
	r.readBaseline(md, withBit0)
	return nil
}

// readBaseline takes the baseline metadata from md, which is long enough for all
// of r.MdBits, and leaves the rest in r.DSMetadata.
func (r *Report) readBaseline(md []byte, withBit0 bool) {
	b := r.MdBits
	if withBit0 {
		r.Bit0, md = be32(md), md[4:]
	}
	if b&MdLevel1 != 0 {
		r.Level1In, r.Level1Out, md = be16(md), be16(md[2:]), md[4:]
	}
	if b&MdHopLatency != 0 {
		r.HopLatency, md = be32(md), md[4:]
	}
	if b&MdQueue != 0 {
		r.QueueID, r.QueueOccupancy, md = md[0], be32(md)&0xffffff, md[4:]
	}
	if b&MdIngressTime != 0 {
		r.IngressTime, md = be64(md), md[8:]
	}
	if b&MdEgressTime != 0 {
		r.EgressTime, md = be64(md), md[8:]
	}
	if b&MdLevel2 != 0 {
		r.Level2In, r.Level2Out, md = be32(md), be32(md[4:]), md[8:]
	}
	if b&MdTxUtilization != 0 {
		r.TxUtilization, md = be32(md), md[4:]
	}
	if b&MdBuffer != 0 {
		r.BufferID, r.BufferOccupancy, md = md[0], be32(md)&0xffffff, md[4:]
	}
	if n := bits.OnesCount16(uint16(b&MdReserved)) * wordSize; n != 0 {
		r.Reserved, md = md[:n:n], md[n:]
	}
	if b&MdDrop != 0 {
		r.DropQueueID, r.DropReason, r.DropPadding, md = md[0], md[1], be16(md[2:]), md[4:]
	}
	if len(md) != 0 {
		r.DSMetadata = md
	}
}

// baselineSize returns the bytes that RepMdBits promise, bit 0 left out: one word
// each, timestamps and level 2 interfaces two.
func baselineSize(b MdBits) int {
	const twoWords = MdIngressTime | MdEgressTime | MdLevel2
	return (bits.OnesCount16(uint16(b&^MdBit0)) + bits.OnesCount16(uint16(b&twoWords))) * wordSize
}
