// Package analyzeflowset is what `telltale analyze flowset`, `telltale flows` and
// `telltale losses` do with data sets of encoded flow sets: it has
// analyzers/flowset/jsonl read them, analyzers/flowset/decode decode those of one epoch
// together, and writes the flows of every node, a loss map, or either in words. Flags are the command's business.
package analyzeflowset

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/telltale-net/telltale/analyzers/flowset"
	"github.com/telltale-net/telltale/analyzers/flowset/decode"
	"github.com/telltale-net/telltale/analyzers/flowset/jsonl"
	"github.com/telltale-net/telltale/cmd/internal/dataset"
	"github.com/telltale-net/telltale/internal/jsonlines"
)

// Format is how answers are written.
type Format string

// The formats.
const (
	JSON Format = "json"
	Text Format = "text"
)

func (f Format) check() error {
	if f != JSON && f != Text {
		return fmt.Errorf("unknown format %q; want json or text", f)
	}
	return nil
}

// Options is what to do.
type Options struct {
	Format   Format
	Alone    bool // no table helps another
	MaxCells int  // held at most; 0 = jsonl.DefaultMaxCells
	Workers  int  // 0 = one per processor
	// OwnClocks says that epochs are those of each switch's own clock.
	OwnClocks bool
}

// Summary is what was read and found.
type Summary struct {
	Stats    jsonl.Stats
	Problems jsonlines.Problems
	Notes    []string // what was read otherwise than the page says
	Coverage flowset.Coverage
	Links    [][2]string // that the data set names
	Segments []Segment   // what digests say, by epoch and segment
}

// String is the summary in one sentence.
func (s Summary) String() string {
	decoded, counted, packets := s.Coverage.Shares()
	text := fmt.Sprintf("%d flow sets of %d cells, %d not taken; %d of %d flows decoded (%s), %d with their packets (%s), which are %s of all packets",
		s.Stats.Tables, s.Stats.Cells, s.Stats.Bad, s.Coverage.Decoded, s.Coverage.Flows, percent(decoded), s.Coverage.Counted, percent(counted), percent(packets))
	for _, v := range []struct {
		n    int
		what string
	}{
		{s.Coverage.Refused, "cells with one flow refused"},
		{s.Coverage.RolledBack, "flows of neighbours taken and put back"},
		{s.Coverage.Hidden, "flows found that a filter hid"},
		{s.Coverage.Inconsistent, "cells whose packets do not add up"},
		{s.Coverage.Withheld, "counts withheld, because nothing confirms them"},
	} {
		if v.n > 0 {
			text += fmt.Sprintf("; %d %s", v.n, v.what)
		}
	}
	if s.Stats.Digests > 0 {
		text += fmt.Sprintf("; %d digests", s.Stats.Digests)
	}
	return text
}

// percent never rounds up to all.
func percent(x float64) string {
	if x < 1 && x > 0.9999 {
		return "over 99.99 %"
	}
	return strconv.FormatFloat(100*x, 'f', 2, 64) + " %"
}

// Decoded reads the inputs and decodes all their flow sets, those of one epoch together.
func Decoded(ctx context.Context, inputs []dataset.Input, opt Options) ([]*flowset.Decoded, Summary, error) {
	r := jsonl.NewReader(opt.MaxCells)
	for _, in := range inputs {
		if err := in.Read(ctx, r.Read); err != nil {
			return nil, Summary{Stats: r.Stats, Problems: r.Problems, Notes: r.Notes}, err
		}
	}
	segments := segmentsOf(r)
	sum := Summary{Stats: r.Stats, Problems: r.Problems, Notes: r.Notes, Links: r.Links, Segments: segments}
	slices.SortStableFunc(r.Tables, func(a, b *flowset.Table) int {
		switch {
		case a.Epoch < b.Epoch:
			return -1
		case a.Epoch > b.Epoch:
			return 1
		}
		return 0
	})
	var all, earlier []*flowset.Decoded
	for from := 0; from < len(r.Tables); {
		to := from
		for to < len(r.Tables) && r.Tables[to].Epoch == r.Tables[from].Epoch {
			to++
		}
		if err := ctx.Err(); err != nil {
			return nil, sum, err
		}
		earlier = decode.Tables(r.Tables[from:to], decode.Options{Alone: opt.Alone, Workers: opt.Workers, Earlier: earlier, OwnClocks: opt.OwnClocks})
		all = append(all, earlier...)
		clear(r.Tables[from:to])
		from = to
	}
	for _, d := range all {
		sum.Coverage.Add(d.Coverage)
	}
	return all, sum, nil
}

