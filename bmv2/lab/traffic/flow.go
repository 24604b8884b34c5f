package traffic

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/telltale-net/telltale/bmv2/lab/frame"
)

// Flow is a stream of packets from one host to another. It is open loop: the sender
// neither waits for the receiver nor sends again; a TCP flow is TCP in its bytes
// only (SYN first, sequence numbers that add up).
type Flow struct {
	Name             string
	From, To         string // hosts
	Proto            uint8  // frame.TCP or frame.UDP
	SrcPort, DstPort uint16
	Sizes            Sizes
	Arrivals         Arrivals
	Start, Stop      time.Duration // on the lab's clock; Stop 0 = never
}

// Check says what is wrong with the flow itself; whether its hosts exist is for the
// lab to say.
func (f *Flow) Check() error {
	low := frame.MinUDP
	switch f.Proto {
	case frame.UDP:
	case frame.TCP:
		low = frame.MinTCP
	default:
		return fmt.Errorf("flow %q: protocol %d, want %d (TCP) or %d (UDP)", f.Name, f.Proto, frame.TCP, frame.UDP)
	}
	if len(f.Sizes) == 0 {
		return fmt.Errorf("flow %q: no sizes", f.Name)
	}
	total := 0
	for i, s := range f.Sizes {
		if s.Bytes < low || s.Bytes > frame.MaxLength {
			return fmt.Errorf("flow %q: size %d is %d bytes, want %d…%d", f.Name, i, s.Bytes, low, frame.MaxLength)
		}
		if s.Weight <= 0 {
			return fmt.Errorf("flow %q: size %d has weight %d, want at least 1", f.Name, i, s.Weight)
		}
		total += s.Weight
	}
	if a := f.Arrivals; !(a.PPS > 0 && a.PPS <= 1e9) {
		return fmt.Errorf("flow %q: %v packets/s, want more than 0 and at most 1e9", f.Name, a.PPS)
	} else if a.Kind > Bursts {
		return fmt.Errorf("flow %q: unknown kind of arrivals %d", f.Name, a.Kind)
	} else if a.Kind == Bursts && (a.On <= 0 || a.Off <= 0) {
		return fmt.Errorf("flow %q: bursts on for %v, off for %v, want both above 0", f.Name, a.On, a.Off)
	}
	if f.Start < 0 || (f.Stop != 0 && f.Stop < f.Start) {
		return fmt.Errorf("flow %q: starts at %v, stops at %v", f.Name, f.Start, f.Stop)
	}
	return nil
}

// Size is one length of frames, in bytes without FCS, and how often it is drawn
// relative to the others.
type Size struct{ Bytes, Weight int }

// Sizes is a distribution of frame lengths.
type Sizes []Size

// Fixed is every frame n bytes long.
func Fixed(n int) Sizes { return Sizes{{n, 1}} }

// IMIX is the customary mix of small, middling and full frames, 7:4:1, with room
// left for 50 bytes of overlay below an MTU of 1500.
func IMIX() Sizes { return Sizes{{90, 7}, {590, 4}, {1450, 1}} }

// Mean returns the mean length in bytes.
func (s Sizes) Mean() float64 {
	bytes, weight := 0.0, 0.0
	for _, x := range s {
		bytes += float64(x.Bytes) * float64(x.Weight)
		weight += float64(x.Weight)
	}
	return bytes / weight
}

// Kind is the rhythm of departures.
type Kind uint8

// The rhythms.
const (
	Paced   Kind = iota // equal gaps, the first packet at Start
	Poisson             // exponential gaps
	Bursts              // paced while on, silent while off; both last exponentially long
)

func (k Kind) String() string {
	switch k {
	case Paced:
		return "paced"
	case Poisson:
		return "poisson"
	case Bursts:
		return "bursts"
	}
	return fmt.Sprintf("Kind(%d)", uint8(k))
}

// Arrivals is when packets are sent.
type Arrivals struct {
	Kind    Kind
	PPS     float64       // packets/s; of Bursts: while on
	On, Off time.Duration // Bursts: mean lengths
}

// MeanPPS is the long-run packet rate.
func (a Arrivals) MeanPPS() float64 {
	if a.Kind == Bursts {
		return a.PPS * float64(a.On) / float64(a.On+a.Off)
	}
	return a.PPS
}

// Source draws a flow's departures. Its draws depend on seed and stream alone.
type Source struct {
	sizes  Sizes
	weight int
	arr    Arrivals
	gap    float64 // ns
	rng    *rand.Rand
	at     float64 // next departure, ns; float so that paced rates do not drift
	count  float64 // packets since base, for exact pacing
	base   float64
	until  float64 // end of the burst
	stop   int64   // ns, 0 = never
}

// NewSource makes the source of f, which Check must have passed.
func NewSource(f *Flow, seed, stream uint64) *Source {
	s := &Source{sizes: f.Sizes, arr: f.Arrivals, gap: 1e9 / f.Arrivals.PPS,
		rng: rand.New(rand.NewPCG(seed, stream)), base: float64(f.Start), stop: int64(f.Stop)}
	for _, x := range f.Sizes {
		s.weight += x.Weight
	}
	s.at = s.base
	switch s.arr.Kind {
	case Poisson:
		s.at += s.rng.ExpFloat64() * s.gap
	case Bursts:
		s.burst(s.base)
	}
	return s
}

// burst starts a new burst after a silence that begins at from.
func (s *Source) burst(from float64) {
	s.base = from + s.rng.ExpFloat64()*float64(s.arr.Off)
	s.until = s.base + s.rng.ExpFloat64()*float64(s.arr.On)
	s.at, s.count = s.base, 0
}

// Next returns when the next packet leaves and how long its frame is; false when
// the flow has ended.
func (s *Source) Next() (at int64, length int, ok bool) {
	at = int64(s.at)
	if s.stop != 0 && at >= s.stop {
		return 0, 0, false
	}
	switch s.arr.Kind {
	case Poisson:
		s.at += s.rng.ExpFloat64() * s.gap
	case Bursts:
		s.count++
		if s.at = s.base + float64(s.count*s.gap); s.at >= s.until {
			s.burst(s.until)
		}
	default:
		s.count++
		s.at = s.base + float64(s.count*s.gap)
	}
	if len(s.sizes) == 1 {
		return at, s.sizes[0].Bytes, true
	}
	pick := s.rng.IntN(s.weight)
	for _, x := range s.sizes {
		if pick -= x.Weight; pick < 0 {
			return at, x.Bytes, true
		}
	}
	panic("BUG: traffic: size weights do not add up")
}
