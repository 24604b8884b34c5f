package perhop

import (
	"encoding/binary"
	"math/bits"

	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/collector/report/inband"
	"github.com/telltale-net/telltale/collector/report/profile"
	"github.com/telltale-net/telltale/internal/dissect"
)

// plan says where in the metadata of a hop what a record needs stands. All hops of a
// stack have the same layout, and mostly all stacks of a network, so that they need not
// be taken apart field by field. Plans are for INT-MD 2.x with 64-bit nanoseconds.
type plan struct {
	bitmap inband.Bits // of the stacks that it is for; 0 = none yet
	words  int         // of the bitmap
	has    postcard.Fields
	level2 bool // the ports are level 2 interfaces
	common bool // the first six words or double words are those of commonBits

	// Offsets of fields in has; node ids are the first word.
	ports, latency, queue, ingress, egress int
}

// What most stacks begin with: node, level 1 ports, latency, queue, both timestamps.
const (
	commonBits = inband.NodeID | inband.Level1 | inband.HopLatency | inband.Queue | inband.IngressTime | inband.EgressTime
	commonSize = 32
)

// stack is the hops of an INT header.
type stack struct {
	stack   []byte
	size    int  // of a hop, bytes
	hops    int  // whole ones
	planned bool // c.plan is for them
	read    bool // c.head is their header
}

// fixed is the size of the header of INT-MD 2.x before its stack, bytes.
const fixed = 12

// glance finds the hops of the INT header x in the packet b as inband.Header.Read does,
// where it is INT-MD 2.x, whole, of no domain, and can be read by a plan: most of them.
func (c *Converter) glance(p *profile.Profile, b []byte, x *dissect.INT) (st stack, ok bool) {
	if x.Version != 2 || x.Type != dissect.INTMD || x.HasTail || x.End > len(b) || x.End-x.At < fixed {
		return st, false
	}
	be := binary.BigEndian
	h := b[x.At:x.End]
	bitmap := inband.Bits(be.Uint16(h[4:]))
	st.size = int(be.Uint32(h)>>8&0x1f) * 4
	if be.Uint16(h[6:]) != 0 || st.size == 0 || !c.planFor(p, bitmap) || st.size < c.plan.words*4 {
		return st, false
	}
	st.stack, st.planned = h[fixed:], true
	st.hops = len(st.stack) / st.size
	return st, st.hops > 0
}

// plannable reports whether the hops of the stack in c.head can be read by a plan, and
// makes that plan.
func (c *Converter) plannable(p *profile.Profile) bool {
	return c.head.Version == 2 && c.head.Type == dissect.INTMD && c.planFor(p, c.head.Bitmap)
}

// planFor makes the plan for INT-MD 2.x stacks with a bitmap, if there can be one.
func (c *Converter) planFor(p *profile.Profile, bitmap inband.Bits) bool {
	if bitmap&inband.NodeID == 0 || p.HopTime != profile.Nanoseconds || p.HopTimeBits != 0 || c.unplanned {
		return false
	}
	if bitmap != c.plan.bitmap {
		c.plan = planOf(bitmap)
	}
	return true
}

func planOf(bitmap inband.Bits) plan {
	pl := plan{bitmap: bitmap, words: wordsOf(bitmap), common: bitmap&commonBits == commonBits}
	// What stands before a field: a word for every bit above its own, two for timestamps.
	at := func(bit inband.Bits) int {
		return 4 * wordsOf(bitmap&^(bit<<1-1))
	}
	for _, f := range []struct {
		bit inband.Bits
		has postcard.Fields
		at  *int
	}{
		{inband.HopLatency, postcard.HasLatency, &pl.latency}, {inband.Queue, postcard.HasQueue, &pl.queue},
		{inband.IngressTime, postcard.HasIngress, &pl.ingress}, {inband.EgressTime, postcard.HasEgress, &pl.egress},
	} {
		if bitmap&f.bit != 0 {
			pl.has |= f.has
			*f.at = at(f.bit)
		}
	}
	switch {
	case bitmap&inband.Level1 != 0:
		pl.has |= postcard.HasPorts
		pl.ports = at(inband.Level1)
	case bitmap&inband.Level2 != 0:
		pl.has |= postcard.HasPorts
		pl.ports, pl.level2 = at(inband.Level2), true
	}
	return pl
}

