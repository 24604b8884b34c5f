package drops

import (
	"github.com/telltale-net/telltale/analyzers"
	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/p4src"
)

// Table adds up drops. It is not safe for concurrent use.
type Table struct {
	net *analyzers.Network
	cfg Config

	cells    []*Cell // in the order they were first seen, evicted ones replaced in place
	index    map[cellKey]int
	hand     int // of the clock that looks for a cell to evict
	flows    *flowTable
	services *flowTable
	totals   [][256]uint64 // by node index; the last row is of unknown nodes

	start int64 // Received of the first record
	begun bool
	now   int64 // latest Received or Advance
	stats Stats
}

// Stats counts what went in and what did not fit.
type Stats struct {
	Records       uint64 // observed
	Drops         uint64 // of them, drops
	Delivered     uint64 // of them, handed to a tenant's machine
	UnknownNode   uint64 // records of a node the fabric does not have
	NoReason      uint64 // drops without a reason
	EvictedCells  uint64
	EvictedDrops  uint64 // packets of evicted cells: in the totals, no longer in queries
	EvictedFlows  uint64 // flows and services whose history was forgotten
	Flows         int    // with history now
	Cells         int    // now
	DestsOverflow uint64 // drops to destinations beyond Config.MaxDestinations
}

// New returns an empty table for the network.
func New(net *analyzers.Network, cfg Config) *Table {
	cfg = cfg.withDefaults()
	return &Table{
		net:      net,
		cfg:      cfg,
		index:    make(map[cellKey]int),
		flows:    newFlowTable(cfg.MaxFlows),
		services: newFlowTable(cfg.MaxFlows),
		totals:   make([][256]uint64, len(net.Nodes)+1),
	}
}

// Observe adds one record.
func (t *Table) Observe(r *postcard.Record) {
	if !t.begun {
		t.begun, t.start = true, r.Received
	}
	t.now = max(t.now, r.Received)
	t.stats.Records++
	node := t.net.ByID(r.Node)
	if node < 0 {
		t.stats.UnknownNode++
	}
	if r.Lost() {
		t.drop(r, node)
		return
	}
	if r.Has&postcard.HasPorts == 0 || t.net.PortAt(node, r.OutPort).Kind != analyzers.ToHost {
		return
	}
	t.stats.Delivered++
	flow, ok := analyzers.FlowOf(r)
	if !ok {
		return
	}
	t.delivered(t.flows.touch(&flow, flow.Hash(), r.Received), r.Received)
	flow = flow.Service()
	t.delivered(t.services.touch(&flow, flow.Hash(), r.Received), r.Received)
}

func (t *Table) delivered(s *FlowState, now int64) {
	if s.Delivered == 0 {
		s.FirstDelivered = now
	}
	s.Delivered++
	s.LastDelivered = now
	if now-t.start < int64(t.cfg.Warmup) {
		return
	}
	if s.count == 0 {
		s.begun = now
	}
	s.count++
}

func dropped(s *FlowState, now int64) {
	if s.Dropped == 0 {
		s.FirstDropped = now
	}
	s.Dropped++
	s.LastDropped = now
}

// usedToPass reports whether the service's history says that it worked.
func (t *Table) usedToPass(s *FlowState) bool {
	return s.count >= t.cfg.PassPackets && s.LastDelivered-s.begun >= int64(t.cfg.PassSpan)
}

func (t *Table) drop(r *postcard.Record, node int32) {
	t.stats.Drops++
	row := int(node)
	if node < 0 {
		row = len(t.totals) - 1
	}
	t.totals[row][r.DropReason]++
	if r.Has&postcard.HasDropReason == 0 {
		t.stats.NoReason++
	}

	c := t.cell(r, node)
	ob := observation{r: r, dst: t.destination(r)}
	ob.known = r.DropReason == p4src.DropMappingMiss && r.Has&postcard.HasInner != 0 && t.net.HostNode(r.VNI, r.Inner.Dst) >= 0
	if flow, ok := analyzers.FlowOf(r); ok {
		ob.flow = flow.Hash()
		dropped(t.flows.touch(&flow, ob.flow, r.Received), r.Received)
		service := flow.Service()
		ob.sv = service.Hash()
		s := t.services.touch(&service, ob.sv, r.Received)
		dropped(s, r.Received)
		ob.before = s.Delivered
		ob.passed = t.usedToPass(s)
	}
	c.add(t, &ob)
}

// destination returns the underlay address the packet was for: the outer one, or,
// where it was dropped before it was encapsulated, the vswitch of its tenant address.
func (t *Table) destination(r *postcard.Record) postcard.Addr {
	if r.Has&postcard.HasOuter != 0 && r.Outer.Dst != (postcard.Addr{}) {
		return r.Outer.Dst
	}
	if r.Has&postcard.HasInner != 0 {
		if i := t.net.HostNode(r.VNI, r.Inner.Dst); i >= 0 {
			return postcard.AddrFrom(t.net.Nodes[i].Address)
		}
	}
	return postcard.Addr{}
}

// cell returns the cell of the record, made or taken from the least recently used one
// where it was not there.
func (t *Table) cell(r *postcard.Record, node int32) *Cell {
	key := cellKey{
		node: r.Node, reason: r.DropReason, rule: r.Rule, vni: r.VNI,
		in: r.InPort, out: r.OutPort,
	}
	if i, ok := t.index[key]; ok {
		t.cells[i].used = true
		return t.cells[i]
	}
	c := &Cell{key: key, NodeIndex: node, used: true, buckets: make([]bucket, t.cfg.Buckets)}
	if len(t.cells) < t.cfg.MaxCells {
		t.index[key] = len(t.cells)
		t.cells = append(t.cells, c)
		return c
	}
	for t.cells[t.hand].used {
		t.cells[t.hand].used = false
		t.hand = (t.hand + 1) % len(t.cells)
	}
	old := t.cells[t.hand]
	t.stats.EvictedCells++
	t.stats.EvictedDrops += old.Packets
	delete(t.index, old.key)
	t.cells[t.hand] = c
	t.index[key] = t.hand
	t.hand = (t.hand + 1) % len(t.cells)
	return c
}

// Total returns all drops the node reported with that reason, evicted cells included.
func (t *Table) Total(node postcard.NodeID, reason uint8) uint64 {
	if i := t.net.ByID(node); i >= 0 {
		return t.totals[i][reason]
	}
	return 0
}

// Cells calls yield for every cell, in the order they were first seen. The cells are
// the table's own: read them, do not keep them.
func (t *Table) Cells(yield func(*Cell) bool) {
	for _, c := range t.cells {
		if !yield(c) {
			return
		}
	}
}

// Flow returns what is known of a tenant's flow.
func (t *Table) Flow(f analyzers.TenantFlow) (FlowState, bool) {
	if s := t.flows.get(&f, f.Hash()); s != nil {
		return *s, true
	}
	return FlowState{}, false
}

// Service returns what is known of a service, and whether it used to pass.
func (t *Table) Service(f analyzers.TenantFlow) (s FlowState, usedToPass bool) {
	f = f.Service()
	if s := t.services.get(&f, f.Hash()); s != nil {
		return *s, t.usedToPass(s)
	}
	return FlowState{}, false
}

// Stats returns the counters.
func (t *Table) Stats() Stats {
	s := t.stats
	s.EvictedFlows = t.flows.evicted + t.services.evicted
	s.Flows = t.flows.n
	s.Cells = len(t.cells)
	return s
}
