package ipfix

import (
	"encoding/binary"
	"fmt"

	"github.com/telltale-net/telltale/collector/postcard"
)

// Config says how messages are written.
type Config struct {
	Domain     uint32 // observation domain
	Process    uint32 // exportingProcessId
	Enterprise uint32 // of our own elements
	Length     int    // bytes of a message, at most; what fits into the path's MTU, for UDP
}

// MinLength is the least that Config.Length may be: the longest template and a header.
const MinLength = 256

// Check returns what is wrong with the configuration, or nil.
func (c *Config) Check() error {
	if c.Length < MinLength || c.Length > 1<<16-1 {
		return fmt.Errorf("ipfix: length of a message: got %d, want %d to %d", c.Length, MinLength, 1<<16-1)
	}
	if c.Enterprise == 0 || c.Enterprise == 1<<32-1 {
		return fmt.Errorf("ipfix: enterprise number: got %d, which is reserved", c.Enterprise)
	}
	return nil
}

// Encoder writes messages of one stream: it counts their data records. It is not safe
// for concurrent use.
type Encoder struct {
	cfg      Config
	send     func(msg []byte, flows int)
	buf      []byte
	time     uint32
	sequence uint32 // data records in messages that were sent
	records  uint32 // data records in buf
	flows    int    // of those, flows
	set      int    // where the open set begins in buf, 0 = none is open
	id       uint16 // of the open set
}

const (
	messageHeader = 16
	setHeader     = 4
	withdrawAll   = 0 // field count
)

// NewEncoder returns an encoder that hands full messages to send, with the number of flow
// records in them; a message is send's during the call only. The configuration must be
// good.
func NewEncoder(cfg Config, send func(msg []byte, flows int)) *Encoder {
	if err := cfg.Check(); err != nil {
		panic("BUG: " + err.Error())
	}
	return &Encoder{cfg: cfg, send: send, buf: make([]byte, 0, cfg.Length)}
}

// Time sets the export time of messages from now on, s since 1970, and sends what was
// written before.
func (e *Encoder) Time(seconds uint32) {
	e.Flush()
	e.time = seconds
}

// Restart begins a new stream: its messages are counted from 0, and it needs templates.
func (e *Encoder) Restart() {
	e.reset()
	e.sequence = 0
}

func (e *Encoder) reset() { e.buf, e.records, e.flows, e.set = e.buf[:0], 0, 0, 0 }

// Flush sends the message begun, if there is one.
func (e *Encoder) Flush() {
	if len(e.buf) == 0 {
		return
	}
	e.closeSet()
	b := e.buf
	binary.BigEndian.PutUint16(b, 10)
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
	binary.BigEndian.PutUint32(b[4:], e.time)
	binary.BigEndian.PutUint32(b[8:], e.sequence)
	binary.BigEndian.PutUint32(b[12:], e.cfg.Domain)
	e.sequence += e.records
	flows := e.flows
	e.send(b, flows)
	e.reset()
}

// room makes room for a record of n bytes in a set: it begins a message and a set where
// that is needed.
func (e *Encoder) room(id uint16, n int) {
	padded := (n + 3) &^ 3
	if len(e.buf) > 0 && (e.set == 0 || e.id != id) && len(e.buf)+3+setHeader+padded > e.cfg.Length {
		e.Flush()
	}
	if len(e.buf) > 0 && e.set != 0 && e.id == id && len(e.buf)+n+3 > e.cfg.Length {
		e.Flush()
	}
	if len(e.buf) == 0 {
		e.buf = e.buf[:messageHeader]
	}
	if e.set != 0 && e.id == id {
		return
	}
	e.closeSet()
	e.set, e.id = len(e.buf), id
	e.buf = binary.BigEndian.AppendUint16(e.buf, id)
	e.buf = append(e.buf, 0, 0)
}

func (e *Encoder) closeSet() {
	if e.set == 0 {
		return
	}
	for (len(e.buf)-e.set)%4 != 0 {
		e.buf = append(e.buf, 0)
	}
	binary.BigEndian.PutUint16(e.buf[e.set+2:], uint16(len(e.buf)-e.set))
	e.set = 0
}

// The ids of sets of templates.
const (
	templateSet = 2
	optionsSet  = 3
)

// Templates writes all templates.
func (e *Encoder) Templates() {
	for i := range templates {
		t := &templates[i]
		id, n := uint16(templateSet), 4
		if t.Scope > 0 {
			id, n = optionsSet, 6
		}
		for _, f := range t.Fields {
			if n += 4; f.Enterprise {
				n += 4
			}
		}
		e.room(id, n)
		e.u16(t.ID, uint16(len(t.Fields)))
		if t.Scope > 0 {
			e.u16(uint16(t.Scope))
		}
		for _, f := range t.Fields {
			if f.Enterprise {
				e.u16(f.ID|1<<15, f.Length)
				e.u32(e.cfg.Enterprise)
			} else {
				e.u16(f.ID, f.Length)
			}
		}
	}
}

// Withdraw writes that no template is used any more (RFC 7011, 8.1). Not for UDP.
func (e *Encoder) Withdraw() {
	for _, id := range []uint16{templateSet, optionsSet} {
		e.room(id, 4)
		e.u16(id, withdrawAll)
		e.closeSet()
	}
}

// Flow writes a flow.
func (e *Encoder) Flow(f *Flow) {
	src, dst := f.Flow.Src, f.Flow.Dst
	six := !is4(src) || !is4(dst)
	id := uint16(forwarded4)
	switch {
	case f.Dropped && six:
		id = dropped6
	case f.Dropped:
		id = dropped4
	case six:
		id = forwarded6
	}
	e.begin(id)
	e.flows++
	e.u32(uint32(f.Node))
	e.u64(ntp(f.First), ntp(f.Last))
	e.addresses(&f.Flow, six)
	e.u16(f.Flow.SrcPort, f.Flow.DstPort)
	status := uint8(statusForwarded)
	if f.Dropped {
		status = Status(f.Reason)
	}
	e.buf = append(e.buf, f.Flow.Proto, status, uint8(f.End), f.Queue)
	e.u32(f.InPort, f.OutPort)
	e.u64(segment(f.VNI, f.HasVNI))
	if f.Dropped {
		e.buf = append(e.buf, f.Reason)
		e.u64(f.Octets, f.Packets)
		return
	}
	e.u64(f.Octets, f.Packets)
	e.u32(f.LatencyMin, f.LatencyMax)
	e.u64(f.LatencySum, f.Latencies)
	e.u32(f.DepthMax)
	e.u64(f.DepthSum, f.Depths)
}

// addresses writes both ends' addresses.
func (e *Encoder) addresses(f *postcard.Flow, six bool) {
	if six {
		e.buf = append(append(e.buf, f.Src[:]...), f.Dst[:]...)
	} else {
		e.buf = append(append(e.buf, f.Src[12:]...), f.Dst[12:]...)
	}
}

// Exported is what was exported and what was not, since the start.
type Exported struct {
	Messages, Flows, Octets uint64 // sent
	Ignored                 uint64 // packets that were in no flow
	NotSent, NotSentPackets uint64 // flows that could not be sent, and their packets
}

// Reliability writes what was exported.
func (e *Encoder) Reliability(x Exported) {
	e.begin(reliability)
	e.u32(e.cfg.Domain, e.cfg.Process)
	e.u64(x.Messages, x.Flows, x.Octets, x.Ignored, x.NotSent, x.NotSentPackets)
}

// Reports writes how many of a node's reports arrived, and how many did not.
func (e *Encoder) Reports(node postcard.NodeID, received, lost uint64) {
	e.begin(reporting)
	e.u32(uint32(node))
	e.u64(received, lost)
}

// begin begins a data record.
func (e *Encoder) begin(id uint16) {
	e.room(id, lengths[id-templates[0].ID])
	e.records++
}

var lengths = func() (all []int) {
	for i := range templates {
		all = append(all, templates[i].length())
	}
	return all
}()

func (e *Encoder) u16(all ...uint16) {
	for _, v := range all {
		e.buf = binary.BigEndian.AppendUint16(e.buf, v)
	}
}

func (e *Encoder) u32(all ...uint32) {
	for _, v := range all {
		e.buf = binary.BigEndian.AppendUint32(e.buf, v)
	}
}

func (e *Encoder) u64(all ...uint64) {
	for _, v := range all {
		e.buf = binary.BigEndian.AppendUint64(e.buf, v)
	}
}

// is4 reports whether an address is IPv4, or none.
func is4(a postcard.Addr) bool {
	return a == postcard.Addr{} || [12]byte(a[:12]) == [12]byte{10: 0xff, 11: 0xff}
}

// segment returns layer2SegmentId: the kind of overlay, 1 = VXLAN, in the highest byte,
// and the VNI; 0 where there is none.
func segment(vni uint32, has bool) uint64 {
	if !has {
		return 0
	}
	return 1<<56 | uint64(vni)&(1<<24-1)
}

// ntp returns a time, ns since 1970, as dateTimeNanoseconds (RFC 7011, 6.1.10): s since
// 1900 and the fraction of a second in 2^32nds, rounded up so that ns come back.
func ntp(ns int64) uint64 {
	const since1900 = 2_208_988_800
	s, rest := ns/1e9, ns%1e9
	if rest < 0 {
		s, rest = s-1, rest+1e9
	}
	return uint64(uint32(s+since1900))<<32 | (uint64(rest)<<32+1e9-1)/1e9
}
