package remotewrite

import (
	"github.com/VictoriaMetrics/VictoriaMetrics/lib/prompb"
	"github.com/klauspost/compress/snappy"
)

// Request is a body to be posted.
type Request struct {
	Body    []byte
	Samples int
}

// Requests returns the requests that carry the series and the metadata: at most so many
// samples in each (a series is not divided), the metadata in the first.
func Requests(series []prompb.TimeSeries, metadata []prompb.MetricMetadata, samples int) []Request {
	var all []Request
	var buf []byte
	for len(series) > 0 || len(metadata) > 0 {
		n, in := 0, 0
		for n < len(series) && (n == 0 || in+len(series[n].Samples) <= samples) {
			in += len(series[n].Samples)
			n++
		}
		wr := prompb.WriteRequest{Timeseries: series[:n], Metadata: metadata}
		buf = wr.MarshalProtobuf(buf[:0])
		all = append(all, Request{snappy.Encode(nil, buf), in})
		series, metadata = series[n:], nil
	}
	return all
}
