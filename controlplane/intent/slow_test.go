package intent

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"

	p4config "github.com/p4lang/p4runtime/go/p4/config/v1"
	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"

	"github.com/telltale-net/telltale/topology"
)

// This file is a slow model of the two programs' forwarding that knows nothing but
// entities and P4Info.

// slowSwitch holds entries with every id replaced by its name.
type slowSwitch struct {
	entries  map[string][]slowEntry // by table
	defaults map[string]slowCall
	members  map[uint32]slowCall
	groups   map[uint32][]uint32
	sessions map[uint32]uint32 // clone session → port
}

type slowCall struct {
	action string
	args   map[string]uint64
}

type slowEntry struct {
	keys     map[string]slowKey
	priority int32
	call     slowCall
	member   uint32
	group    uint32
}

type slowKey struct {
	value, mask uint64
	length      int32
}

// load checks what a switch would: canonical values of the right width, masked bits
// zero, priorities exactly where they belong, no entry twice, references that exist.
func load(info *p4config.P4Info, entities []*p4v1.Entity) (*slowSwitch, error) {
	sw := &slowSwitch{
		make(map[string][]slowEntry), make(map[string]slowCall), make(map[uint32]slowCall),
		make(map[uint32][]uint32), make(map[uint32]uint32),
	}
	for i, e := range entities {
		if err := sw.add(info, e); err != nil {
			return nil, fmt.Errorf("entity %d (%v): %w", i, e, err)
		}
	}
	return sw, nil
}

func value(b []byte, bits int32) (uint64, error) {
	if len(b) == 0 || len(b) > 8 || len(b) > 1 && b[0] == 0 {
		return 0, fmt.Errorf("value %#x is not canonical", b)
	}
	n := binary.BigEndian.Uint64(append(make([]byte, 8-len(b)), b...))
	if n>>bits != 0 {
		return 0, fmt.Errorf("value %#x has more than %d bits", b, bits)
	}
	return n, nil
}

func (sw *slowSwitch) add(info *p4config.P4Info, e *p4v1.Entity) error {
	switch e := e.Entity.(type) {
	case *p4v1.Entity_TableEntry:
		return sw.addEntry(info, e.TableEntry)
	case *p4v1.Entity_ActionProfileMember:
		c, err := slowAction(info, e.ActionProfileMember.Action)
		if _, ok := sw.members[e.ActionProfileMember.MemberId]; ok {
			return errors.New("the member is there already")
		}
		sw.members[e.ActionProfileMember.MemberId] = c
		return err
	case *p4v1.Entity_ActionProfileGroup:
		g := e.ActionProfileGroup
		if _, ok := sw.groups[g.GroupId]; ok {
			return errors.New("the group is there already")
		}
		for _, m := range g.Members {
			if _, ok := sw.members[m.MemberId]; !ok || m.Weight != 1 {
				return fmt.Errorf("member %d does not exist, or has weight %d", m.MemberId, m.Weight)
			}
			sw.groups[g.GroupId] = append(sw.groups[g.GroupId], m.MemberId)
		}
		return nil
	case *p4v1.Entity_PacketReplicationEngineEntry:
		c := e.PacketReplicationEngineEntry.GetCloneSessionEntry()
		sw.sessions[c.SessionId] = c.Replicas[0].EgressPort
		return nil
	}
	return errors.New("of no kind that a switch holds")
}

func slowAction(info *p4config.P4Info, a *p4v1.Action) (slowCall, error) {
	for _, action := range info.Actions {
		if action.Preamble.Id != a.GetActionId() {
			continue
		}
		c := slowCall{action.Preamble.Name, make(map[string]uint64)}
		if len(a.Params) != len(action.Params) {
			return c, fmt.Errorf("action %s with %d parameters", c.action, len(a.Params))
		}
		for i, p := range action.Params {
			n, err := value(a.Params[i].Value, p.Bitwidth)
			if err != nil || a.Params[i].ParamId != p.Id {
				return c, fmt.Errorf("action %s: parameter %s: %v", c.action, p.Name, err)
			}
			c.args[p.Name] = n
		}
		return c, nil
	}
	return slowCall{}, fmt.Errorf("no action %d", a.GetActionId())
}

