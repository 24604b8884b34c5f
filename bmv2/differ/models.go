package differ

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"

	"github.com/telltale-net/telltale/bmv2/engine"
	"github.com/telltale-net/telltale/bmv2/runner"
	"github.com/telltale-net/telltale/bmv2/spec"
)

// Pairs of models with opposite clocks. Time shows in a few; of a program that draws
// random numbers many are asked, so that what may happen to a packet with some
// likelihood happens in one of them.
const (
	pairs       = 4
	chancePairs = 32
)

// draws says whether a program draws random numbers.
func draws(p *spec.Program) bool {
	return slices.ContainsFunc(p.Actions, func(a spec.Action) bool {
		return slices.ContainsFunc(a.Primitives, func(p spec.Primitive) bool { return p.Op == "modify_field_rng_uniform" })
	})
}

const (
	lowBits = 26         // of the µs clock that are opposite in a pair
	upper   = 0x11111111 // by multiples of which the upper parts of pairs differ: in every nibble
	micro   = 1000       // ns
)

// model is one of the models.
type model struct {
	sw         *engine.Switch
	controller *runner.Controller
	close      func() error
	out        []output
}

// output is a packet that left.
type output struct {
	port uint16
	data []byte
}

// models are the models side by side, and a scout that goes ahead of them.
type models struct {
	all   []*model // in pairs
	scout *model   // finds out which queues a packet will wait in
	rec   *runner.Recorder
	rng   *rand.Rand
	n     int64 // packets so far
	ports map[uint16]bool
	cover *coverage
}

func newModels(ctx context.Context, p *runner.Program, cfg engine.Config) (*models, error) {
	m := &models{rng: rand.New(rand.NewPCG(cfg.Seed, 0xd1ff)), rec: runner.NewRecorder(p.Engine.Spec()), ports: map[uint16]bool{}, cover: newCoverage(p.Engine.Spec())}
	n := 2 * pairs
	if draws(p.Engine.Spec()) {
		n = 2 * chancePairs
	}
	for i := range n + 1 {
		cfg.Seed = uint64(i)
		one, err := newModel(ctx, p, cfg)
		if err != nil {
			return nil, errors.Join(err, m.close())
		}
		m.all = append(m.all, one)
	}
	m.scout, m.all = m.all[n], m.all[:n]
	m.scout.sw.SetTrace(func(e engine.Event) {
		if e.Kind == engine.EventEnqueue {
			m.ports[e.Port] = true
		}
	})
	m.all[0].sw.SetTrace(func(e engine.Event) {
		m.rec.Event(e)
		m.cover.event(e)
	})
	return m, nil
}

func newModel(ctx context.Context, p *runner.Program, cfg engine.Config) (*model, error) {
	t, err := runner.NewTarget(runner.TargetConfig{Engine: cfg, Now: func() time.Time { return time.Unix(0, 0) }})
	if err != nil {
		return nil, err
	}
	if err := t.Install(p); err != nil {
		return nil, err
	}
	c, end, err := t.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &model{sw: t.Switch(), controller: c, close: end}, nil
}

func (m *models) close() error {
	var errs []error
	for _, o := range m.all {
		errs = append(errs, o.close())
	}
	if m.scout != nil {
		errs = append(errs, m.scout.close())
	}
	return errors.Join(errs...)
}

// write gives updates to all models and returns what became of them in the first.
func (m *models) write(ctx context.Context, updates []*p4v1.Update) (first []error, err error) {
	for _, o := range append([]*model{m.scout}, m.all...) {
		errs, err := o.controller.Write(ctx, updates)
		if err != nil {
			return nil, fmt.Errorf("the model: %w", err)
		}
		first = errs
	}
	return first, nil
}

// send lets a packet into every model; their outputs are in all[i].out. It returns false,
// and only the scout knows of the packet, if it would circle in the switch without end.
func (m *models) send(port uint16, data []byte) bool {
	m.n++
	r := m.rng.Int64N(1 << lowBits)
	wait := m.rng.Int64N(1<<16) + 1
	at := engine.Time(m.n << lowBits * micro)
	clear(m.ports)
	circled := m.scout.sw.Stats().TooManyPasses
	m.scout.pass(at, 0, nil, port, data)
	if m.scout.sw.Stats().TooManyPasses > circled {
		return false
	}
	m.rec.Take()
	for i, o := range m.all {
		if i%2 == 0 && i > 0 {
			r, wait = m.rng.Int64N(1<<lowBits), m.rng.Int64N(1<<16)+1
		}
		low, delay := r, wait
		if i%2 == 1 {
			low, delay = ^r&(1<<lowBits-1), ^wait&(1<<16-1)+1<<16
		}
		high := m.n + int64(i/2)*upper
		o.pass(engine.Time((high<<lowBits|low)*micro), engine.Time(delay*micro), m.ports, port, data)
	}
	return true
}

// pass lets one packet in at an instant, holds it back in the queues of the ports given,
// and collects all that leaves.
func (o *model) pass(at, wait engine.Time, ports map[uint16]bool, port uint16, data []byte) {
	o.out = o.out[:0]
	emit := func(tx engine.Tx) {
		o.out = append(o.out, output{tx.Port, append([]byte(nil), tx.Data...)})
	}
	if wait > 0 {
		// A change of a port's rate holds back what it has until the latest instant
		// that the switch has seen.
		o.sw.Run(at+wait, emit)
		for p := range ports {
			o.sw.SetPort(p, engine.PortConfig{})
		}
	}
	o.sw.Receive(at, port, data)
	o.sw.Run(at+wait, emit)
	for {
		next, waiting := o.sw.Next()
		if !waiting {
			return
		}
		o.sw.Run(next, emit)
	}
}
