package lab

// Stats is what the lab has counted since it was built.
type Stats struct {
	Now      Time
	Events   uint64
	InFlight uint64      // frames on wires and in hosts' queues
	Lag      Time        // most that Run was ever behind its clock
	Links    []LinkStats // both directions of each: the fabric's links, then the hosts'
	Nodes    []NodeStats // in the fabric's order
	Hosts    []HostStats // in the fabric's order
	Reports  ReportStats
}

// Stats returns the counters.
func (l *Lab) Stats() Stats {
	l.lock()
	defer l.unlock()
	s := Stats{Now: l.now, Events: l.events(), Lag: l.lag, Reports: l.reports,
		Links: make([]LinkStats, 0, len(l.wires)), Nodes: make([]NodeStats, 0, len(l.nodes)), Hosts: make([]HostStats, 0, len(l.hosts))}
	for _, w := range l.wires {
		x := w.stats()
		s.InFlight += x.InFlight
		s.Links = append(s.Links, x)
	}
	for _, n := range l.nodes {
		x := n.stats
		if n.sw != nil {
			x.Engine = n.sw.Stats()
		}
		if n.server != nil {
			x.P4RT = n.server.Stats()
		}
		l.inbox.mu.Lock()
		x.PacketOutsShed = l.inbox.shedOuts[n]
		l.inbox.mu.Unlock()
		s.Nodes = append(s.Nodes, x)
	}
	for _, h := range l.hosts {
		s.Hosts = append(s.Hosts, h.stats)
	}
	return s
}