func (sw *slowSwitch) addEntry(info *p4config.P4Info, e *p4v1.TableEntry) error {
	i := slices.IndexFunc(info.Tables, func(t *p4config.Table) bool { return t.Preamble.Id == e.TableId })
	if i < 0 {
		return errors.New("no such table")
	}
	t := info.Tables[i]
	name := t.Preamble.Name
	out := slowEntry{keys: make(map[string]slowKey), priority: e.Priority}
	var err error
	switch a := e.Action.Type.(type) {
	case *p4v1.TableAction_Action:
		if out.call, err = slowAction(info, a.Action); err != nil {
			return err
		}
		if !slices.ContainsFunc(t.ActionRefs, func(r *p4config.ActionRef) bool { return r.Id == a.Action.ActionId }) {
			return fmt.Errorf("table %s does not have action %s", name, out.call.action)
		}
	case *p4v1.TableAction_ActionProfileMemberId:
		if _, ok := sw.members[a.ActionProfileMemberId]; !ok {
			return fmt.Errorf("no member %d", a.ActionProfileMemberId)
		}
		out.member = a.ActionProfileMemberId
	case *p4v1.TableAction_ActionProfileGroupId:
		if _, ok := sw.groups[a.ActionProfileGroupId]; !ok {
			return fmt.Errorf("no group %d", a.ActionProfileGroupId)
		}
		out.group = a.ActionProfileGroupId
	}
	if e.IsDefaultAction {
		if len(e.Match) > 0 || e.Priority != 0 {
			return errors.New("a default entry with matches or priority")
		}
		sw.defaults[name] = out.call
		return nil
	}
	ternary := false
	for _, f := range t.MatchFields {
		ternary = ternary || f.GetMatchType() == p4config.MatchField_TERNARY
		j := slices.IndexFunc(e.Match, func(m *p4v1.FieldMatch) bool { return m.FieldId == f.Id })
		if j < 0 {
			if f.GetMatchType() == p4config.MatchField_EXACT {
				return fmt.Errorf("exact key %s is missing", f.Name)
			}
			continue
		}
		k, err := slowMatch(f, e.Match[j])
		if err != nil {
			return fmt.Errorf("key %s: %w", f.Name, err)
		}
		out.keys[f.Name] = k
	}
	if len(out.keys) != len(e.Match) {
		return errors.New("a key twice, or one that the table does not have")
	}
	if ternary != (e.Priority > 0) {
		return fmt.Errorf("priority %d", e.Priority)
	}
	for _, other := range sw.entries[name] {
		if other.priority == out.priority && maps.Equal(other.keys, out.keys) {
			return errors.New("the entry is there already")
		}
	}
	sw.entries[name] = append(sw.entries[name], out)
	return nil
}

func slowMatch(f *p4config.MatchField, m *p4v1.FieldMatch) (k slowKey, err error) {
	all := uint64(1)<<f.Bitwidth - 1
	switch f.GetMatchType() {
	case p4config.MatchField_EXACT:
		k.value, err = value(m.GetExact().GetValue(), f.Bitwidth)
		k.mask = all
	case p4config.MatchField_LPM:
		k.value, err = value(m.GetLpm().GetValue(), f.Bitwidth)
		k.length = m.GetLpm().GetPrefixLen()
		if k.length < 1 || k.length > f.Bitwidth {
			return k, fmt.Errorf("prefix length %d", k.length)
		}
		k.mask = all << (f.Bitwidth - k.length) & all
	case p4config.MatchField_TERNARY:
		if k.value, err = value(m.GetTernary().GetValue(), f.Bitwidth); err == nil {
			k.mask, err = value(m.GetTernary().GetMask(), f.Bitwidth)
		}
		if k.mask == 0 {
			return k, errors.New("a mask of zero, which must be left out")
		}
	}
	if k.value&^k.mask != 0 {
		return k, fmt.Errorf("value %#x has bits outside mask %#x", k.value, k.mask)
	}
	return k, err
}

// look returns the entry that wins: longest prefix, then highest priority.
func (sw *slowSwitch) look(table string, keys map[string]uint64) (best slowEntry, hit bool) {
	length := func(e slowEntry) (n int32) {
		for _, k := range e.keys {
			n += k.length
		}
		return n
	}
	for _, e := range sw.entries[table] {
		match := true
		for name, k := range e.keys {
			v, ok := keys[name]
			if !ok {
				panic("no value for key " + name)
			}
			match = match && v&k.mask == k.value
		}
		if match && (!hit || length(e) > length(best) || length(e) == length(best) && e.priority > best.priority) {
			best, hit = e, true
		}
	}
	return best, hit
}

// slowFabric is one switch per node.
type slowFabric struct {
	ix       *topology.Index
	switches map[string]*slowSwitch
}

func slow(ix *topology.Index, ss map[string]*Schema, set Settings) (*slowFabric, error) {
	f := &slowFabric{ix, make(map[string]*slowSwitch)}
	for _, n := range ix.Fabric().Nodes {
		if n.Role == topology.Collector {
			continue
		}
		s := ss[n.Program]
		entities, err := For(ix, n.Name, set, s)
		if err != nil {
			return nil, err
		}
		if f.switches[n.Name], err = load(s.P4Info(), entities); err != nil {
			return nil, fmt.Errorf("%s: %w", n.Name, err)
		}
	}
	return f, nil
}

// packet is a tenant's.
type packet struct {
	src, dst     netip.Addr
	proto, dport uint64
}

// walk is one of the ways that a packet may take, and how it ends.
type walk struct {
	nodes []string
	end   string // "host NAME", or "REASON" with where
	rule  uint64 // that the sender's or receiver's ACL named last
}

