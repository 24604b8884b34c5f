package stf

import (
	"fmt"
	"math"

	"github.com/telltale-net/telltale/bmv2/device"
	"github.com/telltale-net/telltale/bmv2/spec"
)

// node is a multicast node: copies with one replication id.
type node struct {
	rid   uint32
	ports []uint32
}

// entry is where an entry with a label is.
type entry struct {
	table string
	entry device.Entry
}

func (r *runner) logf(pos Pos, format string, args ...any) {
	r.result.Log = append(r.result.Log, pos.String()+": "+fmt.Sprintf(format, args...))
}

// target is what an entry of t does to call the action: the action, or for a
// table with an action profile a member made for it.
func (r *runner) target(t *spec.Table, a Action) (device.Target, error) {
	action, err := r.call(t, a)
	if err != nil {
		return device.Target{}, err
	}
	if t.Kind == spec.Simple {
		return device.Target{Action: &action}, nil
	}
	profile := r.spec.Profiles[t.Profile].Name
	r.members[profile]++
	id := r.members[profile]
	return device.Target{Member: &id}, r.sw.InsertMember(profile, device.Member{ID: id, Action: action})
}

func (r *runner) add(st *Add) error {
	t, err := r.table(st.Table)
	if err != nil {
		return err
	}
	e := device.Entry{}
	if e.Matches, err = matches(t, st.Keys); err != nil {
		return fmt.Errorf("entry of %s: %w", t.Name, err)
	}
	for _, k := range t.Key {
		if k.Kind == device.Ternary || k.Kind == device.Range {
			// P4Runtime has no priority 0.
			e.Priority = int32(min(max(st.Priority, 0), math.MaxInt32-1) + 1)
		}
	}
	if e.Target, err = r.target(t, st.Action); err != nil {
		return err
	}
	if st.Label != "" {
		r.labels[st.Label] = entry{t.Name, e}
	}
	return r.sw.Insert(t.Name, e)
}

func (r *runner) setDefault(st *SetDefault) error {
	t, err := r.table(st.Table)
	if err != nil {
		return err
	}
	target, err := r.target(t, st.Action)
	if err != nil {
		return err
	}
	return r.sw.SetDefault(t.Name, &target)
}

func (r *runner) removeAll() error {
	for _, t := range r.spec.Tables {
		entries, err := r.sw.Entries(t.Name)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if e.Const {
				continue
			}
			if err := r.sw.Delete(t.Name, e); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *runner) command(st *Command) error {
	for _, n := range st.Numbers {
		if n > math.MaxInt32 && st.Verb != "counter_write" && st.Verb != "register_write" {
			return fmt.Errorf("%s: got %d; want at most %d", st.Verb, n, math.MaxInt32)
		}
	}
	num := func(i int) uint32 { return uint32(st.Numbers[i]) }
	switch st.Verb {
	case "mirroring_add":
		delete(r.sessions, num(0))
		return r.sw.SetCloneSession(device.CloneSession{ID: num(0), Replicas: []device.Replica{{Port: num(1)}}})
	case "mirroring_add_mc":
		r.sessions[num(0)] = num(1)
		return r.follow(num(1))
	case "mirroring_delete":
		delete(r.sessions, num(0))
		return r.sw.DeleteCloneSession(num(0))
	case "mirroring_get":
		for _, c := range r.sw.CloneSessions() {
			if c.ID == num(0) {
				r.logf(st.Pos, "clone session %d: %+v", c.ID, c.Replicas)
				return nil
			}
		}
		return fmt.Errorf("no clone session %d", num(0))
	case "mc_mgrp_create":
		if _, ok := r.groups[num(0)]; ok {
			return fmt.Errorf("multicast group %d is there already", num(0))
		}
		r.groups[num(0)] = nil
		return r.publish(num(0))
	case "mc_node_create":
		r.nodes = append(r.nodes, nodeOf(st.Numbers[0], st.Numbers[1:]))
		return nil
	case "mc_node_update":
		if int(num(0)) >= len(r.nodes) {
			return fmt.Errorf("no multicast node %d", num(0))
		}
		r.nodes[num(0)] = nodeOf(uint64(r.nodes[num(0)].rid), st.Numbers[1:])
		return r.publishAll()
	case "mc_node_associate":
		if _, ok := r.groups[num(0)]; !ok {
			return fmt.Errorf("no multicast group %d", num(0))
		}
		if int(num(1)) >= len(r.nodes) {
			return fmt.Errorf("no multicast node %d", num(1))
		}
		r.groups[num(0)] = append(r.groups[num(0)], int(num(1)))
		return r.publish(num(0))
	}
	return r.stateful(st)
}

func nodeOf(rid uint64, ports []uint64) node {
	n := node{rid: uint32(rid)}
	for _, p := range ports {
		n.ports = append(n.ports, uint32(p))
	}
	return n
}

func (r *runner) replicas(group uint32) []device.Replica {
	var out []device.Replica
	for _, h := range r.groups[group] {
		for _, port := range r.nodes[h].ports {
			out = append(out, device.Replica{Port: port, Instance: r.nodes[h].rid})
		}
	}
	return out
}

// publish tells the switch a group, and the clone sessions that follow it.
func (r *runner) publish(group uint32) error {
	if err := r.sw.SetMulticastGroup(device.MulticastGroup{ID: group, Replicas: r.replicas(group)}); err != nil {
		return err
	}
	return r.follow(group)
}

func (r *runner) publishAll() error {
	for group := range r.groups {
		if err := r.publish(group); err != nil {
			return err
		}
	}
	return nil
}

func (r *runner) follow(group uint32) error {
	for session, g := range r.sessions {
		if g != group {
			continue
		}
		if err := r.sw.SetCloneSession(device.CloneSession{ID: session, Replicas: r.replicas(group)}); err != nil {
			return err
		}
	}
	return nil
}
