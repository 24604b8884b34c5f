package differ

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/telltale-net/telltale/bmv2/runner"
)

// next makes a batch, and lets the models say what is to be expected of it. An empty batch
// is the end.
func (d *differ) next() (batch []*packet, err error) {
	size := max(d.bench.judge.Batch, 1)
	for len(batch) < size {
		if len(d.due) > 0 && d.made >= d.due[0] && len(d.again) == 0 {
			return batch, nil // entries change when nothing is under way
		}
		p, err := d.source()
		if err != nil || p == nil {
			return batch, err
		}
		d.expect(p)
		if p.spare != "" {
			d.leaveOut(p)
			continue
		}
		batch = append(batch, p)
	}
	return batch, nil
}

// source is where packets come from: those that have to be seen again, captures, chance.
func (d *differ) source() (*packet, error) {
	if len(d.again) > 0 {
		p := d.again[0]
		d.again = d.again[1:]
		return p, nil
	}
	p := &packet{n: d.made + 1}
	switch {
	case d.inputs != nil:
		var in runner.Packet
		if err := d.inputs.Next(&in); err == nil {
			p.port, p.data = in.Port, append([]byte(nil), in.Data...)
		} else if !errors.Is(err, io.EOF) {
			return nil, err
		} else if d.inputs = nil; true {
			return d.source()
		}
		if len(p.data) == 0 {
			return nil, fmt.Errorf("packet %d is empty, and BMv2 does not take those", p.n)
		}
	case d.cfg.Random > 0:
		d.cfg.Random--
		p.port, p.data = d.gen.Packet(d.rng)
	default:
		return nil, nil
	}
	d.made++
	return p, nil
}

func (d *differ) leaveOut(p *packet) {
	d.sum.Packets++
	d.sum.Excluded[p.spare]++
	d.progress()
}

func (d *differ) progress() {
	if d.cfg.Progress != nil && d.sum.Packets%64 == 0 {
		d.cfg.Progress(d.sum.Packets)
	}
}

// answer is what the judge made of a batch.
type answer struct {
	got [][]output
	err error
}

// packets lets all packets into both sides: while the judge works on one batch, the models
// work on the next.
func (d *differ) packets(ctx context.Context) error {
	var under []*packet // way at the judge
	var answers chan answer
	defer func() {
		if answers != nil {
			<-answers
		}
	}()
	for {
		batch, err := d.next()
		if err != nil {
			return err
		}
		var a answer
		if answers != nil {
			a, answers = <-answers, nil
		}
		if a.err != nil {
			d.again = append(batch, d.again...) // the models of these are gone, too
			if err := d.recover(ctx, under, a.err); err != nil {
				return err
			}
			under = nil
			continue
		}
		if len(batch) > 0 {
			answers = make(chan answer, 1)
			go func(b *bench, to chan<- answer) {
				got, err := b.exchange(ctx, batch, d.needs.paced)
				to <- answer{got, err}
			}(d.bench, answers)
		}
		for i, p := range under {
			if err := d.judge(ctx, p, a.got[i]); err != nil {
				return err
			}
		}
		under = batch
		if len(batch) > 0 {
			continue
		}
		if len(d.due) == 0 {
			return nil
		}
		d.due = d.due[1:]
		if err := d.change(ctx); err != nil {
			return err
		}
	}
}

// judge compares what became of one packet.
func (d *differ) judge(ctx context.Context, p *packet, got []output) error {
	d.sum.Packets++
	d.sum.Out += uint64(len(got))
	d.digests.add(p.said)
	d.tally(p, false)
	d.progress()
	var rest pairing
	for i, e := range p.want {
		r := e.pair(got)
		if r.empty() {
			if len(p.want) > 1 {
				d.sum.Undefined++
			} else {
				d.sum.Compared++
				d.sum.Bits += e.bits()
				d.sum.UndefinedBits += e.undefined()
			}
			d.follow(p)
			return nil
		}
		if i == 0 {
			rest = r
		}
	}
	return d.explain(ctx, p, got, rest)
}

// coverFirst packets are looked at for coverage, and then one in coverEach: a walk costs
// far more to watch than to run.
const (
	coverFirst = 1000
	coverEach  = 64
)

// follow lets the probes see a packet that needs no explanation.
func (d *differ) follow(p *packet) {
	watch := p.n <= coverFirst || p.n%coverEach == 0
	if watch {
		d.probes.all[0].sw.SetTrace(d.cover.event)
	}
	d.probes.send(&packet{n: p.n, port: p.port, data: p.data})
	if watch {
		d.probes.all[0].sw.SetTrace(nil)
		d.sum.Looked++
	}
}

// walk lets the probes see a packet, and says whether all of them took the same way, and
// which.
func (d *differ) walk(p *packet) (same bool, way uint64) {
	for i, o := range d.probes.all {
		o.sw.SetTrace(d.walkers[i].event)
	}
	d.rec.Take()
	d.probes.send(&packet{n: p.n, port: p.port, data: p.data})
	same = true
	for i, o := range d.probes.all {
		o.sw.SetTrace(nil)
		sum := d.walkers[i].take()
		if i == 0 {
			way = sum
		}
		same = same && sum == way
	}
	return same, way
}

// explain finds out why the judge did something else with a packet than the models.
func (d *differ) explain(ctx context.Context, p *packet, got []output, rest pairing) error {
	same, way := d.walk(p)
	if len(p.want) > 1 || !same {
		d.sum.Undefined++
		d.sum.Misfits++
		return nil
	}
	stray, err := d.isStray(ctx, p, way)
	if err != nil {
		return err
	}
	if stray {
		d.sum.Undefined++
		d.sum.Strays++
		return nil
	}
	d.sum.Different++
	return d.report(&Difference{
		Packet: p.n, Port: p.port, Data: p.data,
		OnlyModel: outputs(rest.model), OnlyJudge: outputs(rest.judge), Steps: d.rec.Take(),
	})
}

func (d *differ) report(diff *Difference) error {
	if diff.Died == nil {
		d.sum.Differences++
	}
	return d.cfg.Report(diff)
}

func outputs(in []output) (out []Output) {
	for _, o := range in {
		out = append(out, Output{o.port, o.data, o.undef})
	}
	return out
}
