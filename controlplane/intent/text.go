package intent

import (
	"encoding/hex"
	"fmt"
	"math/big"
	"math/bits"
	"net/netip"
	"strings"

	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"

	"github.com/telltale-net/telltale/topology"
)

// Text renders an entity on one line for people, with the program's names:
//
//	table routes: ipv4_dst=10.1.1.0/24 → set_nexthop(nexthop_id=1024)
//	table acl: priority=10 vni=1001 direction=1 proto=6 dport=23 → deny(rule=10011)
//	table vtep: default → set_vtep(address=10.1.1.11)
//	profile ecmp: member 1 → forward(port=1, smac=…, dmac=…)
//	profile ecmp: group 1024 → member 1, member 2
//	clone session 100 → port 500
//
// It is total: what the schema does not know is shown by its numbers, and an
// entity of another kind in protobuf's own text.
func (s *Schema) Text(e *p4v1.Entity) string {
	switch e := e.GetEntity().(type) {
	case *p4v1.Entity_TableEntry:
		return s.tableEntryText(e.TableEntry)
	case *p4v1.Entity_ActionProfileMember:
		m := e.ActionProfileMember
		return fmt.Sprintf("profile %s: member %d → %s", s.profileName(m.GetActionProfileId()), m.GetMemberId(), s.actionText(m.GetAction()))
	case *p4v1.Entity_ActionProfileGroup:
		g := e.ActionProfileGroup
		var members []string
		for _, m := range g.GetMembers() {
			text := fmt.Sprintf("member %d", m.GetMemberId())
			if m.GetWeight() != 1 {
				text += fmt.Sprintf(" ×%d", m.GetWeight())
			}
			if port := m.GetWatchPort(); len(port) > 0 {
				text += fmt.Sprintf(" while port %s is up", new(big.Int).SetBytes(port))
			}
			members = append(members, text)
		}
		return fmt.Sprintf("profile %s: group %d → %s", s.profileName(g.GetActionProfileId()), g.GetGroupId(), orNone(members))
	case *p4v1.Entity_PacketReplicationEngineEntry:
		if c := e.PacketReplicationEngineEntry.GetCloneSessionEntry(); c != nil {
			var ports []string
			for _, r := range c.GetReplicas() {
				ports = append(ports, fmt.Sprintf("port %d", r.GetEgressPort()))
			}
			return fmt.Sprintf("clone session %d → %s", c.GetSessionId(), orNone(ports))
		}
	}
	return e.String()
}

func orNone(parts []string) string {
	if len(parts) == 0 {
		return "nothing"
	}
	return strings.Join(parts, ", ")
}

func (s *Schema) profileName(id uint32) string {
	for _, t := range s.tables {
		if t.profile == id && id != 0 {
			return t.want.profile
		}
	}
	return fmt.Sprintf("%#x", id)
}

func (s *Schema) tableEntryText(e *p4v1.TableEntry) string {
	name := fmt.Sprintf("%#x", e.GetTableId())
	t := s.byID[e.GetTableId()]
	if t != nil {
		name = t.want.name
	}
	var parts []string
	if e.GetIsDefaultAction() {
		parts = append(parts, "default")
	}
	if p := e.GetPriority(); p != 0 {
		parts = append(parts, fmt.Sprintf("priority=%d", p))
	}
	for _, m := range e.GetMatch() {
		key := wantKey{name: fmt.Sprintf("%#x", m.GetFieldId())}
		if t != nil {
			for _, k := range t.want.keys {
				if t.keys[k.name] == m.GetFieldId() {
					key = k
				}
			}
		}
		parts = append(parts, key.name+"="+matchText(key, m))
	}
	if len(parts) == 0 {
		parts = []string{"any"}
	}
	return fmt.Sprintf("table %s: %s → %s", name, strings.Join(parts, " "), s.tableActionText(e.GetAction()))
}

func (s *Schema) tableActionText(a *p4v1.TableAction) string {
	switch a := a.GetType().(type) {
	case *p4v1.TableAction_Action:
		return s.actionText(a.Action)
	case *p4v1.TableAction_ActionProfileMemberId:
		return fmt.Sprintf("member %d", a.ActionProfileMemberId)
	case *p4v1.TableAction_ActionProfileGroupId:
		return fmt.Sprintf("group %d", a.ActionProfileGroupId)
	case nil:
		return "nothing"
	}
	return a.String()
}

func (s *Schema) actionText(a *p4v1.Action) string {
	known := s.actions[a.GetActionId()]
	name := fmt.Sprintf("%#x", a.GetActionId())
	if known != nil {
		name = known.want.name
	}
	var args []string
	for _, p := range a.GetParams() {
		param := wantParam{name: fmt.Sprintf("%#x", p.GetParamId())}
		if known != nil {
			for i, id := range known.params {
				if id == p.GetParamId() {
					param = known.want.params[i]
				}
			}
		}
		args = append(args, param.name+"="+valueText(param.as, p.GetValue()))
	}
	return name + "(" + strings.Join(args, ", ") + ")"
}

func matchText(k wantKey, m *p4v1.FieldMatch) string {
	switch m := m.GetFieldMatchType().(type) {
	case *p4v1.FieldMatch_Exact_:
		return valueText(k.as, m.Exact.GetValue())
	case *p4v1.FieldMatch_Lpm:
		return fmt.Sprintf("%s/%d", valueText(k.as, m.Lpm.GetValue()), m.Lpm.GetPrefixLen())
	case *p4v1.FieldMatch_Ternary_:
		value := valueText(k.as, m.Ternary.GetValue())
		switch n, ok := prefixLength(int(k.bits), m.Ternary.GetMask()); {
		case ok && n == int(k.bits):
			return value
		case ok && k.as == ipv4:
			return fmt.Sprintf("%s/%d", value, n)
		}
		return fmt.Sprintf("%s&&&0x%s", value, hex.EncodeToString(m.Ternary.GetMask()))
	}
	return m.String()
}

// prefixLength returns the number of leading ones of a mask of so many bits, and
// whether nothing else is set.
func prefixLength(width int, mask []byte) (int, bool) {
	set := 0
	for _, b := range mask {
		set += bits.OnesCount8(b)
	}
	return set, set <= width && string(canonical(mask)) == string(prefixMask(width, set))
}

func valueText(as format, b []byte) string {
	switch {
	case as == ipv4 && len(b) <= 4:
		var a [4]byte
		copy(a[4-len(b):], b)
		return netip.AddrFrom4(a).String()
	case as == mac && len(b) <= 6:
		var m topology.MAC
		copy(m[6-len(b):], b)
		return m.String()
	}
	return new(big.Int).SetBytes(b).String()
}
