// Package clocks aligns the clocks of switches from what passes between them. Every
// packet seen leaving node A and arriving at its neighbour B gives a one-way delay on
// two clocks,
//
//	d(A→B) = transit + offset(B) − offset(A)
//
// and the transit is never less than the link's least delay. So packets in both
// directions hold the difference of the two clocks between two bounds at any time,
//
//	least − d(B→A)  ≤  offset(B) − offset(A)  ≤  d(A→B) − least
//
// which the quickest packets make narrow. Over a window the difference is taken to be a
// straight line (offset and drift); of all lines between the bounds the one farthest
// from both is the estimate, and half the room between them its error bound. The lower
// hulls of the delays are those of Moon, Skelly and Towsley (INFOCOM 1999); both
// directions together need no assumption on the drift's sign or on symmetric queues,
// only that the line is straight for a window.
//
// Nodes are aligned to a reference along the paths with the smallest sum of bounds. A
// node that no path of two-way links reaches is not aligned, and that is said. When no
// line fits between the bounds, a clock was set or its rate changed: what came before
// is forgotten, and counted.
//
// The package is pure: time comes with the records.
package clocks

import (
	"github.com/telltale-net/telltale/collector/postcard"
)

// Config says how clocks are aligned. The zero Config is completed by defaults.
type Config struct {
	Bucket  int64 // ns of the sender's clock for which one quickest packet is kept; 0 = 100 ms
	Buckets int   // kept for each direction of a link; 0 = 100
	Links   int   // directed links remembered; 0 = 65 536; packets of further ones are counted, not used

	// MaxDrift is the largest difference of two clocks' rates, s/s; 0 = 200e-6: quartz
	// within its specification differs by at most 100 ppm from true.
	MaxDrift float64
}

func (c *Config) complete() {
	if c.Bucket <= 0 {
		c.Bucket = 100e6
	}
	if c.Buckets <= 0 {
		c.Buckets = 100
	}
	if c.Links <= 0 {
		c.Links = 1 << 16
	}
	if c.MaxDrift <= 0 {
		c.MaxDrift = 200e-6
	}
}

// direction is a link's one way.
type direction struct{ from, to postcard.NodeID }

// Aligner gathers passages and estimates offsets. It is for one goroutine. Its memory
// is bounded by Config.Links × Config.Buckets.
type Aligner struct {
	cfg   Config
	ways  map[direction]*way
	stats Stats
}

// Stats counts what an aligner was given.
type Stats struct {
	Passages uint64 // used
	Late     uint64 // not used: of a time that had no bucket of its own when it was new
	Beyond   uint64 // not used: more links than Config.Links
	Resets   uint64 // links whose past was forgotten because no straight line fits it
}

// New returns an aligner that knows nothing.
func New(cfg Config) *Aligner {
	cfg.complete()
	return &Aligner{cfg: cfg, ways: map[direction]*way{}}
}

// Stats returns the counts.
func (a *Aligner) Stats() Stats { return a.stats }

// point is the quickest passage of a bucket.
type point struct {
	at    int64 // sender's clock, ns
	delay int64 // receiver's clock − sender's clock − least, ns
}

// way is what is known of one direction of a link.
type way struct {
	bucket int64 // number of the newest bucket
	points []point
}

// Passage says that a packet left `from` when its clock showed egress and reached `to`
// when that one's showed ingress (ns). least is the least time the link takes, ns; 0
// where unknown, which makes the bounds wider by the link's delay.
func (a *Aligner) Passage(from, to postcard.NodeID, egress, ingress uint64, least int64) {
	d := direction{from, to}
	w := a.ways[d]
	if w == nil {
		if len(a.ways) >= a.cfg.Links {
			a.stats.Beyond++
			return
		}
		w = &way{bucket: -1 << 62}
		a.ways[d] = w
	}
	if w.add(point{at: int64(egress), delay: int64(ingress-egress) - least}, &a.cfg) {
		a.stats.Passages++
	} else {
		a.stats.Late++
	}
}

// add reports whether there was a bucket for the point.
func (w *way) add(p point, cfg *Config) bool {
	b := p.at / cfg.Bucket
	n := len(w.points)
	switch {
	case n == 0 || b > w.bucket:
		w.bucket = b
		if n == cfg.Buckets {
			copy(w.points, w.points[1:])
			w.points[n-1] = p
			return true
		}
		w.points = append(w.points, p)
	case b == w.bucket:
		if p.delay < w.points[n-1].delay {
			w.points[n-1] = p
		}
	default: // late: its bucket, if it is still there
		for i := n - 1; i >= 0; i-- {
			if w.points[i].at/cfg.Bucket == b {
				if p.delay < w.points[i].delay {
					w.points[i] = p
				}
				return true
			}
		}
		return false
	}
	return true
}

// halve forgets the older half.
func (w *way) halve() {
	n := len(w.points)
	w.points = w.points[:copy(w.points, w.points[(n+1)/2:])]
}
