package reportsjson

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"

	"github.com/telltale-net/telltale/collector/report"
)

// line is an object as decoding writes it, as far as encoding needs it.
type line struct {
	Time         string `json:"time"`
	Line         int    `json:"line"`
	Frame        int    `json:"frame"`
	StreamOffset int64  `json:"stream_offset"`
	Source       string `json:"source"`
	Destination  string `json:"destination"`

	Packet     int    `json:"packet"`
	FrameStart string `json:"frame_start"`
	FrameData  string `json:"frame_data"`
	Error      string `json:"error"`
	Datagram   string `json:"datagram"`

	Ver      *uint8 `json:"ver"`
	HwID     uint8  `json:"hw_id"`
	Sequence uint32 `json:"sequence_number"`
	NodeID   uint32 `json:"node_id"`
	Report   int    `json:"report"`

	RepType      uint8  `json:"rep_type"`
	InType       uint8  `json:"in_type"`
	ReportLength int    `json:"report_length"`
	MDLength     uint8  `json:"md_length"`
	D            uint8  `json:"d"`
	Q            uint8  `json:"q"`
	F            uint8  `json:"f"`
	I            uint8  `json:"i"`
	Rsvd         uint16 `json:"rsvd"`
	NProto       uint8  `json:"n_proto"`

	RepMdBits  *uint16 `json:"rep_md_bits"`
	DomainID   uint16  `json:"domain_specific_id"`
	DSMdBits   uint16  `json:"ds_md_bits"`
	DSMdStatus uint16  `json:"ds_md_status"`

	Bit0            *uint32 `json:"reserved_bit_0"`
	Level1In        *uint16 `json:"level_1_ingress_interface_id"`
	Level1Out       *uint16 `json:"level_1_egress_interface_id"`
	HopLatency      *uint32 `json:"hop_latency"`
	QueueID         *uint8  `json:"queue_id"`
	QueueOccupancy  *uint32 `json:"queue_occupancy"`
	IngressTime     *uint64 `json:"ingress_timestamp"`
	EgressTime      *uint64 `json:"egress_timestamp"`
	Level2In        *uint32 `json:"level_2_ingress_interface_id"`
	Level2Out       *uint32 `json:"level_2_egress_interface_id"`
	TxUtilization   *uint32 `json:"egress_port_tx_utilization"`
	BufferID        *uint8  `json:"buffer_id"`
	BufferOccupancy *uint32 `json:"buffer_occupancy"`
	Reserved        string  `json:"reserved"`
	DropQueueID     *uint8  `json:"drop_queue_id"`
	DropReason      *uint8  `json:"drop_reason"`
	DropPadding     *uint16 `json:"drop_padding"`
	DSMetadata      string  `json:"ds_metadata"`

	TLVs []struct {
		Type     uint8  `json:"tlv_type"`
		Rsvd     uint8  `json:"rsvd"`
		Template uint16 `json:"tlv_data_template"`
		Data     string `json:"data"`
	} `json:"tlvs"`
	Extension string `json:"ds_extension_data"`
	Truncated string `json:"truncated_packet"`
	Contents  string `json:"contents"`
}

// continues reports whether l is of the same datagram as the object before.
func (l *line) continues(first *line) bool {
	same := func(a, b *uint8) bool { return a == nil && b == nil || a != nil && b != nil && *a == *b }
	return l.Report > 0 && same(l.Ver, first.Ver) && l.HwID == first.HwID && l.Sequence == first.Sequence && l.NodeID == first.NodeID &&
		l.Line == first.Line && l.Frame == first.Frame && l.StreamOffset == first.StreamOffset
}

func (l *line) group() (report.Group, error) {
	if l.Ver == nil {
		return report.Group{}, fmt.Errorf("got no ver, want 0, 1 or 2")
	}
	return report.Group{Version: *l.Ver, HwID: l.HwID, Sequence: l.Sequence, NodeID: l.NodeID}, nil
}

// report returns what the object says of an individual report.
func (l *line) report() (r report.Report, err error) {
	if l.Ver == nil {
		return r, fmt.Errorf("got no ver, want 0, 1 or 2")
	}
	unhex := func(name, s string) []byte {
		b, failed := hex.DecodeString(s)
		if failed != nil && err == nil {
			err = fmt.Errorf("%s: %w", name, failed)
		}
		if len(b) == 0 {
			return nil
		}
		return b
	}
	for i, f := range [...]uint8{l.D, l.Q, l.F, l.I} {
		if f != 0 {
			r.Flags |= report.Dropped >> i
		}
	}
	l.metadata(&r)
	if *l.Ver < report.Version {
		r.RepType, r.NProt, r.Rsvd = report.INT, l.NProto, l.Rsvd
		r.DSMetadata = unhex("reserved", l.Reserved)
	} else {
		if l.RepType > 15 || l.InType > 15 || l.Rsvd > 15 {
			return r, fmt.Errorf("got rep_type %d, in_type %d, rsvd %d; want at most 15", l.RepType, l.InType, l.Rsvd)
		}
		r.RepType, r.InType = report.RepType(l.RepType), report.InType(l.InType)
		r.Flags |= report.Flags(l.Rsvd)
		r.MDLen = l.MDLength // of reserved types; derived where it has a meaning
		r.Reserved, r.DSMetadata = unhex("reserved", l.Reserved), unhex("ds_metadata", l.DSMetadata)
		r.DomainID, r.DSMdBits, r.DSMdStatus = l.DomainID, l.DSMdBits, l.DSMdStatus
		if l.ReportLength == 0xff {
			r.Length = 0xff
		}
		if l.RepMdBits != nil {
			r.MdBits = report.MdBits(*l.RepMdBits)
		}
	}
	switch {
	case l.TLVs != nil:
		for _, t := range l.TLVs {
			tlv := report.TLV{Type: report.TLVType(t.Type), Rsvd: t.Rsvd, Template: t.Template, Data: unhex("tlvs", t.Data)}
			var failed error
			if r.Inner, failed = report.AppendTLV(r.Inner, tlv); failed != nil {
				return r, failed
			}
		}
	case l.Extension != "":
		r.Inner = unhex("ds_extension_data", l.Extension)
	case l.Truncated != "":
		r.Inner = unhex("truncated_packet", l.Truncated)
	default:
		r.Inner = unhex("contents", l.Contents)
	}
	return r, err
}

