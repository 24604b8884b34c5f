package drops

import "time"

// Config bounds what is kept and says when a flow counts as one that used to pass.
// The zero value of a field stands for its default.
type Config struct {
	Bucket  time.Duration // width of a time bucket; 100 ms
	Buckets int           // buckets kept per cell; 64

	MaxCells        int // 4096
	MaxFlows        int // flows, and as many services, with history; 32768
	MaxFlowsPerCell int // distinct flows counted exactly; 256
	MaxDestinations int // underlay destinations per cell; 32
	Examples        int // records kept per episode: the first ones; 3

	// EpisodeGap is the silence that ends an episode; 1 s.
	EpisodeGap time.Duration
	// A service used to pass once PassPackets packets (3) were delivered over at
	// least PassSpan (50 ms), not counting the first Warmup (200 ms) of the stream:
	// what slips through while rules are being installed proves nothing.
	PassPackets uint64
	PassSpan    time.Duration
	Warmup      time.Duration
}

func orDefault[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}

func (c Config) withDefaults() Config {
	orDefault(&c.Bucket, 100*time.Millisecond)
	orDefault(&c.Buckets, 64)
	orDefault(&c.MaxCells, 4096)
	orDefault(&c.MaxFlows, 1<<15)
	orDefault(&c.MaxFlowsPerCell, 256)
	orDefault(&c.MaxDestinations, 32)
	orDefault(&c.Examples, 3)
	orDefault(&c.EpisodeGap, time.Second)
	orDefault(&c.PassPackets, 3)
	orDefault(&c.PassSpan, 50*time.Millisecond)
	orDefault(&c.Warmup, 200*time.Millisecond)
	return c
}
