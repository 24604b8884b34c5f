package p4src_test

import (
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"strconv"
	"strings"

	configv1 "github.com/p4lang/p4runtime/go/p4/config/v1"

	"github.com/telltale-net/telltale/bmv2/device"
	"github.com/telltale-net/telltale/p4src"
)

// install puts entries, one per line, in the order of the keys in P4Info:
//
//	routes 10.0.0.0/8 -> set_nexthop(7)       an entry; ternary keys: *, value or value&mask
//	acl/5 …                                   with priority 5
//	telemetry = telemetry_config(1, 2, 0, 1)  the default action
//	member 3 = forward(1, MAC, MAC)           of the selector ecmp
//	group 1 = 3 4                             of the selector ecmp
//	nexthops 7 -> member 3                    nexthops 7 -> group 1
func (r *rig) install(lines string) {
	r.Helper()
	for _, line := range strings.Split(lines, "\n") {
		line, _, _ = strings.Cut(line, "#")
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		if err := r.line(line); err != nil {
			r.Fatalf("cannot install %q: %v", line, err)
		}
	}
}

func (r *rig) line(line string) error {
	if head, call, ok := strings.Cut(line, " = "); ok {
		words := strings.Fields(head)
		switch words[0] {
		case "member":
			id, err := strconv.Atoi(words[1])
			if err != nil {
				return err
			}
			a, err := r.action(call)
			if err != nil {
				return err
			}
			return r.target.InsertMember("ecmp", device.Member{ID: uint32(id), Action: *a})
		case "group":
			id, err := strconv.Atoi(words[1])
			if err != nil {
				return err
			}
			g := device.Group{ID: uint32(id), MaxSize: int32(p4src.ProfileECMPSize)}
			for _, m := range strings.Fields(call) {
				n, err := strconv.Atoi(m)
				if err != nil {
					return err
				}
				g.Members = append(g.Members, device.GroupMember{Member: uint32(n), Weight: 1})
			}
			return r.target.InsertGroup("ecmp", g)
		}
		a, err := r.action(call)
		if err != nil {
			return err
		}
		return r.target.SetDefault(words[0], &device.Target{Action: a})
	}
	head, call, ok := strings.Cut(line, "->")
	if !ok {
		return fmt.Errorf("want -> or =")
	}
	words := strings.Fields(head)
	table, priority, _ := strings.Cut(words[0], "/")
	var e device.Entry
	if priority != "" {
		n, err := strconv.Atoi(priority)
		if err != nil {
			return err
		}
		e.Priority = int32(n)
	}
	matches, err := r.matches(table, words[1:])
	if err != nil {
		return err
	}
	e.Matches = matches
	call = strings.TrimSpace(call)
	if kind, id, ok := strings.Cut(call, " "); ok && (kind == "member" || kind == "group") {
		n, err := strconv.Atoi(id)
		if err != nil {
			return err
		}
		u := uint32(n)
		if kind == "member" {
			e.Target.Member = &u
		} else {
			e.Target.Group = &u
		}
	} else if e.Target.Action, err = r.action(call); err != nil {
		return err
	}
	return r.target.Insert(table, e)
}

func (r *rig) matches(table string, words []string) ([]device.Match, error) {
	for _, t := range r.info.GetTables() {
		if t.GetPreamble().GetName() != table {
			continue
		}
		fields := t.GetMatchFields()
		if len(fields) != len(words) {
			return nil, fmt.Errorf("got %d keys, want %d", len(words), len(fields))
		}
		var out []device.Match
		for i, f := range fields {
			m, err := match(f, words[i])
			if err != nil {
				return nil, fmt.Errorf("key %s: %w", f.GetName(), err)
			}
			out = append(out, m)
		}
		return out, nil
	}
	return nil, fmt.Errorf("no table %s", table)
}

func match(f *configv1.MatchField, word string) (device.Match, error) {
	bits := int(f.GetBitwidth())
	switch f.GetMatchType() {
	case configv1.MatchField_EXACT:
		v, err := value(word, bits)
		return device.Match{Kind: device.Exact, Value: v}, err
	case configv1.MatchField_LPM:
		addr, length, _ := strings.Cut(word, "/")
		n, err := strconv.Atoi(length)
		if err != nil {
			return device.Match{}, err
		}
		v, err := value(addr, bits)
		return device.Match{Kind: device.LPM, Value: v, PrefixLen: n}, err
	case configv1.MatchField_TERNARY:
		if word == "*" {
			zero := make([]byte, (bits+7)/8)
			return device.Match{Kind: device.Ternary, Value: zero, Mask: zero}, nil
		}
		v, mask, masked := strings.Cut(word, "&")
		if !masked {
			mask = "0x" + new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), uint(bits)), big.NewInt(1)).Text(16)
		}
		value1, err := value(v, bits)
		if err != nil {
			return device.Match{}, err
		}
		mask1, err := value(mask, bits)
		return device.Match{Kind: device.Ternary, Value: value1, Mask: mask1}, err
	}
	return device.Match{}, fmt.Errorf("BUG: match type %v", f.GetMatchType())
}

func (r *rig) action(call string) (*device.Action, error) {
	name, rest, ok := strings.Cut(strings.TrimSpace(call), "(")
	if !ok || !strings.HasSuffix(rest, ")") {
		return nil, fmt.Errorf("want action(arguments), got %q", call)
	}
	args := strings.Split(strings.TrimSuffix(rest, ")"), ",")
	if strings.TrimSpace(args[0]) == "" {
		args = nil
	}
	for _, a := range r.info.GetActions() {
		if a.GetPreamble().GetName() != name {
			continue
		}
		if len(a.GetParams()) != len(args) {
			return nil, fmt.Errorf("got %d arguments, want %d", len(args), len(a.GetParams()))
		}
		out := &device.Action{Name: name}
		for i, p := range a.GetParams() {
			v, err := value(strings.TrimSpace(args[i]), int(p.GetBitwidth()))
			if err != nil {
				return nil, fmt.Errorf("parameter %s: %w", p.GetName(), err)
			}
			out.Args = append(out.Args, v)
		}
		return out, nil
	}
	return nil, fmt.Errorf("no action %s", name)
}

// value reads a number, an IPv4 address or a MAC address into ⌈bits/8⌉ bytes.
func value(s string, bits int) ([]byte, error) {
	n := new(big.Int)
	if a, err := netip.ParseAddr(s); err == nil {
		n.SetBytes(a.AsSlice())
	} else if m, err := net.ParseMAC(s); err == nil {
		n.SetBytes(m)
	} else if _, ok := n.SetString(s, 0); !ok {
		return nil, fmt.Errorf("%q is no value", s)
	}
	if n.BitLen() > bits {
		return nil, fmt.Errorf("%s does not fit in %d bits", s, bits)
	}
	return n.FillBytes(make([]byte, (bits+7)/8)), nil
}
