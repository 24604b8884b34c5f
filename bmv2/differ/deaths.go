package differ

import (
	"context"
	"errors"
	"fmt"
)

// kind is a kind of packets, as far as deaths of the judge are concerned.
type kind struct {
	index bool   // it takes an index out of range
	way   uint64 // it takes this way; 0 as long as nobody looks
}

const (
	maxDeaths  = 500 // after which the comparison is given up
	deadEnough = 3   // deaths of one kind, after which its packets are left out
)

// Reasons why packets are not compared.
const (
	reasonEndless = "would circle for ever"
	reasonDied    = "the judge died of it"
	reasonIndex   = "takes an index out of range, of which the judge dies"
	reasonWay     = "goes a way on which the judge died before"
)

// expect gives a packet to the models and sets what is to be expected, or why the judge
// does not get it.
func (d *differ) expect(p *packet) {
	p.spare, p.kind = "", kind{}
	var w *walker
	if d.sum.Died > 0 { // ways are watched from the first death on
		w = newWalker(d.cfg.Program.Engine.Spec(), nil)
		d.models.scout.sw.SetTrace(w.event)
	}
	before := d.models.scout.sw.Stats().IndexErrors
	switch {
	case !d.models.send(p):
		p.spare = reasonEndless
	case w != nil:
		p.kind = kind{d.models.scout.sw.Stats().IndexErrors > before, w.take()}
		if r := d.killers[kind{index: true}]; p.kind.index && r != nil && r.bad >= deadEnough && r.good == 0 {
			p.spare = reasonIndex
		} else if r := d.killers[p.kind]; r != nil && r.bad >= deadEnough {
			p.spare = reasonWay
		}
	}
	d.models.scout.sw.SetTrace(nil)
}

// tally remembers whether the judge died of a packet.
func (d *differ) tally(p *packet, died bool) {
	kinds := []kind{p.kind}
	if p.kind.index {
		kinds = append(kinds, kind{index: true})
	}
	for _, k := range kinds {
		r := d.killers[k]
		if r == nil && !died {
			continue // what never killed is not remembered
		}
		if r == nil {
			r = &record{}
			d.killers[k] = r
		}
		if died {
			r.bad++
		} else {
			r.good++
		}
	}
}

// recover starts the judge anew after it died under a batch, and gives it the packets of
// the batch one by one: so is found which it dies of. Both sides begin anew, so that what
// is in registers and counters stays the same.
func (d *differ) recover(ctx context.Context, batch []*packet, why error) error {
	if err := d.restart(ctx, why); err != nil {
		return err
	}
	killers := 0
	for _, p := range batch {
		d.expect(p)
		if p.spare != "" {
			d.leaveOut(p)
			continue
		}
		got, err := d.bench.exchange(ctx, []*packet{p}, false)
		if err == nil {
			if err := d.judge(ctx, p, got[0]); err != nil {
				return err
			}
			continue
		}
		killers++
		d.sum.Packets++
		d.sum.Excluded[reasonDied]++
		d.tally(p, true)
		d.walk(p)
		diff := &Difference{Packet: p.n, Port: p.port, Data: p.data, Died: err, Steps: d.rec.Take()}
		if err := d.restart(ctx, err); err != nil {
			return err
		}
		diff.Died = d.last
		if err := d.report(diff); err != nil {
			return err
		}
	}
	if killers == 0 {
		d.sum.Unexplained++
	}
	return nil
}

// restart replaces the judge, which died, and the models.
func (d *differ) restart(ctx context.Context, why error) error {
	if ctx.Err() != nil {
		return why
	}
	d.last = errors.Join(why, d.bench.leave())
	d.bench = nil
	if d.sum.Died++; d.sum.Died > maxDeaths {
		return fmt.Errorf("the judge died %d times, last: %w", d.sum.Died, d.last)
	}
	b, err := d.fresh(ctx)
	if err != nil {
		return fmt.Errorf("after the judge had died (%w): %w", d.last, err)
	}
	d.bench = b
	return d.remodel(ctx)
}

// fresh starts a judge that has what both sides took.
func (d *differ) fresh(ctx context.Context) (*bench, error) {
	b, err := seat(ctx, &d.cfg)
	if err != nil {
		return nil, err
	}
	errs, err := b.controller.Write(ctx, d.written)
	err = errors.Join(append(errs, err)...)
	if err == nil {
		err = d.addToSets(ctx, b)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("started anew, the judge does not take its entries: %w", err), b.leave())
	}
	return b, nil
}

// Experiments with a judge that has seen no other packet.
const (
	maxStrays   = 200 // after which ways decide
	strayEnough = 3   // of one way, of packets that all were strays
)

// isStray finds out whether the judge's answer to a packet came from what earlier packets
// left behind: whether, asked without any, it says what the models say.
func (d *differ) isStray(ctx context.Context, p *packet, way uint64) (bool, error) {
	if d.needs.stateful {
		return false, nil // a judge that has seen nothing has other state, too
	}
	r := d.strays[way]
	if r == nil {
		r = &record{}
		d.strays[way] = r
	}
	if d.tried++; d.tried > maxStrays && r.good == 0 && r.bad >= strayEnough {
		return true, nil
	}
	if d.tried > 2*maxStrays {
		return false, nil
	}
	b, err := d.fresh(ctx)
	if err != nil {
		return false, err
	}
	got, err := b.exchange(ctx, []*packet{p}, false)
	_ = b.leave() // it may have died: then it says nothing
	if err == nil && ctx.Err() == nil {
		for _, e := range p.want {
			if rest := e.pair(got[0]); rest.empty() {
				r.bad++
				return true, nil
			}
		}
	}
	r.good++
	return false, ctx.Err()
}
