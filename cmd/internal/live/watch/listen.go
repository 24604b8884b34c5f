package watch

import (
	"context"
	"errors"
	"io"
	"net/netip"
	"sync"

	"github.com/telltale-net/telltale/cmd/internal/live"
	"github.com/telltale-net/telltale/cmd/internal/live/window"
	"github.com/telltale-net/telltale/collector"
	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/topology"
)

// Listen receives reports itself, keeps none, and watches their records until ctx is
// done. Time is the system's; the loss of reports is the receiver's account. ready, where
// not nil, is called with the address that reports are received on.
func Listen(ctx context.Context, out io.Writer, cfg collector.Config, fabric topology.Fabric, opt Options, ready func(netip.AddrPort)) (Summary, error) {
	var sum Summary
	if err := opt.Check(); err != nil {
		return sum, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var analysis *live.Live
	c, err := collector.New(cfg, collector.Deps{Sink: func(batch []postcard.Record) { analysis.Observe(batch) }, Ready: ready})
	if err != nil {
		return sum, err
	}
	p := printer{out: out, format: opt.Format}
	var failed error // of writing
	analysis, err = live.New(fabric, live.Config{Rate: opt.Rate, Window: window.Config{Length: opt.Length}}, live.Deps{
		ReportLoss: c.Loss,
		OnWindow: func(w *window.Window) {
			sum.Windows++
			sum.Last = w
			if failed == nil {
				if failed = p.window(w); failed != nil {
					cancel()
				}
			}
		},
	})
	if err != nil {
		return sum, err
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var wg sync.WaitGroup
	var ended error
	wg.Go(func() { ended = analysis.Run(running) })
	err = c.Run(ctx)
	stop() // all that was received has been observed
	wg.Wait()
	s := c.Snapshot()
	sum.Records = s.Sum.Records
	return sum, errors.Join(err, ended, failed)
}
