package inband

import (
	"encoding/binary"
	"fmt"

	"github.com/telltale-net/telltale/internal/dissect"
)

// Append appends the shim, the INT header and its metadata to dst, as h says them:
// what [Header.Read] reads. Lengths are derived from Stack and Source, the fields of
// the hops are in Stack; see [Header.Push]. It refuses what has no form on the wire.
func (h *Header) Append(dst []byte) ([]byte, error) {
	body := h.Stack
	if h.Type != dissect.INTMD {
		body = h.Source
	}
	size := len(body)
	switch {
	case h.Version > 2 || h.Type < dissect.INTMD || h.Type > dissect.INTMX || h.Version < 2 && h.Type == dissect.INTMX:
		return dst, fmt.Errorf("cannot write INT header: got version %d, type %d; want 0 to 2, and MX in 2 only", h.Version, h.Type)
	case size%wordSize != 0:
		return dst, fmt.Errorf("cannot write INT header: metadata: got %d bytes, want whole words", size)
	case h.HopML > 31:
		return dst, fmt.Errorf("cannot write INT header: hop metadata length: got %d, want at most 31", h.HopML)
	}
	if h.Type != dissect.INTDestination {
		size += 8
		if h.Version == 2 {
			size += 4
		}
	}
	words := size / wordSize
	geneve := h.Where.Carrier == dissect.CarrierGeneve
	if h.Version < 2 && !geneve {
		words++
		if h.Where.HasTail {
			words++
		}
	}
	if most := 255; words > most || geneve && words > 31 {
		return dst, fmt.Errorf("cannot write INT header: got %d words, want at most %d (in Geneve 31)", words, most)
	}
	dst = h.appendShim(dst, uint8(words))
	if h.Type != dissect.INTDestination {
		dst = h.appendFixed(dst)
	}
	dst = append(dst, body...)
	if h.Where.HasTail {
		dst = append(binary.BigEndian.AppendUint16(append(dst, h.Shim.Proto), h.Shim.Port), h.Shim.DSCP)
	}
	return dst, nil
}

func (h *Header) appendShim(dst []byte, words uint8) []byte {
	o, s := binary.BigEndian, &h.Shim
	g := uint8(0)
	if s.G {
		g = 0x80
	}
	switch carrier := h.Where.Carrier; {
	case carrier == dissect.CarrierGeneve:
		return append(o.AppendUint16(dst, s.OptionClass), h.Type, words)
	case h.Version < 2 && carrier == dissect.CarrierVXLANGPE:
		return append(dst, h.Type, 0, words, uint8(s.NextProtocol))
	case h.Version < 2 && h.Where.HasTail:
		return append(dst, h.Type, 0, words, 0)
	case h.Version < 2:
		return append(dst, h.Type, 0, words, s.DSCP<<2)
	case carrier == dissect.CarrierGRE:
		return o.AppendUint16(append(dst, h.Type<<4|g>>4, words), s.NextProtocol)
	case carrier == dissect.CarrierVXLANGPE:
		return append(dst, h.Type<<4, words, g, uint8(s.NextProtocol))
	}
	dst = append(dst, h.Type<<4|s.NPT<<2, words)
	switch {
	case s.NPT == 1:
		return o.AppendUint16(dst, s.Port)
	case s.NPT == 2 && h.Where.Flipped:
		return append(dst, s.Proto, 0)
	case s.NPT == 2:
		return append(dst, 0, s.Proto)
	}
	return append(dst, 0, s.DSCP<<2)
}

