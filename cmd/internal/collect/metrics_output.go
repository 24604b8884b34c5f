package collect

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/VictoriaMetrics/VictoriaMetrics/lib/prompb"

	"github.com/telltale-net/telltale/collector/aggregate"
	"github.com/telltale-net/telltale/collector/exposition"
	"github.com/telltale-net/telltale/collector/metricstore"
	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/collector/remotewrite"
	"github.com/telltale-net/telltale/collector/series"
)

// metricsOutput adds the sums of records to /metrics, and now and then gives all that
// /metrics shows to the store of this process and to servers, which so have the same.
type metricsOutput struct {
	interval time.Duration
	labels   []prompb.Label
	names    series.Names
	from     *source
	store    *metricstore.Store // nil = none
	failed   error              // why there is none, where there should be
	clients  []*remotewrite.Client

	stale exposition.Stale // of Run alone
	since time.Time        // when metadata were last sent; of Run alone
	bad   atomic.Uint64    // lines of /metrics that could not be read
	told  bool             // that there were some; of Run alone
}

func (o *metricsOutput) Name() string              { return "metrics" }
func (o *metricsOutput) Observe([]postcard.Record) {}

// Close closes what Open has opened.
func (o *metricsOutput) Close() error {
	var errs []error
	if o.store != nil {
		o.store.Close()
	}
	for _, c := range o.clients {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

// Run gives out the metrics, and a last time at the end, after which all series end.
func (o *metricsOutput) Run(ctx context.Context) error {
	sending, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var senders sync.WaitGroup
	failed := make([]error, len(o.clients))
	for i, c := range o.clients {
		senders.Go(func() { failed[i] = c.Run(sending) })
	}
	tick := time.NewTicker(o.interval)
	defer tick.Stop()
	for done := false; !done; {
		select {
		case now := <-tick.C:
			o.give(now)
			o.from.Sums.with(func(t *aggregate.Table) { t.Turn() })
		case <-ctx.Done():
			now := time.Now()
			o.give(now)
			o.write(o.stale.Ended(nil, now.UnixMilli()+1), nil)
			done = true
		}
	}
	stop()
	senders.Wait()
	if o.store != nil {
		o.store.Close()
	}
	return errors.Join(failed...)
}

// give gives out all that /metrics shows, and the ends of series that it does not any
// more.
func (o *metricsOutput) give(now time.Time) {
	if o.store == nil && len(o.clients) == 0 {
		return
	}
	var text strings.Builder
	if err := o.from.Metrics(&text); err != nil {
		panic("BUG: metrics were not written to memory: " + err.Error())
	}
	m, err := exposition.Parse(text.String(), exposition.Config{Time: now.UnixMilli(), Labels: o.labels, Rename: o.rename})
	if o.bad.Add(uint64(m.Bad)); err != nil && !o.told {
		o.told = true
		o.from.Log.Error("some metrics are not given out", "lines", m.Bad, "error", err)
	}
	m.Series = append(m.Series, o.stale.Ended(m.Series, now.UnixMilli())...)
	if now.Sub(o.since) < metadataInterval {
		m.Metadata = nil
	} else {
		o.since = now
	}
	o.write(m.Series, m.Metadata)
}

// metadataInterval is how often it is said what the metrics are.
const metadataInterval = 5 * time.Minute

// write gives series to the store and the queues, which count what they cannot take.
func (o *metricsOutput) write(all []prompb.TimeSeries, metadata []prompb.MetricMetadata) {
	var errs []error
	if o.store != nil {
		errs = append(errs, o.store.Write(all, metadata))
	}
	for _, c := range o.clients {
		errs = append(errs, c.Send(all, metadata))
	}
	if err := errors.Join(errs...); err != nil {
		o.from.Log.Error("some metrics are not given out", "error", err)
	}
}

// rename puts the names of nodes in place of their numbers, where metrics of streams and
// clocks have those.
func (o *metricsOutput) rename(_, label, value string) string {
	if label != "node" && label != "reference" {
		return value
	}
	id, err := strconv.ParseUint(value, 10, 32)
	if err != nil {
		return value
	}
	return o.names.Node(postcard.NodeID(id))
}

// WriteMetrics writes the sums of records, and what became of the metrics given out.
func (o *metricsOutput) WriteMetrics(w io.Writer) error {
	var copied *aggregate.Table
	o.from.Sums.with(func(t *aggregate.Table) { copied = t.Clone() })
	if err := series.Write(w, copied, &o.names); err != nil {
		return err
	}
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "# TYPE telltale_metrics_bad_lines_total counter\ntelltale_metrics_bad_lines_total %d\n", o.bad.Load())
	if o.store != nil {
		s := o.store.Stats()
		fmt.Fprintf(b, "# TYPE telltale_metrics_store_samples_total counter\ntelltale_metrics_store_samples_total %d\n", s.Samples)
		fmt.Fprintf(b, "# TYPE telltale_metrics_store_samples_refused_total counter\ntelltale_metrics_store_samples_refused_total %d\n", s.Refused)
	}
	if err := b.Flush(); err != nil {
		return err
	}
	if len(o.clients) == 0 {
		return nil
	}
	return remotewrite.WriteMetrics(w, o.clients)
}

// Ready returns why the store or a server does not get the metrics, or nil.
func (o *metricsOutput) Ready() error {
	errs := []error{o.failed}
	if o.store != nil {
		errs = append(errs, o.store.Ready())
	}
	for _, c := range o.clients {
		errs = append(errs, c.Ready())
	}
	return errors.Join(errs...)
}

// Mount adds PromQL and vmui.
func (o *metricsOutput) Mount(mux *http.ServeMux) {
	if o.store == nil {
		return
	}
	h := o.store.Handler()
	for _, path := range []string{"/api/v1/", "/vmui", "/vmui/", "/prettify-query", "/expand-with-exprs"} {
		mux.Handle(path, h)
	}
}
