package latency

import "time"

// Config bounds what is kept and sets the windows. The zero value of a field stands
// for its default.
type Config struct {
	Window  time.Duration // width of a time window; 100 ms
	Windows int           // closed windows kept per series; 32

	// JoinWindow is how long a packet's later hops are waited for: more than the
	// longest time it can queue, because a hop reports when the packet leaves; 1 s.
	JoinWindow time.Duration
	MaxPackets int // in the join at once; 32768
	MaxSeries  int // hops, queues and paths each; 4096

	Outlier float64 // p99 over history's p99 from which a window does not join the history; 4
	Relearn int     // such windows in a row after which the history starts afresh; 600
}

func orDefault[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}

func (c Config) withDefaults() Config {
	orDefault(&c.Window, 100*time.Millisecond)
	orDefault(&c.Windows, 32)
	orDefault(&c.JoinWindow, time.Second)
	orDefault(&c.MaxPackets, 1<<15)
	orDefault(&c.MaxSeries, 4096)
	orDefault(&c.Outlier, 4)
	orDefault(&c.Relearn, 600)
	return c
}
