package differ

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"

	"github.com/telltale-net/telltale/bmv2/randpkt"
	"github.com/telltale-net/telltale/bmv2/runner"
)

// Config is a comparison.
type Config struct {
	runner.Setup
	// Start starts a judge. It is called again if the judge has died, and for a second one
	// beside it.
	Start  func(ctx context.Context) (Judge, error)
	Inputs []runner.Input // packets given; nil = random ones
	Random int            // random packets
	Seed   uint64
	// Entries without a file are random, too.
	RandomEntries bool
	Ports         []uint16 // of random packets and entries; nil = 0 to 7
	// Patience is how long the judge may take for a stream of packets, 0 = 30 s.
	Patience time.Duration
	Report   func(*Difference) error // hears of every difference, and of every death of the judge
	Progress func(packets int)       // hears of packets compared; may be nil
}

// Run compares. Differences are no error; the error says what could not be compared.
func Run(ctx context.Context, cfg Config) (Summary, error) {
	if cfg.Patience == 0 {
		cfg.Patience = 30 * time.Second
	}
	p := cfg.Program.Engine.Spec()
	d := &differ{cfg: cfg, needs: needsOf(p), cover: newCoverage(p), killers: map[kind]*record{}, strays: map[uint64]*record{}}
	d.sum.Excluded = map[string]int{}
	err := d.run(ctx)
	if err != nil {
		err = fmt.Errorf("cannot compare: %w", err)
	}
	return d.sum, err
}

type differ struct {
	cfg     Config
	needs   needs
	models  *models
	probes  *models // behind by a batch, to explain what differs
	walkers []*walker
	rec     *runner.Recorder
	cover   *coverage
	bench   *bench
	written []*p4v1.Update // what both took
	sets    []*p4v1.Update // parser value sets, which the judge takes another way
	digests *expectations  // since the judge was started
	sum     Summary

	gen    *randpkt.Generator
	rng    *rand.Rand
	inputs *runner.Merged
	made   int       // packets, given or random
	due    []int     // after how many packets entries change, in order
	again  []*packet // that the models have to see once more

	killers map[kind]*record   // kinds of packets that the judge may die of
	strays  map[uint64]*record // ways on which it may see what others left behind
	tried   int                // experiments about that
	last    error              // what the judge died of
}

// record counts how packets of one kind ended.
type record struct{ bad, good int }

func (d *differ) run(ctx context.Context) (err error) {
	if d.bench, err = seat(ctx, &d.cfg); err != nil {
		return err
	}
	defer func() {
		if d.bench != nil {
			err = errors.Join(err, d.bench.leave())
		}
	}()
	defer func() {
		d.sum.Covered = d.cover.summary()
		err = errors.Join(err, d.dismiss())
	}()
	if err := d.entries(ctx); err != nil {
		return err
	}
	if d.cfg.Inputs != nil {
		if d.inputs, err = runner.Merge(d.cfg.Inputs); err != nil {
			return err
		}
	}
	for i := 1; d.cfg.RandomEntries && i <= changes; i++ {
		d.due = append(d.due, i*d.cfg.Random/(changes+1))
	}
	if err := d.packets(ctx); err != nil {
		return err
	}
	return d.compareState(ctx)
}

// remodel makes the models anew, with what both sides have taken.
func (d *differ) remodel(ctx context.Context) (err error) {
	if err := d.dismiss(); err != nil {
		return err
	}
	d.digests = newExpectations()
	p, cfg := d.cfg.Program, d.cfg.Engine
	entries := append(d.written[:len(d.written):len(d.written)], d.sets...)
	if d.models, err = newModels(ctx, p, cfg, d.needs, d.needs.pairs(), entries); err != nil {
		return err
	}
	if d.probes, err = newModels(ctx, p, cfg, d.needs, probePairs, entries); err != nil {
		return err
	}
	d.rec = runner.NewRecorder(p.Engine.Spec())
	d.walkers = nil
	for i := range d.probes.all {
		w := newWalker(p.Engine.Spec(), nil)
		if i == 0 {
			w.more = d.rec.Event
		}
		d.walkers = append(d.walkers, w)
	}
	return nil
}

func (d *differ) dismiss() error {
	var err error
	for _, m := range []*models{d.models, d.probes} {
		if m != nil {
			err = errors.Join(err, m.close())
		}
	}
	d.models, d.probes = nil, nil
	return err
}
