package watch

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/telltale-net/telltale/analyzers/blame"
	"github.com/telltale-net/telltale/cmd/internal/live/window"
)

// printer writes windows.
type printer struct {
	out    io.Writer
	format Format
}

// window writes one window:
//
//	2026-11-22T03:00:00.000Z +1s  8011 packets, 12 lost silently, 3 with a reason; 0.10 % of the reports lost
//	  bad      spine1>leaf1   probability 0.9998  loses 1.1 %   12 of 1093 packets vanished
func (p *printer) window(w *window.Window) error {
	var b bytes.Buffer
	if p.format == JSON {
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false) // links are named with '>'
		if err := enc.Encode(w); err != nil {
			return fmt.Errorf("cannot write a window: %w", err)
		}
	} else {
		text(&b, w)
	}
	if _, err := p.out.Write(b.Bytes()); err != nil {
		return fmt.Errorf("cannot write a window: %w", err)
	}
	return nil
}

func text(b *bytes.Buffer, w *window.Window) {
	fmt.Fprintf(b, "%s +%v  ", time.Unix(0, w.From).UTC().Format("2006-01-02T15:04:05.000Z"), time.Duration(w.To-w.From))
	if w.Level > 0 {
		fmt.Fprintf(b, "of about %d records %d analysed; ", w.Records, w.Taken)
	}
	if w.Blame == nil {
		fmt.Fprintf(b, "%d records shed, %d late, or too many: nobody is blamed\n", w.Shed, w.Late)
		return
	}
	announced := uint64(0)
	for _, n := range w.Packets.Announced {
		announced += n
	}
	fmt.Fprintf(b, "%d packets, %d lost silently, %d dropped with a reason", w.Packets.Packets, w.Packets.Lost, announced)
	if w.Packets.Undecided > 0 {
		fmt.Fprintf(b, ", %d not known", w.Packets.Undecided)
	}
	fmt.Fprintf(b, "; %.2f %% of the reports lost\n", 100*w.ReportLoss)
	for _, d := range w.Blame.Devices {
		fmt.Fprintf(b, "  %-8s device %-16s probability %.4f  loses %s\n", d.Verdict, d.Device, d.Probability, percent(d.LossRate))
	}
	for _, g := range w.Blame.RiskGroups {
		fmt.Fprintf(b, "  %d of the %d links of %s, one cause with probability %.2f:\n", len(g.Links), g.Of, g.Device, g.Probability)
	}
	for i := range w.Blame.Links {
		l := &w.Blame.Links[i]
		if l.Verdict == blame.Good {
			continue
		}
		fmt.Fprintf(b, "  %-8s %-23s probability %.4f  loses %s%s\n", l.Verdict, l.Link, *l.Probability, percent(l.LossRate), evidence(w, l))
	}
}

// evidence says what a link's switches themselves said of it.
func evidence(w *window.Window, l *blame.LinkResult) string {
	var out strings.Builder
	if l.Device != "" {
		fmt.Fprintf(&out, "  as all of %s", l.Device)
	}
	if l.Kind != "" && l.KindProbability != nil {
		fmt.Fprintf(&out, "  %s %.2f", l.Kind, *l.KindProbability)
	}
	for _, x := range w.Links {
		if x.Node+">"+x.Peer == l.Link {
			fmt.Fprintf(&out, "  %d of %d packets vanished there", x.Lost, x.Sent)
			if x.Dropped > 0 {
				fmt.Fprintf(&out, ", %d more were dropped by %s before", x.Dropped, x.Node)
			}
			if x.ReportLoss > 0 {
				fmt.Fprintf(&out, " (%.2f %% of the reports of %s are lost)", 100*x.ReportLoss, x.Peer)
			}
		}
	}
	return out.String()
}

// percent writes a share with two digits.
func percent(x float64) string { return fmt.Sprintf("%.2g %%", 100*x) }
