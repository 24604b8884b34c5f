package journal

import (
	"sync"
	"sync/atomic"
)

// Stats are what a journal has done since it was opened. Appended = Stored + Shed +
// what is on its way.
type Stats struct {
	Appended   uint64 // records given to the publisher
	Stored     uint64 // records in the log
	Shed       uint64 // records given up
	Blocks     uint64 // in the log
	BlocksShed uint64
	Bytes      uint64 // of the blocks in the log
	Retries    uint64 // attempts to publish that failed
	Restarts   uint64 // of the server in this process
	Waiting    int    // blocks
	Alarm      string // why records are being shed or held up now; empty = all is well
}

type counters struct {
	appended, stored, shed             atomic.Uint64
	blocks, blocksShed, bytes, retries atomic.Uint64
	restarts                           atomic.Uint64

	mu     sync.Mutex
	reason string
}

func (c *counters) alarm(err error) {
	c.mu.Lock()
	c.reason = err.Error()
	c.mu.Unlock()
}

func (c *counters) calm() {
	c.mu.Lock()
	c.reason = ""
	c.mu.Unlock()
}

// Stats returns the counts.
func (j *Journal) Stats() Stats {
	c := &j.stats
	c.mu.Lock()
	reason := c.reason
	c.mu.Unlock()
	stored, shed := c.stored.Load(), c.shed.Load() // before appended, so that the sum holds
	return Stats{
		Appended:   c.appended.Load(),
		Stored:     stored,
		Shed:       shed,
		Blocks:     c.blocks.Load(),
		BlocksShed: c.blocksShed.Load(),
		Bytes:      c.bytes.Load(),
		Retries:    c.retries.Load(),
		Restarts:   c.restarts.Load(),
		Waiting:    len(j.queue),
		Alarm:      reason,
	}
}
