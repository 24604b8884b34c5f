package flowsetout

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/VictoriaMetrics/VictoriaMetrics/lib/prompb"

	"github.com/telltale-net/telltale/analyzers/flowset/postcards"
	"github.com/telltale-net/telltale/collector/exposition"
	"github.com/telltale-net/telltale/collector/series"
)

// History makes time series of epochs of the past: the metrics as they would have been
// every Step, at the times of the epochs.
type History struct {
	Step    time.Duration
	Labels  []prompb.Label // of all series
	DataSet bool           // the epochs are those of a data set
	// Write takes the samples of one time, and what the metrics are the first time.
	Write func([]prompb.TimeSeries, []prompb.MetricMetadata) error

	sum   postcards.Totals
	cover Coverage
	next  int64           // when the metrics are looked at, ns; 0 = nothing was added
	known map[string]bool // series that there were
}

// Add adds an epoch. They come in the order of time, about.
func (h *History) Add(e *postcards.Epoch) error {
	step := int64(h.Step)
	if h.next == 0 {
		h.known = map[string]bool{}
		h.next = (e.From/step + 1) * step
	}
	for e.From >= h.next {
		if err := h.look(postcards.Stats{}); err != nil {
			return err
		}
		h.next += step
		if e.From >= h.next { // a time without epochs is told once
			h.next = max(h.next, e.From/step*step)
		}
	}
	h.sum.Add(e)
	h.cover.Add(e)
	return nil
}

// Close tells of the last epochs.
func (h *History) Close(s postcards.Stats) error {
	if h.next == 0 {
		return nil
	}
	return h.look(s)
}

// look writes the metrics as they are at h.next. Counters that were not there before were
// zero a step before.
func (h *History) look(s postcards.Stats) error {
	var text strings.Builder
	if err := series.WriteFlowSets(&text, Series(&h.sum, s, h.cover, h.DataSet)); err != nil {
		panic("BUG: metrics were not written to memory: " + err.Error())
	}
	h.cover = Coverage{}
	m, err := exposition.Parse(text.String(), exposition.Config{Time: h.next / 1e6, Labels: h.Labels})
	if err != nil {
		panic("BUG: " + err.Error())
	}
	before := (h.next - int64(h.Step)) / 1e6
	for i := range m.Series {
		x := &m.Series[i]
		k := string(appendSeries(nil, x.Labels))
		if h.known[k] {
			continue
		}
		if h.known[k] = true; strings.HasSuffix(nameOf(x.Labels), "_total") && x.Samples[0].Value != 0 {
			x.Samples = []prompb.Sample{{Timestamp: before}, x.Samples[0]}
		}
	}
	return h.Write(m.Series, m.Metadata)
}

func nameOf(labels []prompb.Label) string {
	for _, l := range labels {
		if l.Name == "__name__" {
			return l.Value
		}
	}
	return ""
}

var escaper = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

// appendSeries appends a series' name and labels as the Prometheus text format has them.
func appendSeries(b []byte, labels []prompb.Label) []byte {
	b = append(append(b, nameOf(labels)...), '{')
	for _, l := range labels {
		if l.Name == "__name__" {
			continue
		}
		if b[len(b)-1] != '{' {
			b = append(b, ',')
		}
		b = append(append(append(append(b, l.Name...), `="`...), escaper.Replace(l.Value)...), '"')
	}
	return append(b, '}')
}

// WriteText returns a function for History.Write that writes the Prometheus text format
// with times (ms), as VictoriaMetrics takes it at /api/v1/import/prometheus, in the order of series
// at each time.
func WriteText(w io.Writer) func([]prompb.TimeSeries, []prompb.MetricMetadata) error {
	return func(all []prompb.TimeSeries, _ []prompb.MetricMetadata) error {
		lines := make([]string, 0, len(all))
		for i := range all {
			var b []byte
			name := appendSeries(nil, all[i].Labels)
			for _, s := range all[i].Samples {
				b = append(append(b, name...), ' ')
				b = strconv.AppendFloat(b, s.Value, 'g', -1, 64)
				b = strconv.AppendInt(append(b, ' '), s.Timestamp, 10)
				b = append(b, '\n')
			}
			lines = append(lines, string(b))
		}
		slices.Sort(lines)
		if _, err := io.WriteString(w, strings.Join(lines, "")); err != nil {
			return fmt.Errorf("cannot write the metrics: %w", err)
		}
		return nil
	}
}
