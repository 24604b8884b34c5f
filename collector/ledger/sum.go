package ledger

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/collector/sequence"
)

// Loss is the account of a window of time.
type Loss struct {
	From      int64        `json:"from_ns"` // of the window, or of its first page where it is open
	To        int64        `json:"to_ns"`
	Uncovered int64        `json:"uncovered_ns"`      // of the window: no page says anything of it
	Fraction  float64      `json:"fraction"`          // of the datagrams sent, lost
	Total     Counts       `json:"total"`             // Lost: over the streams that lost any
	Kernel    uint64       `json:"kernel_drops"`      // datagrams that the kernel gave up; those with numbers are among the lost, too
	Rejected  uint64       `json:"rejected"`          // datagrams that no stream could be found for
	ShedLog   uint64       `json:"shed_by_log"`       // records that the log could not keep
	Forgotten Counts       `json:"forgotten_streams"` // part of Total: streams that were forgotten to stay within bounds
	Streams   []StreamLoss `json:"streams"`           // by source, node and subsystem
}

// StreamLoss is the account of one stream.
type StreamLoss struct {
	Source  string  `json:"source"`
	Node    uint32  `json:"node"`
	HwID    uint8   `json:"hw_id"`
	Version uint8   `json:"version"`
	Part    float64 `json:"fraction"`
	Counts
}

// Sum adds up the pages of a window. It is made by [NewSum].
type Sum struct {
	loss    Loss
	nodes   []postcard.NodeID
	streams map[sequence.Key]Counts
	spans   [][2]int64 // of the pages, as far as they do not adjoin
}

// NewSum returns the sum of no pages, for the window from `from` to before `to` (ns, 0 =
// open) and the streams of some nodes (none = all). Counts that belong to no node are
// in it all the same.
func NewSum(from, to int64, nodes ...postcard.NodeID) *Sum {
	return &Sum{loss: Loss{From: from, To: to}, nodes: nodes, streams: map[sequence.Key]Counts{}}
}

// Add adds a page, in any order, if it has a part in the window.
func (s *Sum) Add(p *Page) {
	l := &s.loss
	if l.From != 0 && p.To <= l.From || l.To != 0 && p.From >= l.To {
		return
	}
	if n := len(s.spans); n > 0 && s.spans[n-1][1] == p.From {
		s.spans[n-1][1] = p.To
	} else {
		s.spans = append(s.spans, [2]int64{p.From, p.To})
	}
	l.Kernel += p.Kernel
	l.Rejected += p.Rejected
	l.ShedLog += p.ShedLog
	l.Forgotten.Add(&p.Others)
	for i := range p.Lines {
		line := &p.Lines[i]
		if len(s.nodes) > 0 && !slices.Contains(s.nodes, postcard.NodeID(line.Node)) {
			continue
		}
		c := s.streams[line.Key]
		c.Add(&line.Counts)
		s.streams[line.Key] = c
	}
}

// Loss returns the account of the window by the pages added.
func (s *Sum) Loss() Loss {
	l := s.loss
	l.cover(slices.Clone(s.spans))
	l.Forgotten.Lost = max(l.Forgotten.Lost, 0)
	l.Total = l.Forgotten
	l.Streams = make([]StreamLoss, 0, len(s.streams))
	for _, k := range slices.SortedFunc(maps.Keys(s.streams), compare) {
		c := s.streams[k]
		c.Lost = max(c.Lost, 0)
		l.Total.Add(&c)
		source := ""
		if k.Source.IsValid() {
			source = k.Source.String()
		}
		l.Streams = append(l.Streams, StreamLoss{Source: source, Node: k.Node, HwID: k.HwID, Version: k.Version, Part: c.Fraction(), Counts: c})
	}
	l.Fraction = l.Total.Fraction()
	return l
}

// Shares returns the share of the datagrams of every node that were lost, 0…1.
func (l *Loss) Shares() map[postcard.NodeID]float64 {
	byNode := map[postcard.NodeID]Counts{}
	for i := range l.Streams {
		s := &l.Streams[i]
		c := byNode[postcard.NodeID(s.Node)]
		c.Add(&s.Counts)
		byNode[postcard.NodeID(s.Node)] = c
	}
	out := make(map[postcard.NodeID]float64, len(byNode))
	for node, c := range byNode {
		out[node] = c.Fraction()
	}
	return out
}

// cover sets the open ends of the window, and what of it the spans of pages leave out.
func (l *Loss) cover(spans [][2]int64) {
	slices.SortFunc(spans, func(a, b [2]int64) int { return cmp.Compare(a[0], b[0]) })
	if len(spans) > 0 {
		last := spans[0][1]
		for _, s := range spans {
			last = max(last, s[1])
		}
		if l.From == 0 {
			l.From = spans[0][0]
		}
		if l.To == 0 {
			l.To = last
		}
	}
	at := l.From
	for _, s := range spans {
		if s[0] > at {
			l.Uncovered += min(s[0], l.To) - at
		}
		at = max(at, s[1])
	}
	if at < l.To {
		l.Uncovered += l.To - at
	}
}

// String returns the account as a line to read.
func (l *Loss) String() string {
	t := &l.Total
	if t.Received == 0 && t.Lost == 0 && l.Uncovered >= l.To-l.From {
		return "loss of the window: not known, the log has no account of it"
	}
	text := fmt.Sprintf("loss of the window: %d of %d datagrams (%.3g %%), %d streams", t.Lost, uint64(t.Lost)+t.Received, 100*l.Fraction, len(l.Streams))
	for _, v := range []struct {
		n    uint64
		what string
	}{
		{t.Duplicates, "duplicates"}, {t.Restarts, "restarts"}, {t.Malformed, "reports malformed"}, {l.Rejected, "datagrams rejected"},
		{l.Kernel, "dropped by the kernel"}, {t.Shed, "records shed"}, {l.ShedLog, "records shed by the log"},
	} {
		if v.n > 0 {
			text += fmt.Sprintf(", %d %s", v.n, v.what)
		}
	}
	if l.Uncovered > 0 {
		text += fmt.Sprintf("; of %v nothing is known", time.Duration(l.Uncovered))
	}
	return text
}