// Run reads the inputs and writes every flow's packets at every node. An error means that
// input or output failed as a whole; what was merely malformed is in the summary.
func Run(ctx context.Context, out io.Writer, inputs []dataset.Input, opt Options) (Summary, error) {
	if err := opt.Format.check(); err != nil {
		return Summary{}, err
	}
	all, sum, err := Decoded(ctx, inputs, opt)
	if err != nil {
		return sum, err
	}
	w := bufio.NewWriterSize(out, 1<<16)
	if opt.Format == Text {
		story(w, all)
	} else {
		err = writeFlows(w, all)
	}
	if err == nil {
		err = writeSegments(w, sum.Segments, opt.Format)
	}
	if err == nil && opt.Format == JSON {
		err = writeCoverage(w, all, &sum)
	}
	if err == nil {
		err = w.Flush()
	}
	if err != nil {
		return sum, fmt.Errorf("cannot write the flows: %w", err)
	}
	return sum, nil
}

// writeFlows writes a line per flow and node.
func writeFlows(w *bufio.Writer, all []*flowset.Decoded) error {
	for _, d := range all {
		name, err := json.Marshal(d.Node)
		if err != nil {
			return err
		}
		for i := range d.Len() {
			b := append(w.AvailableBuffer(), `{"flow":`...)
			b = flowset.AppendFlow(b, d.Key(i), d.KeyBytes, d.Order)
			b = append(append(b, `,"node":`...), name...)
			if d.Stage != "" {
				b = append(append(append(b, `,"stage":"`...), d.Stage...), '"')
			}
			b = strconv.AppendUint(append(b, `,"epoch":`...), d.Epoch, 10)
			b = append(b, `,"packets":`...)
			if n, ok := d.Packets(i); ok {
				b = strconv.AppendInt(b, n, 10)
			} else {
				b = append(b, "null"...)
			}
			if _, err := w.Write(append(b, "}\n"...)); err != nil {
				return err
			}
		}
	}
	return nil
}

// coverage is the shares of what was decoded.
type coverage struct {
	flowset.Coverage
	ShareFlows   float64 `json:"share_flows"`
	ShareCounted float64 `json:"share_counted"`
	SharePackets float64 `json:"share_packets"`
}

func shares(c flowset.Coverage) coverage {
	out := coverage{Coverage: c}
	out.ShareFlows, out.ShareCounted, out.SharePackets = c.Shares()
	return out
}

// tableCoverage is a table that was not decoded as a whole.
type tableCoverage struct {
	Node  string `json:"node"`
	Stage string `json:"stage,omitempty"`
	Epoch uint64 `json:"epoch"`
	coverage
	Missing *flowset.Missing `json:"missing,omitempty"`
}

// writeCoverage writes the last line.
func writeCoverage(w io.Writer, all []*flowset.Decoded, sum *Summary) error {
	last := struct {
		Coverage   coverage        `json:"coverage"`
		Tables     uint64          `json:"tables"`
		Digests    uint64          `json:"digests,omitempty"`
		Bad        uint64          `json:"bad,omitempty"`
		Incomplete []tableCoverage `json:"incomplete,omitempty"`
		Notes      []string        `json:"notes,omitempty"`
	}{Coverage: shares(sum.Coverage), Tables: sum.Stats.Tables, Digests: sum.Stats.Digests, Bad: sum.Stats.Bad, Notes: sum.Notes}
	for _, d := range all {
		if c := d.Coverage; c.Counted < c.Flows || c.Inconsistent > 0 || c.Refused > 0 {
			last.Incomplete = append(last.Incomplete, tableCoverage{d.Node, d.Stage, d.Epoch, shares(c), d.Missing})
		}
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(&last)
}

// story tells what was decoded in words.
func story(w io.Writer, all []*flowset.Decoded) {
	if len(all) == 0 {
		return
	}
	fmt.Fprintf(w, "%-16s %10s %10s %10s %10s %12s  %s\n", "node", "epoch", "flows", "decoded", "counted", "packets", "missing")
	for _, d := range all {
		c := &d.Coverage
		_, _, packets := c.Shares()
		fmt.Fprintf(w, "%-16s %10d %10d %10d %10d %12d  %s\n", d.Node, d.Epoch, c.Flows, c.Decoded, c.Counted, c.Packets, missing(d, packets))
	}
}

func missing(d *flowset.Decoded, packets float64) string {
	m := d.Missing
	if m == nil {
		return "nothing"
	}
	text := fmt.Sprintf("%d flows; %s of packets are counted flows'", m.Flows, percent(packets))
	if m.Src != "" || m.Dst != "" {
		text += fmt.Sprintf("; all from %s to %s", orAny(m.Src), orAny(m.Dst))
	}
	for i, l := range m.Likely[:min(3, len(m.Likely))] {
		if i == 0 {
			text += "; likely to"
		}
		text += fmt.Sprintf(" %s (%d)", l.Prefix, l.Flows)
	}
	return text
}

func orAny(s string) string {
	if s == "" {
		return "anywhere"
	}
	return s
}
