package journal

import (
	"context"
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

// encode makes blocks of what is handed over, any block at any time, until ctx is done.
func (j *Journal) encode(ctx context.Context) {
	enc := block.Encoder{Unit: int64(j.cfg.Unit)}
	for {
		select {
		case <-ctx.Done():
			return
		case f := <-j.todo:
			enc.Fast = len(j.queue) > j.cfg.Pending/behind
			f.block = j.pack(&enc, f.block[:0], f.records)
			close(f.encoded)
		}
	}
}

// behind is the part of Config.Pending that may wait before blocks are packed less
// tightly, to be done sooner.
const behind = 8

func (j *Journal) pack(enc *block.Encoder, buf []byte, records []postcard.Record) []byte {
	buf, err := enc.Append(buf, records)
	if err != nil {
		panic("BUG: cannot make a block of what the journal gathered: " + err.Error())
	}
	return buf
}

// publish publishes blocks in the order in which they were handed over, until ctx is
// done.
func (j *Journal) publish(ctx context.Context) {
	own := block.Encoder{Unit: int64(j.cfg.Unit)}
	for {
		select {
		case <-ctx.Done():
			return
		case f := <-j.queue:
			switch {
			case f.flushed != nil:
				close(f.flushed)
				continue
			case f.page != nil:
				f.page.done <- j.storePage(ctx, f.page)
				continue
			}
			select {
			case <-f.encoded:
			case <-ctx.Done():
				j.shed(f.records, ErrAbandoned)
				return
			}
			f.block = j.store(ctx, &own, f.block, f.records)
			j.spare.give(f)
		}
	}
}

// store puts records, packed in b, into the log as one block, or as more if the server
// takes no block that large. It returns the memory of b.
func (j *Journal) store(ctx context.Context, enc *block.Encoder, b []byte, records []postcard.Record) []byte {
	if int64(len(b)) > j.largest && len(records) > 1 {
		half := len(records) / 2
		b = j.store(ctx, enc, j.pack(enc, b[:0], records[:half]), records[:half])
		return j.store(ctx, enc, j.pack(enc, b[:0], records[half:]), records[half:])
	}
	id := fmt.Sprintf("%s-%d", j.writer, j.stats.blocks.Load()+j.stats.blocksShed.Load())
	if err := j.send(ctx, id, j.subject(records[0].Received), b); err != nil {
		j.shed(records, err)
		return b
	}
	j.stats.calm()
	j.stats.blocks.Add(1)
	j.stats.bytes.Add(uint64(len(b)))
	j.stats.stored.Add(uint64(len(records)))
	if j.cfg.OnStored != nil {
		j.telling.Lock()
		j.cfg.OnStored(records)
		j.telling.Unlock()
	}
	return b
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
