package chain

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// Config is a run: a chain, its traffic, and what befalls it.
type Config struct {
	Seed     uint64
	Duration time.Duration // of the traffic; the queues then drain
	Rate     float64       // packets/s of all sources, without bursts and trigger packets
	Sources  int           // how many share the traffic
	Stages   []Stage       // in the order of the way
	Queue    int           // packets that wait at a node, at most
	Batch    int           // packets read at once, at most
	Link     Link
	Traffic  Traffic
	Noise    Noise
	Problems []Problem
}

// Stage is a number of like nodes that share the flows.
type Stage struct {
	Type    string
	Nodes   int
	Rate    float64  // packets/s at peak, 64 bytes each
	Spread  float64  // nodes' rates differ by up to this share from Rate, 0…0.5
	PerByte float64  // share of the service time that every byte beyond 64 adds
	Ports   []uint16 // only flows with such a port at either end pass here; none = all
}

// Link is how long packets are on their way: between Delay and Delay+Spread, drawn for
// every pair of nodes.
type Link struct{ Delay, Spread time.Duration }

// Traffic is what the sources send: slots that each hold a flow at a time, weighted as
// flows are in a backbone; when a flow has sent its packets, a new one takes its slot.
type Traffic struct {
	Flows    int     // concurrent flows
	Zipf     float64 // exponent of the flows' shares
	LineRate float64 // packets/s of a source's link; the pace of bursts and trains
	Sizes    []Size  // none = all 64 bytes
}

// Size is one length of packets in bytes and how often it is drawn beside the others.
type Size struct {
	Bytes  uint16
	Weight int
}

// Noise is what happens without anybody's doing.
type Noise struct {
	// Jitter is the share of the service time that varies, exponentially: 0 = every
	// packet takes the same time.
	Jitter float64
	// Stalls are short interrupts of each node: so many per second, their lengths
	// Pareto from StallMin with exponent StallShape, cut at StallMax.
	Stalls             float64
	StallMin, StallMax time.Duration
	StallShape         float64
	// Trains is the longest train of packets that a flow sends at line rate at once;
	// lengths are Pareto with exponent 1.3. 1 or less: no trains.
	Trains int
}

// Paper returns the setting of the Microscope paper: figure 10's chain, 1.2 Mpps of
// 64-byte packets, five seconds, no problems yet. Rates of the functions are not
// published; these leave the nodes about half idle.
func Paper() Config {
	return Config{
		Seed:     1,
		Duration: 5 * time.Second,
		Rate:     1.2e6,
		Sources:  1,
		Stages: []Stage{
			{Type: "nat", Nodes: 4, Rate: 1600e3, Spread: 0.05},
			{Type: "fw", Nodes: 5, Rate: 800e3, Spread: 0.05},
			{Type: "mon", Nodes: 3, Rate: 900e3, Spread: 0.05, Ports: []uint16{80, 443, 8080}},
			{Type: "vpn", Nodes: 4, Rate: 480e3, Spread: 0.05},
		},
		Queue:   1024,
		Batch:   32,
		Link:    Link{Delay: 2 * time.Microsecond, Spread: time.Microsecond},
		Traffic: Traffic{Flows: 20000, Zipf: 1, LineRate: 14.88e6},
		Noise:   Noise{Jitter: 0.1},
	}
}

// IMIX returns the simple Internet mix of lengths of frames: 7 of 64 bytes, 4 of 594, 1
// of 1518.
func IMIX() []Size { return []Size{{64, 7}, {594, 4}, {1518, 1}} }

// WithSizes returns the setting with packets of many lengths and nodes that take time for
// every byte, on average as long as before: address translation and firewalls look at
// headers, and 1518 bytes take them 1.7 times as long as 64; a monitor reads the packet,
// 8 times; a tunnel encrypts it, and takes as long as a link would, 24 times. Rates of
// stages are for 64 bytes, and thus higher than before.
func (c Config) WithSizes(sizes []Size) Config {
	perByte := map[string]float64{"nat": 0.0005, "fw": 0.0005, "mon": 0.005, "vpn": 1.0 / minimumSize}
	bytes, weights := 0, 0
	for _, s := range sizes {
		bytes += int(s.Bytes) * s.Weight
		weights += s.Weight
	}
	c.Traffic.Sizes = sizes
	c.Stages = slices.Clone(c.Stages)
	for i := range c.Stages {
		s := &c.Stages[i]
		s.PerByte = perByte[s.Type]
		s.Rate *= 1 + s.PerByte*(float64(bytes)/float64(max(weights, 1))-minimumSize)
	}
	return c
}

// Noisy returns natural noise: services that vary by a third, forty stalls a second and
// node of 10 µs to 400 µs, trains of up to 64 packets.
func Noisy() Noise {
	return Noise{
		Jitter: 0.3,
		Stalls: 40, StallMin: 10 * time.Microsecond, StallMax: 400 * time.Microsecond, StallShape: 1.5,
		Trains: 64,
	}
}