func (h *Header) appendFixed(dst []byte) []byte {
	o := binary.BigEndian
	w := uint32(h.Version) << 28
	set := func(f Flags, bit uint) {
		if h.Flags&f != 0 {
			w |= 1 << bit
		}
	}
	if h.Version == 2 {
		set(Discard, 27)
		if h.Type == dissect.INTMX {
			w |= h.Rsvd & 0x07ffffff
		} else {
			set(HopsExceeded, 26)
			set(MTUExceeded, 25)
			w |= h.Rsvd&0xfff<<13 | uint32(h.HopML)<<8 | uint32(h.Remaining)
		}
		dst = o.AppendUint32(dst, w)
		dst = o.AppendUint16(o.AppendUint16(dst, uint16(h.Bitmap)), h.DomainID)
		return o.AppendUint16(o.AppendUint16(dst, h.DSInstruction), h.DSFlags)
	}
	w |= uint32(h.Rep&3) << 26
	set(Copy, 25)
	set(HopsExceeded, 24)
	if h.Version == 1 {
		set(MTUExceeded, 23)
		w |= h.Rsvd&0x3ff<<13 | uint32(h.HopML)<<8 | uint32(h.Remaining)
	} else {
		w |= h.Rsvd&7<<21 | uint32(h.HopML)<<16 | uint32(h.MaxHops)<<8 | uint32(h.TotalHops)
	}
	return o.AppendUint16(o.AppendUint16(o.AppendUint32(dst, w), uint16(h.Bitmap)), h.Rsvd2)
}

// AppendHop appends the metadata of one hop to dst, as the bitmap, Version, Wide and
// Narrow of h ask for it: bits of hop.Invalid as all-ones. Domain metadata and
// reserved words must be as long as Hop ML leaves room for.
func (h *Header) AppendHop(dst []byte, hop *Hop) ([]byte, error) {
	o, m, at := binary.BigEndian, h.Bitmap, len(dst)
	put := func(bit Bits, n int, v uint64) {
		if m&bit == 0 {
			return
		}
		if hop.Invalid&bit != 0 {
			v = ones64
		}
		if n == 8 {
			dst = o.AppendUint64(dst, v)
		} else {
			dst = o.AppendUint32(dst, uint32(v))
		}
	}
	times, level2 := 4, 8
	if h.Version == 2 || h.Wide {
		times = 8
	}
	put(NodeID, 4, uint64(hop.NodeID))
	put(Level1, 4, uint64(hop.Level1In)<<16|uint64(hop.Level1Out))
	put(HopLatency, 4, uint64(hop.HopLatency))
	put(Queue, 4, uint64(hop.QueueID)<<24|uint64(hop.QueueOccupancy&0xffffff))
	put(IngressTime, times, hop.IngressTime)
	put(EgressTime, times, hop.EgressTime)
	v := uint64(hop.Level2In)<<32 | uint64(hop.Level2Out)
	switch {
	case h.Version == 0:
		v, level2 = uint64(hop.CongestionQueue)<<24|uint64(hop.Congestion&0xffffff), 4
	case h.Narrow:
		v, level2 = uint64(hop.Level2In)<<16|uint64(hop.Level2Out&0xffff), 4
	}
	put(Level2, level2, v)
	put(TxUtilization, 4, uint64(hop.TxUtilization))
	if h.Version == 2 {
		put(Buffer, 4, uint64(hop.BufferID)<<24|uint64(hop.BufferOccupancy&0xffffff))
	}
	dst = append(append(append(dst, hop.Reserved...), hop.DSMetadata...), hop.SourceOnly...)
	if h.Version > 0 {
		put(Complement, 4, uint64(hop.Complement))
	}
	if got, want := len(dst)-at, int(h.HopML)*wordSize+len(hop.SourceOnly); got != want {
		return dst[:at], fmt.Errorf("cannot write INT metadata of a hop: got %d bytes, want %d (Hop ML %d)", got, want, h.HopML)
	}
	return dst, nil
}

// Push does what a hop does: it puts hop on top of the stack and counts it off. The
// stack is a new one.
func (h *Header) Push(hop *Hop) error {
	if h.Version > 0 && h.Remaining == 0 {
		h.Flags |= HopsExceeded
		return nil
	}
	top, err := h.AppendHop(nil, hop)
	if err != nil {
		return err
	}
	h.Stack = append(top, h.Stack...)
	if h.Version == 0 {
		h.TotalHops++
	} else {
		h.Remaining--
	}
	h.hops, h.whole = h.hops+1, true
	h.extra += len(hop.SourceOnly)
	return nil
}
