package postcards

import (
	"cmp"
	"slices"

	"github.com/telltale-net/telltale/collector/postcard"
)

// watcher is what is known of a switch's reports.
type watcher struct {
	believed bool // it reports packets that cross it: its silence says that one did not
	joins    bool // it reports packets that other switches, not believed either, chose to report
	blind    []window
	first    int64  // when its first report came: it is blind before,
	last     int64  // and from a margin before its last one on
	expected uint64 // packets that crossed it for certain while it was not blind; of one that is not believed, those that another such switch reported
	seen     uint64 // of them, reported
}

// window is a time in which reports are missing.
type window struct {
	from, until int64
	excuses     int64 // packets it may still excuse the silence about
}

// excuse is how many silences a missing report excuses: it is not known which of the
// silences in its window was its own, so as many again are not believed.
const excuse = 2

const always = 1 << 62 // longer than any time, more than any packets

const (
	seqBits = 22
	maxHole = 1 << 16 // a longer one is a restart: how many are missing is not known
)

// numbered is a report's number and time of receipt.
type numbered struct{ seq, at int64 }

// sequences finds when each switch is blind: around the holes in its numbers, before its
// first report and after its last.
func (b *builder) sequences() {
	b.nodes = make([]watcher, len(b.net.Nodes))
	for i := range b.nodes {
		b.nodes[i].first, b.nodes[i].last = always, -always
	}
	streams := map[[2]int32][]numbered{}
	for i := range b.records {
		r := &b.records[i]
		node := b.net.ByID(r.Node)
		if node < 0 {
			b.account.Unknown++
			continue
		}
		b.account.Reports++
		k := [2]int32{node, int32(r.HwID)}
		streams[k] = append(streams[k], numbered{int64(r.Seq), r.Received})
	}
	for k, s := range streams {
		b.holes(&b.nodes[k[0]], s)
	}
	for _, x := range b.cfg.Blind {
		if n := b.net.ByID(x.Node); n >= 0 {
			b.nodes[n].hole(x.From, x.Until, int64(x.Missing))
			b.account.Missing += uint64(x.Missing)
		}
	}
}

// hole adds a hole between two reports.
func (w *watcher) hole(from, until, missing int64) {
	excuses := excuse * missing
	if missing >= maxHole {
		excuses = always
	}
	w.blind = append(w.blind, window{from, until, excuses})
}

// widen gives each hole and the end its margin, and joins holes that overlap.
func (b *builder) widen() {
	margin := b.cfg.Jitter
	if margin == 0 {
		margin = b.delay()
	}
	for n := range b.nodes {
		for i := range b.nodes[n].blind {
			w := &b.nodes[n].blind[i]
			w.from -= margin
			w.until += margin
		}
		b.nodes[n].blind = merge(b.nodes[n].blind)
		b.nodes[n].last -= margin // what was seen just before at another hop may have had a later report
	}
}

// least is the shortest margin, ns.
const least = 100_000

// delay returns how much a report may be received after that of the hop before which
// reports: twice what the 999th of 1000 took.
func (b *builder) delay() int64 {
	var took []int64
	for i := range b.packets {
		p := &b.packets[i]
		if !p.arrived {
			continue
		}
		for i := 1; i < len(p.hops); i++ {
			took = append(took, p.hops[i].at-p.hops[i-1].at)
		}
	}
	if len(took) == 0 {
		return b.cfg.Settle
	}
	slices.Sort(took)
	return min(max(2*took[len(took)*999/1000], least), b.cfg.Settle)
}

// holes adds the windows of one stream of numbers.
func (b *builder) holes(w *watcher, s []numbered) {
	slices.SortStableFunc(s, func(x, y numbered) int { return cmp.Compare(x.at, y.at) })
	high := s[0].seq
	for i := range s { // unroll the numbers: each is the one nearest to the highest so far
		d := (s[i].seq - high) & (1<<seqBits - 1)
		if d >= 1<<(seqBits-1) {
			d -= 1 << seqBits
		}
		s[i].seq = high + d
		high = max(high, s[i].seq)
	}
	w.first, w.last = min(w.first, s[0].at), max(w.last, s[len(s)-1].at)
	if b.cfg.Sampled {
		return
	}
	slices.SortStableFunc(s, func(x, y numbered) int { return cmp.Compare(x.seq, y.seq) })
	for i := 1; i < len(s); i++ {
		hole := s[i].seq - s[i-1].seq - 1
		if hole <= 0 {
			continue
		}
		if hole < maxHole {
			b.account.Missing += uint64(hole)
		}
		w.hole(min(s[i-1].at, s[i].at), max(s[i-1].at, s[i].at), hole)
	}
}