func n4(a netip.Addr) uint64 {
	b := a.As4()
	return uint64(binary.BigEndian.Uint32(b[:]))
}

func n6(m topology.MAC) uint64 {
	return binary.BigEndian.Uint64(append([]byte{0, 0}, m[:]...))
}

func (f *slowFabric) acl(sw *slowSwitch, vni, direction uint64, p packet) (deny bool, rule uint64) {
	e, ok := sw.look("acl", map[string]uint64{
		"vni": vni, "direction": direction, "src": n4(p.src), "dst": n4(p.dst), "proto": p.proto, "dport": p.dport,
	})
	return ok && e.call.action == "deny", e.call.args["rule"]
}

// send returns every way of a packet that enters at a vswitch port.
func (f *slowFabric) send(at topology.Endpoint, p packet) []walk {
	sw := f.switches[at.Node]
	end := func(s string, rule uint64) []walk { return []walk{{[]string{at.Node}, s, rule}} }
	port, ok := sw.look("ports", map[string]uint64{"ingress_port": uint64(at.Port)})
	if !ok || port.call.action != "tenant_port" {
		return end("PORT_UNKNOWN", 0)
	}
	vni := port.call.args["vni"]
	if _, ok := sw.look("source_guard", map[string]uint64{"ingress_port": uint64(at.Port), "src": n4(p.src)}); !ok {
		return end("SOURCE_SPOOFED", 0)
	}
	deny, rule := f.acl(sw, vni, 0, p)
	if deny {
		return end("ACL_DENY", rule)
	}
	to, ok := sw.look("overlay", map[string]uint64{"vni": vni, "dst": n4(p.dst)})
	switch {
	case !ok:
		return end("MAPPING_MISS", rule)
	case to.call.action == "local":
		return end(f.deliver(at.Node, to.call), rule)
	}
	return f.route(at.Node, to.call.args["address"], []string{at.Node}, vni, p)
}

func (f *slowFabric) deliver(node string, c slowCall) string {
	h, ok := f.ix.HostAt(topology.Endpoint{Node: node, Port: topology.Port(c.args["port"])})
	if !ok || c.args["dmac"] != n6(h.MAC) {
		return "WRONG_PORT_OR_MAC"
	}
	return "host " + h.Name
}

// route follows every member of every group.
func (f *slowFabric) route(node string, pa uint64, nodes []string, vni uint64, p packet) []walk {
	sw := f.switches[node]
	end := func(s string) []walk { return []walk{{slices.Clone(nodes), s, 0}} }
	if len(nodes) > 16 {
		return end("LOOP")
	}
	r, ok := sw.look("routes", map[string]uint64{"ipv4_dst": pa})
	if !ok {
		return end("IP_MISS at " + node)
	}
	if r.call.action == "to_cpu" {
		return end("CPU at " + node)
	}
	next, ok := sw.look("nexthops", map[string]uint64{"nexthop_id": r.call.args["nexthop_id"]})
	if !ok {
		return end("NEXTHOP_MISS at " + node)
	}
	members := sw.groups[next.group]
	if next.member != 0 {
		members = []uint32{next.member}
	}
	var walks []walk
	for _, m := range members {
		c := sw.members[m]
		peer, ok := f.ix.Peer(topology.Endpoint{Node: node, Port: topology.Port(c.args["port"])})
		to, _ := f.ix.Node(peer.Node)
		from, _ := f.ix.Node(node)
		if !ok || c.args["dmac"] != n6(to.MAC) || c.args["smac"] != n6(from.MAC) {
			walks = append(walks, end("WRONG_PORT_OR_MAC at "+node)...)
			continue
		}
		way := append(slices.Clone(nodes), peer.Node)
		if to.Role == topology.VSwitch {
			end, rule := f.receive(peer, pa, vni, p)
			walks = append(walks, walk{way, end, rule})
		} else {
			walks = append(walks, f.route(peer.Node, pa, way, vni, p)...)
		}
	}
	return walks
}

func (f *slowFabric) receive(at topology.Endpoint, pa, vni uint64, p packet) (end string, rule uint64) {
	sw := f.switches[at.Node]
	port, ok := sw.look("ports", map[string]uint64{"ingress_port": uint64(at.Port)})
	if !ok || port.call.action != "uplink_port" {
		return "PORT_UNKNOWN", 0
	}
	if sw.defaults["vtep"].args["address"] != pa {
		return "NOT_OURS", 0
	}
	deny, rule := f.acl(sw, vni, 1, p)
	if deny {
		return "ACL_DENY", rule
	}
	to, ok := sw.look("overlay", map[string]uint64{"vni": vni, "dst": n4(p.dst)})
	if !ok || to.call.action != "local" {
		return "VNI_UNKNOWN", rule
	}
	return f.deliver(at.Node, to.call), rule
}
