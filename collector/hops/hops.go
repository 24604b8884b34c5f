// Package hops puts together what several switches reported of one packet: records
// with the same packet id and flow become one path, its hops in the order in which the
// packet took them.
//
// The order comes from the links where they are known: a hop that left by a port is
// followed by the hop that came in by the port at the link's other end. Clocks are not
// asked, for it is from paths that they are aligned (package clocks). Where a link is
// not known, or a hop's report is missing, the path has a gap and goes on with what was
// received first, and says so.
//
// A path is complete when nothing of its packet has come for a window after its first
// record. A record that comes later starts a path of its own, and ids that wrap within a
// window join two packets: the window must be shorter than 65 536 packets of a source.
//
// The package is pure: time is the records' Received.
package hops

import (
	"cmp"
	"slices"

	"github.com/telltale-net/telltale/collector/postcard"
)

// Links tells where a port leads: the node and port at the other end.
type Links func(node postcard.NodeID, out uint32) (peer postcard.NodeID, in uint32, ok bool)

// Config says how records are matched. The zero Config is completed by defaults.
type Config struct {
	Window  int64 // ns of Received that a path waits for its records; 0 = 100 ms
	Records int   // that wait at most; 0 = 262 144; beyond, the oldest path ends early, counted
	Links   Links // nil = none is known
}

// MaxHops is the most records of one path; further ones are counted, not kept: a
// packet that goes round tells no more by going round again.
const MaxHops = 32

// Hop is a record in its path.
type Hop struct {
	postcard.Record
	// Linked says that the hop before is the one at the other end of the link that this
	// one's port is on. Where not, something is between them that nobody reported, or
	// that no link is known of.
	Linked bool
}

// Path is one packet's way, in order.
type Path struct {
	Hops []Hop
	Gaps int // hops but the first that are not linked
}

// Stats counts what a matcher was given.
type Stats struct {
	Records   uint64
	Anonymous uint64 // without packet id or inner flow: a path each
	Paths     uint64
	Gaps      uint64
	Early     uint64 // paths that ended before their window for want of room
	TooLong   uint64 // records beyond MaxHops of a path
}

// key names a packet while it is under way.
type key struct {
	vni  uint32
	id   uint16
	flow postcard.Flow
}

// Matcher matches records. It is for one goroutine. What it hands over is valid
// during the call only.
type Matcher struct {
	cfg   Config
	emit  func(*Path)
	open  map[key]int32 // first slot of a path, by packet
	slots []slot
	free  int32 // first free slot, -1 = none
	// Paths in order of their first record: a list through the first slots.
	oldest, newest int32
	now            int64
	path           Path
	scratch        []Hop
	stats          Stats
}

// slot holds a record of an open path.
type slot struct {
	r     postcard.Record
	key   key
	next  int32 // record of the same path, or free slot; -1 = none
	last  int32 // in a path's first slot: its last
	n     int32 // in a path's first slot: how many
	later int32 // in a path's first slot: the path that began next
}

// New returns a matcher that hands paths to emit.
func New(cfg Config, emit func(*Path)) *Matcher {
	if cfg.Window <= 0 {
		cfg.Window = 100e6
	}
	if cfg.Records <= 0 {
		cfg.Records = 1 << 18
	}
	return &Matcher{cfg: cfg, emit: emit, open: map[key]int32{}, free: -1, oldest: -1, newest: -1}
}

// Stats returns the counts.
func (m *Matcher) Stats() Stats { return m.stats }

// Observe takes a record and hands over the paths whose window is over. Records come
// roughly in order of Received.
func (m *Matcher) Observe(r *postcard.Record) {
	m.stats.Records++
	m.now = max(m.now, r.Received)
	for m.oldest >= 0 && m.slots[m.oldest].r.Received+m.cfg.Window < m.now {
		m.finish(m.oldest)
	}
	const named = postcard.HasPacketID | postcard.HasInner
	if r.Has&named != named {
		m.stats.Anonymous++
		m.scratch = append(m.scratch[:0], Hop{Record: *r})
		m.hand()
		return
	}
	k := key{vni: r.VNI, id: r.PacketID, flow: r.Inner}
	first, ok := m.open[k]
	if ok && m.slots[first].n == MaxHops {
		m.stats.TooLong++
		return
	}
	early := m.stats.Early
	s := m.slot()
	if m.stats.Early != early { // making room may have ended the path
		first, ok = m.open[k]
	}
	if ok {
		f := &m.slots[first]
		m.slots[f.last].next = s
		f.last = s
		f.n++
		m.slots[s] = slot{r: *r, next: -1}
		return
	}
	m.open[k] = s
	m.slots[s] = slot{r: *r, key: k, next: -1, last: s, n: 1, later: -1}
	if m.newest >= 0 {
		m.slots[m.newest].later = s
	} else {
		m.oldest = s
	}
	m.newest = s
}

