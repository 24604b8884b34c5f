package tree

// Which says which units an entry is about.
type Which uint8

// All units, those of counters alone, or all others.
const (
	AllUnits Which = iota
	Counters
	Events
)

// Entry is one subscription of a subscriber.
type Entry struct {
	sub      *Subscriber
	query    Path
	which    Which
	watches  map[*Unit]*watch // guarded by the tree's lock where the entry is told of changes
	round    uint64
	onChange bool
}

// newWatch returns a new watch of the entry, or nil where it may have no more.
func (e *Entry) newWatch(u *Unit) *watch {
	s := e.sub
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.units >= 2*s.tree.limits.Leaves {
		s.giveUp(ErrOverlap)
		return nil
	}
	s.units++
	return &watch{entry: e, unit: u}
}

// Entry returns an entry that is queued by [Entry.Round] alone.
func (s *Subscriber) Entry(query Path, which Which) *Entry {
	return &Entry{sub: s, query: query, which: which, watches: map[*Unit]*watch{}}
}

// Watch returns an entry that is told of every change from now on; where initial is
// set it is queued with what there is now.
func (s *Subscriber) Watch(query Path, which Which, initial bool) *Entry {
	e := &Entry{sub: s, query: query, which: which, watches: map[*Unit]*watch{}, onChange: true}
	t := s.tree
	t.mu.Lock()
	defer t.mu.Unlock()
	t.entries = append(t.entries, e)
	t.visit(query, func(u *Unit) {
		if !e.wants(u) || !e.selects(u, u.state.Load()) {
			return
		}
		w := e.newWatch(u)
		if w == nil {
			return
		}
		u.watches = append(u.watches, w)
		e.watches[u] = w
		if initial && u.state.Load().Selected(query.Elems) {
			w.enqueue()
		}
	})
	return e
}

// Round queues every unit that the entry selects, changed or not; with changed set
// only those that have changed since they were last queued.
func (e *Entry) Round(changed bool) {
	t := e.sub.tree
	t.mu.RLock()
	defer t.mu.RUnlock()
	e.round++
	t.visit(e.query, func(u *Unit) {
		s := u.state.Load()
		if !e.wants(u) || !s.Selected(e.query.Elems) {
			return
		}
		w := e.watch(u)
		if w == nil {
			return
		}
		w.round = e.round
		if !changed || w.version != s.Version {
			w.enqueue()
		}
	})
	if e.onChange {
		return
	}
	gone := 0
	for u, w := range e.watches {
		if w.round != e.round { // the unit is gone
			delete(e.watches, u)
			gone++
		}
	}
	e.sub.mu.Lock()
	e.sub.units -= gone
	e.sub.mu.Unlock()
}

func (e *Entry) watch(u *Unit) *watch {
	w := e.watches[u]
	if w == nil && !e.onChange {
		if w = e.newWatch(u); w != nil {
			e.watches[u] = w
		}
	}
	return w
}

// Skip notes the present values as queued, so that a round of changes leaves them out.
func (e *Entry) Skip() {
	t := e.sub.tree
	t.mu.RLock()
	defer t.mu.RUnlock()
	t.visit(e.query, func(u *Unit) {
		if s := u.state.Load(); e.wants(u) && e.selects(u, s) {
			if w := e.watch(u); w != nil {
				w.version = s.Version
			}
		}
	})
}

func (e *Entry) wants(u *Unit) bool {
	return e.which == AllUnits || u.counters == (e.which == Counters)
}

func (e *Entry) selects(u *Unit, s *State) bool {
	if u.Path.Origin != e.query.Origin || e.query.Target != Any && e.query.Target != u.Path.Target {
		return false
	}
	// An atomic container may get a leaf that is asked for later.
	return s.Selected(e.query.Elems) || u.Atomic && reaches(e.query.Elems, u.Path.Elems)
}