// merge sorts windows and joins those that overlap.
func merge(ws []window) []window {
	slices.SortFunc(ws, func(x, y window) int { return cmp.Compare(x.from, y.from) })
	out := ws[:0]
	for _, w := range ws {
		if n := len(out); n > 0 && w.from <= out[n-1].until {
			out[n-1].until = max(out[n-1].until, w.until)
			out[n-1].excuses += min(w.excuses, always-out[n-1].excuses)
			continue
		}
		out = append(out, w)
	}
	return out
}

// excuses reports whether the silence about a packet at a time may be a missing report,
// and has as much less to excuse then.
func (w *watcher) excuses(at, cost int64) bool {
	if at <= w.first || at >= w.last {
		return true
	}
	i, _ := slices.BinarySearchFunc(w.blind, at, func(x window, at int64) int { return cmp.Compare(x.until, at) })
	if i == len(w.blind) || w.blind[i].from > at || w.blind[i].excuses <= 0 {
		return false
	}
	if w.blind[i].excuses < always {
		w.blind[i].excuses -= cost
	}
	return true
}

// watchers finds out which switches report packets that cross them, by packets that
// arrived.
func (b *builder) watchers() {
	reports := make([]bool, len(b.nodes))
	for i := range b.records {
		r := &b.records[i]
		if n := b.net.ByID(r.Node); n >= 0 && !r.Lost() && r.Has&postcard.HasEgress != 0 {
			reports[n] = true
		}
	}
	before := make([][]window, len(b.nodes))
	for i := range b.nodes {
		before[i] = slices.Clone(b.nodes[i].blind)
	}
	b.known(func(p *packet, from seen, x int32) {
		w := &b.nodes[x]
		if p.at(x) {
			w.seen++
		} else if w.excuses(from.at, excuse) { // that report was one of the missing ones
			return
		}
		w.expected++
	})
	for i := range b.nodes {
		w := &b.nodes[i]
		if w.believed = reports[i] && float64(w.seen) >= b.cfg.Coverage*float64(w.expected); w.believed {
			b.account.Unseen += w.expected - w.seen
		} else { // its missing reports are among those that it chose
			w.blind, w.expected, w.seen = before[i], 0, 0
		}
	}
	b.known(func(p *packet, from seen, x int32) {
		w := &b.nodes[x]
		if w.believed || !b.chosen(p, x) {
			return
		}
		if p.at(x) {
			w.seen++
		} else if w.excuses(from.at, excuse) {
			return
		}
		w.expected++
	})
	for i := range b.nodes {
		w := &b.nodes[i]
		if !w.believed && reports[i] && w.expected > 0 {
			w.joins = float64(w.seen) >= b.cfg.Coverage*float64(w.expected)
		}
	}
}

// known calls do for each switch between the first and the last one that a packet which
// arrived crossed for certain, be it that one which reported it sent it there, or that its
// flow's way is known, and for the last hop before that which reported it.
func (b *builder) known(do func(p *packet, from seen, x int32)) {
	for i := range b.flows {
		f := &b.flows[i]
		for j := range f.packets {
			p := &f.packets[j]
			if !p.arrived {
				continue
			}
			ws := b.waysOf(p, f.ways)
			if len(ws) == 0 {
				continue
			}
			before := p.hops[0]
			for at, x := range ws[0].nodes[:len(ws[0].nodes)-1] {
				if at > 0 && !slices.ContainsFunc(ws[1:], func(w way) bool { return at >= len(w.nodes) || w.nodes[at] != x }) {
					do(p, before, x)
				}
				if i := slices.IndexFunc(p.hops, func(h seen) bool { return h.node == x }); i >= 0 {
					before = p.hops[i]
				}
			}
		}
	}
}

// chosen reports whether a switch other than x, which does not report all packets,
// reported this one.
func (b *builder) chosen(p *packet, x int32) bool {
	return slices.ContainsFunc(p.hops, func(h seen) bool {
		return h.node != x && !b.nodes[h.node].believed && h.node != p.src && h.node != p.dst
	})
}

// silent reports whether that a switch said nothing of a packet, which was last seen
// somewhere else at a time, may be because it does not report it, or its report is missing.
func (b *builder) silent(p *packet, x int32, at int64) bool {
	w := &b.nodes[x]
	if !w.believed && !(w.joins && b.chosen(p, x)) {
		return true
	}
	return w.excuses(at, 1)
}

// at reports whether a node reported the packet.
func (p *packet) at(node int32) bool {
	return slices.ContainsFunc(p.hops, func(h seen) bool { return h.node == node })
}
