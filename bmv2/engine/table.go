package engine

import (
	"fmt"
	"math/big"

	"github.com/telltale-net/telltale/bmv2/device"
	"github.com/telltale-net/telltale/bmv2/match"
	"github.com/telltale-net/telltale/bmv2/spec"
)

// tableProgram is the part of a table that all switches share.
type tableProgram struct {
	spec    *spec.Table
	layout  []match.Field
	key     []keySlot
	words   int
	next    []*node // by position in spec.Actions
	at      []int   // … by action
	hit     *node
	miss    *node
	hitMiss bool
	base    *node // base_default_next
	meter   field // where the direct meter's colour goes
	unit    spec.MeterUnit
	keyless bool
	simple  bool // entries name actions
	metered bool // has a direct meter
	ageing  bool // entries may have idle timeouts
}

// keySlot puts a field into the lookup key, most significant word first; zero where
// its header is not valid, whatever the field holds (MatchKeyBuilder::operator()).
type keySlot struct {
	slot  uint32
	words uint32
	at    uint32
	valid uint32                               // slot of the header's validity
	place func(p *packet) (slot, valid uint32) // finds the slots of a field chosen at run time, else nil
}

// node is a step of the control flow.
type node struct {
	kind  spec.NodeKind
	table int
	cond  spec.Expr
	yes   *node
	no    *node // also what follows an action call
	call  call  // of an action call
	name  string
	loop  bool      // a pipeline may come back here
	pc    [2]uint32 // where its code starts, by version
}

// at is where the node's code starts; no node is the end.
func (n *node) at(version int) uint32 {
	if n == nil {
		return end
	}
	return n.pc[version]
}

// call is an action bound to its arguments.
type call struct {
	act  *action // nil for none
	args []uint64
	raw  [][]byte // the arguments as they came
}

// table is a table of one switch.
type table struct {
	prog    *tableProgram
	views   [2]tableView
	entries entries // the control plane's
	orders  uint64
}

// tableView is what packets see of a table.
type tableView struct {
	index  *match.Table // of numbers of entries
	blocks [][]entry
	count  int
	miss   reply
}

func (k *compiler) table(i int, nodes func(spec.Node) *node) (*tableProgram, error) {
	src := &k.prog.Tables[i]
	t := &tableProgram{spec: src, at: make([]int, len(k.prog.Actions)), keyless: len(src.Key) == 0,
		simple: src.Kind == spec.Simple, metered: src.DirectMeter >= 0, ageing: src.SupportTimeout}
	for _, f := range src.Key {
		loc := k.field(f.Field)
		valid := k.headers[f.Field.Header].valid
		var place func(p *packet) (slot, valid uint32)
		if e, ok := f.Expr.(spec.AccessField); ok {
			h, i := k.memberOf(e, 0)
			loc, place = k.typeField(e.HeaderType, e.Field), func(p *packet) (slot, valid uint32) {
				h := h(p)
				return h.fields[i].slot, h.valid
			}
		}
		t.layout = append(t.layout, match.Field{Name: f.Name, Kind: f.Kind, Width: f.Width, Mask: f.Mask})
		t.key = append(t.key, keySlot{loc.slot, loc.words, uint32(t.words), valid, place})
		t.words += int(loc.words)
	}
	if _, err := match.New(t.layout); err != nil {
		return nil, fmt.Errorf("table %q: %w", src.Name, err)
	}
	for j, a := range src.Actions {
		t.at[a] = j
		t.next = append(t.next, nodes(src.Next[j]))
	}
	if src.Hit != nil {
		t.hitMiss, t.hit, t.miss = true, nodes(*src.Hit), nodes(*src.Miss)
	}
	t.base = nodes(src.BaseDefault)
	if src.DirectMeter >= 0 {
		m := &k.prog.Meters[src.DirectMeter]
		t.meter, t.unit = k.field(m.Result), m.Unit
		if t.meter.words != 1 {
			return nil, fmt.Errorf("table %q: the result of meter %q is a field of %d bits, want at most 64", src.Name, m.Name, t.meter.width)
		}
	}
	k.keyWords = max(k.keyWords, t.words)
	return t, nil
}

// after is the node that follows an action of the table.
func (t *tableProgram) after(act int, hit bool) *node {
	switch {
	case !t.hitMiss:
		return t.next[t.at[act]]
	case hit:
		return t.hit
	}
	return t.miss
}

// idle is the node that follows a miss without a default action.
func (t *tableProgram) idle() *node {
	if t.hitMiss {
		return t.miss
	}
	return t.base
}

