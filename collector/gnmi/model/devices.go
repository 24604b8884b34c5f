package model

import "github.com/telltale-net/telltale/collector/gnmi/tree"

// Asked is a device that the collector asks over gNMI, and what came of it.
type Asked struct {
	Name, Address     string
	Node              uint32 // Node ID in the reports, 0 = not known
	Streams, Alive    int
	Stale             bool
	Unsupported       []string
	LastHeard         int64 // ns since 1970
	Connects, Updates uint64
	Unknown, Refused  uint64
	Error             string

	Ports, Queues, Drops []Agreement
}

// Joined returns telltale:/devices.
func Joined(target string, devices []Asked) Batch {
	b := Batch{}
	root := b.at(target, Telltale, tree.E("devices"))
	b.Below = []tree.Path{root.path}
	for i := range devices {
		d := &devices[i]
		here := root.below(tree.E("device", "name", d.Name))
		d.put(here.below(state))
		port := func(name string) at { return here.below(tree.E("ports"), tree.E("port", "interface", name)) }
		for i := range d.Ports {
			a := &d.Ports[i]
			s := port(a.Interface).below(state)
			s.set("interface", tree.Text(a.Interface))
			s.set("number", tree.Number(a.Number))
			a.put(s)
		}
		for i := range d.Queues {
			a := &d.Queues[i]
			s := port(a.Interface).below(tree.E("queues"), tree.E("queue", "name", a.Queue), state)
			s.set("name", tree.Text(a.Queue))
			s.set("number", tree.Number(a.Number))
			a.put(s)
		}
		for i := range d.Drops {
			a := &d.Drops[i]
			s := here.below(tree.E("drops"), tree.E("drop", "counter", a.Counter), state)
			s.set("counter", tree.Text(a.Counter))
			a.put(s)
		}
	}
	return b
}

func (d *Asked) put(s at) {
	s.set("name", tree.Text(d.Name))
	s.set("address", tree.Text(d.Address))
	if d.Node != 0 {
		s.set("node-id", tree.Number(d.Node))
	}
	s.set("connected", tree.Truth(d.Alive > 0))
	s.set("stale", tree.Truth(d.Stale))
	s.set("subscriptions", tree.Number(uint32(d.Alive)))
	if len(d.Unsupported) > 0 {
		s.set("unsupported", tree.Texts(d.Unsupported))
	}
	if d.LastHeard > 0 {
		s.set("last-heard", tree.Uint(uint64(d.LastHeard)))
	}
	s.count("connects", d.Connects)
	s.count("updates", d.Updates)
	s.count("unknown", d.Unknown)
	s.count("refused", d.Refused)
	if d.Error != "" {
		s.set("error", tree.Text(d.Error))
	}
}

func (a *Agreement) put(s at) {
	s.set("since", tree.Uint(uint64(max(a.Since, 0))))
	s.some("packets", a.Packets)
	s.some("postcards", a.Postcards)
	if share, ok := a.Coverage(); ok {
		s.fixed("coverage", share)
	}
	s.some("drops", a.Drops)
	s.some("drop-postcards", a.Dropped)
	if n, ok := a.Unreported(); ok {
		s.set("unreported-drops", tree.Int(n))
	}
}
