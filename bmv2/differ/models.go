package differ

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"math/rand/v2"
	"slices"
	"time"

	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"

	"github.com/telltale-net/telltale/bmv2/engine"
	"github.com/telltale-net/telltale/bmv2/runner"
	"github.com/telltale-net/telltale/bmv2/spec"
)

// Pairs of models with opposite clocks. A bit that depends on time or garbage is the same
// in all of them with a likelihood of 2^-31. Where only garbage may differ, fewer will do,
// because there the judge can be asked again; programs that draw random numbers get more,
// so that what may happen to a packet with some likelihood happens in one of them.
const (
	pairs       = 6
	timePairs   = 16
	chancePairs = 32
	probePairs  = 3 // of those that explain what differs
)

func (n needs) pairs() int {
	switch {
	case n.chance:
		return chancePairs
	case n.timed, n.stateful:
		return timePairs
	}
	return pairs
}

const (
	lowBits  = 26         // of the µs clock that are opposite in a pair
	waitBits = 23         // of the µs spent in a queue, likewise
	upper    = 0x11111111 // by multiples of which the upper parts of pairs differ: in every nibble
	micro    = 1000       // ns
	maxPorts = 512        // that v1model's 9 bits name
)

// model is one of the models.
type model struct {
	sw         *engine.Switch
	controller *runner.Controller
	close      func() error

	wait  engine.Time // in every queue
	slow  bool        // its clock hardly moves, so that what time refills stays empty
	out   []output
	arena []byte // of out
	emit  func(engine.Tx)
	said  []digest // by the packet under way
}

// models are the models side by side, and a scout that goes ahead of them.
type models struct {
	needs needs
	all   []*model // in pairs
	scout *model   // finds packets that circle
	rng   *rand.Rand
	n     int64 // packets so far
	arena []byte
}

