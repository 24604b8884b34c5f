package analyzeflowset

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/telltale-net/telltale/analyzers/flowset"
	"github.com/telltale-net/telltale/analyzers/flowset/jsonl"
	"github.com/telltale-net/telltale/analyzers/flowset/lossradar"
	"github.com/telltale-net/telltale/internal/jsonlines"
)

// Segment is what the digests of a segment's ends say of an epoch.
type Segment struct {
	Name   string // from>to
	Epoch  uint64
	Sent   int64 // packets
	Diff   lossradar.Difference
	Causes []lossradar.Cause // of Diff.Lost
}

// classified is the stretch of time whose losses are told apart together: the paper's.
const classified = 100 * time.Millisecond

// segmentsOf compares the digests that were read, by epoch and segment. One without the
// other end is a problem.
func segmentsOf(r *jsonl.Reader) (out []Segment) {
	slices.SortStableFunc(r.Digests, func(a, b *flowset.Table) int {
		return cmp.Or(cmp.Compare(a.Epoch, b.Epoch), cmp.Compare(a.Node, b.Node), cmp.Compare(b.Stage, a.Stage)) // up first
	})
	bad := func(d *flowset.Table, text string) {
		r.Stats.Bad++
		r.Problems.Add(jsonlines.Problem{File: fmt.Sprintf("segment %s, epoch %d", d.Node, d.Epoch), Text: text})
	}
	for i := 0; i < len(r.Digests); i++ {
		up := r.Digests[i]
		if i+1 == len(r.Digests) || up.Stage != flowset.EndUp || r.Digests[i+1].Stage != flowset.EndDown || r.Digests[i+1].Node != up.Node || r.Digests[i+1].Epoch != up.Epoch {
			bad(up, fmt.Sprintf("got the digest of one end, %s, want that of the other, too", up.Stage))
			continue
		}
		i++
		s, err := segment(up, r.Digests[i])
		if err != nil {
			bad(up, err.Error())
			continue
		}
		out = append(out, s)
	}
	r.Digests = nil
	classify(out)
	return out
}

func segment(up, down *flowset.Table) (Segment, error) {
	s := Segment{Name: up.Node, Epoch: up.Epoch}
	for i := range up.Cells {
		_, packets, _, _ := up.Cell(0, i)
		s.Sent += int64(packets)
	}
	a, err := lossradar.Of(up)
	if err != nil {
		return s, err
	}
	b, err := lossradar.Of(down)
	if err != nil {
		return s, err
	}
	s.Diff, err = lossradar.Compare(a, b)
	for _, p := range [][]lossradar.Packet{s.Diff.Lost, s.Diff.Extra} {
		slices.SortFunc(p, func(x, y lossradar.Packet) int {
			return cmp.Or(cmp.Compare(x.At, y.At), slices.Compare(x.Key[:], y.Key[:]), cmp.Compare(x.ID, y.ID))
		})
	}
	return s, err
}

// classify says why packets were lost, those of a segment and a stretch of time together.
// Packets without times tell loops only.
func classify(all []Segment) {
	type place struct {
		name   string
		window time.Duration
	}
	type one struct{ segment, packet int }
	groups := map[place][]one{}
	timed := map[string]bool{}
	for i := range all {
		all[i].Causes = make([]lossradar.Cause, len(all[i].Diff.Lost))
		for n, p := range all[i].Diff.Lost {
			k := place{all[i].Name, p.At / classified}
			groups[k] = append(groups[k], one{i, n})
			timed[k.name] = timed[k.name] || p.At != 0
		}
	}
	for k, g := range groups {
		lost := make([]lossradar.Packet, len(g))
		for i, x := range g {
			lost[i] = all[x.segment].Diff.Lost[x.packet]
		}
		causes := lossradar.Classify(lost, classified, lossradar.Rules{})
		for i, x := range g {
			if !timed[k.name] && causes[i] != lossradar.Loop {
				causes[i] = lossradar.Unknown
			}
			all[x.segment].Causes[x.packet] = causes[i]
		}
	}
}

