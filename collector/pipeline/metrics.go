package pipeline

import (
	"bufio"
	"fmt"
	"io"

	"github.com/telltale-net/telltale/collector/clocks"
)

// WriteMetrics writes the counts in the Prometheus text format: those of the receiver
// (telltale_collector_…), of the log (telltale_log_…), of paths and clocks, and the
// account (telltale_account_…).
func (s *Snapshot) WriteMetrics(w io.Writer) error {
	if err := s.Collector.WriteMetrics(w); err != nil {
		return err
	}
	b := bufio.NewWriter(w)
	one := func(name, kind string, v any) {
		fmt.Fprintf(b, "# TYPE telltale_%s %s\ntelltale_%s %v\n", name, kind, name, v)
	}
	one("account_records_decoded_total", "counter", s.Records)
	one("account_records_stored_total", "counter", s.Stored)
	fmt.Fprintf(b, "# TYPE telltale_account_records_shed_total counter\n")
	fmt.Fprintf(b, "telltale_account_records_shed_total{where=\"queue\"} %d\n", s.ShedQueue)
	fmt.Fprintf(b, "telltale_account_records_shed_total{where=\"log\"} %d\n", s.ShedLog)
	one("account_records_in_flight", "gauge", s.InFlight)

	l := &s.Log
	one("log_records_appended_total", "counter", l.Appended)
	one("log_records_stored_total", "counter", l.Stored)
	one("log_records_shed_total", "counter", l.Shed)
	one("log_blocks_total", "counter", l.Blocks)
	one("log_blocks_shed_total", "counter", l.BlocksShed)
	one("log_bytes_total", "counter", l.Bytes)
	one("log_retries_total", "counter", l.Retries)
	one("log_restarts_total", "counter", l.Restarts)
	one("log_blocks_waiting", "gauge", l.Waiting)
	alarm := 0
	if l.Alarm != "" {
		alarm = 1
	}
	one("log_alarm", "gauge", alarm)

	p := &s.Paths
	one("paths_records_total", "counter", p.Seen)
	one("paths_records_chosen_total", "counter", p.Chosen)
	one("paths_records_anonymous_total", "counter", p.Anonymous)
	one("paths_packets_per_path", "gauge", uint64(1)<<p.Sampling)
	one("paths_total", "counter", p.Hops.Paths)
	one("paths_gaps_total", "counter", p.Hops.Gaps)
	one("paths_ended_early_total", "counter", p.Hops.Early)
	one("paths_records_too_long_total", "counter", p.Hops.TooLong)
	one("clock_passages_total", "counter", p.Clocks.Passages)
	one("clock_passages_late_total", "counter", p.Clocks.Late)
	one("clock_passages_beyond_total", "counter", p.Clocks.Beyond)
	one("clock_resets_total", "counter", p.Clocks.Resets)
	fmt.Fprintf(b, "# TYPE telltale_transits_total counter\n")
	for v, name := range verdicts {
		fmt.Fprintf(b, "telltale_transits_total{verdict=%q} %d\n", name, p.Transits[v])
	}
	one("transit_most_negative_ns", "gauge", p.Negative)
	if s.Aligned != nil {
		writeClocks(b, s.Aligned)
	}
	return b.Flush()
}

var verdicts = [4]string{clocks.Unaligned: "unaligned", clocks.Measured: "measured", clocks.Small: "small", clocks.Impossible: "impossible"}

func writeClocks(b *bufio.Writer, a *clocks.Aligned) {
	all := a.Clocks()
	family := func(name string, value func(*clocks.Clock) (any, bool)) {
		fmt.Fprintf(b, "# TYPE telltale_clock_%s gauge\n", name)
		for i := range all {
			if v, ok := value(&all[i]); ok {
				fmt.Fprintf(b, "telltale_clock_%s{node=\"%d\",reference=\"%d\"} %v\n", name, all[i].Node, a.Reference, v)
			}
		}
	}
	family("aligned", func(c *clocks.Clock) (any, bool) {
		if c.Aligned {
			return 1, true
		}
		return 0, true
	})
	family("offset_ns", func(c *clocks.Clock) (any, bool) { return c.Offset, c.Aligned })
	family("offset_error_ns", func(c *clocks.Clock) (any, bool) { return max(c.Start, c.End), c.Aligned })
	family("drift_ppm", func(c *clocks.Clock) (any, bool) { return c.Drift * 1e6, c.Aligned })
}
