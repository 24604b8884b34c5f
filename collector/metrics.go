package collector

import (
	"bufio"
	"fmt"
	"io"

	"github.com/telltale-net/telltale/collector/report"
	"github.com/telltale-net/telltale/collector/report/perhop"
	"github.com/telltale-net/telltale/collector/sequence"
)

// WriteMetrics writes a snapshot in the Prometheus text format. There are eight
// series per stream, so at most eight times Config.Sources of those.
func (s *Snapshot) WriteMetrics(w io.Writer) error {
	m := metricWriter{b: bufio.NewWriter(w)}

	m.family("datagrams_total", "counter").put("", s.Datagrams)
	m.family("bytes_total", "counter").put("", s.Bytes)
	m.family("datagrams_rejected_total", "counter").put("", s.Rejected)
	m.family("malformed_total", "counter")
	for c := range report.Causes {
		m.put(fmt.Sprintf("{cause=%q}", c.Name()), s.Causes[c])
	}
	m.family("trailing_bytes_total", "counter").put("", s.Trailing)
	m.family("reports_total", "counter").put("", s.Sum.Reports)
	m.family("reports_skipped_total", "counter").put("", s.Sum.Skipped)
	m.family("records_total", "counter").put("", s.Sum.Records)
	m.family("datagrams_guessed_total", "counter").put("", s.Guessed)
	m.inband(&s.Inband)
	m.family("records_given_total", "counter").put("", s.Given)
	m.family("records_shed_total", "counter").put("", s.Sum.Shed)
	m.family("sequence_total", "counter")
	for k := range sequence.Kinds {
		m.put(fmt.Sprintf("{kind=%q}", k), s.Sum.Kinds[k])
	}
	m.family("streams", "gauge").put("", uint64(len(s.Sources)))
	m.family("streams_evicted_total", "counter").put("", s.Evicted)
	m.family("queued_batches", "gauge").put("", uint64(s.Queued))

	m.sockets("socket_received_total", "counter", s.Sockets, func(k *SocketStats) (uint64, bool) { return k.Received, true })
	m.sockets("socket_kernel_drops_total", "counter", s.Sockets, func(k *SocketStats) (uint64, bool) { return k.KernelDrops, k.KernelCounts })
	m.sockets("socket_cut_total", "counter", s.Sockets, func(k *SocketStats) (uint64, bool) { return k.Cut, true })
	m.sockets("socket_errors_total", "counter", s.Sockets, func(k *SocketStats) (uint64, bool) { return k.Errors, true })
	m.sockets("socket_receive_buffer_bytes", "gauge", s.Sockets, func(k *SocketStats) (uint64, bool) { return uint64(k.ReceiveBuffer), true })

	m.sources("source_datagrams_total", "counter", s.Sources, func(o *sequence.Source) uint64 { return o.Datagrams })
	m.sources("source_reports_total", "counter", s.Sources, func(o *sequence.Source) uint64 { return o.Reports })
	m.sources("source_shed_total", "counter", s.Sources, func(o *sequence.Source) uint64 { return o.Shed })
	m.sources("source_restarts_total", "counter", s.Sources, func(o *sequence.Source) uint64 { return o.Kinds[sequence.Restart] })
	m.sources("source_duplicates_total", "counter", s.Sources, func(o *sequence.Source) uint64 { return o.Kinds[sequence.Duplicate] })
	m.sources("source_malformed_total", "counter", s.Sources, func(o *sequence.Source) uint64 { return o.Malformed })
	m.family("source_profile", "gauge")
	for i := range s.Sources {
		o := &s.Sources[i]
		name, guess := Profile(o)
		m.put(fmt.Sprintf("{%s,profile=%q,guessed=\"%t\"}", streamLabels(o), name, guess), 1)
	}
	// A gap may yet be filled by late datagrams: this one can go down.
	m.sources("source_lost_datagrams", "gauge", s.Sources, func(o *sequence.Source) uint64 { return uint64(max(o.Lost, 0)) })
	return m.b.Flush()
}

// metricWriter writes one family of series after another. bufio keeps the first
// error for Flush.
type metricWriter struct {
	b    *bufio.Writer
	name string
}

func (m *metricWriter) family(name, kind string) *metricWriter {
	m.name = "telltale_collector_" + name
	fmt.Fprintf(m.b, "# TYPE %s %s\n", m.name, kind)
	return m
}

func (m *metricWriter) put(labels string, v uint64) {
	fmt.Fprintf(m.b, "%s%s %d\n", m.name, labels, v)
}

func (m *metricWriter) sockets(name, kind string, all []SocketStats, f func(*SocketStats) (uint64, bool)) {
	m.family(name, kind)
	for i := range all {
		if v, ok := f(&all[i]); ok {
			m.put(fmt.Sprintf("{socket=\"%d\",address=%q}", i, all[i].Address), v)
		}
	}
}

func (m *metricWriter) sources(name, kind string, all []sequence.Source, f func(*sequence.Source) uint64) {
	m.family(name, kind)
	for i := range all {
		o := &all[i]
		m.put("{"+streamLabels(o)+"}", f(o))
	}
}

func streamLabels(o *sequence.Source) string {
	return fmt.Sprintf("source=%q,node=\"%d\",hw_id=\"%d\",version=\"%d\"", o.Source, o.Node, o.HwID, o.Version)
}

func (m *metricWriter) inband(c *perhop.Counts) {
	m.family("inband_total", "counter")
	for _, v := range []struct {
		kind string
		n    uint64
	}{
		{"stack", c.Stacks}, {"unannounced", c.Unannounced}, {"hop", c.Hops}, {"nameless_hop", c.Nameless}, {"cut", c.Cut},
		{"bad", c.Bad}, {"sniffed", c.Sniffed}, {"flipped_shim", c.Flipped}, {"unknown_inner", c.Unknown},
	} {
		m.put(fmt.Sprintf("{kind=%q}", v.kind), v.n)
	}
}
