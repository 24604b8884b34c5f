package exposition

import (
	"math"
	"strings"

	"github.com/VictoriaMetrics/VictoriaMetrics/lib/prompb"
)

// marker is the NaN that says that a series has ended.
var marker = math.Float64frombits(0x7ff0000000000002)

// IsStale reports whether a value is the marker of a series' end.
func IsStale(v float64) bool { return math.Float64bits(v) == 0x7ff0000000000002 }

// Stale remembers the series that there were last. The zero Stale remembers none. It is
// not safe for concurrent use.
type Stale struct{ last map[string][]prompb.Label }

// Ended returns an end marker at a time (ms) for each series that was in the call before
// and is not in this one.
func (s *Stale) Ended(now []prompb.TimeSeries, at int64) []prompb.TimeSeries {
	next := make(map[string][]prompb.Label, len(now))
	var key strings.Builder
	for i := range now {
		key.Reset()
		for _, l := range now[i].Labels {
			key.WriteString(l.Name)
			key.WriteByte(0)
			key.WriteString(l.Value)
			key.WriteByte(0)
		}
		k := key.String()
		next[k] = now[i].Labels
		delete(s.last, k)
	}
	var ended []prompb.TimeSeries
	for _, labels := range s.last {
		ended = append(ended, prompb.TimeSeries{Labels: labels, Samples: []prompb.Sample{{Value: marker, Timestamp: at}}})
	}
	s.last = next
	return ended
}
