package collector

import (
	"errors"
	"net/netip"
	"slices"
	"sync"

	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/collector/report"
	"github.com/telltale-net/telltale/collector/report/perhop"
	"github.com/telltale-net/telltale/collector/report/profile"
	"github.com/telltale-net/telltale/collector/sequence"
)

// shards is how many locks the accounts of the sources are spread over, so that
// readers of several sockets do not wait for each other.
const shards = 16

// account is the part of the sources that one lock guards.
type account struct {
	mu      sync.Mutex
	sources *sequence.Accounts
	causes  [report.Causes]uint64 // malformed reports and datagrams
	inband  perhop.Counts         // of INT in the reports
	reject  uint64                // datagrams without a readable group header
	bytes   uint64                // of all datagrams
	trail   uint64                // bytes behind the last report
	guessed uint64                // datagrams read by a guessed profile
	_       [64]byte              // keeps two locks off one cache line
}

// reader reads datagrams for one caller at a time. What it has learnt of the sources
// (profiles guessed, clocks that wrap) is its own: the datagrams of a source that come
// in at several sockets are learnt from by several readers.
type reader struct {
	*perhop.Reader
	out     perhop.Outcome
	counted perhop.Counts // what of the reader's counts is in the accounts
}

func (c *Collector) newReader() *reader {
	book, err := profile.NewBook(c.cfg.Profiles, c.cfg.Sources)
	if err != nil {
		panic("BUG: New did not refuse the profiles: " + err.Error())
	}
	r := &reader{Reader: perhop.NewReader(book, c.cfg.Domains)}
	r.Clocks = &perhop.Clocks{}
	return r
}

// readers are those that Ingest lends: as many as there ever were calls at once.
type readers struct {
	mu   sync.Mutex
	free []*reader // the one used last is the next
}

func (c *Collector) takeReader() *reader {
	p := &c.readers
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.free)
	if n == 0 {
		return c.newReader()
	}
	r := p.free[n-1]
	p.free = p.free[:n-1]
	return r
}

func (c *Collector) giveBack(r *reader) {
	c.readers.mu.Lock()
	c.readers.free = append(c.readers.free, r)
	c.readers.mu.Unlock()
}

// Ingest takes one datagram, the payload of a UDP packet from src that arrived at
// now (ns, the collector's clock), accounts for it and calls emit once for every
// record in it, in order: one for the node that reports, and one for every hop that
// the packet in the report tells of (package perhop). The record is emit's during the
// call only; no lock is held meanwhile. payload is not kept.
//
// It never fails: what cannot be read is counted. It allocates nothing but for the
// first datagrams of a source and for malformed ones. It is safe for concurrent use.
func (c *Collector) Ingest(now int64, src netip.AddrPort, payload []byte, emit func(*postcard.Record)) {
	r := c.takeReader()
	c.ingest(r, now, src, payload, emit)
	c.giveBack(r)
}

func (c *Collector) ingest(r *reader, now int64, src netip.AddrPort, payload []byte, emit func(*postcard.Record)) {
	if err := r.Datagram(now, src, payload, &r.out, emit); err != nil {
		c.reject(src.Addr(), err, len(payload))
		return
	}
	o := &r.out
	key := keyOf(src.Addr().Unmap(), o.Group)
	mark := mark(o.Choice)
	counts := r.Counts()
	a := c.account(key)
	a.mu.Lock()
	var t *sequence.Totals
	if o.Choice.NoSequence {
		t = a.sources.Unnumbered(now, key)
	} else {
		_, t = a.sources.Observe(now, key, o.Group.Sequence)
	}
	t.Reports += o.Reports
	t.Records += o.Records
	t.Skipped += o.Skipped
	t.Malformed += o.Malformed
	t.Mark = mark
	a.bytes += uint64(len(payload))
	a.trail += uint64(o.Trailing)
	if o.Choice.Guessed {
		a.guessed++
	}
	if o.Malformed != 0 {
		for i, n := range o.Causes {
			a.causes[i] += uint64(n)
		}
	}
	if counts != r.counted {
		addSince(&a.inband, &counts, &r.counted)
		r.counted = counts
	}
	a.mu.Unlock()
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

func keyOf(src netip.Addr, g report.Group) sequence.Key {
	return sequence.Key{Source: src, Node: g.NodeID, HwID: g.HwID, Version: g.Version}
}

// guessed is the bit of a stream's mark that says that its profile is a guess; the
// others are the profile's number in profile.All, plus 1.
const guessed = 0x80

func mark(choice profile.Choice) uint8 {
	m := uint8(slices.Index(profile.All, choice.Profile) + 1)
	if choice.Guessed {
		m |= guessed
	}
	return m
}

// Profile returns how a stream's last datagram was read: the profile, "" where there
// is none by a known name, and whether it was guessed.
func Profile(s *sequence.Source) (name string, isGuess bool) {
	if i := int(s.Mark&^guessed) - 1; i >= 0 && i < len(profile.All) {
		name = profile.All[i].Name
	}
	return name, s.Mark&guessed != 0
}

// addSince adds to sum what has been counted between two moments.
func addSince(sum, now, before *perhop.Counts) {
	sum.Stacks += now.Stacks - before.Stacks
	sum.Unannounced += now.Unannounced - before.Unannounced
	sum.Hops += now.Hops - before.Hops
	sum.Nameless += now.Nameless - before.Nameless
	sum.Cut += now.Cut - before.Cut
	sum.Bad += now.Bad - before.Bad
	sum.Sniffed += now.Sniffed - before.Sniffed
	sum.Flipped += now.Flipped - before.Flipped
	sum.Unknown += now.Unknown - before.Unknown
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
