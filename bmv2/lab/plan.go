package lab

import (
	"cmp"
	"slices"
	"time"
)

// plan is what the lab knows about how to share its work. It decides how fast events
// happen, never which.
type plan struct {
	workers  int
	rate     float64    // events per ns of the lab's time, lately
	cost     [2]float64 // ns of the machine's time per event, lately: one at work, all together
	probe    int        // decisions until the way that seemed slower is tried again
	patience int        // what probe starts from
	always   bool       // in tests: together whether it pays or not
	due      uint64     // events after which the shares are looked at again
	work     []uint64   // by node, as it was counted then
}

const (
	// A stretch for several workers has about so many events for each, one for a single
	// worker has fewer, so that others get a turn at the lab; it is at most so long,
	// as traffic may get denser.
	longSlice = 4096
	slice     = 256
	longest   = Time(10 * time.Millisecond)
	// Working together may pay from so many events per stretch.
	worthable = 1000
	// The slower way is tried again after so many decisions, ever more rarely if it
	// stays the slower one.
	firstProbe, lastProbe = 8, 256
)

// stretch returns how far several workers may go from an instant.
func (p *plan) stretch(from Time) Time {
	long := longest
	if p.rate > 0 {
		long = min(long, Time(float64(p.workers*longSlice)/p.rate)+1)
	}
	return after(from, long)
}

// slice returns how far one worker may go from an instant.
func (p *plan) slice(from Time) Time {
	long := longest
	if p.rate > 0 {
		long = min(long, Time(slice/p.rate)+1)
	}
	return after(from, long)
}

// together says whether all workers should do the next stretch. Whether that is the
// faster way depends on the traffic, and on what else the machine does.
func (p *plan) together(long Time) bool {
	if p.always {
		return p.workers > 1
	}
	if p.workers == 1 || p.rate*float64(long) < worthable {
		return false
	}
	if p.cost[1] == 0 || p.cost[0] == 0 {
		return p.cost[1] == 0
	}
	faster := p.cost[1] < p.cost[0]
	if p.probe--; p.probe > 0 {
		return faster
	}
	p.patience = min(2*p.patience, lastProbe)
	p.probe = p.patience
	return !faster
}

// learn takes note of events that took a time of the lab and one of the machine.
func (p *plan) learn(together bool, long Time, events uint64, took time.Duration) {
	if long <= 0 || events == 0 {
		return
	}
	p.rate = (p.rate + float64(events)/float64(long)) / 2
	way := 0
	if together {
		way = 1
	}
	before := p.cost[1] < p.cost[0]
	if cost := float64(took) / float64(events); p.cost[way] == 0 {
		p.cost[way] = cost
	} else {
		p.cost[way] += (cost - p.cost[way]) / 4
	}
	if before != (p.cost[1] < p.cost[0]) {
		p.probe, p.patience = firstProbe, firstProbe
	}
}

// The shares are looked at again after so many events, then ever less often.
const (
	firstPlan = 4 * slice
	lastPlan  = 1 << 20
)

// replan gives each worker a fair share of the parts to start from.
func (l *Lab) replan(events uint64) {
	l.plan.due = events + min(max(events, firstPlan), lastPlan)
	owner := l.assign(l.loads())
	s := &l.schedule
	clear(s.home)
	given := mask(1) << s.collector()
	for i, n := range l.nodes {
		bit := mask(1) << n.part.id
		s.home[owner[i]] |= bit &^ given
		given |= bit
	}
}

// loads returns how much each node has worked since the last call: packets taken in
// and sent out, and less for what its hosts did. The collector's work is apart.
func (l *Lab) loads() (load []uint64, reports uint64) {
	total := make([]uint64, len(l.nodes)+1)
	for i, n := range l.nodes {
		total[i] = 8 * (n.stats.Received + n.stats.Transmitted + n.stats.PacketIns + n.stats.PacketOuts)
	}
	for _, h := range l.hosts {
		total[h.node.ref] += h.stats.Sent + h.stats.Received
	}
	total[len(l.nodes)] = 4 * l.reports.Frames
	if l.plan.work == nil {
		l.plan.work = make([]uint64, len(total))
	}
	for i, x := range total {
		total[i], l.plan.work[i] = x-l.plan.work[i], x
	}
	return total[:len(l.nodes)], total[len(l.nodes)]
}

// greatest returns the load of the part that has most to do.
func greatest(owner []int, load []uint64, reports uint64) uint64 {
	sums := []uint64{reports}
	for i, p := range owner {
		for len(sums) <= p {
			sums = append(sums, 0)
		}
		sums[p] += load[i]
	}
	return slices.Max(sums)
}

// maxCuts bounds the tries of assign.
const maxCuts = 16

// assign gives every node a part. Nodes joined by links of little lookahead stay
// together: of the divisions that are about equally fair it takes the one with the
// longest lookahead across parts. Links that bear no delay are never between parts.
func (l *Lab) assign(load []uint64, reports uint64) []int {
	var cuts []Time
	for _, w := range l.wires {
		if w.from.kind == atSwitch && !w.last && w.lookahead() > 0 {
			cuts = append(cuts, w.lookahead())
		}
	}
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)
	best := make([]int, len(l.nodes))
	least := greatest(best, load, reports)
	for i := min(len(cuts), maxCuts); i > 0; i-- {
		owner := l.pack(cuts[(i*len(cuts)-1)/min(len(cuts), maxCuts)], load, reports)
		if most := greatest(owner, load, reports); most < least/10*9 {
			best, least = owner, most
		}
	}
	return best
}

// pack joins what links of a lookahead below cut join, and gives the resulting groups
// to parts, the heaviest first, each to the part that has least to do.
func (l *Lab) pack(cut Time, load []uint64, reports uint64) []int {
	group := make([]int, len(l.nodes))
	for i := range group {
		group[i] = i
	}
	find := func(i int) int {
		for group[i] != i {
			group[i] = group[group[i]]
			i = group[i]
		}
		return i
	}
	for _, w := range l.wires {
		if w.from.kind == atSwitch && !w.last && w.lookahead() < cut {
			a, b := find(int(w.from.ref)), find(int(w.to.ref))
			group[max(a, b)] = min(a, b)
		}
	}
	weight := make([]uint64, len(l.nodes))
	var roots []int
	for i := range group {
		if find(i) == i {
			roots = append(roots, i)
		}
		weight[find(i)] += load[i]
	}
	slices.SortStableFunc(roots, func(a, b int) int { return cmp.Compare(weight[b], weight[a]) })
	sums := make([]uint64, l.plan.workers)
	sums[0] = reports
	owner := make([]int, len(l.nodes))
	for _, r := range roots {
		p := 0
		for i := range sums {
			if sums[i] < sums[p] && weight[r] > 0 {
				p = i
			}
		}
		sums[p] += weight[r]
		owner[r] = p
	}
	for i := range owner {
		owner[i] = owner[find(i)]
	}
	return owner
}
