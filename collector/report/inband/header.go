package inband

import (
	"encoding/binary"
	"fmt"

	"github.com/telltale-net/telltale/collector/report"
	"github.com/telltale-net/telltale/internal/dissect"
)

const wordSize = 4

func be16(b []byte) uint16 { return binary.BigEndian.Uint16(b) }
func be32(b []byte) uint32 { return binary.BigEndian.Uint32(b) }
func be64(b []byte) uint64 { return binary.BigEndian.Uint64(b) }

// Bits is an instruction bitmap.
type Bits uint16

// The bits of Bits.
const (
	NodeID        Bits = 0x8000
	Level1        Bits = 0x4000
	HopLatency    Bits = 0x2000
	Queue         Bits = 0x1000
	IngressTime   Bits = 0x0800
	EgressTime    Bits = 0x0400
	Level2        Bits = 0x0200 // in version 0.5: Congestion
	TxUtilization Bits = 0x0100
	Buffer        Bits = 0x0080
	Reserved      Bits = 0x007e // six bits
	Complement    Bits = 0x0001
	Congestion    Bits = Level2 // in version 0.5
)

// Flags are the flags of an INT header. Each version has some of them.
type Flags uint8

// The bits of Flags.
const (
	Discard      Flags = 1 << iota // D of 2.x: a clone or probe, for the sink to discard
	HopsExceeded                   // E: a node had to leave its metadata out, for Remaining Hop Count was 0
	MTUExceeded                    // M: a node had to leave its metadata out, for the packet was long enough
	Copy                           // C of 1.0 and 0.5: a replica
)

// Shim is the shim of an INT header. Each carrier has some of its fields.
type Shim struct {
	Type         uint8
	NPT          uint8  // behind TCP and UDP, 2.x
	Length       uint8  // words, as on the wire
	G            bool   // GRE, VXLAN-GPE: the source put the encapsulation there (GPE: it was VXLAN)
	DSCP         uint8  // NPT 0, and 1.0: the original DSCP
	Port         uint16 // NPT 1, and the tail of 0.5: the original destination port
	Proto        uint8  // NPT 2, and the tail of 0.5: the original IP protocol
	NextProtocol uint16 // GRE, VXLAN-GPE
	OptionClass  uint16 // Geneve
	NoTail       bool   // 0.5: the packet ends before the tail
}

// Header is one INT header with its shim. Slices point into the packet.
type Header struct {
	Where   dissect.INT
	Shim    Shim
	Version uint8 // 0 is 0.5, 1 is 1.0, 2 is 2.x
	Type    uint8

	Flags     Flags
	Rep       uint8  // replication requested: 1.0, 0.5
	Rsvd      uint32 // reserved bits of the first word
	HopML     uint8  // words per hop (0.5: Ins Cnt)
	Remaining uint8  // hops that may still add metadata (not in 0.5)
	MaxHops   uint8  // 0.5
	TotalHops uint8  // 0.5
	Bitmap    Bits
	Rsvd2     uint16 // the reserved half of the second word: 1.0, 0.5

	DomainID      uint16 // these three: 2.x
	DSInstruction uint16
	DSFlags       uint16

	Wide    bool // 1.0 with 64-bit timestamps
	Narrow  bool // 1.0 with 16-bit level 2 ports
	Stack   []byte
	Source  []byte // MX: source-inserted metadata. Destination: all of it
	Missing int    // bytes of the header or its metadata that the packet was cut off by

	hops  int  // whole ones in Stack
	extra int  // bytes of source-only metadata
	whole bool // nothing of the stack is missing
}

// Error says why an INT header cannot be read.
type Error struct {
	What      string
	Offset    int // in the packet, bytes
	Got, Want int
}

// Error implements error.
func (e *Error) Error() string {
	return fmt.Sprintf("cannot read INT header at byte %d: %s: got %d, want %d", e.Offset, e.What, e.Got, e.Want)
}

