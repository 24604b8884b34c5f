package ipfix

import (
	"unicode/utf8"

	"github.com/telltale-net/telltale/collector/postcard"
)

// EpochFlow is the packets of a flow that a node saw in an epoch, or, with a Place, that
// were lost behind it or in it.
type EpochFlow struct {
	Node     postcard.NodeID // 0 = has a name only
	Name     string          // of the node; the first MaxName bytes are written
	Flow     postcard.Flow
	VNI      uint32
	HasVNI   bool
	Epoch    uint64
	From, To int64  // when the epoch began and ended, ns since 1970
	OneIn    uint32 // one packet in so many was looked at; the counts are of those

	Packets uint64 // that the node saw, or, of a loss, that were to leave by Port

	Place    Place           // 0 = it is no loss
	Lost     uint64          // of Packets
	Port     uint32          // 0 = not known
	Next     postcard.NodeID // behind the port; 0 = has a name only, or is not known
	NextName string
}

// Place is where packets were lost: the value of lossPlace.
type Place uint8

// The places.
const (
	OnWire   Place = 1 // behind a node, before the next one saw it
	InQueue  Place = 2 // there was no room
	InSwitch Place = 3 // for another reason
)

// Epoch writes a flow's packets in an epoch. Losses have forwardingStatus 128, dropped for
// an unknown reason, whatever their place.
func (e *Encoder) Epoch(f *EpochFlow) {
	src, dst := f.Flow.Src, f.Flow.Dst
	six := !is4(src) || !is4(dst)
	id := uint16(epoch4)
	switch {
	case f.Place != 0 && six:
		id = loss6
	case f.Place != 0:
		id = loss4
	case six:
		id = epoch6
	}
	e.begin(id)
	e.flows++
	e.u32(uint32(f.Node))
	e.u64(ntp(f.From), ntp(f.To))
	e.addresses(&f.Flow, six)
	e.u16(f.Flow.SrcPort, f.Flow.DstPort)
	e.buf = append(e.buf, f.Flow.Proto)
	e.u64(segment(f.VNI, f.HasVNI))
	e.u32(f.OneIn)
	e.u64(f.Epoch)
	if f.Place == 0 {
		e.u64(f.Packets)
		e.name(f.Name)
		return
	}
	e.u32(f.Port)
	e.buf = append(e.buf, statusDropped, uint8(f.Place))
	e.u64(f.Lost, f.Packets)
	e.u32(uint32(f.Next))
	e.name(f.Name)
	e.name(f.NextName)
}

// name writes a string with its length, cut where it is too long.
func (e *Encoder) name(s string) {
	if len(s) > MaxName {
		n := MaxName
		for n > 0 && !utf8.RuneStart(s[n]) {
			n--
		}
		s = s[:n]
	}
	e.buf = append(append(e.buf, byte(len(s))), s...)
}
