package tree

import (
	"errors"
	"fmt"
	"slices"
	"sync"
)

// ErrBehind is why a subscriber was cut: it did not take its values fast enough.
var ErrBehind = errors.New("too far behind")

// ErrOverlap is why a subscriber was cut: its entries select the same leaves over and
// over, in all more than twice as many units as the tree may have.
var ErrOverlap = errors.New("entries overlap too much")

// Subscriber is a queue of units whose values are to be sent. Enqueueing is the
// tree's and the entries'; [Subscriber.Next] is for one goroutine.
type Subscriber struct {
	tree    *Tree
	backlog int
	ready   chan struct{}
	cut     chan struct{}

	mu     sync.Mutex
	queue  []*watch // from head on; nil stands for "all of a first round has been queued"
	head   int
	behind int // values passed over and deletions, of what waits
	units  int // watched, by all entries
	isCut  bool
	cause  error // of the cut
}

// watch joins an entry and a unit. Its fields below are guarded by the subscriber's mu.
type watch struct {
	entry *Entry
	unit  *Unit

	queued     bool
	duplicates uint32
	version    uint64 // when last queued
	round      uint64
}

// Item is a unit to be sent, or the mark that ends a round (State nil).
type Item struct {
	State      *State
	Query      []Elem // what of the state was subscribed to
	Duplicates uint32 // values passed over since the last one sent
}

// Subscribe returns a subscriber without entries. Close must be called.
func (t *Tree) Subscribe() (*Subscriber, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.subs >= t.limits.Subscribers {
		return nil, fmt.Errorf("cannot subscribe: %d subscribers: %w", t.subs, ErrFull)
	}
	t.subs++
	return &Subscriber{
		tree: t, backlog: t.limits.Backlog,
		ready: make(chan struct{}, 1), cut: make(chan struct{}),
	}, nil
}

// Close ends the subscriber. It is told of nothing more.
func (s *Subscriber) Close() {
	t := s.tree
	t.mu.Lock()
	defer t.mu.Unlock()
	t.subs--
	t.entries = slices.DeleteFunc(t.entries, func(e *Entry) bool {
		if e.sub != s {
			return false
		}
		for u := range e.watches {
			u.watches = slices.DeleteFunc(u.watches, func(w *watch) bool { return w.entry == e })
		}
		return true
	})
}

// Ready yields where there may be something for Next; Cut is closed when the
// subscriber was cut.
func (s *Subscriber) Ready() <-chan struct{} { return s.ready }

// Cut is closed when the subscriber is too far behind: it is told of nothing more, and
// what waits is given up.
func (s *Subscriber) Cut() <-chan struct{} { return s.cut }

// Err returns why the subscriber was cut, nil where it was not.
func (s *Subscriber) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cause
}

// giveUp cuts the subscriber; mu is held.
func (s *Subscriber) giveUp(cause error) {
	if !s.isCut {
		s.isCut, s.cause = true, cause
		s.queue, s.head = nil, 0
		close(s.cut)
	}
}

// Mark queues the mark that ends a round.
func (s *Subscriber) Mark() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.isCut {
		s.push(nil)
	}
}

// Next takes what waits, at most cap(dst) items, in the order in which it was queued.
func (s *Subscriber) Next(dst []Item) []Item {
	s.mu.Lock()
	defer s.mu.Unlock()
	dst = dst[:0]
	for s.head < len(s.queue) && len(dst) < cap(dst) {
		w := s.queue[s.head]
		s.queue[s.head] = nil
		s.head++
		if w == nil {
			dst = append(dst, Item{})
			continue
		}
		state := w.unit.state.Load()
		dst = append(dst, Item{state, w.entry.query.Elems, w.duplicates})
		s.behind -= int(w.duplicates)
		w.queued, w.duplicates = false, 0
		if state.Deleted && w.entry.onChange { // the last that is heard of it
			s.units--
		}
	}
	if s.head == len(s.queue) {
		s.queue, s.head = s.queue[:0], 0
	} else {
		s.wake()
	}
	return dst
}

// Behind returns how many values were passed over of what waits.
func (s *Subscriber) Behind() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.behind
}

func (s *Subscriber) push(w *watch) {
	if len(s.queue) == cap(s.queue) && s.head > len(s.queue)/2 {
		n := copy(s.queue, s.queue[s.head:])
		clear(s.queue[n:])
		s.queue, s.head = s.queue[:n], 0
	}
	s.queue = append(s.queue, w)
	s.wake()
}

func (s *Subscriber) wake() {
	select {
	case s.ready <- struct{}{}:
	default:
	}
}

// changed tells all who watch the unit; the tree's lock is held.
func (u *Unit) changed() {
	for _, w := range u.watches {
		w.enqueue()
	}
}

func (w *watch) enqueue() {
	s := w.entry.sub
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.isCut {
		return
	}
	state := w.unit.state.Load()
	w.version = state.Version
	if !w.queued {
		w.queued = true
		s.push(w)
		if !state.Deleted {
			return
		}
	}
	w.duplicates++
	if s.behind++; s.behind > s.backlog {
		s.giveUp(ErrBehind)
	}
}
