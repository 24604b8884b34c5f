package differ

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"
	"google.golang.org/protobuf/proto"

	"github.com/telltale-net/telltale/bmv2/engine"
	"github.com/telltale-net/telltale/bmv2/runner"
)

// Pairs of models, the first few with opposite clocks. A bit that depends on time or garbage is the same
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
	lowBits   = 26   // of the µs clock that are opposite in a pair
	waitBits  = 23   // of the µs spent in a queue, likewise
	upperBits = 26   // of the part above, by which each model is ahead; all stays below 2^63 ns
	opposite  = 8    // models in pairs; the others have clocks of their own, because sums of opposites are no chance
	unequal   = 16   // µs by which ports may differ
	micro     = 1000 // ns
	maxPorts  = 512  // that v1model's 9 bits name
)

// model is one of the models.
type model struct {
	sw         *engine.Switch
	controller *runner.Controller
	close      func() error

	ahead int64       // of the packet's number, in units of 2^lowBits µs
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
	for i, o := range m.all[1:] {
		if o.ahead = m.rng.Int64N(1 << upperBits); i%2 == 0 && i < opposite {
			o.ahead = ^m.all[i].ahead & (1<<upperBits - 1)
		}
	}
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
		o.out = append(o.out, output{port: tx.Port, data: o.arena[at:len(o.arena):len(o.arena)]})
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

// write gives updates to all models and returns what became of them in the last. In which
// order the copies of a group are made is up to the switch: the models have other orders.
func (m *models) write(ctx context.Context, updates []*p4v1.Update) (last []error, err error) {
	for i, o := range append([]*model{m.scout}, m.all...) {
		mine := updates
		if i > 1 {
			mine = m.reorder(updates)
		}
		errs, err := o.controller.Write(ctx, mine)
		if err != nil {
			return nil, fmt.Errorf("the model: %w", err)
		}
		last = errs
	}
	return last, nil
}

// reorder gives replicas another order.
func (m *models) reorder(updates []*p4v1.Update) []*p4v1.Update {
	out := slices.Clone(updates)
	for i, u := range updates {
		if u.GetEntity().GetPacketReplicationEngineEntry() == nil {
			continue
		}
		u = proto.CloneOf(u)
		e := u.GetEntity().GetPacketReplicationEngineEntry()
		for _, list := range [][]*p4v1.Replica{e.GetMulticastGroupEntry().GetReplicas(), e.GetCloneSessionEntry().GetReplicas()} {
			m.rng.Shuffle(len(list), func(a, b int) { list[a], list[b] = list[b], list[a] })
		}
		out[i] = u
	}
	return out
}

// rates of ports, in packets per second, by which copies on one port wait for one another
// about as long as ports differ; 0 = not at all.
var rates = [...]int64{0, 250_000, 125_000, 62_500}

// stagger gives the models new times in their queues, opposite in every pair. In most of
// them they are not quite the same for all ports, so that copies on several ports overtake
// one another as they do where ports have threads.
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
				c := engine.PortConfig{Latency: o.wait}
				if i > 0 && !o.slow {
					c.Latency += engine.Time(m.rng.Int64N(unequal) * micro)
					c.RatePps = rates[m.rng.IntN(len(rates))]
				}
				o.sw.SetPort(p, c)
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
		low := ^r & (1<<lowBits - 1)
		if i%2 == 0 || i >= opposite {
			low = m.rng.Int64N(1 << lowBits)
		}
		r = low
		at := (m.n+o.ahead)<<lowBits | low
		if o.slow {
			at = o.ahead<<lowBits + 2*m.n
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
		kept[i] = output{port: o.port, data: m.arena[at:len(m.arena):len(m.arena)]}
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
