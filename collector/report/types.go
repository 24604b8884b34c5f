package report

// Version is the value of the Ver field of version 2.0, the newest that is decoded
// and the one that an [Encoder] writes. 0 stands for 0.5 and 1 for 1.0.
const Version = 2

// Sizes of the fixed parts, bytes.
const (
	groupSize  = 8
	headerSize = 4
	fixedSize  = 8 // RepMdBits … DSMdstatus of RepType 1
	wordSize   = 4
	toTheEnd   = 0xff // Report Length: extends to the end of the datagram
)

// SequenceBits is the width of the group header's sequence number.
const SequenceBits = 22

// Group is the group header: the fields that all reports of a datagram share.
type Group struct {
	Version  uint8
	HwID     uint8  // 6 bits: the subsystem (pipe, line card) within the node
	Sequence uint32 // 22 bits (before 2.0: 32): counts datagrams of (NodeID, HwID) to this destination
	NodeID   uint32
}

// RepType says what the main contents of an individual report are.
type RepType uint8

// The report types of version 2.0; 3–15 are reserved.
const (
	InnerOnly RepType = 0
	INT       RepType = 1
	IOAM      RepType = 2
)

// Defined reports whether version 2.0 defines the main contents of t: not those of IOAM.
func (t RepType) Defined() bool { return t <= INT }

// InType says what the inner contents of an individual report are.
type InType uint8

// The inner types of version 2.0; 6–15 are reserved.
const (
	InNone            InType = 0
	InTLV             InType = 1
	InDomainExtension InType = 2
	InEthernet        InType = 3
	InIPv4            InType = 4
	InIPv6            InType = 5
)

// Defined reports whether version 2.0 defines inner contents of type t.
func (t InType) Defined() bool { return t <= InIPv6 }

// Flags are the last byte of the individual report's first word: D, Q, F, I and
// four reserved bits, where they are on the wire.
type Flags uint8

// The bits of Flags.
const (
	Dropped   Flags = 0x80 // D: at least one packet of a watch list was dropped
	Congested Flags = 0x40 // Q: congestion on a monitored queue
	Tracked   Flags = 0x20 // F: a tracked flow
	Interim   Flags = 0x10 // I: sent by an INT-MD transit node
)

// MdBits is RepMdBits: which baseline metadata a report carries.
type MdBits uint16

// The bits of MdBits.
const (
	MdBit0          MdBits = 0x8000 // reserved; INT's node id
	MdLevel1        MdBits = 0x4000 // Level1In, Level1Out
	MdHopLatency    MdBits = 0x2000
	MdQueue         MdBits = 0x1000 // QueueID, QueueOccupancy
	MdIngressTime   MdBits = 0x0800
	MdEgressTime    MdBits = 0x0400
	MdLevel2        MdBits = 0x0200 // Level2In, Level2Out
	MdTxUtilization MdBits = 0x0100
	MdBuffer        MdBits = 0x0080 // BufferID, BufferOccupancy
	MdReserved      MdBits = 0x007e // six bits
	MdDrop          MdBits = 0x0001 // DropQueueID, DropReason
)

// Report is one individual report. A field whose bit in MdBits is clear was not
// reported. Slices point into the datagram and live as long as it does.
type Report struct {
	Offset int // of the report's first word in its datagram; set by the decoder

	RepType RepType
	InType  InType
	Flags   Flags
	Length  uint8 // Report Length as on the wire, words; derived by the encoder
	MDLen   uint8 // MD Length as on the wire, words; derived by the encoder

	NProt uint8  // of versions 0.5 and 1.0
	Rsvd  uint16 // reserved bits of the header of versions 0.5 (15) and 1.0 (6)

	// RepType INT.
	DropQueueID, DropReason uint8
	MdBits                  MdBits
	DomainID                uint16
	DSMdBits                uint16
	DSMdStatus              uint16
	DropPadding             uint16
	ClaimedMdBits           MdBits // RepMdBits as on the wire, where [Quirks] say that they are not to be believed

	Level1In, Level1Out uint16 // interface ids
	QueueID, BufferID   uint8
	HopLatency          uint32 // unit by agreement with the device; ours: ns
	QueueOccupancy      uint32 // 24 bits; ours: packets
	BufferOccupancy     uint32 // 24 bits
	TxUtilization       uint32
	IngressTime         uint64 // ours: ns
	EgressTime          uint64
	Level2In, Level2Out uint32 // interface ids
	Bit0                uint32 // the word of reserved bit 0, where there is one
	Reserved            []byte // the words of reserved bits 9–14, one each
	DSMetadata          []byte // all domain-specific metadata, raw; see [Domain.Field]

	Inner []byte // inner contents; of an undefined RepType: all contents
}

// Has reports whether all of bits were reported.
func (r *Report) Has(bits MdBits) bool { return r.MdBits&bits == bits }

// KnownInner reports whether version 2.0 defines the type of the inner contents and,
// where they are TLVs, of each of those.
func (r *Report) KnownInner() bool {
	if r.InType != InTLV {
		return r.InType.Defined()
	}
	var t TLV
	for it := r.TLVs(); ; {
		if ok, err := it.Next(&t); !ok || err != nil {
			return true
		}
		if !t.Type.Defined() {
			return false
		}
	}
}

// Packet returns the truncated packet a report carries and the inner type of its
// first header: the inner contents themselves or, where those are TLVs, the first
// TLV that is a packet. It returns InNone where there is none.
func (r *Report) Packet() (InType, []byte) {
	switch {
	case !r.RepType.Defined():
		return InNone, nil
	case r.InType == InEthernet, r.InType == InIPv4, r.InType == InIPv6:
		return r.InType, r.Inner
	case r.InType == InTLV:
		var t TLV
		for it := r.TLVs(); ; {
			if ok, err := it.Next(&t); !ok || err != nil {
				return InNone, nil
			}
			if in := t.Type.packet(); in != InNone {
				return in, t.Data
			}
		}
	}
	return InNone, nil
}