// lostLine is a lost packet as JSON.
type lostLine struct {
	Flow  json.RawMessage `json:"flow"`
	ID    uint16          `json:"id"`
	TTL   uint8           `json:"ttl"`
	SYN   bool            `json:"syn,omitempty"`
	At    int64           `json:"us"`
	Cause lossradar.Cause `json:"cause,omitempty"` // none where it was seen downstream only
}

// segmentLine is a segment's epoch as JSON.
type segmentLine struct {
	Segment string                  `json:"segment"`
	Epoch   uint64                  `json:"epoch"`
	Sent    int64                   `json:"sent"`
	Lost    int                     `json:"lost"`
	Causes  map[lossradar.Cause]int `json:"causes,omitempty"`
	Packets []lostLine              `json:"packets"`
	Extra   []lostLine              `json:"extra,omitempty"`
	Left    int64                   `json:"left,omitempty"`
	Whole   bool                    `json:"whole"`
}

// WriteSegments writes what digests say: a line for every segment and epoch.
func WriteSegments(out io.Writer, all []Segment, f Filter, format Format) error {
	if err := f.ready(); err != nil {
		return err
	}
	w := bufio.NewWriterSize(out, 1<<16)
	err := f.writeSegments(w, all, format)
	if err == nil {
		err = w.Flush()
	}
	if err != nil {
		return fmt.Errorf("cannot write the losses: %w", err)
	}
	return nil
}

func writeSegments(w io.Writer, all []Segment, format Format) error {
	f := Filter{Epoch: -1}
	return f.writeSegments(w, all, format)
}

func (f *Filter) writeSegments(w io.Writer, all []Segment, format Format) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for i := range all {
		s := &all[i]
		if f.Epoch >= 0 && uint64(f.Epoch) != s.Epoch {
			continue
		}
		var err error
		if format == JSON {
			err = enc.Encode(f.segmentLine(s))
		} else {
			_, err = fmt.Fprintln(w, s)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Segment) causes() map[lossradar.Cause]int {
	n := map[lossradar.Cause]int{}
	for _, c := range s.Causes {
		n[c]++
	}
	return n
}

func (f *Filter) segmentLine(s *Segment) *segmentLine {
	l := &segmentLine{Segment: s.Name, Epoch: s.Epoch, Sent: s.Sent, Lost: len(s.Diff.Lost), Causes: s.causes(), Packets: []lostLine{}, Left: s.Diff.Left, Whole: s.Diff.Whole}
	add := func(to []lostLine, p *lossradar.Packet, cause lossradar.Cause) []lostLine {
		if !f.wants(p.Key, flowset.KeyIPv4, flowset.ProtoThird) || f.Limit > 0 && len(to) >= f.Limit {
			return to
		}
		return append(to, lostLine{flowset.AppendFlow(nil, p.Key, flowset.KeyIPv4, flowset.ProtoThird), p.ID, p.TTL, p.SYN, p.At.Microseconds(), cause})
	}
	for i := range s.Diff.Lost {
		l.Packets = add(l.Packets, &s.Diff.Lost[i], s.Causes[i])
	}
	for i := range s.Diff.Extra {
		l.Extra = add(l.Extra, &s.Diff.Extra[i], "")
	}
	return l
}

// String is the segment's epoch in words.
func (s *Segment) String() string {
	text := fmt.Sprintf("epoch %d: %s: %d of %d packets lost", s.Epoch, s.Name, len(s.Diff.Lost), s.Sent)
	var why []string
	n := s.causes()
	for _, c := range []lossradar.Cause{lossradar.Congestion, lossradar.Blackhole, lossradar.Random, lossradar.Loop, lossradar.Unknown} {
		if n[c] > 0 {
			why = append(why, fmt.Sprintf("%d %s", n[c], c))
		}
	}
	if len(why) > 0 {
		text += " (" + strings.Join(why, ", ") + ")"
	}
	if n := len(s.Diff.Extra); n > 0 {
		text += fmt.Sprintf(", %d seen downstream only", n)
	}
	if !s.Diff.Whole {
		text += fmt.Sprintf("; not all could be decoded, %+d packets are left: the digests are too small", s.Diff.Left)
	}
	return text
}
