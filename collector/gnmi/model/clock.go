package model

import (
	"github.com/telltale-net/telltale/collector/clocks"
	"github.com/telltale-net/telltale/collector/gnmi/tree"
)

// Clocks returns telltale:/clocks; a nil Aligned has none.
func Clocks(target string, a *clocks.Aligned) Batch {
	b := Batch{}
	root := b.at(target, Telltale, tree.E("clocks"))
	b.Below = []tree.Path{root.path}
	if a == nil {
		return b
	}
	all := a.Clocks()
	for i := range all {
		c := &all[i]
		s := root.below(tree.E("clock", "node-id", decimal(c.Node)), state)
		s.set("node-id", tree.Number(uint32(c.Node)))
		s.set("reference", tree.Number(uint32(a.Reference)))
		s.set("aligned", tree.Truth(c.Aligned))
		if c.Aligned {
			s.fixed("offset", c.Offset)
			s.fixed("offset-error", max(c.Start, c.End))
			s.fixed("drift", c.Drift*1e6)
		}
	}
	return b
}
