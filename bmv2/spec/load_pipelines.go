package spec

import (
	"math"
	"math/big"

	"github.com/telltale-net/telltale/bmv2/device"
)

var matchKinds = map[string]device.MatchKind{
	"exact": device.Exact, "lpm": device.LPM, "ternary": device.Ternary, "range": device.Range, "valid": device.Valid,
}

func (l *loader) pipelines(root *node) {
	l.nodes = map[string]Node{}
	seen := map[string]int{}
	list := root.list("pipelines")
	// Names first: the control flow may point forwards.
	for i, n := range list {
		register(&seen, n, "pipeline", i)
		for _, m := range n.list("action_profiles") {
			l.profile(m)
		}
		l.name(n, "tables", "table", NodeTable, len(l.p.Tables))
		for _, m := range n.list("tables") {
			l.p.Tables = append(l.p.Tables, Table{Name: m.get("name").str(), Pipeline: i})
		}
		l.name(n, "conditionals", "conditional", NodeConditional, len(l.p.Conditionals))
		for range n.list("conditionals") {
			l.p.Conditionals = append(l.p.Conditionals, Conditional{Pipeline: i})
		}
		l.name(n, "action_calls", "action call", NodeActionCall, len(l.p.ActionCalls))
		for range n.list("action_calls") {
			l.p.ActionCalls = append(l.p.ActionCalls, ActionCall{Pipeline: i})
		}
	}
	tables, conds, calls := 0, 0, 0
	for i, n := range list {
		p := Pipeline{Name: n.get("name").str(), ID: n.get("id").id(), Init: l.next(n, "init_table", i)}
		l.p.Pipelines = append(l.p.Pipelines, p)
		for _, m := range n.list("tables") {
			l.table(m, &l.p.Tables[tables], i)
			tables++
		}
		for _, m := range n.list("conditionals") {
			c := &l.p.Conditionals[conds]
			*c = Conditional{Name: m.get("name").str(), ID: m.get("id").id(), Pipeline: i, If: l.typed(m.get("expression"), TypeBool),
				True: l.next(m, "true_next", i), False: l.next(m, "false_next", i), Source: source(m)}
			conds++
		}
		for _, m := range n.list("action_calls") {
			a := l.elem(m.get("action_id"), l.actionIDs, "action")
			if len(l.p.Actions[a].Params) > 0 {
				m.refuse("call of action %q, which expects arguments", l.p.Actions[a].Name)
			}
			l.p.ActionCalls[calls] = ActionCall{Name: m.get("name").str(), ID: m.get("id").id(), Pipeline: i, Action: a,
				Next: l.next(m, "next_node", i), Source: source(m)}
			calls++
		}
	}
}

// name enters the control-flow nodes of one kind.
func (l *loader) name(n *node, key, what string, kind NodeKind, first int) {
	for i, m := range n.list(key) {
		name := m.get("name")
		if _, dup := l.nodes[name.str()]; dup {
			m.refuse("second control-flow node %q", name.text)
		}
		l.nodes[name.text] = Node{kind, first + i}
	}
}

// next resolves the name of a node of the same pipeline; null and missing are its end.
func (l *loader) next(n *node, key string, pipeline int) Node {
	if m := n.opt(key); m != nil {
		return l.node(m, pipeline)
	}
	return Node{}
}

func (l *loader) node(n *node, pipeline int) Node {
	if n.kind == kindNull {
		return Node{}
	}
	to, ok := l.nodes[n.str()]
	if !ok {
		n.refuse("unknown control-flow node %q", n.text)
	}
	in := pipeline
	switch to.Kind {
	case NodeTable:
		in = l.p.Tables[to.Index].Pipeline
	case NodeConditional:
		in = l.p.Conditionals[to.Index].Pipeline
	case NodeActionCall:
		in = l.p.ActionCalls[to.Index].Pipeline
	}
	if in != pipeline {
		n.refuse("control-flow node %q of another pipeline", n.text)
	}
	return to
}

func (l *loader) profile(n *node) {
	register(&l.profiles, n, "action profile", len(l.p.Profiles))
	p := Profile{Name: n.get("name").str(), ID: n.get("id").id()}
	if m := n.opt("max_size"); m != nil {
		p.MaxSize = m.number(0, math.MaxInt32)
	}
	if m := n.opt("selector"); m != nil {
		p.Selector = l.selector(m)
	}
	l.p.Profiles = append(l.p.Profiles, p)
}

