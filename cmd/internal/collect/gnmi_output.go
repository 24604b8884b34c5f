package collect

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync/atomic"
	"time"

	"github.com/telltale-net/telltale/cmd/internal/live"
	"github.com/telltale-net/telltale/collector/aggregate"
	"github.com/telltale-net/telltale/collector/gnmi"
	"github.com/telltale-net/telltale/collector/gnmi/model"
	"github.com/telltale-net/telltale/collector/gnmi/tree"
	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/p4src"
)

// gnmiOutput serves what the collector knows over gNMI. It takes no records itself: their
// sums are the collector's.
type gnmiOutput struct {
	target   string
	refresh  time.Duration
	from     *source
	tree     *tree.Tree
	server   *gnmi.Server
	listener net.Listener // nil = nobody is served
	devices  []*device
	told     *live.Results // that are in the tree; of Run alone

	asked   atomic.Pointer[[]model.Asked]
	refused atomic.Pointer[string] // why the tree did not take all of the last refresh, nil = it did
}

func (o *gnmiOutput) Name() string              { return "gnmi" }
func (o *gnmiOutput) Observe([]postcard.Record) {}

// gnmiServing is a gnmiOutput that listens.
type gnmiServing struct{ *gnmiOutput }

func (o *gnmiServing) Address() string { return o.listener.Addr().String() }
func (o *gnmiServing) Close() error    { return o.listener.Close() }

// Run serves, asks the devices, and brings the tree up to date now and then, and a last
// time at the end.
func (o *gnmiOutput) Run(ctx context.Context) error {
	o.fill()
	working, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	ended := make(chan error, 2)
	parts := 0
	if o.listener != nil {
		parts++
		go func() { ended <- o.server.Run(working, o.listener) }()
	}
	if len(o.devices) > 0 {
		parts++
		go func() { ended <- askDevices(working, o.devices) }()
	}
	end := func(err error) error {
		stop()
		for range parts {
			err = errors.Join(err, <-ended)
		}
		return err
	}
	tick := time.NewTimer(o.refresh)
	defer tick.Stop()
	for {
		select {
		case begun := <-tick.C:
			o.fill()
			// Where there is much to tell it is told more rarely, so as not to take more than a
			// tenth of the time, but for a machine that has none.
			tick.Reset(min(max(o.refresh, 9*time.Since(begun)), 10*o.refresh))
		case <-o.from.News:
			if refused := o.apply(time.Now().UnixNano(), o.news()); refused != nil {
				o.refused.Store(refused)
			}
		case err := <-ended:
			parts--
			return end(err)
		case <-ctx.Done():
			o.fill()
			return end(nil)
		}
	}
}

// fill brings the tree up to date.
func (o *gnmiOutput) fill() {
	now := time.Now().UnixNano()
	s := o.from.Snapshot()
	var sums model.Postcards
	o.from.Sums.with(func(t *aggregate.Table) { sums = model.Sums(t) })
	log := &model.Log{Stored: s.Log.Stored, Shed: s.Log.Shed, InFlight: s.InFlight, Alarm: s.Log.Alarm}
	batches := []model.Batch{
		model.Collector(o.target, &s.Collector, log),
		sums.Batch(o.target, reasonName),
		model.Clocks(o.target, s.Aligned),
	}
	if o.from.Topology != nil {
		batches = append(batches, model.Devices(sums.Devices(o.node, reasonName)))
	}
	if len(o.devices) > 0 {
		asked := compare(now, o.tree, o.devices, &sums)
		o.asked.Store(&asked)
		batches = append(batches, model.Joined(o.target, asked))
	}
	o.refused.Store(o.apply(now, append(batches, o.news()...)))
}

// news returns what the analysis has found since it was last asked.
func (o *gnmiOutput) news() []model.Batch {
	if o.from.Live == nil {
		return nil
	}
	r := o.from.Live.Results()
	if r == o.told {
		return nil
	}
	o.told = r
	batches, err := news(o.target, r)
	if err != nil {
		o.from.Log.Error("a finding cannot be served over gNMI", "error", err)
	}
	return batches
}

// apply gives batches to the tree and returns why it did not take all, nil = it did.
func (o *gnmiOutput) apply(now int64, batches []model.Batch) (refused *string) {
	for _, b := range batches {
		if err := b.Apply(o.tree, now); err != nil {
			text := err.Error()
			refused = &text
		}
	}
	return refused
}

// node names a node, which is its target; "" where the topology does not name it, or
// where it speaks for itself.
func (o *gnmiOutput) node(id postcard.NodeID) string {
	n, ok := o.from.Topology.NodeByID(uint32(id))
	if !ok || slices.ContainsFunc(o.devices, func(d *device) bool { return d.name == n.Name }) {
		return ""
	}
	return n.Name
}

// reasonName names a drop reason of p4src, "" where it has no name there.
func reasonName(reason uint8) string { return p4src.DropReasonName(reason) }

// Ready says what is missing in the tree, and which devices are silent.
func (o *gnmiOutput) Ready() error {
	var errs []error
	if why := o.refused.Load(); why != nil {
		errs = append(errs, fmt.Errorf("some values are not served: %s", *why))
	}
	for _, d := range o.devices {
		switch s := d.Status(); {
		case s.Alive == 0:
			errs = append(errs, fmt.Errorf("device %s at %s tells nothing: %s", s.Name, s.Address, s.Error))
		case s.Stale:
			errs = append(errs, fmt.Errorf("device %s at %s has ceased to tell some of what it did: %s", s.Name, s.Address, s.Error))
		}
	}
	return errors.Join(errs...)
}

func (o *gnmiOutput) WriteMetrics(w io.Writer) error {
	b := bufio.NewWriter(w)
	s := o.server.Stats()
	for _, m := range []struct {
		name, kind string
		v          uint64
	}{
		{"subscribers", "gauge", s.Subscribers},
		{"subscribers_cut_total", "counter", s.Cut},
		{"unauthenticated_total", "counter", s.Unauthenticated},
		{"updates_total", "counter", s.Updates},
		{"values_coalesced_total", "counter", s.Coalesced},
		{"leaves", "gauge", uint64(o.tree.Leaves())},
		{"leaves_refused_total", "counter", o.tree.Refused()},
	} {
		fmt.Fprintf(b, "# TYPE telltale_gnmi_%s %s\ntelltale_gnmi_%s %d\n", m.name, m.kind, m.name, m.v)
	}
	if asked := o.asked.Load(); asked != nil {
		writeDevices(b, *asked)
	}
	return b.Flush()
}
