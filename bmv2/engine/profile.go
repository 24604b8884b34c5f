package engine

import (
	"cmp"
	"slices"

	"github.com/telltale-net/telltale/bmv2/device"
	"github.com/telltale-net/telltale/bmv2/hash"
)

// profile is an action profile or selector of one switch.
type profile struct {
	index   int // in the program
	calc    *calculation
	hash    *hash.Hash
	members map[uint32]*member
	groups  map[uint32]*group
	handles handles
}

// member is an action profile member. Tables keep pointers to it, so modifying
// one changes what all their entries do at once.
//
// Its handles decide its place in a selection: simple_switch keeps a group's
// members in the order of their handles, which are the lowest free when a member
// is made, and PI gives a member a handle per unit of weight.
type member struct {
	does    [2]reply // by view
	id      uint32
	dev     device.Member
	refs    int // entries, default entries and groups that name it
	handles []int
}

// memberReply is what a member does, made ready.
func memberReply(c call) reply {
	r := c.reply()
	r.deed = &deed{call: c}
	return r
}

// group is a selector group.
type group struct {
	id     uint32
	prof   *profile
	dev    device.Group
	refs   int
	active [2][]*member // by view: in the order of selection, repeated by weight
}

// choose picks the member for a packet: hash mod the number of active ones.
func (g *group) choose(p *packet) *member {
	active := g.active[p.sw.front&1]
	n := uint64(len(active))
	if n == 0 {
		return nil
	}
	h := g.prof.hash.Sum(g.prof.calc.input(p))
	if n&(n-1) == 0 {
		return active[h&(n-1)]
	}
	return active[h%n]
}

// chosen lists who is active, after a change of the group or of a port.
func (g *group) chosen(up func(port uint32) bool) (active []*member) {
	type place struct {
		handle int
		m      *member
	}
	var places []place
	for _, b := range g.dev.Members {
		if b.HasWatch && !up(b.WatchPort) {
			continue
		}
		m := g.prof.members[b.Member]
		for _, h := range m.handles[:b.Weight] {
			places = append(places, place{h, m})
		}
	}
	slices.SortFunc(places, func(a, b place) int { return cmp.Compare(a.handle, b.handle) })
	for _, pl := range places {
		active = append(active, pl.m)
	}
	return active
}

// weigh gives every member as many handles as the greatest weight it has in any
// group, and at least one.
func (pr *profile) weigh(m *member) {
	want := 1
	for _, g := range pr.groups {
		for _, b := range g.dev.Members {
			if b.Member == m.id {
				want = max(want, int(b.Weight))
			}
		}
	}
	for len(m.handles) < want {
		m.handles = append(m.handles, pr.handles.take())
	}
	for len(m.handles) > want {
		last := len(m.handles) - 1
		pr.handles.give(m.handles[last])
		m.handles = m.handles[:last]
	}
}

// handles hands out the lowest free number.
type handles struct {
	next int
	free []int // sorted, descending
}

func (h *handles) take() int {
	if last := len(h.free) - 1; last >= 0 {
		n := h.free[last]
		h.free = h.free[:last]
		return n
	}
	h.next++
	return h.next - 1
}

func (h *handles) give(n int) {
	i, _ := slices.BinarySearchFunc(h.free, n, func(a, b int) int { return cmp.Compare(b, a) })
	h.free = slices.Insert(h.free, i, n)
}