func (l *loader) selector(n *node) *Selector {
	s := &Selector{Algo: n.get("algo").str()}
	for _, e := range n.get("input").array() {
		s.Input = append(s.Input, l.sized(e, true))
	}
	return s
}

// profileOf resolves the action profile of an indirect table. In old files the table
// declares it (act_prof_name), and its selector.
func (l *loader) profileOf(n *node, t *Table) int {
	own := n.opt("act_prof_name")
	if own == nil || n.opt("action_profile") != nil {
		return named(l.profiles, n.get("action_profile"), "action profile")
	}
	i := len(l.p.Profiles)
	if l.profiles == nil {
		l.profiles = map[string]int{}
	}
	if _, dup := l.profiles[own.str()]; dup {
		own.refuse("second action profile %q", own.text)
	}
	l.profiles[own.text] = i
	p := Profile{Name: own.text, ID: t.ID}
	if t.Kind == IndirectWS {
		p.Selector = l.selector(n.get("selector"))
	}
	l.p.Profiles = append(l.p.Profiles, p)
	return i
}

func (l *loader) table(n *node, t *Table, pipeline int) {
	t.ID, t.DirectMeter, t.Profile, t.Source = n.get("id").id(), -1, -1, source(n)
	t.WithCounters, t.SupportTimeout = n.flag("with_counters", false), n.flag("support_timeout", false)
	l.key(n, t)
	switch k := n.get("type"); k.str() {
	case "simple":
	case "indirect", "indirect_ws":
		t.Kind = Indirect
		if k.text == "indirect_ws" {
			t.Kind = IndirectWS
		}
		t.Profile = l.profileOf(n, t)
		if t.Kind == IndirectWS {
			if l.p.Profiles[t.Profile].Selector == nil {
				n.refuse("table with a selector whose action profile %q has none", l.p.Profiles[t.Profile].Name)
			}
		}
	default:
		k.refuse("unknown type of table %q", k.text)
	}
	if m := n.opt("max_size"); m != nil {
		t.MaxSize = m.number(0, math.MaxInt32)
	}
	if m := n.opt("direct_meters"); m != nil {
		t.DirectMeter = named(l.meters, m, "meter array")
		if !l.p.Meters[t.DirectMeter].Direct {
			m.refuse("meter array %q is not a direct one", m.text)
		}
	}
	l.nextTables(n, t, pipeline)
	l.defaultEntry(n, t)
	if m := n.opt("entries"); m != nil {
		t.Immutable = true
		if t.Kind != Simple {
			m.refuse("entries in a table with an action profile")
		}
		for _, e := range m.array() {
			t.Entries = append(t.Entries, l.entry(e, t))
		}
		t.MaxSize = len(t.Entries)
	}
}

func (l *loader) key(n *node, t *Table) {
	lpm := 0
	ranked := false
	for _, m := range n.get("key").array() {
		kind := m.get("match_type")
		k, ok := matchKinds[kind.str()]
		if !ok {
			kind.refuse("unknown match type %q", kind.text)
		}
		f := KeyField{Kind: k}
		target := m.get("target")
		if k == device.Valid {
			f.Field = FieldRef{named(l.headers, target, "header"), ValidField}
			f.Name = target.text
			f.Width = 1
		} else if target.kind == kindObject {
			f.Expr = l.expr(target)
			f.Name = "(expression)"
			switch e := f.Expr.(type) {
			case FieldRef:
				f.Field, f.Expr, f.Width = e, nil, l.p.Width(e)
			case AccessField:
				f.Width = l.width(e.HeaderType, e.Field)
			default:
				target.refuse("a key must be a field")
			}
		} else {
			f.Field = l.fixedField(target)
			f.Name = l.p.FieldName(f.Field)
			f.Width = l.p.Width(f.Field)
		}
		if m := m.opt("name"); m != nil {
			f.Name = m.str()
		}
		if m := m.opt("mask"); m != nil {
			f.Mask = hexbytes(m, (f.Width+7)/8)
		}
		switch k {
		case device.LPM:
			if lpm++; lpm > 1 {
				m.refuse("second lpm field in a key")
			}
		case device.Ternary, device.Range:
			ranked = true
		}
		t.Key = append(t.Key, f)
	}
	kind := n.get("match_type")
	k, ok := matchKinds[kind.str()]
	if !ok || k == device.Valid {
		kind.refuse("unknown match type of a table %q", kind.text)
	}
	t.Match = k
	fits := true
	switch k {
	case device.Exact:
		fits = lpm == 0 && !ranked
	case device.LPM:
		fits = lpm == 1 && !ranked
	}
	if !fits {
		kind.refuse("match type %q does not suit the key fields", kind.text)
	}
}

