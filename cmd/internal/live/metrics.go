package live

import (
	"bufio"
	"fmt"
	"io"

	"github.com/telltale-net/telltale/analyzers/incident"
)

// WriteMetrics writes the counts in the Prometheus text format (telltale_live_…).
func (l *Live) WriteMetrics(w io.Writer) error {
	b := bufio.NewWriter(w)
	one := func(name, kind string, v any) {
		fmt.Fprintf(b, "# TYPE telltale_live_%s %s\ntelltale_live_%s %v\n", name, kind, name, v)
	}
	c := &l.counts
	one("records_offered_total", "counter", c.offered.Load())
	one("records_taken_total", "counter", c.taken.Load())
	one("records_shed_total", "counter", c.shed.Load())
	one("records_late_total", "counter", c.late.Load())
	one("packets_per_packet_taken", "gauge", l.OnePacketIn())
	one("windows_total", "counter", c.windows.Load())
	one("windows_without_blame_total", "counter", c.unblamed.Load())
	fmt.Fprintf(b, "# TYPE telltale_live_finding_events_total counter\n")
	for t := incident.Opened; t <= incident.Closed; t++ {
		fmt.Fprintf(b, "telltale_live_finding_events_total{event=%q} %d\n", t.String(), c.events[t].Load())
	}
	r := l.Results()
	fmt.Fprintf(b, "# TYPE telltale_live_finding gauge\n")
	for i := range r.Findings {
		f := &r.Findings[i]
		fmt.Fprintf(b, "telltale_live_finding{id=%q,kind=%q,node=%q,port=\"%d\",peer=%q} %v\n", f.ID, f.Kind, f.Place.Node, f.Place.Port, f.Place.Peer, f.Confidence)
	}
	if w := r.Window; w != nil {
		one("report_loss", "gauge", w.ReportLoss)
		if w.Blame != nil {
			fmt.Fprintf(b, "# TYPE telltale_live_blame_probability gauge\n")
			for i := range w.Blame.Links {
				if x := &w.Blame.Links[i]; x.Probability != nil && *x.Probability >= 0.05 {
					fmt.Fprintf(b, "telltale_live_blame_probability{link=%q} %v\n", x.Link, *x.Probability)
				}
			}
		}
	}
	fmt.Fprintf(b, "# TYPE telltale_live_link_packets_total counter\n")
	for _, x := range r.Losses {
		fmt.Fprintf(b, "telltale_live_link_packets_total{node=%q,port=\"%d\",peer=%q} %d\n", x.Node, x.Port, x.Peer, x.Sent)
	}
	fmt.Fprintf(b, "# TYPE telltale_live_link_packets_lost_total counter\n")
	for _, x := range r.Losses {
		fmt.Fprintf(b, "telltale_live_link_packets_lost_total{node=%q,port=\"%d\",peer=%q} %d\n", x.Node, x.Port, x.Peer, x.Lost)
	}
	return b.Flush()
}
