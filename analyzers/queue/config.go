package queue

import "time"

// Method is how causes are found.
type Method uint8

// The methods of this package.
const (
	// Replay finds candidates as Microscope does and asks for each what the victim's
	// wait would have been without it.
	Replay Method = iota
	// Plain is the paper to the letter: scores by input and processing, propagation by
	// timespan.
	Plain
)

// Config bounds the work and sets what counts as what. The zero value of a field stands
// for its default; default times are as many times longer as the median of the servers
// takes longer than 2 µs over a packet.
type Config struct {
	Method Method

	// Lookback is how far before a victim its causes are looked for; 100 ms. The paper
	// saw up to 91 ms.
	Lookback time.Duration
	// Span is how long a stretch of time is replayed at once where victims follow one
	// another without a pause; 20 ms.
	Span time.Duration
	// History is how far back "recent history" goes: rates of flows, waits that are
	// usual; 200 ms.
	History time.Duration
	// Depth is the number of packets that a queue may hold and still count as empty
	// when Plain looks for its queuing period; 0. (Replay goes back until packets were
	// there for no longer than the median.)
	Depth int
	// MaxCandidates bounds the causes tried per stretch, the largest ones; 64.
	MaxCandidates int
	// MaxFlows bounds the flows named per cause; 32.
	MaxFlows int
	// MaxCauses bounds the causes named per victim; 16.
	MaxCauses int
}

// longest is what no default time is longer than.
const longest = float64(24 * time.Hour)

func orDefault[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}

// withDefaults fills in the defaults; times are so many times longer.
func (c Config) withDefaults(scale float64) Config {
	times := func(d time.Duration) time.Duration { return time.Duration(min(scale*float64(d), longest)) }
	orDefault(&c.Lookback, times(100*time.Millisecond))
	orDefault(&c.Span, times(20*time.Millisecond))
	orDefault(&c.History, times(200*time.Millisecond))
	orDefault(&c.MaxCandidates, 64)
	orDefault(&c.MaxFlows, 32)
	orDefault(&c.MaxCauses, 16)
	return c
}