// metadata sets the baseline metadata that the object has, and its bits.
func (l *line) metadata(r *report.Report) {
	set(r, report.MdBit0, &r.Bit0, l.Bit0)
	set(r, report.MdLevel1, &r.Level1In, l.Level1In)
	set(r, report.MdLevel1, &r.Level1Out, l.Level1Out)
	set(r, report.MdHopLatency, &r.HopLatency, l.HopLatency)
	set(r, report.MdQueue, &r.QueueID, l.QueueID)
	set(r, report.MdQueue, &r.QueueOccupancy, l.QueueOccupancy)
	set(r, report.MdIngressTime, &r.IngressTime, l.IngressTime)
	set(r, report.MdEgressTime, &r.EgressTime, l.EgressTime)
	set(r, report.MdLevel2, &r.Level2In, l.Level2In)
	set(r, report.MdLevel2, &r.Level2Out, l.Level2Out)
	set(r, report.MdTxUtilization, &r.TxUtilization, l.TxUtilization)
	set(r, report.MdBuffer, &r.BufferID, l.BufferID)
	set(r, report.MdBuffer, &r.BufferOccupancy, l.BufferOccupancy)
	set(r, report.MdDrop, &r.DropQueueID, l.DropQueueID)
	set(r, report.MdDrop, &r.DropReason, l.DropReason)
	set(r, report.MdDrop, &r.DropPadding, l.DropPadding)
}

func set[T any](r *report.Report, bit report.MdBits, to, from *T) {
	if from != nil {
		*to = *from
		r.MdBits |= bit
	}
}

// ethernet is a made-up Ethernet header.
func ethernet(protocol uint16) []byte {
	return binary.BigEndian.AppendUint16([]byte{2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1}, protocol)
}

// udpFrame puts a datagram into a frame: Ethernet, IPv4 (DF) or IPv6, UDP, with
// right checksums.
func udpFrame(src, dst netip.AddrPort, data []byte) ([]byte, error) {
	s, d := src.Addr().Unmap(), dst.Addr().Unmap()
	if !s.IsValid() || !d.IsValid() || s.Is4() != d.Is4() {
		return nil, fmt.Errorf("cannot write a frame from %v to %v: want two addresses of one kind", src, dst)
	}
	const udpHeader = 8
	size := udpHeader + len(data)
	if size+20 > 0xffff {
		return nil, fmt.Errorf("cannot write a frame: got %d bytes of UDP payload, want at most 65507", len(data))
	}
	o := binary.BigEndian
	var b []byte
	if s.Is4() {
		b = append(ethernet(0x0800), 0x45, 0)
		b = o.AppendUint16(b, uint16(20+size))
		b = append(b, 0, 0, 0x40, 0, 64, 17, 0, 0)
	} else {
		b = append(ethernet(0x86dd), 0x60, 0, 0, 0)
		b = o.AppendUint16(b, uint16(size))
		b = append(b, 17, 64)
	}
	addresses := len(b)
	b = append(append(b, s.AsSlice()...), d.AsSlice()...)
	if s.Is4() {
		o.PutUint16(b[24:], ^sum(0, b[14:34]))
	}
	pseudo := uint32(sum(17+uint32(size), b[addresses:]))
	at := len(b)
	b = o.AppendUint16(o.AppendUint16(b, src.Port()), dst.Port())
	b = append(o.AppendUint16(b, uint16(size)), 0, 0)
	b = append(b, data...)
	c := ^sum(pseudo, b[at:])
	if c == 0 {
		c = 0xffff
	}
	o.PutUint16(b[at+6:], c)
	return b, nil
}

// sum adds up 16-bit words in ones' complement.
func sum(start uint32, b []byte) uint16 {
	n := uint64(start)
	for ; len(b) > 1; b = b[2:] {
		n += uint64(be16(b))
	}
	if len(b) == 1 {
		n += uint64(b[0]) << 8
	}
	for n > 0xffff {
		n = n>>16 + n&0xffff
	}
	return uint16(n)
}
