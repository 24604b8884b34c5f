package journal

import (
	"context"
	"fmt"

	"github.com/telltale-net/telltale/collector/ledger"
)

// note is a page of the ledger on its way into the log.
type note struct {
	from int64
	b    []byte
	done chan error // has room for the answer
}

// Keep puts a page of the ledger into the log, behind the blocks that were handed over
// before, and returns when it is there. It lies beside the blocks of the slot in which
// it begins.
func (j *Journal) Keep(ctx context.Context, p *ledger.Page) error {
	if j.cfg.ReadOnly {
		return ErrReadOnly
	}
	b, err := p.Append(nil)
	if err != nil {
		return err
	}
	n := &note{from: p.From, b: b, done: make(chan error, 1)}
	j.mu.Lock()
	if j.closed {
		j.mu.Unlock()
		return ErrClosed
	}
	select {
	case j.queue <- &filling{page: n}:
	case <-j.given:
		n.done <- ErrAbandoned
	}
	j.mu.Unlock()
	select {
	case err = <-n.done:
	case <-j.given:
		err = ErrAbandoned
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("cannot keep page of the ledger: %w", err)
	}
	return nil
}

// storePage publishes a page.
func (j *Journal) storePage(ctx context.Context, n *note) error {
	if int64(len(n.b)) > j.largest {
		return fmt.Errorf("it has %d bytes, the log takes %d", len(n.b), j.largest)
	}
	id := fmt.Sprintf("%s-page-%d", j.writer, j.pages)
	j.pages++
	return j.send(ctx, id, j.subject(n.from)+pageSuffix, n.b)
}

// Pages hands over the pages of the ledger that have a part in the window from `from` to
// before `to` (ns, 0 = open), in the order in which they were stored. A page that cannot
// be read counts as damaged and is left out. The page is fn's.
func (j *Journal) Pages(ctx context.Context, from, to int64, fn func(*ledger.Page) error) (ReadStats, error) {
	var stats ReadStats
	begin := from
	if from != 0 {
		begin = from - pageReach // pages begin before what they are about
	}
	err := j.messages(ctx, reading{subjects: j.filters(begin, to, pageSuffix)}, func(m entryMessage) error {
		stats.Blocks++
		stats.Bytes += uint64(len(m.data))
		p, err := ledger.Read(m.data)
		if err != nil {
			stats.damaged(err)
			return nil
		}
		if from != 0 && p.To <= from || to != 0 && p.From >= to {
			return nil
		}
		stats.Opened++
		return fn(&p)
	})
	if err != nil {
		return stats, fmt.Errorf("cannot read the ledger of the log at %s: %w", j.where(), err)
	}
	return stats, nil
}

// pageReach is how long before a window the pages that have a part in it may begin:
// those of a collector that could keep none for longer are missed, and show as
// uncovered.
const pageReach = 3 * slotLength
