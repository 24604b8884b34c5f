package postcards

import (
	"slices"
	"time"

	"github.com/telltale-net/telltale/analyzers"
	"github.com/telltale-net/telltale/collector/postcard"
)

// reporter is what is known of a node's reports.
type reporter struct {
	first, last int64 // when the first and the latest came; 0 = none did
	sent        int64 // when the latest one came of a packet that went on
	delivered   int64 // of those, to a tenant's machine
	mute        int64 // when it was last silent of a packet that crossed it, without a number missing
	holes       []hole
	blind       int64 // up to here there were more holes than are kept
}

// hole is a time between two reports of a node whose numbers do not follow each other.
type hole struct{ from, until int64 }

const (
	keptHoles = 4096            // of a node
	restart   = 1 << 16         // missing numbers that are none: the node has begun anew
	trust     = 2 * time.Second // how long a node that was silent without reason is not believed
	seqMask   = 1<<22 - 1
	restarted = 4 // reports in a row that go back to lower numbers: the node has begun anew
)

// stream is the reports of a node's subsystem.
type stream struct {
	at    int64 // when the one with the highest number came
	last  uint32
	begun bool
	back  int // reports in a row with lower numbers
}

type source struct {
	at   int32
	hwID uint8
}

// report notes that a node reported.
func (e *Epochs) report(r *postcard.Record, at int32) {
	n := &e.nodes[at]
	if n.first == 0 {
		n.first = r.Received
	}
	n.last = max(n.last, r.Received)
	if !r.Lost() {
		n.sent = max(n.sent, r.Received)
		if e.net.PortAt(at, r.OutPort).Kind == analyzers.ToHost {
			n.delivered = max(n.delivered, r.Received)
		}
	}
	if e.cfg.Told {
		return
	}
	k := source{at, r.HwID}
	s := e.streams[k]
	if s == nil {
		s = &stream{}
		e.streams[k] = s
	}
	switch d := (r.Seq - s.last) & seqMask; {
	case !s.begun:
		s.begun = true
	case d == 0: // the same datagram
		return
	case d > seqMask/2:
		if s.back++; s.back < restarted { // overtaken: its hole stays one
			return
		}
		n.hole(s.at, r.Received)
	case d > 1:
		e.stats.Missing += uint64(d - 1)
		n.hole(s.at, r.Received)
	}
	s.back = 0
	s.last, s.at = r.Seq, r.Received
}

// Missing says that so many reports of a node are missing between two that were received
// at those times, both the collector's clock. See [Config.Told].
func (e *Epochs) Missing(node postcard.NodeID, from, until int64, reports uint64) {
	if at := e.net.ByID(node); at >= 0 {
		if reports < restart {
			e.stats.Missing += reports
		}
		e.nodes[at].hole(from, until)
	}
}

func (n *reporter) hole(from, until int64) {
	if len(n.holes) == keptHoles {
		n.blind = max(n.blind, n.holes[0].until)
		n.holes = slices.Delete(n.holes, 0, 1)
	}
	n.holes = append(n.holes, hole{from, until})
}

// forget forgets holes before a time.
func (n *reporter) forget(before int64) {
	i := 0
	for i < len(n.holes) && n.holes[i].until < before {
		i++
	}
	n.holes = slices.Delete(n.holes, 0, i)
}

// holed reports whether numbers of the node's reports are missing between two times.
func (n *reporter) holed(from, until int64) bool {
	return slices.ContainsFunc(n.holes, func(h hole) bool { return h.until >= from && h.from <= until })
}

// vouches reports whether the node's silence of a packet that was to reach it about a
// time means that it did not. An end of packets' ways must report those that it delivers.
func (n *reporter) vouches(t, margin int64, end bool) bool {
	if end && (n.delivered == 0 || n.delivered < t-int64(trust)) {
		return false
	}
	if n.first == 0 || n.first > t || n.last < t+margin || n.blind >= t-margin || n.sent == 0 || n.sent < t-int64(trust) {
		return false
	}
	if n.mute != 0 && n.mute+int64(trust) > t {
		return false
	}
	return !n.holed(t-margin, t+margin)
}
