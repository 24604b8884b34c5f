package collect

import (
	"context"
	"sync/atomic"

	"github.com/telltale-net/telltale/collector/postcard"
)

// relay takes records off the hands of the network: observe copies a batch and returns
// at once, run gives the copies to whoever needs time for them. When all copies are in
// use, the batch is shed and counted.
type relay struct {
	full, free  chan []postcard.Record
	taken, shed atomic.Uint64 // records
}

// newRelay returns a relay of at most so many copies.
func newRelay(batches int) *relay {
	r := &relay{full: make(chan []postcard.Record, batches), free: make(chan []postcard.Record, batches)}
	for range batches {
		r.free <- nil
	}
	return r
}

// observe is a pipeline.Tap.
func (r *relay) observe(batch []postcard.Record) {
	select {
	case b := <-r.free:
		r.taken.Add(uint64(len(batch)))
		r.full <- append(b[:0], batch...)
	default:
		r.shed.Add(uint64(len(batch)))
	}
}

// run calls take for one batch after the other until ctx is done and no more wait. The
// batch is take's during the call only.
func (r *relay) run(ctx context.Context, take func([]postcard.Record)) {
	for {
		select {
		case b := <-r.full:
			take(b)
			r.free <- b
			continue
		default:
		}
		select {
		case b := <-r.full:
			take(b)
			r.free <- b
		case <-ctx.Done():
			if len(r.full) == 0 {
				return
			}
		}
	}
}
