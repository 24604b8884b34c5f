package journal

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/telltale-net/telltale/collector/postcard"
)

// ErrClosed says that the journal is closed.
var ErrClosed = errors.New("the log is closed")

// ErrReadOnly says that the journal was opened for reading.
var ErrReadOnly = errors.New("the log was opened for reading only")

// ErrAbandoned says that records were given up because the journal was closed before
// the log had taken them.
var ErrAbandoned = errors.New("the log was closed before it had taken everything")

// ErrNoSpace says that the disk is full, or nearly.
var ErrNoSpace = errors.New("no room left on the disk of the log")

// Append copies records into the block being filled. It waits when Config.Pending
// blocks wait already. It fails only when the journal is closed or read only.
func (j *Journal) Append(records []postcard.Record) error {
	if j.cfg.ReadOnly {
		return ErrReadOnly
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return ErrClosed
	}
	for len(records) > 0 {
		f := j.filled
		if f == nil {
			f = j.spare.take(j.cfg.BlockRecords)
			f.since = time.Now()
			j.filled = f
		}
		n := fits(f, records, j.cfg.BlockRecords)
		f.records = append(f.records, records[:n]...)
		records = records[n:]
		if len(records) > 0 || len(f.records) == j.cfg.BlockRecords {
			j.handOver()
		}
	}
	return nil
}

// fits returns how many of the records go into the block: as many as it has room for
// and lie in the slot of its first.
func fits(f *filling, records []postcard.Record, full int) int {
	n := min(full-len(f.records), len(records))
	first := records[0].Received
	if len(f.records) > 0 {
		first = f.records[0].Received
	}
	begin := slot(first) * slotLength
	for i := range n {
		t := records[i].Received
		if (t < begin || t-begin >= slotLength) && len(f.records)+i > 0 {
			return i
		}
	}
	return n
}

// spares are fillings that hold nothing. The one used last is the next: it is still in
// the processor's cache.
type spares struct {
	mu   sync.Mutex
	list []*filling
}

func (s *spares) take(records int) *filling {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.list)
	if n == 0 {
		return &filling{records: make([]postcard.Record, 0, records)}
	}
	f := s.list[n-1]
	s.list = s.list[:n-1]
	return f
}

func (s *spares) give(f *filling) {
	f.records = f.records[:0]
	s.mu.Lock()
	s.list = append(s.list, f)
	s.mu.Unlock()
}

// handOver gives the block being filled to the encoders and to the publisher. j.mu is
// held, so that both get blocks in the same order.
func (j *Journal) handOver() {
	if f := j.filled; f != nil && len(f.records) > 0 {
		j.filled = nil
		j.stats.appended.Add(uint64(len(f.records)))
		f.encoded = make(chan struct{})
		select {
		case j.queue <- f:
			j.todo <- f // has room for all of queue, and for those being encoded
		case <-j.given:
			j.shed(f.records, ErrAbandoned)
		}
	}
}

// shed counts the records of a block as given up.
func (j *Journal) shed(records []postcard.Record, err error) {
	j.stats.alarm(err)
	j.stats.blocksShed.Add(1)
	j.stats.shed.Add(uint64(len(records)))
	if j.cfg.OnShed != nil {
		j.telling.Lock()
		j.cfg.OnShed(records, err)
		j.telling.Unlock()
	}
}

// Flush waits until all that was appended before is stored or shed.
func (j *Journal) Flush(ctx context.Context) error {
	done := make(chan struct{})
	j.mu.Lock()
	if j.closed {
		j.mu.Unlock()
		return ErrClosed
	}
	j.handOver()
	select {
	case j.queue <- &filling{flushed: done}:
	case <-j.given:
	}
	j.mu.Unlock()
	select {
	case <-done:
		return nil
	case <-j.given:
		return ErrAbandoned
	case <-ctx.Done():
		return fmt.Errorf("cannot wait until the log has everything: %w", ctx.Err())
	}
}

// flushOld hands over blocks that do not fill in time.
func (j *Journal) flushOld(ctx context.Context) {
	tick := time.NewTicker(max(j.cfg.BlockAge/4, time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			j.mu.Lock()
			if f := j.filled; f != nil && now.Sub(f.since) >= j.cfg.BlockAge {
				j.handOver()
			}
			j.mu.Unlock()
		}
	}
}