// Read reads the INT header that stands at x in the packet b. Domains may say how
// long the metadata of its domain is. A header that is cut off is no error but says
// how much is Missing; one that contradicts itself is.
func (h *Header) Read(b []byte, x *dissect.INT, domains report.Domains) error {
	*h = Header{}
	h.Where, h.Version, h.Type = *x, x.Version, x.Type
	h.readShim(b)
	end := x.End
	if x.HasTail {
		end -= wordSize
	}
	h.Missing = max(0, end-max(len(b), x.At))
	body := b[min(x.At, len(b)):min(end, len(b))]
	if x.Type == dissect.INTDestination {
		h.Source = body
		return nil
	}
	size := 8
	if h.Version == 2 {
		size = 12
	}
	if end-x.At < size {
		return &Error{"length", x.Shim, end - x.At, size}
	}
	if len(body) < size {
		h.Missing = end - x.At - len(body)
		return nil // the packet ends within the header
	}
	h.readFixed(body)
	body = body[size:]
	if h.Type == dissect.INTMX {
		h.Source = body
		return nil
	}
	h.Stack = body
	return h.divide(end-x.At-size, domains)
}

func (h *Header) readShim(b []byte) {
	x, s := &h.Where, &h.Shim
	s.Type = x.Type
	if len(b) < x.Shim+wordSize {
		return
	}
	w := b[x.Shim : x.Shim+wordSize]
	old := x.Version < 2
	switch {
	case x.Carrier == dissect.CarrierGeneve:
		s.OptionClass, s.Length = be16(w), w[3]&0x1f
	case old:
		s.Length = w[2]
		if x.Carrier == dissect.CarrierVXLANGPE {
			s.NextProtocol = uint16(w[3])
		} else {
			s.DSCP = w[3] >> 2
		}
		if s.NoTail = x.HasTail && x.End > len(b); x.HasTail && !s.NoTail {
			tail := b[x.End-wordSize : x.End]
			s.Proto, s.Port, s.DSCP = tail[0], be16(tail[1:]), tail[3]&0x3f
		}
	default:
		s.Length = w[1]
		switch x.Carrier {
		case dissect.CarrierGRE:
			s.G, s.NextProtocol = w[0]&8 != 0, be16(w[2:])
		case dissect.CarrierVXLANGPE:
			s.G, s.NextProtocol = w[2]&0x80 != 0, uint16(w[3])
		default:
			switch s.NPT = w[0] >> 2 & 3; s.NPT {
			case 0:
				s.DSCP = w[3] >> 2
			case 1:
				s.Port = be16(w[2:])
			case 2:
				if s.Proto = w[3]; x.Flipped {
					s.Proto = w[2]
				}
			}
		}
	}
}

// readFixed reads what stands before the stack. b holds all of it.
func (h *Header) readFixed(b []byte) {
	w := be32(b)
	h.Bitmap = Bits(be16(b[4:]))
	set := func(bit uint, f Flags) {
		if w>>bit&1 != 0 {
			h.Flags |= f
		}
	}
	switch h.Version {
	case 2:
		set(27, Discard)
		h.DomainID, h.DSInstruction, h.DSFlags = be16(b[6:]), be16(b[8:]), be16(b[10:])
		if h.Type == dissect.INTMX {
			h.Rsvd = w & 0x07ffffff
			return
		}
		set(26, HopsExceeded)
		set(25, MTUExceeded)
		h.Rsvd, h.HopML, h.Remaining = w>>13&0xfff, uint8(w>>8&0x1f), uint8(w)
		return
	case 1:
		set(23, MTUExceeded)
		h.Rsvd, h.HopML, h.Remaining = w>>13&0x3ff, uint8(w>>8&0x1f), uint8(w)
	default:
		h.Rsvd, h.HopML, h.MaxHops, h.TotalHops = w>>21&7, uint8(w>>16&0x1f), uint8(w>>8), uint8(w)
	}
	h.Rep, h.Rsvd2 = uint8(w>>26&3), be16(b[6:])
	set(25, Copy)
	set(24, HopsExceeded)
}
