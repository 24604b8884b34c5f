package demo

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"github.com/telltale-net/telltale/analyzers"
	"github.com/telltale-net/telltale/analyzers/incident"
	"github.com/telltale-net/telltale/bmv2/lab"
	"github.com/telltale-net/telltale/bmv2/lab/traffic"
	"github.com/telltale-net/telltale/collector"
	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/controlplane"
	"github.com/telltale-net/telltale/controlplane/intent"
	"github.com/telltale-net/telltale/controlplane/p4rt"
	"github.com/telltale-net/telltale/topology"
)

// step is how often findings are asked for, in virtual time.
const step = 50 * time.Millisecond

// lossWindow is over how long report loss is measured.
const lossWindow = time.Second

// scenario is a demo on its way.
type scenario struct {
	cfg        Config
	ix         *topology.Index
	lab        *lab.Lab
	controller *controlplane.Controller
	collector  *collector.Collector
	incident   *incident.Analyzer
	tell       func(Event)

	records  uint64
	findings map[uint64]*found // by the analyzer's id
	order    []uint64
}

// found is a finding in its latest state.
type found struct {
	opened  time.Duration
	finding analyzers.Finding
}

// Run runs the demo. tell hears what happens as it happens, from the calling
// goroutine. An error means that the demo could not be run; a wrong verdict is in the
// result, not an error.
func Run(ctx context.Context, cfg Config, tell func(Event)) (res Result, err error) {
	began := time.Now()
	if err := cfg.Check(); err != nil {
		return Result{}, fmt.Errorf("cannot run the demo: %w", err)
	}
	s := &scenario{cfg: cfg, tell: tell, findings: map[uint64]*found{}}
	defer func() { err = errors.Join(err, s.close()) }()
	entries, err := s.build(ctx)
	if err != nil {
		return Result{}, fmt.Errorf("cannot build the lab: %w", err)
	}
	res = Result{Fabric: cfg.Fabric.Name, Seed: cfg.Seed, Duration: cfg.Duration(), Entries: entries}
	if err := s.play(ctx, &res); err != nil {
		return Result{}, fmt.Errorf("the demo broke off at %v: %w", s.now(), err)
	}
	s.account(&res)
	res.judge()
	res.Wall.Seconds = time.Since(began).Seconds()
	return res, nil
}

// build makes the fabric, programs it over P4Runtime and readies the traffic.
func (s *scenario) build(ctx context.Context) (entries int, err error) {
	if s.ix, err = topology.NewIndex(s.cfg.Fabric); err != nil {
		return 0, err
	}
	if s.incident, err = incident.New(s.cfg.Fabric, incident.Config{}); err != nil {
		return 0, err
	}
	if s.collector, err = collector.New(collector.DefaultConfig(), collector.Deps{}); err != nil {
		return 0, err
	}
	settings := intent.DefaultSettings()
	settings.AllHops = true
	s.lab, err = lab.New(lab.Config{
		Fabric:     s.cfg.Fabric,
		Seed:       s.cfg.Seed,
		ReportPort: settings.ReportPort,
		OnReport: func(at lab.Time, src netip.AddrPort, payload []byte) {
			s.collector.Ingest(int64(at), src, payload, s.observe)
		},
	})
	if err != nil {
		return 0, err
	}
	s.step("%d switches started, each with its own P4Runtime server", len(s.cfg.Fabric.Nodes)-1)
	s.controller, err = controlplane.Connect(ctx, controlplane.Config{
		Fabric:   s.ix,
		Settings: settings,
		Address:  func(n topology.Node) (string, error) { return s.lab.P4RTAddr(n.Name) },
		Election: p4rt.Election{Low: 1},
	})
	if err != nil {
		return 0, err
	}
	installed, err := s.controller.Install(ctx)
	if err != nil {
		return 0, err
	}
	for _, i := range installed {
		entries += i.Entities
	}
	s.step("programs pushed and %d entries written by the controller", entries)

	flows, err := traffic.Mix{Seed: s.cfg.Seed, PPS: s.cfg.Load}.Make(&s.cfg.Fabric)
	if err != nil {
		return 0, err
	}
	for _, f := range flows {
		if _, err := s.lab.AddFlow(f); err != nil {
			return 0, err
		}
	}
	s.step("%d flows of %d VNETs begin, %.0f packets/s; every hop reports every packet",
		len(flows), len(s.cfg.Fabric.VNETs), s.cfg.Load)
	return entries, nil
}

