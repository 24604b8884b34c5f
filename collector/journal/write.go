package journal

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/telltale-net/telltale/collector/block"
	"github.com/telltale-net/telltale/collector/postcard"
)

const (
	// maxBlock is the largest block that our own server takes.
	maxBlock = 8 << 20
	// headroom is what a message has beside the block.
	headroom = 1 << 10
	// minReserve is the room without which nothing is tried.
	minReserve = 1 << 20
	// callTimeout is how long one attempt to publish may take.
	callTimeout = 5 * time.Second
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
			f = j.empty()
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
	first := slot(records[0].Received)
	if len(f.records) > 0 {
		first = slot(f.records[0].Received)
	}
	for i := range n {
		if slot(records[i].Received) != first {
			return i
		}
	}
	return n
}

// empty returns a block to fill.
func (j *Journal) empty() *filling {
	select {
	case f := <-j.spare:
		return f
	default:
		return &filling{records: make([]postcard.Record, 0, j.cfg.BlockRecords)}
	}
}

// handOver gives the block being filled to the publisher. j.mu is held.
func (j *Journal) handOver() {
	if f := j.filled; f != nil && len(f.records) > 0 {
		j.filled = nil
		j.stats.appended.Add(uint64(len(f.records)))
		select {
		case j.queue <- f:
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

// publish makes blocks and publishes them, in order, until ctx is done.
func (j *Journal) publish(ctx context.Context) {
	enc := block.Encoder{Unit: int64(j.cfg.Unit)}
	var buf []byte
	for {
		select {
		case <-ctx.Done():
			return
		case f := <-j.queue:
			if f.flushed != nil {
				close(f.flushed)
				continue
			}
			buf = j.store(ctx, &enc, buf[:0], f.records)
			f.records = f.records[:0]
			j.spare <- f // there are never more than it holds
		}
	}
}

// store puts records into the log as one block, or more if the server takes no block
// that large.
func (j *Journal) store(ctx context.Context, enc *block.Encoder, buf []byte, records []postcard.Record) []byte {
	buf, err := enc.Append(buf, records)
	if err != nil {
		panic("BUG: cannot make a block of what the journal gathered: " + err.Error())
	}
	if int64(len(buf)) > j.largest && len(records) > 1 {
		half := len(records) / 2
		buf = j.store(ctx, enc, buf[:0], records[:half])
		return j.store(ctx, enc, buf[:0], records[half:])
	}
	id := fmt.Sprintf("%s-%d", j.writer, j.stats.blocks.Load()+j.stats.blocksShed.Load())
	if err := j.send(ctx, id, j.subject(records[0].Received), buf); err != nil {
		j.shed(records, err)
		return buf
	}
	j.stats.calm()
	j.stats.blocks.Add(1)
	j.stats.bytes.Add(uint64(len(buf)))
	j.stats.stored.Add(uint64(len(records)))
	if j.cfg.OnStored != nil {
		j.telling.Lock()
		j.cfg.OnStored(records)
		j.telling.Unlock()
	}
	return buf
}

// send publishes a block until the log has it, patience ends or there is no room.
func (j *Journal) send(ctx context.Context, id, subject string, b []byte) error {
	msg := &nats.Msg{Subject: subject, Data: b}
	patience, cancel := context.WithTimeout(ctx, j.cfg.Patience)
	defer cancel()
	pause := 10 * time.Millisecond
	for {
		if err := j.room(); err != nil {
			return err // waiting helps nobody: what comes next would wait as well
		}
		err := j.try(patience, id, msg)
		if err == nil {
			return nil
		}
		j.stats.retries.Add(1)
		j.stats.alarm(err)
		select {
		case <-patience.Done():
			return err
		case <-time.After(pause):
			pause = min(2*pause, time.Second)
		}
	}
}

// try publishes a block once, through a new server if the old one has failed.
func (j *Journal) try(ctx context.Context, id string, msg *nats.Msg) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if j.failed {
		if err := j.restart(ctx); err != nil {
			return err
		}
		j.failed = false
	}
	_, err := j.link.Load().js.PublishMsg(ctx, msg, jetstream.WithMsgID(id), jetstream.WithExpectStream(j.cfg.Stream), jetstream.WithRetryAttempts(0))
	if err != nil {
		j.failed = j.cfg.Dir != ""
		return fmt.Errorf("cannot publish a block of %d bytes to %s: %w", len(msg.Data), j.where(), err)
	}
	return nil
}

// room returns ErrNoSpace when the disk of the server in this process is as good as
// full.
func (j *Journal) room() error {
	if j.cfg.Dir == "" {
		return nil
	}
	left, err := j.cfg.free(j.cfg.Dir)
	if err != nil {
		return err
	}
	if want := max(j.cfg.Reserve, minReserve); left < want {
		return fmt.Errorf("%w: %d bytes, want %d at least", ErrNoSpace, left, want)
	}
	return nil
}

// redact takes user and password out of a list of URLs.
func redact(list string) string {
	parts := strings.Split(list, ",")
	for i, p := range parts {
		u, err := url.Parse(strings.TrimSpace(p))
		if err != nil {
			parts[i] = "(unreadable URL)"
			continue
		}
		if u.User != nil {
			u.User = url.User("…")
		}
		parts[i] = u.String()
	}
	return strings.Join(parts, ",")
}
