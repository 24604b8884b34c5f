package model

import "github.com/telltale-net/telltale/collector/gnmi/tree"

// Blame is which links lost the packets that were lost unseen in a window. Times are ns
// since 1970; figures that are not known are NaN.
type Blame struct {
	Method             string
	From, Until        int64
	Flows, LosingFlows uint64
	Noise              float64
	Links, Devices     []Suspect
}

// Suspect is what is thought of a link (sending>receiving node) or a device.
type Suspect struct {
	Name, Verdict                       string
	Probability, Score, Votes, LossRate float64
	Device                              string // of a link: at fault only because this device is
}

// Verdicts returns telltale:/blame, each link and device an atomic container; nil has none.
func Verdicts(target string, blame *Blame) Batch {
	b := Batch{}
	root := b.at(target, Telltale, tree.E("blame"))
	b.Below = []tree.Path{root.path}
	if blame == nil {
		return b
	}
	s := root.below(state)
	s.set("method", tree.Text(blame.Method))
	s.set("from", tree.Uint(uint64(max(blame.From, 0))))
	s.set("until", tree.Uint(uint64(max(blame.Until, 0))))
	s.set("flows", tree.Uint(blame.Flows))
	s.set("losing-flows", tree.Uint(blame.LosingFlows))
	s.fixed("noise", blame.Noise)
	for _, list := range []struct {
		all       []Suspect
		name, one string
		link      bool
	}{{blame.Links, "links", "link", true}, {blame.Devices, "devices", "device", false}} {
		for i := range list.all {
			b.Changes = append(b.Changes, tree.Change{
				Path:   root.below(tree.E(list.name), tree.E(list.one, "name", list.all[i].Name)).path,
				Leaves: list.all[i].leaves(list.link),
			})
		}
	}
	return b
}

func (s *Suspect) leaves(link bool) []tree.Leaf {
	var all []tree.Leaf
	set := func(name string, v tree.Value) {
		all = append(all, tree.Leaf{Path: []tree.Elem{state, tree.E(name)}, Value: v})
	}
	fixed := func(name string, f float64) {
		if v, ok := tree.Fixed(f); ok {
			set(name, v)
		}
	}
	set("name", tree.Text(s.Name))
	set("verdict", tree.Text(s.Verdict))
	fixed("probability", s.Probability)
	fixed("score", s.Score)
	if link {
		fixed("votes", s.Votes)
	}
	fixed("loss-rate", s.LossRate)
	if link && s.Device != "" {
		set("device", tree.Text(s.Device))
	}
	return all
}
