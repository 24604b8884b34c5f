package incident

import (
	"time"

	"github.com/telltale-net/telltale/analyzers/drops"
	"github.com/telltale-net/telltale/analyzers/latency"
)

// Config holds the thresholds. The zero value of a field stands for its default,
// which suits a few hundred to a few hundred thousand packets per second.
type Config struct {
	Drops   drops.Config   // EpisodeGap is set to Quiet
	Latency latency.Config // windows are also the grid on which findings are evaluated

	// Quiet is how long after its last evidence a finding closes; 1 s.
	Quiet time.Duration
	// Settle is how long after the first record drops are taken for the network coming
	// up, policy denials of what already passed excepted; 1 s.
	Settle time.Duration
	// MaxOpen is how many findings are open at most; further ones are counted; 256.
	MaxOpen int
	// UpdateEvery is the least time between two updates of a finding; 500 ms.
	UpdateEvery time.Duration

	// A denial is a finding from DenyPackets (5) packets of services that used to pass.
	DenyPackets uint64
	// Other drops are findings from DropPackets (10) packets in at least DropWindows (3)
	// windows, over at least DropSpan (200 ms).
	DropPackets uint64
	DropWindows int
	DropSpan    time.Duration

	// A port is slow when it drains below SlowShare (0.5) of its rate, measured on at
	// least DrainSamples (12) observations within DrainSpan (1 s), in two windows at
	// least, when at least SlowSamples (0.6) of the observations say so by themselves and
	// at least SlowCoverage (0.5) of the packets found ahead were reported.
	SlowShare    float64
	SlowSamples  float64
	SlowCoverage float64
	DrainSamples int
	DrainSpan    time.Duration

	// A queue is congested when it dropped in CongestedShare (0.8) of the windows of
	// CongestedSpan (1 s), CongestedPackets (50) or more, and CongestedLoss (1 %) of
	// what was offered to it.
	CongestedSpan    time.Duration
	CongestedShare   float64
	CongestedPackets uint64
	CongestedLoss    float64

	// A link loses packets when LinkPackets (10) or more vanished in LinkSpan (2 s), more
	// than LinkShare (0.5 %) plus twice the share of the receiver's reports that is lost,
	// and more than chance makes of that.
	LinkPackets uint64
	LinkShare   float64
	LinkSpan    time.Duration
}

func orDefault[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}

func (c Config) withDefaults() Config {
	orDefault(&c.Quiet, time.Second)
	orDefault(&c.Settle, time.Second)
	orDefault(&c.MaxOpen, 256)
	orDefault(&c.UpdateEvery, 500*time.Millisecond)
	orDefault(&c.DenyPackets, 5)
	orDefault(&c.DropPackets, 10)
	orDefault(&c.DropWindows, 3)
	orDefault(&c.DropSpan, 200*time.Millisecond)
	orDefault(&c.SlowShare, 0.5)
	orDefault(&c.SlowSamples, 0.6)
	orDefault(&c.SlowCoverage, 0.5)
	orDefault(&c.DrainSamples, 12)
	orDefault(&c.DrainSpan, time.Second)
	orDefault(&c.CongestedSpan, time.Second)
	orDefault(&c.CongestedShare, 0.8)
	orDefault(&c.CongestedPackets, 50)
	orDefault(&c.CongestedLoss, 0.01)
	orDefault(&c.LinkPackets, 10)
	orDefault(&c.LinkShare, 0.005)
	orDefault(&c.LinkSpan, 2*time.Second)
	c.Drops.EpisodeGap = c.Quiet
	orDefault(&c.Latency.Window, 100*time.Millisecond)
	orDefault(&c.Latency.JoinWindow, time.Second)
	orDefault(&c.Drops.Bucket, c.Latency.Window)
	return c
}