// play is the scenario itself: healthy, then fault after fault.
func (s *scenario) play(ctx context.Context, res *Result) error {
	if err := s.runUntil(ctx, s.cfg.Warmup); err != nil {
		return err
	}
	res.Healthy = Healthy{To: s.now(), Findings: s.openedSince(0)}
	s.step("healthy for %v: %d findings", s.now(), len(res.Healthy.Findings))
	for i, name := range s.cfg.Faults {
		rng := rand.New(rand.NewPCG(s.cfg.Seed, uint64(i)<<32|0x6661756c74)) // "fault"
		f, err := planners[name](s, rng)
		if err != nil {
			return fmt.Errorf("cannot plan %s: %w", name, err)
		}
		o := Outcome{Fault: name, What: f.what, Injected: s.now(), Want: f.want}
		if err := f.inject(ctx); err != nil {
			return fmt.Errorf("cannot inject %s: %w", name, err)
		}
		s.tell(Event{At: s.now(), Kind: Injected, Text: name + ": " + f.what})
		if err := s.runUntil(ctx, s.now()+s.cfg.Fault); err != nil {
			return err
		}
		if err := f.revert(ctx); err != nil {
			return fmt.Errorf("cannot revert %s: %w", name, err)
		}
		o.Reverted = s.now()
		s.tell(Event{At: s.now(), Kind: Reverted, Text: name + " repaired"})
		if err := s.runUntil(ctx, s.now()+s.cfg.Recover); err != nil {
			return err
		}
		o.Findings = s.openedSince(o.Injected)
		res.Faults = append(res.Faults, o)
	}
	return nil
}

// runUntil lets virtual time pass, asking for findings at every step.
func (s *scenario) runUntil(ctx context.Context, until time.Duration) error {
	for s.now() < until {
		if err := ctx.Err(); err != nil {
			return err
		}
		next := min(s.now()+step, until)
		if err := s.lab.RunUntil(lab.Time(next)); err != nil {
			return err
		}
		s.reportLoss(next)
		for _, e := range s.incident.Advance(int64(next)) {
			s.note(e)
		}
		s.tell(Event{At: next, Kind: Progress})
	}
	return nil
}

func (s *scenario) reportLoss(now time.Duration) {
	for _, n := range s.cfg.Fabric.Nodes {
		if n.Role == topology.Collector {
			continue
		}
		id := postcard.NodeID(n.ID)
		loss := s.collector.Loss(id, int64(now-lossWindow), int64(now))
		s.incident.SetReportLoss(id, loss.Fraction())
	}
}

func (s *scenario) observe(r *postcard.Record) {
	s.records++
	s.incident.Observe(r)
}

func (s *scenario) note(e incident.Event) {
	f := s.findings[e.ID]
	if f == nil {
		f = &found{opened: time.Duration(e.At)}
		s.findings[e.ID] = f
		s.order = append(s.order, e.ID)
	}
	f.finding = e.Finding
	s.tell(Event{At: time.Duration(e.At), Kind: Finding, Finding: &f.finding, Change: e.Type})
}

// openedSince returns the findings opened at or after t, in order. It is never nil.
func (s *scenario) openedSince(t time.Duration) []analyzers.Finding {
	out := []analyzers.Finding{}
	for _, id := range s.order {
		if f := s.findings[id]; f.opened >= t {
			out = append(out, f.finding)
		}
	}
	return out
}

func (s *scenario) account(res *Result) {
	for _, f := range s.lab.Flows() {
		res.Traffic.Flows++
		res.Traffic.Sent += f.Stats.Sent
		res.Traffic.Delivered += f.Stats.Delivered
	}
	snap := s.collector.Snapshot()
	res.Reports = Reports{Datagrams: snap.Datagrams, Records: s.records, Lost: uint64(max(snap.Sum.Lost, 0)), Malformed: snap.Rejected}
	for _, n := range snap.Causes {
		res.Reports.Malformed += n
	}
}

func (s *scenario) now() time.Duration { return time.Duration(s.lab.Now()) }

func (s *scenario) step(format string, args ...any) {
	s.tell(Event{At: s.now(), Kind: Step, Text: fmt.Sprintf(format, args...)})
}

func (s *scenario) close() error {
	var errs []error
	if s.controller != nil {
		errs = append(errs, s.controller.Close())
	}
	if s.lab != nil {
		errs = append(errs, s.lab.Close())
	}
	return errors.Join(slices.DeleteFunc(errs, func(err error) bool { return err == nil })...)
}

func hostPrefix(a netip.Addr) netip.Prefix { return netip.PrefixFrom(a, a.BitLen()) }
