// Package blocktest makes postcards for tests: what a fabric's switches would report.
package blocktest

import (
	"cmp"
	"encoding/binary"
	"hash/crc32"
	"math/rand/v2"
	"slices"

	"github.com/telltale-net/telltale/collector/postcard"
)

// Fabric makes n postcards, from start on, of traffic through a fabric of 4 spines, 4 leaves and 8
// vswitches at 100 000 packets a second: five hops a packet, µs clocks that differ,
// queues that sometimes fill, arrival over a network with some µs of jitter, several
// reports to a datagram read.
func Fabric(seed uint64, start int64, n, flows int) []postcard.Record {
	rng := rand.New(rand.NewPCG(seed, 9))
	type flow struct {
		vni, hash    uint32
		inner, outer postcard.Flow
		src, dst     int
		spine        int
		length       uint16
	}
	ip := func(a, b, c, d byte) postcard.Addr {
		return postcard.Addr{10: 0xff, 11: 0xff, 12: a, 13: b, 14: c, 15: d}
	}
	all := make([]flow, flows)
	for i := range all {
		f := &all[i]
		f.src, f.dst = rng.IntN(8), rng.IntN(8)
		f.spine = rng.IntN(4)
		f.length = []uint16{64, 128, 576, 1500}[rng.IntN(4)]
		f.vni = uint32(1000 + rng.IntN(3))
		f.inner = postcard.Flow{
			Src: ip(10, 0, byte(f.src), byte(rng.IntN(4))), Dst: ip(10, 0, byte(f.dst), byte(rng.IntN(4))),
			SrcPort: uint16(32768 + rng.IntN(28000)), DstPort: []uint16{80, 443, 5201}[rng.IntN(3)], Proto: 6,
		}
		f.hash = hash(f.vni, &f.inner)
		f.outer = postcard.Flow{
			Src: ip(192, 168, 0, byte(f.src)), Dst: ip(192, 168, 0, byte(f.dst)),
			SrcPort: uint16(f.hash) | 0xc000, DstPort: 4789, Proto: 17,
		}
	}
	var ids [8]uint16
	var clocks [16]uint64
	for i := range clocks {
		ids[i%8] = uint16(rng.IntN(65536))
		clocks[i] = uint64(rng.IntN(1_000_000)) * 1000
	}
	now := uint64(0) // ns
	var out []postcard.Record
	for len(out) < n+1000 {
		now += uint64(rng.ExpFloat64() * 10_000)
		f := &all[rng.IntN(flows)]
		ids[f.src]++
		at := now
		hops := [5]int{f.src, 8 + f.src/2, 12 + f.spine, 8 + f.dst/2, f.dst}
		port := 1 // that the packet comes in by: one for each neighbour
		for i, node := range hops {
			if (i == 1 || i == 2) && f.src/2 == f.dst/2 {
				continue
			}
			wait := uint64(0)
			if rng.IntN(5) == 0 {
				wait = uint64(rng.ExpFloat64() * 8000)
			}
			in, eg := (at+clocks[node])/1000*1000, (at+wait+clocks[node])/1000*1000
			at += wait + uint64(f.length)*8/10 + 5000
			r := postcard.Record{
				Received: start + int64(at+20_000+uint64(rng.IntN(4000)))/16_000*16_000 + 137,
				Ingress:  in, Egress: eg, Latency: uint32(eg - in),
				Has: postcard.HasPorts | postcard.HasLatency | postcard.HasQueue | postcard.HasIngress | postcard.HasEgress | postcard.HasEnqDepth |
					postcard.HasPacketID | postcard.HasFlowHash | postcard.HasVNI | postcard.HasLength | postcard.HasInner | postcard.HasOuter,
				Node: postcard.NodeID(node + 1), InPort: uint32(port), OutPort: uint32(10 + hops[min(i+1, 4)]),
				QueueDepth: uint32(wait / 900), EnqDepth: uint32(wait / 800), VNI: f.vni, FlowHash: f.hash, PacketID: ids[f.src],
				Length: f.length + 50, Epoch: uint8(now >> 23 & 1), Stage: postcard.Egress, Flags: postcard.Tracked, Outer: f.outer, Inner: f.inner,
			}
			if i == 4 {
				r.Length -= 50
			}
			out = append(out, r)
			port = 10 + node
		}
	}
	// Nodes number their reports in the order in which packets leave.
	slices.SortStableFunc(out, func(a, b postcard.Record) int {
		return cmp.Compare(a.Egress-clocks[a.Node-1], b.Egress-clocks[b.Node-1])
	})
	var seq [17]uint32
	for i := range out {
		seq[out[i].Node]++
		out[i].Seq = seq[out[i].Node] & (1<<22 - 1)
	}
	slices.SortStableFunc(out, func(a, b postcard.Record) int { return cmp.Compare(a.Received, b.Received) })
	return out[500 : 500+n]
}

// hash is the flow hash of p4src for IPv4.
func hash(vni uint32, f *postcard.Flow) uint32 {
	var b [16]byte
	binary.BigEndian.PutUint32(b[:], vni<<8)
	copy(b[3:], f.Src[12:])
	copy(b[7:], f.Dst[12:])
	b[11] = f.Proto
	binary.BigEndian.PutUint16(b[12:], f.SrcPort)
	binary.BigEndian.PutUint16(b[14:], f.DstPort)
	return crc32.ChecksumIEEE(b[:])
}