// newModels makes pairs of models and gives them entries.
func newModels(ctx context.Context, p *runner.Program, cfg engine.Config, n needs, count int, entries []*p4v1.Update) (_ *models, err error) {
	m := &models{needs: n, rng: rand.New(rand.NewPCG(cfg.Seed, 0xd1ff))}
	defer func() {
		if err != nil {
			err = errors.Join(err, m.close())
		}
	}()
	for i := range 2*count + 1 {
		cfg.Seed, cfg.Stale = uint64(i), uint64(i) // the first is without garbage
		one, err := newModel(ctx, p, cfg)
		if err != nil {
			return nil, err
		}
		one.slow = n.meters && i/2%2 == 1
		m.all = append(m.all, one)
	}
	m.scout, m.all = m.all[2*count], m.all[:2*count]
	m.all[1].wait = (1<<waitBits - 1) * micro // the first one waits for nothing
	m.stagger()
	errs, err := m.write(ctx, entries)
	if err = errors.Join(append(errs, err)...); err != nil {
		return nil, fmt.Errorf("made anew, the model does not take its entries: %w", err)
	}
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
	o := &model{sw: t.Switch(), controller: c, close: end}
	o.emit = func(tx engine.Tx) {
		at := len(o.arena)
		o.arena = append(o.arena, tx.Data...)
		o.out = append(o.out, output{tx.Port, o.arena[at:len(o.arena):len(o.arena)]})
	}
	o.sw.SetDigestSink(func(d engine.Digest) {
		said := digest{list: d.Name}
		for _, v := range d.Values {
			said.values = append(said.values, slices.Clone(v))
		}
		o.said = append(o.said, said)
	})
	return o, nil
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

// stagger gives the models new times in their queues, opposite in every pair.
func (m *models) stagger() {
	for i := 0; i < len(m.all); i += 2 {
		a, b := m.all[i], m.all[i+1]
		if i > 0 {
			w := m.rng.Int64N(1 << waitBits)
			a.wait, b.wait = engine.Time(w*micro), engine.Time((^w&(1<<waitBits-1))*micro)
		}
		for _, o := range []*model{a, b} {
			if o.slow {
				o.wait = 0
			}
			for p := range uint16(maxPorts) {
				o.sw.SetPort(p, engine.PortConfig{Latency: o.wait})
			}
		}
	}
}

// packet is one on its way through both sides.
type packet struct {
	n     int // from 1
	port  uint16
	data  []byte
	want  []*expected // what becomes of it, by shape; more than one: it is undefined
	said  []saying    // digests
	gate  int         // packets that leave it, before the next may come; -1 = only the judge can tell
	kind  kind        // as far as it matters for deaths
	spare string      // why the judge does not get it
}

// send lets a packet into every model and sets what is to be expected of it. It returns
// false, and only the scout knows of the packet, if it would circle in the switch without
// end.
func (m *models) send(p *packet) bool {
	if m.n++; m.n%1024 == 0 {
		m.stagger()
	}
	at := m.n << lowBits
	before := m.scout.sw.Stats()
	ended := m.scout.pass(engine.Time(at*micro), p.port, p.data)
	after := m.scout.sw.Stats()
	if !ended || after.TooManyPasses > before.TooManyPasses {
		return false
	}
	p.kind.index = after.IndexErrors > before.IndexErrors
	p.want, p.said = nil, nil
	var r int64
	for i, o := range m.all {
		if i%2 == 0 {
			r = m.rng.Int64N(1 << lowBits)
		}
		low := r
		if i%2 == 1 {
			low = ^r & (1<<lowBits - 1)
		}
		at := (m.n+int64(i/2)*upper)<<lowBits | low
		if o.slow {
			at = int64(i/2)*upper<<lowBits + 2*m.n
		}
		if !o.pass(engine.Time(at*micro), p.port, p.data) {
			panic("BUG: a packet circles in one model and not in another that differs in time alone")
		}
		p.want = include(p.want, byPort(o.out), m.keep)
		p.said = agreeOnDigests(p.said, o.said, i == 0)
	}
	p.gate = -1
	if sent := after.Transmitted - before.Transmitted; len(p.want) == 1 && after.Enqueued-before.Enqueued == sent && len(p.want[0].out) == int(sent) {
		p.gate = int(sent)
	}
	return true
}

// keep copies outputs to where they last.
func (m *models) keep(out []output) []output {
	kept := make([]output, len(out))
	for i, o := range out {
		if cap(m.arena)-len(m.arena) < len(o.data) {
			m.arena = make([]byte, 0, max(1<<16, len(o.data)))
		}
		at := len(m.arena)
		m.arena = append(m.arena, o.data...)
		kept[i] = output{o.port, m.arena[at:len(m.arena):len(m.arena)]}
	}
	return kept
}

// maxTurns is how often a switch is asked what leaves it next before a packet is taken to
// circle: far more than copies and passes that end.
const maxTurns = 1 << 13

// pass lets one packet in at an instant and collects all that leaves. It returns false if
// there is no end to it; the model is then of no more use.
func (o *model) pass(at engine.Time, port uint16, data []byte) bool {
	o.out, o.arena, o.said = o.out[:0], o.arena[:0], nil
	o.sw.Receive(at, port, data)
	o.sw.Run(at, o.emit)
	for range maxTurns {
		next, waiting := o.sw.Next()
		if !waiting {
			return true
		}
		o.sw.Run(next, o.emit)
	}
	return false
}

// walker hears a switch's events and sums up the way that a packet takes: states, tables
// hit and by which entry, actions, branches, errors, copies.
type walker struct {
	h      maphash.Hash
	meters map[string]bool
	more   func(engine.Event) // may be nil
}

// waySeed is the same for all walkers, so that ways can be compared.
var waySeed = maphash.MakeSeed()

func newWalker(p *spec.Program, more func(engine.Event)) *walker {
	w := &walker{meters: map[string]bool{}, more: more}
	w.h.SetSeed(waySeed)
	for i := range p.Meters {
		w.meters[p.Meters[i].Name] = true
	}
	return w
}

func (w *walker) event(e engine.Event) {
	switch e.Kind {
	case engine.EventState, engine.EventParserError, engine.EventAction, engine.EventTable, engine.EventBranch, engine.EventClone,
		engine.EventMulticast, engine.EventResubmit, engine.EventRecirculate, engine.EventDrop, engine.EventDigest:
		w.mix(e)
		maphash.WriteComparable(&w.h, e.Handle)
	case engine.EventCell:
		if w.meters[e.Name] { // whose colour may be one that no model has seen
			w.mix(e)
			for _, f := range e.Fields {
				_, _ = w.h.Write(f.Value)
			}
		}
	}
	if w.more != nil {
		w.more(e)
	}
}

func (w *walker) mix(e engine.Event) {
	maphash.WriteComparable(&w.h, e.Kind)
	maphash.WriteComparable(&w.h, e.Hit)
	_, _ = w.h.WriteString(e.Name)
	maphash.WriteComparable(&w.h, e.Value)
}

// take returns the sum of one packet's way.
func (w *walker) take() uint64 {
	sum := w.h.Sum64()
	w.h.Reset()
	return sum
}
