package model

import (
	"errors"
	"fmt"

	"github.com/telltale-net/telltale/collector/gnmi/tree"
)

// Finding is a conclusion of an analyzer, with the fields that apply set: places that
// are zero are left out. Times are ns since 1970.
type Finding struct {
	ID                     string // unique, the same for as long as the finding lasts
	Analyzer, Kind         string
	Node, Peer, Prefix     string
	VNET                   string
	Port, VNI, Rule        uint32
	Queue                  *uint8
	Since, Until, Decided  int64
	Packets, Flows         uint64
	Confidence, ReportLoss float64
	Evidence               []string
}

// Findings returns telltale:/findings, each finding an atomic container. The error
// names the findings that are left out and why.
func Findings(target string, findings []Finding) (Batch, error) {
	b := Batch{}
	root := b.at(target, Telltale, tree.E("findings"))
	b.Below = []tree.Path{root.path}
	var errs []error
	seen := make(map[string]bool, len(findings))
	for i := range findings {
		f := &findings[i]
		leaves, ok := f.leaves()
		if f.ID == "" || seen[f.ID] || !ok {
			errs = append(errs, fmt.Errorf("cannot publish finding %d, %q of %s: want an id of its own and finite figures, got confidence %g, report loss %g",
				i, f.ID, f.Analyzer, f.Confidence, f.ReportLoss))
			continue
		}
		seen[f.ID] = true
		b.Changes = append(b.Changes, tree.Change{Path: root.path.Join(tree.E("finding", "id", f.ID)), Leaves: leaves})
	}
	return b, errors.Join(errs...)
}

func (f *Finding) leaves() ([]tree.Leaf, bool) {
	var all []tree.Leaf
	set := func(name string, v tree.Value) {
		all = append(all, tree.Leaf{Path: []tree.Elem{state, tree.E(name)}, Value: v})
	}
	text := func(name, s string) {
		if s != "" {
			set(name, tree.Text(s))
		}
	}
	number := func(name string, n uint32) {
		if n != 0 {
			set(name, tree.Number(n))
		}
	}
	text("id", f.ID)
	text("analyzer", f.Analyzer)
	text("kind", f.Kind)
	text("node", f.Node)
	number("port", f.Port)
	if f.Queue != nil {
		set("queue", tree.Number(uint32(*f.Queue)))
	}
	text("peer", f.Peer)
	text("prefix", f.Prefix)
	text("vnet", f.VNET)
	number("vni", f.VNI)
	number("rule", f.Rule)
	for _, t := range []struct {
		name string
		ns   int64
	}{{"since", f.Since}, {"until", f.Until}, {"decided", f.Decided}} {
		set(t.name, tree.Uint(uint64(max(t.ns, 0))))
	}
	set("packets", tree.Uint(f.Packets))
	set("flows", tree.Uint(f.Flows))
	confidence, ok1 := tree.Fixed(f.Confidence)
	loss, ok2 := tree.Fixed(f.ReportLoss)
	set("confidence", confidence)
	set("report-loss", loss)
	if len(f.Evidence) > 0 {
		set("evidence", tree.Texts(f.Evidence))
	}
	return all, ok1 && ok2
}

// Link is a direction of a link: packets that left a port, and of them those that did
// not arrive.
type Link struct {
	Node       string
	Port       uint32
	Peer       string
	Sent, Lost uint64
}

// LossMap returns telltale:/loss-map.
func LossMap(target string, links []Link) Batch {
	b := Batch{}
	root := b.at(target, Telltale, tree.E("loss-map"))
	b.Below = []tree.Path{root.path}
	for _, l := range links {
		at := root.below(tree.E("link", "node", l.Node, "port", decimal(l.Port)), state)
		at.set("node", tree.Text(l.Node))
		at.set("port", tree.Number(l.Port))
		at.set("peer", tree.Text(l.Peer))
		at.count("sent", l.Sent)
		at.count("lost", l.Lost)
	}
	return b
}
