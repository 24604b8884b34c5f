package engine

import "github.com/telltale-net/telltale/bmv2/tm"

// SetPort changes how a port drains, from now on.
func (s *Switch) SetPort(port uint16, c PortConfig) {
	s.visit(func() {
		if s.rates[port] = c.RateBps > 0; s.rates[port] {
			s.rated = true
		}
		s.tm.SetRate(port, tm.Rate{BitsPerSecond: c.RateBps, PacketsPerSecond: c.RatePps, Depth: c.Depth, Paused: c.Paused, Latency: int64(c.Latency)})
	})
}

// SetQueue changes how one queue of a port drains, from now on. Of a port's queues
// the one with the highest priority that may send goes first.
func (s *Switch) SetQueue(port uint16, priority int, c QueueConfig) (err error) {
	s.visit(func() { err = s.tm.SetQueue(port, priority, c.Depth, c.RatePps) })
	return err
}

// SetPortUp says whether a port is up: buckets of selector groups that watch it
// are skipped while it is not.
func (s *Switch) SetPortUp(port uint16, up bool) {
	s.control.Lock()
	defer s.control.Unlock()
	if up {
		delete(s.down, uint32(port))
	} else {
		s.down[uint32(port)] = true
	}
	active := map[*group][]*member{}
	for _, pr := range s.profiles {
		for _, g := range pr.groups {
			active[g] = g.chosen(s.isUp)
		}
	}
	s.change(func(view uint32) {
		for g, members := range active {
			g.active[view] = members
		}
	})
}

// TailDrops returns how many packets a port lost because a queue was full.
func (s *Switch) TailDrops(port uint16) (n uint64) {
	s.visit(func() {
		for q := range s.queuesPerPort {
			n += s.tm.TailDrops(port, q)
		}
	})
	return n
}

// QueueDepth returns how many packets wait for a port.
func (s *Switch) QueueDepth(port uint16) (n int) {
	s.visit(func() {
		for q := range s.queuesPerPort {
			n += s.tm.Depth(port, q)
		}
	})
	return n
}

func (s *Switch) isUp(port uint32) bool { return !s.down[port] }
