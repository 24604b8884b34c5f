package export

import (
	"bufio"
	"fmt"
	"io"
)

// WriteMetrics writes the counts in the Prometheus text format (telltale_ipfix_…).
func (e *Exporter) WriteMetrics(w io.Writer) error {
	s := e.Stats()
	b := bufio.NewWriter(w)
	for _, m := range []struct {
		name, kind string
		v          uint64
	}{
		{"flows", "gauge", uint64(s.Cache.Flows)},
		{"records_total", "counter", s.Cache.Observed},
		{"records_nameless_total", "counter", s.Cache.Nameless},
		{"flows_evicted_total", "counter", s.Cache.Evicted},
		{"flows_sent_total", "counter", s.Exported.Flows},
		{"flows_not_sent_total", "counter", s.Exported.NotSent},
		{"packets_not_sent_total", "counter", s.Exported.NotSentPackets},
		{"messages_total", "counter", s.Exported.Messages},
		{"bytes_total", "counter", s.Exported.Octets},
		{"connections_total", "counter", s.Connections},
		{"errors_total", "counter", s.Errors},
	} {
		fmt.Fprintf(b, "# TYPE telltale_ipfix_%s %s\ntelltale_ipfix_%s %d\n", m.name, m.kind, m.name, m.v)
	}
	return b.Flush()
}
