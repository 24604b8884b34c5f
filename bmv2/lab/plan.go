package lab

import "time"

// plan is what the lab knows about how to share its work. It decides how fast events
// happen, never which.
type plan struct {
	workers  int
	rate     float64    // events per ns of the lab's time, lately
	cost     [2]float64 // ns of the machine's time per event, lately: one at work, all together
	probe    int        // decisions until the way that seemed slower is tried again
	patience int        // what probe starts from
	always   bool       // in tests: together whether it pays or not
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