// wordsOf returns the words that the bits of a bitmap of 2.x stand for.
func wordsOf(bitmap inband.Bits) int {
	return bits.OnesCount16(uint16(bitmap)) + bits.OnesCount16(uint16(bitmap&(inband.IngressTime|inband.EgressTime|inband.Level2)))
}

const (
	ones32 = 1<<32 - 1
	ones64 = 1<<64 - 1
)

// read puts into rec, a record of the packet, what a hop's metadata b say, all fields
// that blank clears. It reports false where a value is not valid: then rec is not
// complete.
func (pl *plan) read(b []byte, latencyUnit profile.Unit, packet postcard.Fields, rec *postcard.Record) bool {
	be := binary.BigEndian
	if pl.common && latencyUnit == profile.Nanoseconds && len(b) >= commonSize {
		b = b[:commonSize]
		node, ports, latency, queue := be.Uint32(b), be.Uint32(b[4:]), be.Uint32(b[8:]), be.Uint32(b[12:])
		in, out := be.Uint64(b[16:]), be.Uint64(b[24:])
		if node == ones32 || ports == ones32 || latency == ones32 || queue == ones32 || in == ones64 || out == ones64 {
			return false
		}
		rec.Ingress, rec.Egress = in, out
		rec.Has = packet | pl.has
		rec.Node = postcard.NodeID(node)
		rec.InPort, rec.OutPort = ports>>16, ports&0xffff
		rec.Latency = latency
		rec.QueueDepth, rec.Queue = queue&0xffffff, uint8(queue>>24)
		return true
	}
	node := be.Uint32(b)
	if node == ones32 {
		return false
	}
	rec.Node = postcard.NodeID(node)
	has := pl.has
	if has&postcard.HasPorts != 0 {
		if pl.level2 {
			v := be.Uint64(b[pl.ports:])
			if v == ones64 {
				return false
			}
			rec.InPort, rec.OutPort = uint32(v>>32), uint32(v)
		} else {
			v := be.Uint32(b[pl.ports:])
			if v == ones32 {
				return false
			}
			rec.InPort, rec.OutPort = v>>16, v&0xffff
		}
	}
	if has&postcard.HasQueue != 0 {
		v := be.Uint32(b[pl.queue:])
		if v == ones32 {
			return false
		}
		rec.Queue, rec.QueueDepth = uint8(v>>24), v&0xffffff
	}
	if has&postcard.HasLatency != 0 {
		v := be.Uint32(b[pl.latency:])
		if v == ones32 {
			return false
		}
		if rec.Latency = v; latencyUnit != profile.Nanoseconds {
			rec.Latency = clamp(latencyUnit.Nanoseconds(uint64(v)))
		}
	}
	if has&postcard.HasIngress != 0 {
		if rec.Ingress = be.Uint64(b[pl.ingress:]); rec.Ingress == ones64 {
			return false
		}
	}
	if has&postcard.HasEgress != 0 {
		if rec.Egress = be.Uint64(b[pl.egress:]); rec.Egress == ones64 {
			return false
		}
		const both = postcard.HasIngress | postcard.HasLatency
		if latency := rec.Egress - rec.Ingress; has&both == postcard.HasIngress && latency <= maxLatency {
			rec.Latency = uint32(latency)
			has |= postcard.HasLatency
		} else if has&both == postcard.HasIngress {
			rec.Latency = 0
		}
	}
	rec.Has = packet | has
	return true
}
