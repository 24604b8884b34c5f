package ledger

import (
	"net/netip"

	"github.com/telltale-net/telltale/collector/sequence"
)

// Counts are what became of the reports of a stream, or of several.
type Counts struct {
	Received   uint64 `json:"received"`   // datagrams, duplicates left out
	Lost       int64  `json:"lost"`       // datagrams missing by their sequence numbers; on a page below zero where late ones filled gaps of the page before
	Duplicates uint64 `json:"duplicates"` // datagrams
	Restarts   uint64 `json:"restarts"`   // of the counting
	Reports    uint64 `json:"reports"`    // individual reports read
	Skipped    uint64 `json:"skipped"`    // individual reports of types without contents
	Malformed  uint64 `json:"malformed"`  // individual reports that could not be read
	Records    uint64 `json:"records"`    // made of the reports
	Shed       uint64 `json:"shed"`       // records given up because the log was slower than the network
}

// Fraction returns Lost of all datagrams sent, 0…1; 0 where nothing was sent.
func (c *Counts) Fraction() float64 {
	if c.Lost <= 0 {
		return 0
	}
	return float64(c.Lost) / float64(uint64(c.Lost)+c.Received)
}

// Add adds other counts.
func (c *Counts) Add(o *Counts) {
	c.Received += o.Received
	c.Lost += o.Lost
	c.Duplicates += o.Duplicates
	c.Restarts += o.Restarts
	c.Reports += o.Reports
	c.Skipped += o.Skipped
	c.Malformed += o.Malformed
	c.Records += o.Records
	c.Shed += o.Shed
}

// Line is the counts of one stream.
type Line struct {
	sequence.Key
	Counts
}

// Page is the account of a span of time: of every stream that anything became of.
type Page struct {
	From, To int64 // ns, collector's clock; To exclusive
	Kernel   uint64
	Rejected uint64
	ShedLog  uint64
	Others   Counts // of streams that were forgotten to stay within bounds
	Lines    []Line
}

// State is the running counts of a collector, since it was started.
type State struct {
	Sources  []sequence.Source
	Sum      sequence.Totals // of all streams, forgotten ones included
	Kernel   uint64          // datagrams that the kernel gave up
	Rejected uint64          // datagrams without a readable group header
	ShedLog  uint64          // records that the log could not keep
}

// Book makes pages of the running counts. It is not safe for concurrent use.
type Book struct {
	from   int64
	before State
	lines  map[sequence.Key]sequence.Totals // of before.Sources
	to     int64                            // of the page last made, and …
	after  State                            // … the counts at its end
}

// NewBook returns a book that begins at a time of the collector's clock (ns), when all
// counts were zero.
func NewBook(from int64) *Book {
	return &Book{from: from, to: from, lines: map[sequence.Key]sequence.Totals{}}
}

// Page returns the page from the end of the last one that was kept to now. s is the
// book's from now on. As long as a page is not kept, the next one includes it.
func (b *Book) Page(now int64, s State) Page {
	b.to, b.after = max(now, b.from), s
	p := Page{
		From: b.from, To: b.to,
		Kernel:   since(s.Kernel, b.before.Kernel),
		Rejected: since(s.Rejected, b.before.Rejected),
		ShedLog:  since(s.ShedLog, b.before.ShedLog),
		Others:   between(&s.Sum, &b.before.Sum),
	}
	for i := range s.Sources {
		src := &s.Sources[i]
		old := b.lines[src.Key]
		if src.Datagrams < old.Datagrams {
			old = sequence.Totals{} // forgotten, and heard of again
		}
		c := between(&src.Totals, &old)
		if c == (Counts{}) {
			continue
		}
		p.Lines = append(p.Lines, Line{src.Key, c})
		p.Others.sub(&c)
	}
	return p
}

// Kept says that the page last made is safe, so that the next one begins behind it.
func (b *Book) Kept() {
	b.from, b.before = b.to, b.after
	clear(b.lines)
	for i := range b.before.Sources {
		s := &b.before.Sources[i]
		b.lines[s.Key] = s.Totals
	}
}

// between returns what was counted between two moments.
func between(now, before *sequence.Totals) Counts {
	duplicates := since(now.Kinds[sequence.Duplicate], before.Kinds[sequence.Duplicate])
	return Counts{
		Received:   since(since(now.Datagrams, before.Datagrams), duplicates),
		Lost:       now.Lost - before.Lost,
		Duplicates: duplicates,
		Restarts:   since(now.Kinds[sequence.Restart], before.Kinds[sequence.Restart]),
		Reports:    since(now.Reports, before.Reports),
		Skipped:    since(now.Skipped, before.Skipped),
		Malformed:  since(now.Malformed, before.Malformed),
		Records:    since(now.Records, before.Records),
		Shed:       since(now.Shed, before.Shed),
	}
}

// sub takes counts away; what would be below zero is zero, for the counts of a
// collector at work are read one after another.
func (c *Counts) sub(o *Counts) {
	c.Received = since(c.Received, o.Received)
	c.Lost -= o.Lost
	c.Duplicates = since(c.Duplicates, o.Duplicates)
	c.Restarts = since(c.Restarts, o.Restarts)
	c.Reports = since(c.Reports, o.Reports)
	c.Skipped = since(c.Skipped, o.Skipped)
	c.Malformed = since(c.Malformed, o.Malformed)
	c.Records = since(c.Records, o.Records)
	c.Shed = since(c.Shed, o.Shed)
}

func since(now, before uint64) uint64 {
	if now < before {
		return 0
	}
	return now - before
}

// compare orders streams by source, node, subsystem and version.
func compare(a, b sequence.Key) int {
	for _, c := range [...]int{a.Source.Compare(b.Source), int(int64(a.Node) - int64(b.Node)), int(a.HwID) - int(b.HwID), int(a.Version) - int(b.Version)} {
		if c != 0 {
			return c
		}
	}
	return 0
}

// unmapped is what a source is named by.
func unmapped(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }
