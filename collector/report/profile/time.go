package profile

import "math/bits"

// Unit is a unit of time (the metadata semantics model of the specifications,
// p4-dtel-metadata-semantics.yang, time-units).
type Unit uint8

// The units.
const (
	Nanoseconds Unit = iota
	Microseconds
	Fraction32 // 2^-32 s
)

// Nanoseconds returns v units in nanoseconds, modulo 2^64.
func (u Unit) Nanoseconds(v uint64) uint64 {
	switch u {
	case Microseconds:
		return v * 1000
	case Fraction32:
		high, low := bits.Mul64(v, 1e9)
		return high<<32 | low>>32
	}
	return v
}

// Since returns how many units passed from one timestamp to a later one, both of
// which wrap after so many bits.
func Since(from, to uint64, width uint8) uint64 { return (to - from) & mask(width) }

func mask(width uint8) uint64 {
	if width >= 64 {
		return ^uint64(0)
	}
	return 1<<width - 1
}

// Times returns the timestamps of a report in nanoseconds, the later one put behind
// the earlier by their difference modulo their width, and the latency between them.
func (p *Profile) Times(version uint8, ingress, egress uint64) (in, out, latency uint64) {
	return times(p.Time, p.timeBits(version), ingress, egress)
}

// HopTimes is Times for the timestamps of a hop of an INT stack that are bits wide
// on the wire.
func (p *Profile) HopTimes(wire uint8, ingress, egress uint64) (in, out, latency uint64) {
	width := wire
	if p.HopTimeBits != 0 {
		width = min(width, p.HopTimeBits)
	}
	return times(p.HopTime, width, ingress, egress)
}

func times(u Unit, width uint8, ingress, egress uint64) (in, out, latency uint64) {
	in = u.Nanoseconds(ingress)
	latency = u.Nanoseconds(Since(ingress, egress, width))
	return in, in + latency, latency
}

// Width returns how many bits of a report's timestamps count, and their unit.
func (p *Profile) Width(version uint8) (uint8, Unit) { return p.timeBits(version), p.Time }

// Clock makes the timestamps of one node, which wrap, go on rising. The zero Clock
// has seen none.
type Clock struct {
	seen   bool
	offset uint64 // extended time − time of reception, at the last timestamp
}

// Extend returns t, which counts units modulo 2^width and was received at a time of
// the collector's clock (ns), as nanoseconds that do not wrap: of all times that t can
// stand for, the one nearest to where the node's clock must be by now. The first one
// is the one nearest to the time of reception itself. It is right while a report
// takes less than half a period to arrive and clocks drift less than that.
func (c *Clock) Extend(received int64, t uint64, width uint8, u Unit) uint64 {
	if width >= 64 || u == Microseconds && width > 53 { // wraps after centuries
		return u.Nanoseconds(t)
	}
	period := u.Nanoseconds(1 << width)
	v := u.Nanoseconds(t & mask(width))
	near := uint64(received)
	if c.seen {
		near += c.offset
	}
	if near > v {
		v += (near - v + period/2) / period * period
	}
	c.seen, c.offset = true, v-uint64(received)
	return v
}
