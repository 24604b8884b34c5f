package loss

import (
	"math"
	"slices"

	"github.com/telltale-net/telltale/analyzers/flowset"
)

// memory returns what is kept of a flow; nil = there is no room.
func (e *epochMap) memory(k flowset.Key, s *seen) *memory {
	w := e.m.last[k]
	if w == nil {
		if len(e.m.last) >= e.m.cfg.MaxFlows {
			e.out.Shed++
			return nil
		}
		w = &memory{first: s.since}
		e.m.last[k] = w
	}
	w.epoch, w.width, w.order = e.out.Epoch, int(s.keyBytes), s.order
	return w
}

// remember keeps a flow's way.
func (e *epochMap) remember(k flowset.Key, s *seen, order []sight) {
	if w := e.memory(k, s); w != nil {
		w.path = make([]int32, len(order))
		for i, v := range order {
			w.path[i] = v.at
		}
	}
}

// holes are the latest epochs of which not all is known at a place, in order.
type holes struct {
	epochs []uint64
	absent []uint64 // since its last table: it may have had nothing to export
}

// mostHoles is how many are kept.
const mostHoles = 64

// latest appends an epoch and keeps the latest ones.
func latest(epochs []uint64, epoch uint64) []uint64 {
	if len(epochs) == mostHoles {
		copy(epochs, epochs[1:])
		epochs = epochs[:mostHoles-1]
	}
	return append(epochs, epoch)
}

// hole notes that not all of an epoch is known at a place.
func (m *Map) hole(at int32, epoch uint64, exported bool) {
	h := m.holes[at]
	if h == nil {
		h = &holes{}
		m.holes[at] = h
	}
	if exported {
		h.epochs = latest(h.epochs, epoch)
	} else {
		h.absent = latest(h.absent, epoch)
	}
}

// fill takes the epochs without a table for holes, as the place has one again.
func (h *holes) fill() {
	for _, epoch := range h.absent {
		h.epochs = latest(h.epochs, epoch)
	}
	h.absent = h.absent[:0]
}

// since returns how many there are from an epoch on; more than there can be, where not all
// of them are kept.
func (h *holes) since(epoch uint64) int32 {
	if h == nil {
		return 0
	}
	i, _ := slices.BinarySearch(h.epochs, epoch)
	if i == 0 && len(h.epochs) == mostHoles {
		return math.MaxInt32
	}
	return int32(len(h.epochs) - i)
}

// hidden reports whether a place may have counted more of a flowlet than is known: whether
// there is an epoch, from the one before its first on, of which not all is known there, and
// in which nothing of it was found.
func (e *epochMap) hidden(w *memory, x int) bool {
	return e.m.holes[w.path[x]].since(max(w.first, 1)-1) > w.met[x]
}

// gather adds a flow's counts to its flowlet, place by place: in which epoch a packet is
// counted differs by place, so that no epoch shows the whole way.
func (e *epochMap) gather(k flowset.Key, s *seen) {
	w := e.memory(k, s)
	if w == nil {
		return
	}
	add := func(at int32, n int64, blank bool) {
		x := slices.Index(w.path, at)
		if x < 0 {
			x = len(w.path)
			w.path, w.sums, w.met, w.blank = append(w.path, at), append(w.sums, 0), append(w.met, 0), append(w.blank, false)
		}
		w.sums[x] += n
		if !e.whole[at] {
			w.met[x]++
		}
		w.blank[x] = w.blank[x] || blank
	}
	for _, v := range s.sights {
		add(v.at, v.packets, false)
	}
	for _, at := range s.blank {
		add(at, 0, true)
	}
}

// silent ends the flowlets of flows that no node saw this epoch, and forgets ways that
// have not been used for two.
func (e *epochMap) silent(flows map[flowset.Key]*seen) {
	var over []flowset.Key
	for k, w := range e.m.last {
		if flows[k] == nil && (e.m.cfg.Flowlets || w.epoch+1 < e.out.Epoch) {
			over = append(over, k)
		}
	}
	slices.SortFunc(over, func(a, b flowset.Key) int { return slices.Compare(a[:], b[:]) })
	for _, k := range over {
		w := e.m.last[k]
		delete(e.m.last, k)
		if !e.m.cfg.Flowlets {
			continue
		}
		sum := &seen{keyBytes: uint8(w.width), order: w.order, since: w.first}
		for i, at := range w.path {
			sum.sights = append(sum.sights, sight{at, w.sums[i]})
			if w.blank[i] || e.hidden(w, i) {
				sum.unsure, sum.blank = true, append(sum.blank, at)
			}
		}
		if order, chain, ok := e.way(k, sum); ok {
			order = slices.DeleteFunc(order, func(v sight) bool { return slices.Contains(sum.blank, v.at) })
			if len(order) < 2 {
				e.out.Undecided++
				continue
			}
			e.compare(k, sum, order, chain)
		} else {
			e.out.Rerouted++
			e.rerouted(k, sum)
		}
	}
}
