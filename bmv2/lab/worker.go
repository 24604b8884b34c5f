package lab

import (
	"math/bits"
	"runtime"
)

// worker is what a goroutine needs to drive parts.
type worker struct {
	lab     *Lab
	id      int
	pool    pool
	out     []event // frames for other parts than the one it is at
	scratch []byte
	alarm   chan struct{}
	_       [64]byte
}

func newWorker(l *Lab, id int) *worker { return &worker{lab: l, id: id, alarm: make(chan struct{}, 1)} }

const (
	// A worker that finds nothing to do looks so many times whether another has made
	// some before it sleeps: for some microseconds, as to be woken takes longer than
	// most waits do. It lets other goroutines have the processor after so many looks,
	// sooner when there are more workers than processors.
	looks     = 10000
	yield     = 5000
	yieldSoon = 20
	// So many tries before a worker that waits for the lock is put to sleep: it is
	// never held for as long as that takes.
	tries = 1000
)

func (s *schedule) lock() {
	for range tries {
		if s.mu.TryLock() {
			return
		}
	}
	s.mu.Lock()
}

// unlock lets waiting workers look again, if they would find something.
func (s *schedule) unlock() {
	s.tell()
	s.mu.Unlock()
}

// tell ends the looking of workers that needed has found something for.
func (s *schedule) tell() {
	if s.news {
		s.news = false
		s.published.Add(1)
	}
}

// work is what each worker does until nothing up to the end is left.
func (s *schedule) work(w *worker) {
	s.lock()
	for !s.over && !s.broken {
		p, bound := s.choose(w)
		wake := s.needed()
		if p == nil {
			s.await(w, wake)
			continue
		}
		s.unlock()
		s.wake(wake)
		w.drive(p, bound)
		s.lock()
		s.publish(w, p)
	}
	s.leave()
}

// drive lets a part go on.
func (w *worker) drive(p *part, bound Time) {
	p.worker = w
	p.takeIn()
	if s := &w.lab.schedule; p.id == s.collector() {
		p.conclude(bound, s.end, batch)
	} else {
		p.run(bound, s.end, batch)
	}
}

func (s *schedule) help(w *worker) {
	defer s.helpers.Done()
	s.work(w)
}

// leave unlocks and lets everybody see that it is over.
func (s *schedule) leave() {
	all := s.asleep
	s.asleep, s.news = 0, true
	s.unlock()
	s.wake(all)
}

// await returns when there may be something to do for a worker. It is called with the
// schedule locked and comes back so.
func (s *schedule) await(w *worker, wake mask) {
	if s.over {
		return
	}
	s.tell()
	seen := s.published.Load()
	s.idle |= 1 << w.id
	defer func() { s.idle &^= 1 << w.id }()
	s.mu.Unlock()
	s.wake(wake)
	yield := yield
	if len(s.workers) > runtime.GOMAXPROCS(0) {
		yield = yieldSoon
	}
	for i := 1; i <= looks; i++ {
		if s.published.Load() != seen {
			s.lock()
			return
		}
		if i%yield == 0 {
			runtime.Gosched()
		}
	}
	s.lock()
	if s.published.Load() != seen {
		return
	}
	s.asleep |= 1 << w.id
	s.mu.Unlock()
	<-w.alarm
	s.lock()
}

// needed finds out who of those without work would find some, and returns those of them
// that sleep. They count as awake from now on.
func (s *schedule) needed() (sleepers mask) {
	for rest := s.idle; rest != 0; rest &= rest - 1 {
		v := bits.TrailingZeros64(uint64(rest))
		if id, _ := s.find(s.workers[v]); id >= 0 {
			s.news = true
			sleepers |= s.asleep & (1 << v)
		}
	}
	s.asleep &^= sleepers
	return sleepers
}

// wake ends the sleep of workers that needed or leave have named.
func (s *schedule) wake(m mask) {
	for ; m != 0; m &= m - 1 {
		s.workers[bits.TrailingZeros64(uint64(m))].alarm <- struct{}{}
	}
}

const (
	plenty = 64 // free packets from which a worker gives to the depot,
	parcel = 32 // and how many, or takes from it when it has none
)

// supply keeps packets from piling up with workers that receive more than they send.
func (s *schedule) supply(p *pool) {
	switch {
	case len(p.free) > plenty:
		n := len(p.free) - parcel
		s.depot.free = append(s.depot.free, p.free[n:]...)
		clear(p.free[n:])
		p.free = p.free[:n]
	case len(p.free) == 0 && len(s.depot.free) > 0:
		n := max(0, len(s.depot.free)-parcel)
		p.free = append(p.free, s.depot.free[n:]...)
		clear(s.depot.free[n:])
		s.depot.free = s.depot.free[:n]
	}
}