const (
	maxStages   = 8
	maxNodes    = 250     // of a stage, so that a byte names one
	maxPackets  = 1 << 30 // of a run
	minimumSize = 64
)

// Check says what is wrong with the configuration.
func (c *Config) Check() error {
	switch {
	case c.Duration <= 0:
		return fmt.Errorf("duration: got %v, want more than 0", c.Duration)
	case !(c.Rate > 0) || c.Rate*c.Duration.Seconds() > maxPackets:
		return fmt.Errorf("rate: got %v packets/s for %v, want more than 0 and at most %d packets", c.Rate, c.Duration, maxPackets)
	case c.Sources < 1 || c.Sources > maxNodes:
		return fmt.Errorf("sources: got %d, want 1 to %d", c.Sources, maxNodes)
	case len(c.Stages) < 1 || len(c.Stages) > maxStages:
		return fmt.Errorf("stages: got %d, want 1 to %d", len(c.Stages), maxStages)
	case c.Batch < 1 || c.Queue < c.Batch:
		return fmt.Errorf("queue of %d and batch of %d: want a batch of at least 1 and a queue that holds it", c.Queue, c.Batch)
	case c.Link.Delay < 0 || c.Link.Spread < 0:
		return fmt.Errorf("link: got a delay of %v and a spread of %v, want none below 0", c.Link.Delay, c.Link.Spread)
	case c.Traffic.Flows < 1 || c.Traffic.Flows > 1<<24:
		return fmt.Errorf("traffic: got %d concurrent flows, want 1 to 2^24", c.Traffic.Flows)
	case !(c.Traffic.Zipf >= 0 && c.Traffic.Zipf <= 3):
		return fmt.Errorf("traffic: got a Zipf exponent of %v, want 0 to 3", c.Traffic.Zipf)
	case !(c.Traffic.LineRate > 0 && c.Traffic.LineRate <= 1e9):
		return fmt.Errorf("traffic: got a line rate of %v packets/s, want more than 0 and at most 1e9", c.Traffic.LineRate)
	}
	for i := range c.Stages {
		if err := c.Stages[i].check(); err != nil {
			return fmt.Errorf("stage %d (%s): %w", i, c.Stages[i].Type, err)
		}
	}
	for i, s := range c.Traffic.Sizes {
		if s.Bytes < minimumSize || s.Weight < 1 {
			return fmt.Errorf("traffic: size %d is %d bytes with weight %d, want at least %d bytes and a weight above 0", i, s.Bytes, s.Weight, minimumSize)
		}
	}
	if err := c.Noise.check(); err != nil {
		return fmt.Errorf("noise: %w", err)
	}
	for i := range c.Problems {
		if err := c.Problems[i].check(c); err != nil {
			return fmt.Errorf("problem %d: %w", i, err)
		}
	}
	return nil
}

func (s *Stage) check() error {
	switch {
	case s.Type == "" || s.Type == sourceType:
		return fmt.Errorf("got type %q, want a name other than %q", s.Type, sourceType)
	case s.Nodes < 1 || s.Nodes > maxNodes:
		return fmt.Errorf("got %d nodes, want 1 to %d", s.Nodes, maxNodes)
	case !(s.Rate > 0 && s.Rate <= 1e9):
		return fmt.Errorf("got a rate of %v packets/s, want more than 0 and at most 1e9", s.Rate)
	case !(s.Spread >= 0 && s.Spread <= 0.5):
		return fmt.Errorf("got a spread of %v, want 0 to 0.5", s.Spread)
	case !(s.PerByte >= 0 && s.PerByte <= 1):
		return fmt.Errorf("got %v of the service time per byte, want 0 to 1", s.PerByte)
	}
	return nil
}

func (n *Noise) check() error {
	if !(n.Jitter >= 0 && n.Jitter <= 1) {
		return fmt.Errorf("got a jitter of %v, want 0 to 1", n.Jitter)
	}
	if !(n.Stalls >= 0 && n.Stalls <= 1e5) {
		return fmt.Errorf("got %v stalls a second, want 0 to 1e5", n.Stalls)
	}
	if n.Stalls > 0 && (n.StallMin <= 0 || n.StallMax < n.StallMin || !(n.StallShape > 0) || math.IsInf(n.StallShape, 0)) {
		return fmt.Errorf("got stalls of %v to %v with exponent %v, want all above 0 and in order", n.StallMin, n.StallMax, n.StallShape)
	}
	if n.Trains > 1<<12 {
		return fmt.Errorf("got trains of up to %d packets, want at most %d", n.Trains, 1<<12)
	}
	return nil
}
