package collect

import (
	"io"
	"maps"
	"sync"

	"github.com/telltale-net/telltale/analyzers"
	"github.com/telltale-net/telltale/analyzers/flowset/postcards"
	"github.com/telltale-net/telltale/cmd/internal/flowsetout"
	"github.com/telltale-net/telltale/cmd/internal/live/window"
	"github.com/telltale-net/telltale/collector/series"
)

// flowSets tells of every epoch which links lost how many packets of which flows, off the
// records that live analyses (live.Beside): the same choice of packets, and what is shed
// there is shed here.
type flowSets struct {
	epochs *postcards.Epochs // live's, as are the next ones
	last   int64             // when the latest record was received
	shed   bool              // records were, behind it
	uses   []func(*postcards.Epoch)

	mu      sync.Mutex
	sum     postcards.Totals
	stats   postcards.Stats
	second  int64                  // of the latest epochs
	covered [2]flowsetout.Coverage // in this second, and in the one before
}

// newFlowSets returns the flow sets of a network of which so many records a second are
// looked at.
func newFlowSets(net *analyzers.Network, rate int) *flowSets {
	return &flowSets{epochs: postcards.New(net, postcards.Config{Told: true, MaxPackets: min(max(2*rate, 1<<12), 1<<20)})}
}

// each has every epoch handed to a function, which must not wait; counts asks for every
// flow's packets at every node. To be called before records come.
func (f *flowSets) each(use func(*postcards.Epoch), counts bool) {
	f.uses = append(f.uses, use)
	if counts {
		f.epochs.Count()
	}
}

func (f *flowSets) Observe(b *window.Batch) {
	f.shed = f.shed || b.Shed > 0
	if f.shed && len(b.Records) > 0 {
		f.epochs.Torn(f.last, b.Records[0].Received, postcards.Shed)
		f.shed = false
	}
	f.epochs.SetLevel(b.Level)
	for _, h := range b.Holes {
		f.epochs.Missing(h.Node, h.From, h.Until, uint64(h.Missing))
	}
	for i := range b.Records {
		f.epochs.Observe(&b.Records[i])
		f.last = max(f.last, b.Records[i].Received)
	}
}

func (f *flowSets) Advance(now int64) { f.take(f.epochs.Advance(now)) }
func (f *flowSets) Flush()            { f.take(f.epochs.Flush()) }

func (f *flowSets) take(all []*postcards.Epoch) {
	f.mu.Lock()
	f.stats = f.epochs.Stats()
	for _, e := range all {
		f.sum.Add(e)
		if second := e.From / 1e9; second > f.second {
			f.second, f.covered[1], f.covered[0] = second, f.covered[0], flowsetout.Coverage{}
		}
		f.covered[0].Add(e)
	}
	f.mu.Unlock()
	for _, e := range all {
		for _, use := range f.uses {
			use(e)
		}
	}
}

// WriteMetrics writes the sums (telltale_flowset_…).
func (f *flowSets) WriteMetrics(w io.Writer) error {
	f.mu.Lock()
	c := f.covered[0]
	c.Known += f.covered[1].Known
	c.All += f.covered[1].All
	s := flowsetout.Series(&f.sum, f.stats, c, false)
	s.Looping = maps.Clone(s.Looping)
	f.mu.Unlock()
	return series.WriteFlowSets(w, s)
}