// load makes the lookup key of a packet.
func (t *tableProgram) load(p *packet, key []uint64) {
	for i := range t.key {
		k := &t.key[i]
		slot, valid := k.slot, k.valid
		if k.place != nil {
			slot, valid = k.place(p)
		}
		mask := -p.phv[valid] // the validity itself is its own mask
		if k.words == 1 {
			key[k.at] = p.phv[slot] & mask
			continue
		}
		for w := range k.words {
			key[k.at+w] = p.phv[slot+k.words-1-w] & mask
		}
	}
}

// apply looks up the packet. It returns what to do, where the code of the action
// starts, end if there is none, and where that of what follows does.
func (t *table) apply(p *packet, version int) (r *reply, start, then uint32) {
	view := p.sw.front & 1
	v := &t.views[view]
	i, hit := int32(-1), false
	if v.count > 0 && !t.prog.keyless {
		key := p.sw.key[:t.prog.words]
		t.prog.load(p, key)
		i, hit = v.index.Lookup(key)
	}
	if version == traced {
		p.sw.trace.table(t, p, i, hit)
	}
	if r = &v.miss; hit {
		e := entryAt(v.blocks, i)
		r = &e.does[view]
		e.counter.Packets++
		e.counter.Bytes += uint64(p.length)
		if t.prog.ageing {
			e.lastHit = p.now
		}
		if t.prog.metered {
			f := &t.prog.meter
			p.phv[f.slot] = r.deed.meter.execute(p.now, tokens(t.prog.unit, p)) & f.mask
		}
	}
	if t.prog.simple && version == plain {
		return r, r.start, r.then
	}
	return t.choose(p, r, hit, version)
}

// choose is the rest of apply for tables whose entries name members or groups, and for
// the trace.
func (t *table) choose(p *packet, r *reply, hit bool, version int) (does *reply, start, then uint32) {
	view := p.sw.front & 1
	d := r.deed
	m := d.member
	if d.group != nil {
		if m = d.group.choose(p); m == nil {
			p.sw.stats.EmptyGroups++
			if hit {
				return t.choose(p, &t.views[view].miss, false, version)
			}
			return r, end, t.prog.idle().at(version)
		}
	}
	if m != nil {
		r = &m.does[view]
	}
	if r.action < 0 {
		return r, end, t.prog.idle().at(version)
	}
	start, then = r.start, t.prog.after(int(r.action), hit).at(version)
	if version == traced {
		c := &r.deed.call
		start = c.act.pc[traced]
		p.sw.trace.chosen(p, c, t, hit, m, d.group)
	}
	return r, start, then
}

// newTable makes a table with the program's own entries.
func (s *Switch) newTable(prog *tableProgram) *table {
	t := &table{prog: prog}
	for v := range t.views {
		index, err := match.New(prog.layout)
		if err != nil {
			panic("BUG: a layout that compiled before: " + err.Error())
		}
		t.views[v] = tableView{index: index, miss: prog.reply(s.ownDefault(prog), false)}
	}
	ordered := t.views[0].index.Ordered()
	for i := range prog.spec.Entries {
		src := &prog.spec.Entries[i]
		e := device.Entry{Matches: match.Canonical(src.Matches, prog.layout), Target: device.Target{Action: constAction(s.prog.actions[src.Action], src.Args)}, Const: true}
		if ordered {
			e.Priority = constPriority(src.Priority)
		}
		d, err := s.draft(t, e)
		if err == nil {
			err = s.insert(t, &d)
		}
		if err != nil {
			panic("BUG: an entry that compiled before: " + err.Error())
		}
	}
	return t
}

// constPriority turns BMv2's priorities, of which the lowest wins, around.
func constPriority(p int) int32 { return int32(1<<31 - 1 - p) }

// constAction makes a call of the program's own.
func constAction(a *action, args []*big.Int) *device.Action {
	out := &device.Action{Name: a.name}
	for i, v := range args {
		words := make([]uint64, (a.params[i].Width+63)/64)
		bigWide(words, v)
		words[len(words)-1] &= topMask(a.params[i].Width)
		out.Args = append(out.Args, wideBig(append(words, 0)).FillBytes(make([]byte, (a.params[i].Width+7)/8)))
	}
	return out
}

// ownDefault is the program's default entry.
func (s *Switch) ownDefault(t *tableProgram) *deed {
	own := &deed{}
	if d := t.spec.Default; d != nil {
		a := constAction(s.prog.actions[d.Action], d.Args)
		own.call = bind(s.prog.actions[d.Action], a.Args)
		own.dev.Target = device.Target{Action: a}
	}
	return own
}

// bind makes a call; the arguments have been checked.
func bind(a *action, args [][]byte) call {
	c := call{act: a, args: make([]uint64, a.words)}
	for i, v := range args {
		at := a.argAt[i]
		for j, b := range v {
			bit := 8 * (len(v) - 1 - j)
			c.args[at+bit/64] |= uint64(b) << (bit % 64)
		}
		c.raw = append(c.raw, append([]byte(nil), v...))
	}
	return c
}
