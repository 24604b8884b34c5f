package send

import (
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// Bounds.
const (
	MaxSources  = 1 << 16
	MaxSockets  = 256
	MaxCoalesce = 700 // reports of a datagram of at most 65507 bytes
	MaxCount    = 1 << 40
	MaxDuration = 24 * time.Hour
)

// Config says what to send.
type Config struct {
	To        netip.AddrPort
	Rate      float64       // reports per second; 0 = as fast as it goes
	Sources   int           // nodes
	Coalesce  int           // reports per datagram
	Count     uint64        // reports in all; 0 = Duration alone ends it
	Duration  time.Duration // 0 = Count alone ends it
	FirstNode uint32        // node id of the first source

	// Progress, where not nil, is called now and then, and at the end, with what has
	// been sent so far.
	Progress func(reports uint64, elapsed time.Duration)
}

// progressEvery is how often Progress is called at most.
const progressEvery = 100 * time.Millisecond

// Check returns what is wrong with the configuration, or nil.
func (c *Config) Check() error {
	if !c.To.IsValid() || c.To.Port() == 0 || c.To.Addr().IsUnspecified() {
		return fmt.Errorf("cannot send reports: destination: got %v, want an address and a port", c.To)
	}
	if c.Count == 0 && c.Duration == 0 {
		return errors.New("cannot send reports without an end: want a count or a duration")
	}
	for _, f := range []struct {
		name     string
		got      float64
		min, max float64
	}{
		{"rate", c.Rate, 0, 1e9},
		{"sources", float64(c.Sources), 1, MaxSources},
		{"coalesce", float64(c.Coalesce), 1, MaxCoalesce},
		{"count", float64(c.Count), 0, MaxCount},
		{"duration in seconds", c.Duration.Seconds(), 0, MaxDuration.Seconds()},
	} {
		if !(f.got >= f.min && f.got <= f.max) {
			return fmt.Errorf("cannot send reports: %s: got %g, want %g to %g", f.name, f.got, f.min, f.max)
		}
	}
	return nil
}

// Source is what one node sent.
type Source struct {
	Node         uint32 `json:"node_id"`
	Port         uint16 `json:"source_port"`
	Datagrams    uint64 `json:"datagrams"`
	Reports      uint64 `json:"reports"`
	LastSequence uint32 `json:"last_sequence_number"` // of the last datagram, 22 bits; 0 where there is none
}

// Result is what was sent: handed to the system without an error, which is not yet
// received.
type Result struct {
	To        netip.AddrPort `json:"to"`
	Datagrams uint64         `json:"datagrams"`
	Reports   uint64         `json:"reports"`
	Bytes     uint64         `json:"bytes"`   // of UDP payload
	Calls     uint64         `json:"calls"`   // system calls
	Refused   uint64         `json:"refused"` // calls that told that nobody listens; tried again
	Seconds   float64        `json:"seconds"`
	Sources   []Source       `json:"sources"`
}

// Rate returns reports per second.
func (r *Result) Rate() float64 {
	if r.Seconds <= 0 {
		return 0
	}
	return float64(r.Reports) / r.Seconds
}
