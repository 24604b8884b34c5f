package lab

import (
	"math"
	"runtime"
	"sync"
	"sync/atomic"
)

// pace is how far a part's worker is, for the others to see.
//
// The clock is a promise: whatever the part sends from now on, it sends at that
// instant or later. Another part may therefore let happen what is due before
// clock + lookahead, for every part that it hears from. A part's own clock is the
// least of its next event and that bound; as the lookahead is never zero, the part
// that is furthest behind can always go on.
type pace struct {
	_     [64]byte
	clock atomic.Int64
	told  Time // clock when waiting parts were last woken
	_     [48]byte
	want  atomic.Int64 // the bound a sleeping worker waits for, awake if it does not sleep
	_     [56]byte
	alarm chan struct{}
}

const (
	awake   = math.MaxInt64
	nothing = awake - 1 // a sleeping worker without events waits until others need it

	spins     = 1000 // rounds of looking at the others' clocks before a worker sleeps
	yield     = 500  // rounds after which other goroutines get the processor,
	yieldSoon = 20   // when there are more workers than processors
	maxBehind = 64   // ends that may wait while there is other work
)

// stretch lets everything up to and including the instant end happen, one worker per
// part. The caller is the worker of part 0, where the collector is.
func (l *Lab) stretch(end Time) {
	start := l.next()
	for _, p := range l.parts {
		p.clock.Store(int64(start))
		p.told = start
	}
	l.parallel = true
	var wg sync.WaitGroup
	finished := false
	defer func() {
		l.broken.Store(!finished)
		// Nothing new if all went well; else OnReport panicked, and the others must end.
		l.parts[0].announce(end + 1)
		l.parts[0].wakeOthers()
		wg.Wait()
		l.parallel = false
		for _, p := range l.parts {
			p.hear()
		}
		l.reach(end)
	}()
	for _, p := range l.parts[1:] {
		wg.Go(func() { p.work(end) })
	}
	l.parts[0].work(end)
	finished = true
}

// work is one worker's share of a stretch.
func (p *part) work(end Time) {
	idle, yield := 0, yield
	if len(p.lab.parts) > runtime.GOMAXPROCS(0) {
		yield = yieldSoon
	}
	for {
		bound, boundLast, slowest := p.hear()
		busy := false
		for at := p.queue.top(); at < bound && at <= end; at = p.queue.top() {
			p.announce(at)
			p.happen(p.queue.pop())
			busy = true
			if len(p.last.heap) > maxBehind {
				break
			}
		}
		clock := min(p.queue.top(), bound)
		if p.announce(clock) {
			busy = true
		}
		boundLast = min(boundLast, clock, end+1)
		for n := 0; n < maxBehind/2 && p.last.top() < boundLast; n++ {
			p.conclude(p.last.pop())
			busy = true
		}
		if busy {
			idle = 0
			continue
		}
		if p.told != clock { // others may sleep until they are needed
			p.told = clock
			p.wakeOthers()
		}
		if slowest > end && p.next() > end {
			return
		}
		switch idle++; {
		case idle > spins:
			p.sleep(bound, slowest)
			idle = 0
		case idle%yield == 0:
			runtime.Gosched()
		}
	}
}

// hear takes what others have sent and returns before which instant nothing more can
// come for the queue and for the ends, and the clock of the part furthest behind.
func (p *part) hear() (bound, boundLast, slowest Time) {
	bound, boundLast, slowest = forever, forever, forever
	for _, c := range p.in {
		if c == nil {
			continue
		}
		clock := Time(c.from.clock.Load()) // before drain: what was sent earlier is in the ring
		slowest = min(slowest, clock)
		bound = min(bound, after(clock, c.lookahead))
		boundLast = min(boundLast, after(clock, c.lookaheadLast))
		c.drain(p)
	}
	return bound, boundLast, slowest
}

// after adds a duration to an instant; the end of time absorbs.
func after(t, d Time) Time {
	if d > forever-t {
		return forever
	}
	return t + d
}

// announce sets the part's clock and reports whether it moved.
func (p *part) announce(clock Time) bool {
	if clock <= Time(p.clock.Load()) {
		return false
	}
	p.clock.Store(int64(clock))
	for _, c := range p.out {
		if c != nil && after(clock, c.lookahead) > Time(c.to.want.Load()) {
			c.to.wake()
		}
	}
	return true
}

// wakeOthers lets those look again who sleep until they are needed.
func (p *part) wakeOthers() {
	for _, c := range p.out {
		if c != nil {
			c.to.wake()
		}
	}
}

// wake ends the part's sleep, or the next one.
func (p *part) wake() {
	if p.want.Load() == awake {
		return
	}
	select {
	case p.alarm <- struct{}{}:
	default:
	}
}

// sleep returns when the others are further than the bounds that were heard say, or
// need this part to go on.
func (p *part) sleep(bound, slowest Time) {
	p.want.Store(int64(min(p.queue.top(), nothing)))
	defer p.want.Store(awake)
	// Who moves after this look sees that the part sleeps.
	if b, _, s := p.hear(); b != bound || s != slowest || p.queue.top() < bound {
		return
	}
	<-p.alarm
}
