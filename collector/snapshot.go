package collector

import (
	"cmp"
	"slices"

	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/collector/report"
	"github.com/telltale-net/telltale/collector/report/perhop"
	"github.com/telltale-net/telltale/collector/sequence"
)

// Snapshot is all counts of a collector at a moment: since it was made, plain
// values, nothing shared with it.
type Snapshot struct {
	Datagrams uint64                // arrived
	Bytes     uint64                // in them
	Rejected  uint64                // datagrams without a readable group header
	Causes    [report.Causes]uint64 // malformed datagrams and reports by cause
	Trailing  uint64                // bytes behind the last reports of datagrams
	Guessed   uint64                // datagrams read by a guessed profile
	Inband    perhop.Counts         // of INT in the packets of reports

	Sum          sequence.Totals   // over all streams, evicted ones included
	Sources      []sequence.Source // by source, node, hw_id
	Evicted      uint64            // streams forgotten to stay within Config.Sources
	EvictedTotal sequence.Totals   // their part of Sum

	Sockets []SocketStats
	Given   uint64 // records the sink has taken
	Queued  int    // batches waiting for the sink
}

// SocketStats are the counts of one UDP socket.
type SocketStats struct {
	Address       string
	ReceiveBuffer int    // bytes, as the kernel set it
	Received      uint64 // datagrams read
	KernelDrops   uint64 // datagrams the kernel gave up because the buffer was full; see KernelCounts
	KernelCounts  bool   // the system tells KernelDrops
	Cut           uint64 // datagrams longer than Config.MaxDatagram
	Errors        uint64 // failed reads
}

// Snapshot returns the counts. It locks each part of the accounts in turn, so a
// datagram that arrives meanwhile may be in one count and not yet in another.
func (c *Collector) Snapshot() Snapshot {
	var s Snapshot
	for i := range c.accounts {
		a := &c.accounts[i]
		a.mu.Lock()
		s.Rejected += a.reject
		s.Bytes += a.bytes
		s.Trailing += a.trail
		s.Guessed += a.guessed
		addSince(&s.Inband, &a.inband, &perhop.Counts{})
		for j, n := range a.causes {
			s.Causes[j] += n
		}
		s.Sources = a.sources.Sources(s.Sources)
		n, t := a.sources.Evicted()
		a.mu.Unlock()
		s.Evicted += n
		s.EvictedTotal.Add(&t)
	}
	s.Sum = s.EvictedTotal
	for i := range s.Sources {
		s.Sum.Add(&s.Sources[i].Totals)
	}
	s.Datagrams = s.Sum.Datagrams + s.Rejected
	slices.SortFunc(s.Sources, func(a, b sequence.Source) int {
		return cmp.Or(a.Source.Compare(b.Source), cmp.Compare(a.Node, b.Node), cmp.Compare(a.HwID, b.HwID), cmp.Compare(a.Version, b.Version))
	})
	s.Sockets = c.socketStats()
	s.Given = c.given.Load()
	s.Queued = len(c.queue)
	return s
}

// Loss returns the loss of a node's reports between two times of the collector's
// clock (ns), over all its sources and subsystems.
func (c *Collector) Loss(node postcard.NodeID, from, to int64) sequence.Loss {
	var l sequence.Loss
	for i := range c.accounts {
		a := &c.accounts[i]
		a.mu.Lock()
		l = l.Add(a.sources.Loss(uint32(node), from, to))
		a.mu.Unlock()
	}
	return l
}
