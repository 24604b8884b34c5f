package collect

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"time"

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
	listener net.Listener

	refused atomic.Pointer[string] // why the tree did not take all of the last refresh, nil = it did
}

func (o *gnmiOutput) Name() string              { return "gnmi" }
func (o *gnmiOutput) Address() string           { return o.listener.Addr().String() }
func (o *gnmiOutput) Close() error              { return o.listener.Close() }
func (o *gnmiOutput) Observe([]postcard.Record) {}

// Run serves, and brings the tree up to date now and then, and a last time at the end.
func (o *gnmiOutput) Run(ctx context.Context) error {
	o.fill()
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	served := make(chan error, 1)
	go func() { served <- o.server.Run(serving, o.listener) }()
	tick := time.NewTicker(o.refresh)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			o.fill()
		case err := <-served:
			return err
		case <-ctx.Done():
			o.fill()
			stop()
			return <-served
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
	o.apply(now, batches...)
}

// apply gives batches to the tree.
func (o *gnmiOutput) apply(now int64, batches ...model.Batch) {
	var refused *string
	for _, b := range batches {
		if err := b.Apply(o.tree, now); err != nil {
			text := err.Error()
			refused = &text
		}
	}
	o.refused.Store(refused)
}

// node names a node: its target.
func (o *gnmiOutput) node(id postcard.NodeID) string {
	n, ok := o.from.Topology.NodeByID(uint32(id))
	if !ok {
		return ""
	}
	return n.Name
}

// reasonName names a drop reason of p4src, "" where it has no name there.
func reasonName(reason uint8) string { return p4src.DropReasonName(reason) }

// Ready says what is missing in the tree.
func (o *gnmiOutput) Ready() error {
	if why := o.refused.Load(); why != nil {
		return fmt.Errorf("some values are not served: %s", *why)
	}
	return nil
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
	return b.Flush()
}
