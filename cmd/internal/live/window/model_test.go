package window

import (
	"hash/crc32"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/collector/sequence"
	"github.com/telltale-net/telltale/topology"
)

const ms = int64(1e6)

// model is a fabric without queues whose switches report every packet at every hop.
type model struct {
	rng     *rand.Rand
	ix      *topology.Index
	fabric  topology.Fabric
	ids     map[string]postcard.NodeID
	seq     map[string]uint32
	lossy   map[string]float64 // by directed link
	reports float64            // share of reports that are lost
	records []postcard.Record
	loss    *sequence.Accounts

	sent, lost map[string]uint64 // truth, by directed link
}

func newModel(t testing.TB, seed uint64) *model {
	t.Helper()
	f, err := topology.LeafSpine(topology.DefaultLeafSpine())
	if err != nil {
		t.Fatal(err)
	}
	ix, err := topology.NewIndex(f)
	if err != nil {
		t.Fatal(err)
	}
	m := &model{rng: rand.New(rand.NewPCG(seed, 1)), ix: ix, fabric: f, ids: map[string]postcard.NodeID{}, seq: map[string]uint32{},
		lossy: map[string]float64{}, sent: map[string]uint64{}, lost: map[string]uint64{},
		loss: sequence.NewAccounts(sequence.Limits{Streams: 100, Bucket: 100 * ms, Buckets: 1200})}
	for _, n := range f.Nodes {
		m.ids[n.Name] = postcard.NodeID(n.ID)
	}
	return m
}

// run sends packets at a rate per second, evenly, from a time to another (ms).
func (m *model) run(from, to int64, pps int) {
	for at := from * ms; at < to*ms; at += 1e9 / int64(pps) {
		m.packet(at)
	}
	slices.SortStableFunc(m.records, func(a, b postcard.Record) int { return int(a.Received - b.Received) })
}

func (m *model) packet(at int64) {
	var a, b topology.Host
	for a.At.Node == b.At.Node {
		a = m.fabric.Hosts[m.rng.IntN(len(m.fabric.Hosts))]
		b = m.fabric.Hosts[m.rng.IntN(len(m.fabric.Hosts))]
		b.VNET = a.VNET
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
		r.Node, r.InPort, r.OutPort = m.ids[in.Node], uint32(in.Port), uint32(out.Port)
		r.Ingress, r.Egress = uint64(at), uint64(at)+1000
		m.report(in.Node, r)
		if i == len(path) {
			return
		}
		link := path[i].String()
		m.sent[link]++
		if m.rng.Float64() < m.lossy[link] {
			m.lost[link]++
			return
		}
		in = path[i].In
	}
}

func (m *model) report(node string, r postcard.Record) {
	m.seq[node]++
	if m.rng.Float64() < m.reports {
		return
	}
	r.Seq = m.seq[node] & seqMask
	m.records = append(m.records, r)
}

// play gives the records to an analyzer through a sampler, Advance every 50 ms. shed,
// where not nil, says which batches are shed.
func (m *model) play(t testing.TB, cfg Config, rate int, shed func(at int64) bool) (*Analyzer, *Sampler, Results) {
	t.Helper()
	a, err := New(m.fabric, cfg)
	if err != nil {
		t.Fatal(err)
	}
	s := NewSampler(rate, int64(a.Late()))
	var all Results
	var b Batch
	next := m.records[0].Received + 50*ms
	give := func() {
		b.Level, b.Holes = s.Level(), s.TakeHoles(b.Holes[:0])
		if shed != nil && shed(next) {
			b.Shed += uint64(len(b.Records))
			b.Records = b.Records[:0]
		}
		a.Observe(&b)
		b = Batch{Records: b.Records[:0], Holes: b.Holes[:0]}
		res := a.Advance(next, m.reportLoss)
		all.Events = append(all.Events, res.Events...)
		all.Windows = append(all.Windows, res.Windows...)
	}
	for i := range m.records {
		r := &m.records[i]
		for ; r.Received >= next; next += 50 * ms {
			give()
			if r.Received > next+10_000*ms {
				next = r.Received
			}
		}
		m.loss.Observe(r.Received, sequence.Key{Node: uint32(r.Node), Version: 2}, r.Seq)
		b.Offered++
		if s.Choose(r) {
			b.Records = append(b.Records, *r)
		}
	}
	give()
	res := a.Flush(m.reportLoss)
	all.Events = append(all.Events, res.Events...)
	all.Windows = append(all.Windows, res.Windows...)
	return a, s, all
}

func (m *model) reportLoss(node postcard.NodeID, from, to int64) sequence.Loss {
	return m.loss.Loss(uint32(node), from, to)
}
