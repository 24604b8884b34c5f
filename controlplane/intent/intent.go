package intent

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"

	"github.com/telltale-net/telltale/topology"
)

// For returns the entities that a switch should hold, in an order in which they can
// be written: default actions are table entries with IsDefaultAction, the clone
// session for reports is a packet replication engine entry. The schema must be that of
// the node's program. Errors name what does not fit: an unknown node, settings, more
// entries or group members than the program holds.
func For(ix *topology.Index, node string, set Settings, s *Schema) ([]*p4v1.Entity, error) {
	n, ok := ix.Node(node)
	if !ok || n.Role == topology.Collector {
		return nil, fmt.Errorf("intent of %q: it is not a switch of fabric %s", node, ix.Fabric().Name)
	}
	if n.Program != s.program {
		return nil, fmt.Errorf("intent of %s: got the schema of program %q, want %q", node, s.program, n.Program)
	}
	if err := set.Validate(); err != nil {
		return nil, fmt.Errorf("intent of %s: %w", node, err)
	}
	b := &builder{ix: ix, node: n, set: set, s: s}
	b.reports()
	b.queues()
	b.underlay()
	if n.Role == topology.VSwitch {
		b.overlay()
	}
	b.telemetry()
	if b.err == nil {
		b.err = b.fits()
	}
	if b.err != nil {
		return nil, fmt.Errorf("intent of %s: %w", node, b.err)
	}
	return b.out, nil
}

// Updates turns entities into the updates that write them to a switch that holds
// none: INSERT, or MODIFY for a default action, which always exists.
func Updates(entities []*p4v1.Entity) []*p4v1.Update {
	updates := make([]*p4v1.Update, len(entities))
	for i, e := range entities {
		updates[i] = &p4v1.Update{Type: p4v1.Update_INSERT, Entity: e}
		if e.GetTableEntry().GetIsDefaultAction() {
			updates[i].Type = p4v1.Update_MODIFY
		}
	}
	return updates
}

// builder collects the entities of one switch; after the first error it adds no more.
type builder struct {
	ix   *topology.Index
	node topology.Node
	set  Settings
	s    *Schema
	out  []*p4v1.Entity
	err  error
}

func (b *builder) add(e *p4v1.Entity, err error) {
	if b.err == nil {
		b.err = err
	}
	if b.err == nil {
		b.out = append(b.out, e)
	}
}

// fits compares the number of entries with what the program promises to hold.
func (b *builder) fits() error {
	entries := make(map[uint32]int64)
	for _, e := range b.out {
		if t := e.GetTableEntry(); t != nil && !t.IsDefaultAction {
			entries[t.TableId]++
		}
	}
	for _, id := range sortedKeys(entries) {
		if t := b.s.byID[id]; entries[id] > t.size {
			return fmt.Errorf("program %s: table %s: got %d entries, want at most %d", b.s.program, t.want.name, entries[id], t.size)
		}
	}
	return nil
}

// reports adds the way to the collector.
func (b *builder) reports() {
	port, ok := b.ix.TelemetryPort(b.node.Name)
	if !ok {
		panic(fmt.Sprintf("BUG: switch %s has no telemetry link in a valid fabric", b.node.Name))
	}
	c := b.ix.Collector()
	b.add(cloneSession(ReportSession, uint32(port)), nil)
	b.add(b.s.setDefault("report_target", do("set_report_target",
		hw(b.node.MAC), hw(c.MAC), addr(b.node.Address), addr(c.Address), num(b.set.ReportPort), num(b.set.HwID))))
}

// queues adds what is known of every port's queue and MTU. The port to the collector
// has neither: only clones leave by it, which ingress never sees.
func (b *builder) queues() {
	type port struct {
		number topology.Port
		queue  int
		mtu    uint16
	}
	var ports []port
	for _, p := range b.ix.Ports(b.node.Name) {
		at := topology.Endpoint{Node: b.node.Name, Port: p}
		q := port{number: p, mtu: b.set.MTU}
		if h, ok := b.ix.HostAt(at); ok {
			q.queue, q.mtu = h.Queue, b.set.TenantMTU
		} else if l, _ := b.ix.Link(at); l.Telemetry {
			continue
		} else {
			q.queue = l.Queue
		}
		if q.queue == 0 {
			q.queue = topology.DefaultQueue
		}
		ports = append(ports, q)
	}
	key := func(p port) []match { return []match{{key: "egress_port", value: num(p.number)}} }
	if b.set.MTU != 0 || b.set.TenantMTU != 0 {
		for _, p := range ports {
			if p.mtu != 0 {
				b.add(b.s.entry("mtu", 0, key(p), do("set_mtu", num(p.mtu))))
			}
		}
	}
	if b.set.QueueMargin >= 0 {
		for _, p := range ports {
			b.add(b.s.entry("queue_limit", 0, key(p), do("limit_queue", num(uint32(max(1, p.queue-b.set.QueueMargin))))))
		}
	}
	if b.set.QueueWatch > 0 {
		for _, p := range ports {
			b.add(b.s.entry("queue_watch", 0, key(p), do("watch_queue", num(uint32(max(1, p.queue*b.set.QueueWatch/100))))))
		}
	}
}

// telemetry adds the watch list and switches reporting on.
func (b *builder) telemetry() {
	for _, w := range b.set.Watch {
		var ms []match
		ms = addNumber(ms, "vni", 24, w.VNI)
		ms = addPrefix(ms, "src", w.Src)
		ms = addPrefix(ms, "dst", w.Dst)
		ms = addNumber(ms, "proto", 8, w.Proto)
		ms = addNumber(ms, "sport", 16, w.SrcPort)
		ms = addNumber(ms, "dport", 16, w.DstPort)
		b.add(b.s.entry("watch", w.Priority, ms, do("watch_flow", num(w.Colour))))
	}
	// Fibonacci hashing spreads ids that differ in the last digits.
	seed := uint16(b.node.ID * 0x9E3779B1 >> 16)
	b.add(b.s.setDefault("telemetry", do("telemetry_config", num(b.node.ID), num(seed), bit(b.set.AllHops), bit(b.set.Drops))))
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
