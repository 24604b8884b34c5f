package export

import (
	"context"
	"slices"
	"time"

	"github.com/telltale-net/telltale/collector/ipfix"
)

// Offer adds what is known of a flow in an epoch; false = there is no room until others
// have been sent. See Refuse.
func (e *Exporter) Offer(f *ipfix.EpochFlow) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.epochs) >= e.cfg.Flows {
		return false
	}
	e.epochs = append(e.epochs, *f)
	return true
}

// Refuse counts flows that were not offered again as not sent.
func (e *Exporter) Refuse(n uint64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.stats.Exported.NotSent += n
}

// Pending returns how many flows wait to be sent.
func (e *Exporter) Pending() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.pending) + len(e.epochs)
}

func (e *Exporter) notSent(f *ipfix.Flow) {
	e.stats.Exported.NotSent++
	e.stats.Exported.NotSentPackets += f.Packets
}

// give sends ended flows, as many as the rate allows.
func (e *Exporter) give(ctx context.Context, now time.Time) {
	if e.conn == nil && !e.connect(ctx, now) {
		e.mu.Lock()
		e.giveUp()
		e.mu.Unlock()
		return
	}
	e.credit = min(e.credit+now.Sub(e.credited).Seconds()*float64(e.cfg.Rate), max(1, float64(e.cfg.Rate)*tick.Seconds()))
	e.credited = now
	e.mu.Lock()
	defer e.mu.Unlock()
	e.encoder.Time(uint32(now.Unix()))
	if now.Sub(e.told) >= e.cfg.Templates {
		e.tell(now)
	}
	n := 0
	for n < len(e.pending) && e.credit >= 1 && e.conn != nil {
		e.encoder.Flow(&e.pending[n])
		n++
	}
	epochs := 0
	for epochs < len(e.epochs) && e.credit >= 1 && e.conn != nil {
		e.encoder.Epoch(&e.epochs[epochs])
		epochs++
	}
	if e.conn != nil {
		e.encoder.Flush()
	}
	e.pending = slices.Delete(e.pending, 0, n)
	e.epochs = slices.Delete(e.epochs, 0, epochs)
}

// giveUp counts all that waits as not sent; e.mu is held.
func (e *Exporter) giveUp() {
	for i := range e.pending {
		e.notSent(&e.pending[i])
	}
	e.stats.Exported.NotSent += uint64(len(e.epochs))
	clear(e.pending)
	clear(e.epochs)
	e.pending, e.epochs = e.pending[:0], e.epochs[:0]
}