func (l *loader) nextTables(n *node, t *Table, pipeline int) {
	if list := n.opt("action_ids"); list != nil {
		for _, m := range list.array() {
			t.Actions = append(t.Actions, l.elem(m, l.actionIDs, "action"))
		}
	} else {
		for _, m := range n.get("actions").array() {
			i := named(l.actions, m, "action")
			if i < 0 {
				m.refuse("action %q is not the only one of that name: want action_ids", m.text)
			}
			t.Actions = append(t.Actions, i)
		}
	}
	next := map[string]*node{}
	for _, m := range n.get("next_tables").want(kindObject).items {
		next[m.key] = m
	}
	if hit, miss := next["__HIT__"], next["__MISS__"]; hit != nil || miss != nil {
		if hit == nil || miss == nil || len(next) != 2 {
			n.get("next_tables").refuse("__HIT__ and __MISS__ must come together and alone")
		}
		h, m := l.node(hit, pipeline), l.node(miss, pipeline)
		t.Hit, t.Miss = &h, &m
	}
	for _, a := range t.Actions {
		to := Node{}
		if t.Hit == nil {
			m := next[l.p.Actions[a].Name]
			if m == nil {
				n.get("next_tables").refuse("no member for action %q", l.p.Actions[a].Name)
			}
			to = l.node(m, pipeline)
		}
		t.Next = append(t.Next, to)
	}
	t.BaseDefault = l.next(n, "base_default_next", pipeline)
}

func (l *loader) defaultEntry(n *node, t *Table) {
	m := n.opt("default_entry")
	if m == nil {
		return
	}
	d := DefaultEntry{Action: l.tableAction(m.get("action_id"), t)}
	d.Args = l.args(m.get("action_data"), d.Action)
	d.ConstAction = m.flag("action_const", false)
	d.ConstEntry = m.flag("action_entry_const", false)
	if t.Kind != Simple && d.ConstAction {
		m.refuse("constant default action in a table with an action profile")
	}
	t.Default = &d
}

// tableAction resolves the id of an action that must be one of the table's.
func (l *loader) tableAction(n *node, t *Table) int {
	a := l.elem(n, l.actionIDs, "action")
	for _, b := range t.Actions {
		if a == b {
			return a
		}
	}
	n.refuse("action %q is not one of the table's", l.p.Actions[a].Name)
	return 0
}

func (l *loader) args(n *node, action int) []*big.Int {
	a := &l.p.Actions[action]
	list := n.array()
	if len(list) != len(a.Params) {
		n.refuse("%d arguments for action %q, want %d", len(list), a.Name, len(a.Params))
	}
	var args []*big.Int
	for _, m := range list {
		args = append(args, hexstr(m))
	}
	return args
}

func (l *loader) entry(n *node, t *Table) ConstEntry {
	var e ConstEntry
	key := n.get("match_key")
	for i, m := range key.tuple(len(t.Key)) {
		e.Matches = append(e.Matches, l.match(m, &t.Key[i]))
	}
	if m := n.opt("priority"); m != nil {
		e.Priority = m.number(0, math.MaxInt32)
	}
	do := n.get("action_entry")
	e.Action = l.tableAction(do.get("action_id"), t)
	e.Args = l.args(do.get("action_data"), e.Action)
	e.Source = source(n)
	return e
}

func (l *loader) match(n *node, k *KeyField) device.Match {
	kind := n.get("match_type")
	if got, ok := matchKinds[kind.str()]; !ok || got != k.Kind {
		kind.refuse("match type %q, want %q as in the table's key", kind.text, k.Kind)
	}
	m := device.Match{Kind: k.Kind}
	switch k.Kind {
	case device.Valid:
		m.Value = []byte{0}
		if n.get("key").bool() {
			m.Value[0] = 1
		}
	case device.Exact:
		m.Value = hexfit(n.get("key"), k.Width)
	case device.LPM:
		m.Value = hexfit(n.get("key"), k.Width)
		m.PrefixLen = n.get("prefix_length").number(0, k.Width)
	case device.Ternary:
		m.Value = hexfit(n.get("key"), k.Width)
		m.Mask = hexfit(n.get("mask"), k.Width)
	case device.Range:
		m.Value = hexfit(n.get("start"), k.Width)
		m.High = hexfit(n.get("end"), k.Width)
	}
	return m
}