// Flush hands over all paths that are open.
func (m *Matcher) Flush() {
	for m.oldest >= 0 {
		m.finish(m.oldest)
	}
}

// slot returns a free slot, ending the oldest path if there is none.
func (m *Matcher) slot() int32 {
	if m.free < 0 && len(m.slots) < m.cfg.Records {
		m.slots = append(m.slots, slot{})
		return int32(len(m.slots) - 1)
	}
	if m.free < 0 {
		m.stats.Early++
		m.finish(m.oldest)
	}
	s := m.free
	m.free = m.slots[s].next
	return s
}

// finish hands over the oldest path and frees its slots.
func (m *Matcher) finish(first int32) {
	f := &m.slots[first]
	delete(m.open, f.key)
	if m.oldest = f.later; m.oldest < 0 {
		m.newest = -1
	}
	m.scratch = m.scratch[:0]
	for s := first; s >= 0; {
		m.scratch = append(m.scratch, Hop{Record: m.slots[s].r})
		next := m.slots[s].next
		m.slots[s].next = m.free
		m.free = s
		s = next
	}
	m.hand()
}

// hand orders what is in scratch and hands it over.
func (m *Matcher) hand() {
	m.path.Hops = order(m.path.Hops[:0], m.scratch, m.cfg.Links)
	m.path.Gaps = 0
	for i := range m.path.Hops {
		if i > 0 && !m.path.Hops[i].Linked {
			m.path.Gaps++
		}
	}
	m.stats.Paths++
	m.stats.Gaps += uint64(m.path.Gaps)
	m.emit(&m.path)
}

// order appends the hops to dst in the packet's order. It uses up hops.
func order(dst, hops []Hop, links Links) []Hop {
	slices.SortStableFunc(hops, func(a, b Hop) int {
		if c := cmp.Compare(a.Received, b.Received); c != 0 {
			return c
		}
		if a.Node == b.Node {
			return cmp.Or(cmp.Compare(a.Ingress, b.Ingress), cmp.Compare(a.Stage, b.Stage))
		}
		return 0
	})
	var used [MaxHops]bool
	for len(dst) < len(hops) {
		next, linked := -1, false
		if n := len(dst); n > 0 {
			next, linked = successor(&dst[n-1], hops, &used, links)
		}
		if next < 0 {
			next = head(hops, &used, links)
		}
		used[next] = true
		hops[next].Linked = linked
		dst = append(dst, hops[next])
	}
	return dst
}

// successor returns the hop at the other end of the link that h left by: of several,
// the packet having come round, the one received first.
func successor(h *Hop, hops []Hop, used *[MaxHops]bool, links Links) (int, bool) {
	// A second report of the same hop, of its egress after that of its ingress.
	for i := range hops {
		if o := &hops[i]; !used[i] && o.Node == h.Node && o.InPort == h.InPort && o.Stage != h.Stage && o.Ingress == h.Ingress {
			return i, true
		}
	}
	if links == nil || h.Has&postcard.HasPorts == 0 {
		return -1, false
	}
	peer, in, ok := links(h.Node, h.OutPort)
	if !ok {
		return -1, false
	}
	for i := range hops {
		if o := &hops[i]; !used[i] && o.Node == peer && o.InPort == in && o.Has&postcard.HasPorts != 0 {
			return i, true
		}
	}
	return -1, false
}

// head returns the first hop that no other one leads to, or the first at all.
func head(hops []Hop, used *[MaxHops]bool, links Links) int {
	first := -1
	for i := range hops {
		if used[i] {
			continue
		}
		if first < 0 {
			first = i
		}
		if links == nil {
			break
		}
		led := false
		for k := range hops {
			if k == i || used[k] {
				continue
			}
			if peer, in, ok := links(hops[k].Node, hops[k].OutPort); ok && peer == hops[i].Node && in == hops[i].InPort {
				led = true
				break
			}
		}
		if !led {
			return i
		}
	}
	return first
}
