package engine

import (
	"math/bits"

	"github.com/telltale-net/telltale/bmv2/device"
	"github.com/telltale-net/telltale/bmv2/spec"
)

// meter is a two-rate three-colour marker with simple_switch's bucket arithmetic:
// tokens accrue with the microseconds since the switch started, the peak bucket
// is asked first and a red packet takes no tokens.
type meter struct {
	configured bool
	peak, base bucket
	config     device.MeterConfig
}

// bucket is one rate of a meter.
type bucket struct {
	rate   uint64 // tokens per second
	burst  uint64
	tokens uint64
	last   uint64 // tokens accrued since the start when tokens was last brought up to date
}

// The colours of a meter.
const (
	green = iota
	yellow
	red
)

func (m *meter) configure(c device.MeterConfig) {
	m.configured, m.config = true, c
	m.base = bucket{rate: uint64(c.CIR), burst: uint64(c.CBurst), tokens: uint64(c.CBurst)}
	m.peak = bucket{rate: uint64(c.PIR), burst: uint64(c.PBurst), tokens: uint64(c.PBurst)}
}

// execute takes n tokens and returns the colour.
func (m *meter) execute(now Time, n uint64) uint64 {
	switch {
	case !m.configured:
		return green
	case !m.peak.take(now, n):
		return red
	case !m.base.take(now, n):
		return yellow
	}
	return green
}

func (b *bucket) take(now Time, n uint64) bool {
	hi, lo := bits.Mul64(uint64(max(now, 0))/1000, b.rate)
	accrued := ^uint64(0)
	if hi < 1e6 {
		accrued, _ = bits.Div64(hi, lo, 1e6)
	}
	fresh := accrued - min(accrued, b.last)
	b.last = max(accrued, b.last)
	if b.tokens += fresh; b.tokens < fresh || b.tokens > b.burst {
		b.tokens = b.burst
	}
	if b.tokens < n {
		return false
	}
	b.tokens -= n
	return true
}

// tokens is what a packet costs.
func tokens(unit spec.MeterUnit, p *packet) uint64 {
	if unit == spec.Bytes {
		return uint64(p.length)
	}
	return 1
}
