package recordlog

import (
	"context"
	"encoding/json"
	"io"

	"github.com/telltale-net/telltale/collector"
	"github.com/telltale-net/telltale/collector/block"
	"github.com/telltale-net/telltale/collector/journal"
	"github.com/telltale-net/telltale/collector/ledger"
)

// Ledger hands over the pages that have a part in the window from `from` to before `to`
// (ns, 0 = open): what of the reports did not arrive, or could not be read or kept.
type Ledger func(ctx context.Context, from, to int64, fn func(*ledger.Page) error) error

// LedgerOf is the ledger of a log. A damaged page is left out, so that its time shows as
// uncovered.
func LedgerOf(j *journal.Journal) Ledger {
	return func(ctx context.Context, from, to int64, fn func(*ledger.Page) error) error {
		_, err := j.Pages(ctx, from, to, fn)
		return err
	}
}

// Loss returns the loss of the query's window and nodes. Its other conditions are about
// packets, of which a report that did not arrive says nothing.
func (l Ledger) Loss(ctx context.Context, q *block.Query) (ledger.Loss, error) {
	sum := ledger.NewSum(q.From, q.To, q.Nodes...)
	err := l(ctx, q.From, q.To, func(p *ledger.Page) error {
		sum.Add(p)
		return nil
	})
	return sum.Loss(), err
}

// WriteLoss writes a loss as a JSON object of its own, {"loss": …}, to stand as the last
// line of what it belongs to.
func WriteLoss(w io.Writer, l *ledger.Loss) error {
	return json.NewEncoder(w).Encode(struct {
		Loss *ledger.Loss `json:"loss"`
	}{l})
}

const (
	pageSpan = int64(10e9) // ns of a capture that a page tells of
	maxQuiet = 1000        // pages of a capture without datagrams, in a row; longer silence stays uncovered
)

// pages makes the pages of a capture.
type pages struct {
	c    *collector.Collector
	book *ledger.Book
	end  int64 // of the page being filled
	last int64 // time of the capture so far
	list []ledger.Page
}

// at says that the capture has come to a time (ns).
func (p *pages) at(t int64) {
	if p.book == nil {
		p.book = ledger.NewBook(t)
		p.last, p.end = t, t-t%pageSpan+pageSpan
	}
	for n := 0; t >= p.end; n++ {
		if page := p.turn(p.end); n < maxQuiet {
			p.list = append(p.list, page)
		}
		if p.end += pageSpan; n == maxQuiet {
			p.turn(t - t%pageSpan)
			p.end = t - t%pageSpan + pageSpan
		}
	}
	p.last = max(p.last, t)
}

// turn ends the page at a time, and returns it.
func (p *pages) turn(t int64) ledger.Page {
	s := p.c.Snapshot()
	page := p.book.Page(t, ledger.State{Sources: s.Sources, Sum: s.Sum, Rejected: s.Rejected})
	p.book.Kept()
	return page
}

// finish ends the last page, behind the last datagram.
func (p *pages) finish() {
	if p.book != nil {
		p.list = append(p.list, p.turn(p.last+1))
	}
}

// hand is the [Ledger] of the pages so far.
func (p *pages) hand(_ context.Context, from, to int64, fn func(*ledger.Page) error) error {
	for i := range p.list {
		if q := &p.list[i]; (from == 0 || q.To > from) && (to == 0 || q.From < to) {
			if err := fn(q); err != nil {
				return err
			}
		}
	}
	return nil
}
