package window

import (
	"github.com/telltale-net/telltale/analyzers/blame/postcards"
	"github.com/telltale-net/telltale/collector/postcard"
)

// holes finds missing reports in all records, before some of them are taken: what is
// missing of those that were taken says nothing.
type holes struct {
	streams []stream // open-addressed, by node and hw_id
	n       int
	found   []postcards.Blind
	shed    uint64 // holes that were not kept for want of room
}

// stream is the reports of one node and hw_id.
type stream struct {
	key  uint64 // node and hw_id, 1 more; 0 = free
	high uint32 // the highest number
	at   int64  // when it was received
	back int    // reports in a row with lower numbers
}

const (
	seqMask    = 1<<22 - 1 // of the numbers of Telemetry Report 2.0
	maxStreams = 1 << 14   // further ones are not looked at: their holes are not known
	maxHoles   = 1 << 16   // that wait for a batch
	restarted  = 4         // reports in a row that go back to lower numbers: the node has begun anew
)

func newHoles() holes { return holes{streams: make([]stream, 2*maxStreams)} }

// stream returns that of a record, nil where there are too many.
func (h *holes) stream(r *postcard.Record) *stream {
	key := uint64(r.Node)<<8 | uint64(r.HwID) + 1
	mask := uint64(len(h.streams) - 1)
	i := key * 0x9e3779b97f4a7c15 >> 32 & mask
	for ; h.streams[i].key != 0; i = (i + 1) & mask {
		if h.streams[i].key == key {
			return &h.streams[i]
		}
	}
	if h.n >= maxStreams {
		return nil
	}
	h.n++
	s := &h.streams[i]
	*s = stream{key: key, high: r.Seq, at: r.Received}
	return s
}

func (h *holes) observe(r *postcard.Record) {
	s := h.stream(r)
	if s == nil {
		return
	}
	ahead := (r.Seq - s.high) & seqMask
	if ahead == 0 {
		return
	}
	if ahead >= seqMask/2 {
		if s.back++; s.back < restarted {
			return // overtaken: the hole that it left stays one
		}
	}
	if s.back = 0; ahead > 1 {
		if len(h.found) < maxHoles {
			h.found = append(h.found, postcards.Blind{Node: r.Node, From: s.at, Until: r.Received, Missing: int(ahead - 1)})
		} else {
			h.shed++
		}
	}
	s.high, s.at = r.Seq, r.Received
}
