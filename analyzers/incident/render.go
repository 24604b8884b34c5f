package incident

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/telltale-net/telltale/analyzers"
	"github.com/telltale-net/telltale/analyzers/drops"
)

// Text writes a finding for the engineer on call: what and where on the first line,
// then since when and how sure, then the evidence, wrapped at 100 columns. Times are
// written as seconds since epoch (collector's clock, ns); an epoch of 0 with times of
// this century gives UTC.
//
//	slow-port  leaf1 port 3 → vs1  queue 0  confidence 0.97
//	  since +3.000s, until +4.200s, decided +3.300s; 510 packets of 7 flows
//	  - …
func Text(f *analyzers.Finding, epoch int64) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s  confidence %.2f\n", f.Kind, Place(f.Place), f.Confidence)
	fmt.Fprintf(&b, "  since %s, until %s, decided %s; %d packets", clock(f.Since, epoch), clock(f.Until, epoch), clock(f.Decided, epoch), f.Packets)
	if f.Flows > 0 {
		b.WriteString(" of " + count(drops.Distinct{N: f.Flows}, "flow"))
	}
	if f.ReportLoss > 0 {
		fmt.Fprintf(&b, "; %.1f %% of the reports from there are lost", 100*f.ReportLoss)
	}
	b.WriteByte('\n')
	for i := range f.Evidence {
		wrap(&b, "  - ", f.Evidence[i].Text)
	}
	return b.String()
}

// Place writes a place in words: "leaf1 port 3 → vs1  queue 0".
func Place(p analyzers.Place) string {
	var b strings.Builder
	b.WriteString(p.Node)
	if p.Port != 0 {
		fmt.Fprintf(&b, " port %d", p.Port)
	}
	if p.Peer != "" {
		b.WriteString(" → " + p.Peer)
	}
	if p.Queue != nil {
		fmt.Fprintf(&b, "  queue %d", *p.Queue)
	}
	if p.Prefix != "" {
		b.WriteString("  prefix " + p.Prefix)
	}
	if p.VNI != 0 {
		fmt.Fprintf(&b, "  VNET %s (%d)", p.VNET, p.VNI)
	}
	if p.Rule != 0 {
		fmt.Fprintf(&b, "  rule %d", p.Rule)
	}
	return b.String()
}

// JSON writes a finding as one indented object, fields in a fixed order.
func JSON(f *analyzers.Finding) ([]byte, error) {
	b, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("cannot write finding %s at %s as JSON: %w", f.Kind, f.Place.Node, err)
	}
	return append(b, '\n'), nil
}

// calendar is where nanoseconds can only be meant since 1970: the year 2001.
const calendar = int64(1e18)

func clock(t, epoch int64) string {
	if epoch == 0 && t >= calendar {
		return time.Unix(0, t).UTC().Format("2006-01-02T15:04:05.000Z")
	}
	return fmt.Sprintf("+%.3fs", float64(t-epoch)/1e9)
}

// wrap writes text with a first prefix and the following lines indented as deep.
func wrap(b *strings.Builder, prefix, text string) {
	const width = 100
	column := 0
	for i, word := range strings.Fields(text) {
		n := len([]rune(word))
		switch {
		case i == 0:
			b.WriteString(prefix)
			column = len(prefix)
		case column+1+n > width:
			b.WriteString("\n" + strings.Repeat(" ", len(prefix)))
			column = len(prefix)
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += n
	}
	b.WriteByte('\n')
}
