package collector

import (
	"errors"
	"net/netip"
	"sync"

	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/collector/report"
	"github.com/telltale-net/telltale/collector/sequence"
	"github.com/telltale-net/telltale/internal/dissect"
)

// shards is how many locks the accounts of the sources are spread over, so that
// readers of several sockets do not wait for each other.
const shards = 16

// account is the part of the sources that one lock guards.
type account struct {
	mu      sync.Mutex
	sources *sequence.Accounts
	causes  [report.Causes]uint64 // malformed reports and datagrams
	reject  uint64                // datagrams without a readable group header
	bytes   uint64                // of all datagrams
	trail   uint64                // bytes behind the last report
	_       [64]byte              // keeps two locks off one cache line
}

// scratch is what one call of Ingest works with.
type scratch struct {
	dec    report.Decoder
	rep    report.Report
	rec    postcard.Record
	packet dissect.Packet
	causes [report.Causes]uint32
}

// Ingest takes one datagram, the payload of a UDP packet from src that arrived at
// now (ns, the collector's clock), accounts for it and calls emit once for every
// record in it, in order. The record is emit's during the call only; no lock is held
// meanwhile. payload is not kept.
//
// It never fails: what cannot be read is counted. It allocates nothing but for the
// first datagram of a stream and for malformed ones. It is safe for concurrent use.
func (c *Collector) Ingest(now int64, src netip.AddrPort, payload []byte, emit func(*postcard.Record)) {
	s := c.scratch.Get().(*scratch)
	g, err := s.dec.Reset(payload)
	if err != nil {
		c.scratch.Put(s)
		c.reject(src.Addr(), err, len(payload))
		return
	}
	var reports, skipped, malformed uint64
	for ok, err := s.dec.Next(&s.rep); ok || err != nil; ok, err = s.dec.Next(&s.rep) {
		switch {
		case err != nil:
			malformed++
			s.causes[causeOf(err)]++
		case !s.rep.RepType.Defined():
			skipped++
		default:
			reports++
			s.rec.Received = now
			s.rep.Record(g, &s.rec, &s.packet)
			emit(&s.rec)
		}
	}
	key := keyOf(src, g)
	a := c.account(key)
	a.mu.Lock()
	_, t := a.sources.Observe(now, key, g.Sequence)
	t.Reports += reports
	t.Skipped += skipped
	t.Malformed += malformed
	a.bytes += uint64(len(payload))
	a.trail += uint64(s.dec.Trailing())
	if malformed != 0 {
		for i, n := range s.causes {
			a.causes[i] += uint64(n)
			s.causes[i] = 0
		}
	}
	a.mu.Unlock()
	c.scratch.Put(s)
}

// reject accounts for a datagram that no stream can be found for.
func (c *Collector) reject(src netip.Addr, err error, size int) {
	a := c.account(sequence.Key{Source: src})
	a.mu.Lock()
	a.reject++
	a.causes[causeOf(err)]++
	a.bytes += uint64(size)
	a.mu.Unlock()
}

func keyOf(src netip.AddrPort, g report.Group) sequence.Key {
	return sequence.Key{Source: src.Addr().Unmap(), Node: g.NodeID, HwID: g.HwID, Version: g.Version}
}

// account returns the shard of a stream.
func (c *Collector) account(k sequence.Key) *account {
	h := (k.Node ^ uint32(k.HwID)<<16) * 0x9e3779b1
	return &c.accounts[h>>28%shards]
}

func causeOf(err error) report.Cause {
	var e *report.Error
	if !errors.As(err, &e) {
		panic("BUG: the report decoder returned an error of another type: " + err.Error())
	}
	return e.Cause
}
