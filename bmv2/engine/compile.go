package engine

import (
	"fmt"
	"slices"

	"github.com/telltale-net/telltale/bmv2/device"
	"github.com/telltale-net/telltale/bmv2/match"
	"github.com/telltale-net/telltale/bmv2/spec"
)

// Program is an executable program. It is immutable and may be shared by any
// number of switches.
type Program struct {
	*layout
	spec      *spec.Program
	actions   []*action
	tables    []*tableProgram
	parser    *parser
	ingress   *node
	egress    *node
	code      [2]code // by version
	deparser  []emission
	longest   int      // bytes that the deparser may emit
	finish    []stepFn // the deparser's own primitives
	calcs     []*calculation
	selectors []*calculation // by action profile
	checksums []checksum
	lists     map[uint16]*fieldList
	digests   map[uint16]*digestList
	std       standard
	setUses   []setUse
	scratch   int // words
	keyWords  int
	byName    names

	profileActions [][]int // the actions that members of a profile may have
}

// names finds what the control plane asks for.
type names struct {
	tables, profiles, counters, meters, registers, sets, calcs map[string]int
}

// Spec returns what the program was compiled from.
func (p *Program) Spec() *spec.Program { return p.spec }

// Compile makes a program executable. It refuses what v1model does not have or
// the engine cannot do.
func Compile(p *spec.Program) (*Program, error) {
	prog, err := compile(p)
	if err != nil {
		return nil, fmt.Errorf("compile %s: %w", p.Name, err)
	}
	return prog, nil
}

func compile(src *spec.Program) (*Program, error) {
	l, err := newLayout(src)
	if err != nil {
		return nil, err
	}
	for _, e := range src.Externs {
		return nil, fmt.Errorf("extern instance %q of type %q: v1model has no externs of its own", e.Name, e.Type)
	}
	p := &Program{layout: l, spec: src}
	if p.std, err = newStandard(l); err != nil {
		return nil, err
	}
	k := &compiler{layout: l, std: p.std}
	if err := p.compileCalculations(k); err != nil {
		return nil, err
	}
	for i := range src.Actions {
		p.actions = append(p.actions, k.action(i))
	}
	if err := p.compileFlow(k); err != nil {
		return nil, err
	}
	if err := p.compileParsers(k); err != nil {
		return nil, err
	}
	for i := range src.Checksums {
		p.checksums = append(p.checksums, k.checksum(i))
	}
	if err := p.compileCode(k); err != nil {
		return nil, err
	}
	p.compileLists(k)
	p.start()
	p.scratch, p.keyWords, p.setUses = k.scratch, k.keyWords, k.setUses
	p.index()
	return p, nil
}

func (p *Program) compileCalculations(k *compiler) error {
	for i := range p.spec.Calculations {
		c := &p.spec.Calculations[i]
		calc, err := k.calculation(c.Algo, c.Input, nil)
		if err != nil {
			return fmt.Errorf("calculation %q: %w", c.Name, err)
		}
		p.calcs = append(p.calcs, calc)
	}
	for i := range p.spec.Profiles {
		pr := &p.spec.Profiles[i]
		var calc *calculation
		if pr.Selector != nil {
			var err error
			if calc, err = k.calculation(pr.Selector.Algo, pr.Selector.Input, nil); err != nil {
				return fmt.Errorf("action profile %q: selector: %w", pr.Name, err)
			}
		}
		p.selectors = append(p.selectors, calc)
	}
	return nil
}

