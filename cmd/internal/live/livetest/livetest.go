// Package livetest simulates the postcards of a fabric whose switches report every packet
// at every hop, for tests: no queues, but links that lose packets, and reports that get
// lost.
package livetest

import (
	"hash/crc32"
	"math/rand/v2"
	"slices"

	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/p4src"
	"github.com/telltale-net/telltale/topology"
)

// MS is a millisecond in ns.
const MS = int64(1e6)

// SeqMask is the width of the numbers of reports.
const SeqMask = 1<<22 - 1

// Model is a fabric at work.
type Model struct {
	Fabric  topology.Fabric
	IDs     map[string]postcard.NodeID
	Lossy   map[string]float64 // share of packets that are lost, by directed link "leaf1>spine2"
	Full    map[string]float64 // share of packets that the queue before a link drops, with a report
	Reports float64            // share of reports that are lost
	Records []postcard.Record  // so far, by Received
	Seq     map[string]uint32  // reports made, by node

	Sent, Lost, Dropped map[string]uint64 // truth, by directed link

	rng *rand.Rand
	ix  *topology.Index
}

// New returns the demo's fabric; the error says that it cannot be made.
func New(seed uint64) (*Model, error) {
	f, err := topology.LeafSpine(topology.DefaultLeafSpine())
	if err != nil {
		return nil, err
	}
	ix, err := topology.NewIndex(f)
	if err != nil {
		return nil, err
	}
	m := &Model{Fabric: f, IDs: map[string]postcard.NodeID{}, Lossy: map[string]float64{}, Seq: map[string]uint32{},
		Sent: map[string]uint64{}, Lost: map[string]uint64{}, Dropped: map[string]uint64{}, Full: map[string]float64{}, rng: rand.New(rand.NewPCG(seed, 1)), ix: ix}
	for _, n := range f.Nodes {
		m.IDs[n.Name] = postcard.NodeID(n.ID)
	}
	return m, nil
}

// Run sends packets at a rate per second, evenly, from a time to another (ms).
func (m *Model) Run(from, to int64, pps int) {
	for at := from * MS; at < to*MS; at += 1e9 / int64(pps) {
		m.packet(at)
	}
	slices.SortStableFunc(m.Records, func(a, b postcard.Record) int { return int(a.Received - b.Received) })
}

func (m *Model) packet(at int64) {
	var a, b topology.Host
	for a.At.Node == b.At.Node || a.VNET != b.VNET {
		a = m.Fabric.Hosts[m.rng.IntN(len(m.Fabric.Hosts))]
		b = m.Fabric.Hosts[m.rng.IntN(len(m.Fabric.Hosts))]
	}
	vnet, _ := m.ix.VNET(a.VNET)
	port := uint16(1000 + m.rng.IntN(5))
	paths := slices.Collect(m.ix.Paths(a.At.Node, b.At.Node))
	path := paths[int(port)%len(paths)]
	hash := crc32.ChecksumIEEE([]byte{byte(vnet.VNI), a.Address.As4()[3], b.Address.As4()[3], byte(port)})
	r := postcard.Record{
		VNI: vnet.VNI, FlowHash: hash, PacketID: uint16(m.rng.Uint32()), Flags: postcard.Tracked,
		Inner: postcard.Flow{Src: postcard.AddrFrom(a.Address), Dst: postcard.AddrFrom(b.Address), SrcPort: port, DstPort: 80, Proto: 17},
		Has:   postcard.HasPorts | postcard.HasLatency | postcard.HasIngress | postcard.HasEgress | postcard.HasVNI | postcard.HasFlowHash | postcard.HasPacketID | postcard.HasInner | postcard.HasQueue | postcard.HasLength,
		Stage: postcard.Egress, Length: 500, Latency: 1000,
	}
	in := a.At
	for i := 0; ; i++ {
		out := b.At
		if i < len(path) {
			out = path[i].Out
		}
		r.Received = at + int64(i)*20_000 + m.rng.Int64N(5000)
		r.Node, r.InPort, r.OutPort = m.IDs[in.Node], uint32(in.Port), uint32(out.Port)
		r.Ingress, r.Egress = uint64(at), uint64(at)+1000
		if i == len(path) {
			m.report(in.Node, r)
			return
		}
		link := path[i].String()
		if full := m.Full[link]; full > 0 && m.rng.Float64() < full {
			m.Dropped[link]++
			r.Flags |= postcard.Dropped
			r.Has = r.Has&^(postcard.HasEgress|postcard.HasLatency) | postcard.HasDropReason
			r.DropReason, r.Egress, r.Latency, r.Stage = p4src.DropTrafficManager, 0, 0, postcard.Ingress
			m.report(in.Node, r)
			return
		}
		m.report(in.Node, r)
		m.Sent[link]++
		if m.rng.Float64() < m.Lossy[link] {
			m.Lost[link]++
			return
		}
		in = path[i].In
	}
}

func (m *Model) report(node string, r postcard.Record) {
	m.Seq[node]++
	if m.rng.Float64() < m.Reports {
		return
	}
	r.Seq = m.Seq[node] & SeqMask
	m.Records = append(m.Records, r)
}
