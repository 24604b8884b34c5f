package remotewrite

import (
	"bufio"
	"fmt"
	"io"
)

// WriteMetrics writes the counts of clients in the Prometheus text format
// (telltale_remote_write_…). The label url has no query and no user.
func WriteMetrics(w io.Writer, all []*Client) error {
	b := bufio.NewWriter(w)
	stats := make([]Stats, len(all))
	for i, c := range all {
		stats[i] = c.Stats()
	}
	family := func(name, kind string, value func(*Stats) any) {
		fmt.Fprintf(b, "# TYPE telltale_remote_write_%s %s\n", name, kind)
		for i, c := range all {
			fmt.Fprintf(b, "telltale_remote_write_%s{url=%q} %v\n", name, c.name, value(&stats[i]))
		}
	}
	family("requests_total", "counter", func(s *Stats) any { return s.Requests })
	family("samples_total", "counter", func(s *Stats) any { return s.Samples })
	family("bytes_total", "counter", func(s *Stats) any { return s.Bytes })
	family("retries_total", "counter", func(s *Stats) any { return s.Retries })
	family("requests_rejected_total", "counter", func(s *Stats) any { return s.Rejected })
	family("samples_rejected_total", "counter", func(s *Stats) any { return s.RejectedSamples })
	family("samples_dropped_total", "counter", func(s *Stats) any { return s.Queue.DroppedSamples })
	family("samples_refused_total", "counter", func(s *Stats) any { return s.Queue.RefusedSamples })
	family("queue_damaged_bytes_total", "counter", func(s *Stats) any { return s.Queue.Damaged })
	family("queue_requests", "gauge", func(s *Stats) any { return s.Queue.Records })
	family("queue_samples", "gauge", func(s *Stats) any { return s.Queue.Samples })
	family("queue_bytes", "gauge", func(s *Stats) any { return s.Queue.Bytes })
	family("last_taken_timestamp_seconds", "gauge", func(s *Stats) any {
		if s.LastTaken.IsZero() {
			return 0
		}
		return fmt.Sprintf("%.3f", float64(s.LastTaken.UnixMilli())/1e3)
	})
	return b.Flush()
}