// compileFlow compiles tables, conditionals and action calls.
func (p *Program) compileFlow(k *compiler) error {
	src := p.spec
	tables := make([]node, len(src.Tables))
	conds := make([]node, len(src.Conditionals))
	calls := make([]node, len(src.ActionCalls))
	at := func(n spec.Node) *node {
		switch n.Kind {
		case spec.NodeTable:
			return &tables[n.Index]
		case spec.NodeConditional:
			return &conds[n.Index]
		case spec.NodeActionCall:
			return &calls[n.Index]
		}
		return nil
	}
	for i := range src.Tables {
		tables[i] = node{kind: spec.NodeTable, name: src.Tables[i].Name, table: i}
		t, err := k.table(i, at)
		if err != nil {
			return err
		}
		p.tables = append(p.tables, t)
		if err := p.checkEntries(t); err != nil {
			return err
		}
		if d := t.spec.Default; t.keyless && t.spec.Kind == spec.Simple && d != nil && d.ConstEntry {
			// What p4c makes of a statement: always a miss, always this action.
			tables[i].kind, tables[i].no = spec.NodeActionCall, t.after(d.Action, false)
			tables[i].call = bind(p.actions[d.Action], constAction(p.actions[d.Action], d.Args).Args)
		}
	}
	p.profileActions = make([][]int, len(src.Profiles))
	for i := range src.Tables {
		if pr := src.Tables[i].Profile; pr >= 0 {
			for _, a := range src.Tables[i].Actions {
				if !slices.Contains(p.profileActions[pr], a) {
					p.profileActions[pr] = append(p.profileActions[pr], a)
				}
			}
		}
	}
	for i := range src.Conditionals {
		c := &src.Conditionals[i]
		conds[i] = node{kind: spec.NodeConditional, name: c.Name, cond: c.If, yes: at(c.True), no: at(c.False)}
	}
	for i := range src.ActionCalls {
		c := &src.ActionCalls[i]
		calls[i] = node{kind: spec.NodeActionCall, name: c.Name, call: call{act: p.actions[c.Action]}, no: at(c.Next)}
	}
	found := map[string]bool{}
	for i := range src.Pipelines {
		pl := &src.Pipelines[i]
		found[pl.Name] = true
		switch pl.Name {
		case "ingress":
			p.ingress = at(pl.Init)
		case "egress":
			p.egress = at(pl.Init)
		default:
			return fmt.Errorf("pipeline %q: v1model has ingress and egress", pl.Name)
		}
	}
	if !found["ingress"] || !found["egress"] {
		return fmt.Errorf("v1model needs the pipelines ingress and egress")
	}
	return nil
}

// checkEntries refuses const entries that a table would.
func (p *Program) checkEntries(t *tableProgram) error {
	index, err := match.New(t.layout)
	if err != nil {
		return err
	}
	for i := range t.spec.Entries {
		e := &t.spec.Entries[i]
		rule, err := index.Rule(match.Canonical(e.Matches, t.layout), constPriority(e.Priority))
		if err == nil {
			err = index.Insert(rule, int32(i))
		}
		if err != nil {
			return fmt.Errorf("table %q: entries[%d]: %w", t.spec.Name, i, err)
		}
	}
	if t.keyless && len(t.spec.Entries) > 0 {
		return fmt.Errorf("table %q: entries in a table without a key", t.spec.Name)
	}
	return nil
}

func (p *Program) compileParsers(k *compiler) error {
	for i := range p.spec.Parsers {
		if p.spec.Parsers[i].Name != "parser" {
			return fmt.Errorf("parser %q: v1model has one, called parser", p.spec.Parsers[i].Name)
		}
		p.parser = k.parser(&p.spec.Parsers[i])
	}
	if p.parser == nil {
		return fmt.Errorf("v1model needs the parser \"parser\"")
	}
	if n := len(p.spec.Deparsers); n != 1 || p.spec.Deparsers[0].Name != "deparser" {
		return fmt.Errorf("%d deparsers: v1model has one, called deparser", n)
	}
	d := &p.spec.Deparsers[0]
	for i := range d.Primitives {
		step, err := k.primitive(&d.Primitives[i])
		if err != nil {
			return fmt.Errorf("deparser: primitives[%d] %q: %w", i, d.Primitives[i].Op, err)
		}
		p.finish = append(p.finish, step)
	}
	for _, h := range d.Order {
		e := newEmission(&p.headers[h])
		p.deparser = append(p.deparser, e)
		p.longest += e.most
	}
	return nil
}

func (p *Program) index() {
	index := func(n int, name func(i int) string) map[string]int {
		m := make(map[string]int, n)
		for i := range n {
			m[name(i)] = i
		}
		return m
	}
	s := p.spec
	p.byName = names{
		tables:    index(len(s.Tables), func(i int) string { return s.Tables[i].Name }),
		profiles:  index(len(s.Profiles), func(i int) string { return s.Profiles[i].Name }),
		counters:  index(len(s.Counters), func(i int) string { return s.Counters[i].Name }),
		meters:    index(len(s.Meters), func(i int) string { return s.Meters[i].Name }),
		registers: index(len(s.Registers), func(i int) string { return s.Registers[i].Name }),
		sets:      index(len(s.ValueSets), func(i int) string { return s.ValueSets[i].Name }),
		calcs:     index(len(s.Calculations), func(i int) string { return s.Calculations[i].Name }),
	}
}

func (p *Program) lookup(m map[string]int, what, name string) (int, error) {
	i, ok := m[name]
	if !ok {
		return 0, fmt.Errorf("%s %q: %w", what, name, device.ErrNotFound)
	}
	return i, nil
}
