package flowset

import (
	"cmp"
	"slices"
)

// result sums up.
func (e *epochMap) result() EpochLosses {
	devices := map[string]*DeviceLoss{}
	device := func(node string) *DeviceLoss {
		d := devices[node]
		if d == nil {
			d = &DeviceLoss{Node: node}
			devices[node] = d
		}
		return d
	}
	merged := map[[2]string]*LinkLoss{}
	add := func(l *LinkLoss) {
		m := merged[[2]string{l.From, l.To}]
		if m == nil {
			c := *l
			merged[[2]string{l.From, l.To}] = &c
			return
		}
		m.Sent += l.Sent
		m.Lost += l.Lost
		m.Flows += l.Flows
	}
	for _, l := range e.links {
		add(l)
	}
	for _, l := range e.gaps {
		add(l)
	}
	for _, l := range merged {
		e.out.Links = append(e.out.Links, *l)
		d := device(l.From)
		if l.From == l.To {
			d.Queue += l.Lost
		} else {
			d.Wire += l.Lost
			d.Sent += l.Sent
		}
	}
	slices.SortFunc(e.out.Links, func(a, b LinkLoss) int {
		return cmp.Or(cmp.Compare(b.Lost, a.Lost), cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To))
	})
	for _, d := range devices {
		e.out.Devices = append(e.out.Devices, *d)
	}
	slices.SortFunc(e.out.Devices, func(a, b DeviceLoss) int { return cmp.Compare(a.Node, b.Node) })
	return e.out
}
