package topology

import (
	"fmt"
	"net/netip"
)

// This file holds the rules for VNETs and hosts.

func (v *validator) checkVNETs() {
	names := make(map[string]bool)
	vnis := make(map[uint32]string)
	rules := make(map[uint32]string)
	for i, n := range v.f.VNETs {
		at, place := line(v.at.vnets, i), "vnet "+n.Name
		v.checkName(at, place, n.Name)
		if names[n.Name] {
			v.ps.add(at, place, "the name is used twice")
		}
		names[n.Name] = true
		if n.VNI < 1 || n.VNI > 1<<24-1 {
			v.ps.add(at, place, "VNI out of range: got %d, want 1…%d", n.VNI, 1<<24-1)
		} else if other, ok := vnis[n.VNI]; ok {
			v.ps.add(at, place, "VNI %d is already that of %s", n.VNI, other)
		} else {
			vnis[n.VNI] = n.Name
		}
		type rank struct {
			inbound  bool
			priority int32
		}
		ranks := make(map[rank]uint32)
		var lines []int
		if i < len(v.at.rules) {
			lines = v.at.rules[i]
		}
		for j, r := range n.ACL {
			at, place := line(lines, j), fmt.Sprintf("vnet %s rule %d", n.Name, r.ID)
			if r.ID == 0 {
				v.ps.add(at, place, "the rule id is 0, which means no rule")
			} else if other, ok := rules[r.ID]; ok {
				v.ps.add(at, place, "the rule id is already used in vnet %s", other)
			} else {
				rules[r.ID] = n.Name
			}
			if r.Priority < 1 || r.Priority > MaxPriority {
				v.ps.add(at, place, "priority out of range: got %d, want 1…%d", r.Priority, MaxPriority)
			} else if other, ok := ranks[rank{r.Inbound, r.Priority}]; ok {
				v.ps.add(at, place, "priority %d is already that of rule %d in the same direction", r.Priority, other)
			} else {
				ranks[rank{r.Inbound, r.Priority}] = r.ID
			}
			if r.Src != (netip.Prefix{}) {
				if err := prefixError(r.Src); err != "" {
					v.ps.add(at, place, "source prefix %s", err)
				}
			}
			if r.Dst != (netip.Prefix{}) {
				if err := prefixError(r.Dst); err != "" {
					v.ps.add(at, place, "destination prefix %s", err)
				}
			}
			if r.DstPort != 0 && r.Proto != 6 && r.Proto != 17 {
				v.ps.add(at, place, "destination port %d needs protocol tcp or udp, got %d", r.DstPort, r.Proto)
			}
		}
	}
}

func (v *validator) checkHosts() {
	vnets := make(map[string]bool)
	for _, n := range v.f.VNETs {
		vnets[n.Name] = true
	}
	type address struct {
		vnet string
		ca   netip.Addr
	}
	type mac struct {
		vnet string
		mac  MAC
	}
	names := make(map[string]bool)
	addresses := make(map[address]string)
	macs := make(map[mac]string)
	for i, h := range v.f.Hosts {
		line, place := line(v.at.hosts, i), "host "+h.Name
		v.checkName(line, place, h.Name)
		if names[h.Name] || v.nodes[h.Name] != nil {
			v.ps.add(line, place, "the name is used twice")
		}
		names[h.Name] = true
		if !vnets[h.VNET] {
			v.ps.add(line, place, "there is no vnet %q", h.VNET)
		}
		if err := unicastError(h.Address); err != "" {
			v.ps.add(line, place, "address %s", err)
		} else if other, ok := addresses[address{h.VNET, h.Address}]; ok {
			v.ps.add(line, place, "address %v is already that of %s in vnet %s", h.Address, other, h.VNET)
		} else {
			addresses[address{h.VNET, h.Address}] = h.Name
		}
		if err := macError(h.MAC); err != "" {
			if h.Address.Is4() { // else Read had nothing to derive it from
				v.ps.add(line, place, "%s", err)
			}
		} else if other, ok := macs[mac{h.VNET, h.MAC}]; ok {
			v.ps.add(line, place, "MAC %v is already that of %s in vnet %s", h.MAC, other, h.VNET)
		} else {
			macs[mac{h.VNET, h.MAC}] = h.Name
		}
		if n := v.nodes[h.At.Node]; n != nil && n.Role != VSwitch {
			v.ps.add(line, place, "is at %v, a %s, want a vswitch", h.At, n.Role)
		} else {
			v.take(line, place, h.At, place)
		}
		v.checkLine(line, place, h.RateBps, h.Delay, h.Queue)
	}
}
