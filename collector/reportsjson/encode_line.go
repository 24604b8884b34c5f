package reportsjson

import (
	"encoding/hex"
	"fmt"

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
