package postcards

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/telltale-net/telltale/analyzers"
	"github.com/telltale-net/telltale/analyzers/blame"
	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/p4src"
)

// Config says which packets count; times are ns of the collector's clock.
type Config struct {
	From, Until int64   // packets whose first report came in [From, Until) count; both 0 = all
	Settle      int64   // ns in which all reports of a packet come; 0 = 100 ms
	Jitter      int64   // ns by which a report may be received before or after that of the hop before; 0 = from the data
	Sampled     bool    // records were left out on purpose, whole packets at a time: holes in the numbers mean nothing
	Blind       []Blind // holes that the caller knows of
	Coverage    float64 // share of known packets that a switch must report to be believed when silent; 0 = 0.5
	MaxPaths    int     // alternatives of one flow at most; 0 = 256
}

// Blind is a hole in the numbers of a switch's reports.
type Blind struct {
	Node        postcard.NodeID
	From, Until int64 // when the reports before and after it were received
	Missing     int   // reports
}

func (c Config) filled() Config {
	c.Settle = cmp.Or(c.Settle, 100_000_000)
	c.MaxPaths = min(cmp.Or(c.MaxPaths, 256), blame.MaxPaths)
	c.Coverage = cmp.Or(c.Coverage, 0.5)
	if c.From == 0 && c.Until == 0 {
		c.From, c.Until = -always, always
	}
	return c
}

// Account is what became of the packets, and what is known of the reports.
type Account struct {
	Packets   uint64           `json:"packets"`   // that set out, of known source and destination, to another vswitch
	Delivered uint64           `json:"delivered"` // of them
	Lost      uint64           `json:"lost"`      // silently
	Announced map[uint8]uint64 `json:"announced"` // dropped with a report, by drop reason
	Undecided uint64           `json:"undecided"` // missing where reports are missing, too: lost or not
	Unplaced  uint64           `json:"unplaced"`  // between addresses of which no vswitch or no path is known
	TooMany   uint64           `json:"too_many"`  // of flows with more paths than may be: only what they surely crossed counts

	Reports uint64 `json:"reports"` // of the switches of the network
	Unknown uint64 `json:"unknown"` // reports of other nodes, left out
	Missing uint64 `json:"missing"` // by the holes in the numbers
	Unseen  uint64 `json:"unseen"`  // reports that were not there for packets that arrived, outside of holes
}

// MissingShare is the expected share of reports that are missing, by their numbers.
func (a *Account) MissingShare() float64 {
	if a.Missing == 0 {
		return 0
	}
	return float64(a.Missing) / float64(a.Missing+a.Reports)
}

// Result is a set and what it rests on.
type Result struct {
	Set     *blame.Set
	Flows   []analyzers.TenantFlow // by row of the set
	Account Account
}

// Epoch makes a set of the postcards of an interval: all that were received from
// From−Settle to Until+Settle, in any order. Links are named "leaf1>spine2", parallel ones
// "leaf1:3>spine2:1".
func Epoch(net *analyzers.Network, links *blame.Links, records []postcard.Record, cfg Config) Result {
	b := &builder{net: net, cfg: cfg.filled(), links: links, records: records, set: blame.NewSet(links),
		ports: map[[2]int32]int32{}, rows: map[rowKey]*row{}, samples: map[sampleKey]*[2]uint32{}, ways: map[[2]int32][]way{}}
	b.account.Announced = map[uint8]uint64{}
	b.sequences()
	b.join()
	b.widen()
	for i := range b.flows {
		b.route(&b.flows[i])
	}
	b.watchers()
	b.spare()
	for i := range b.flows {
		b.flow(&b.flows[i])
	}
	return b.finish()
}

type builder struct {
	net     *analyzers.Network
	cfg     Config
	links   *blame.Links
	records []postcard.Record
	account Account

	nodes   []watcher // by node of the network
	packets []packet
	flows   []flow
	number  int // of the packet that is looked at

	ports   map[[2]int32]int32 // link by node and port
	ways    map[[2]int32][]way // by first and last node
	rows    map[rowKey]*row
	order   []*row
	samples map[sampleKey]*[2]uint32

	set *blame.Set
	of  []analyzers.TenantFlow
}

// seen is a switch that reported a packet.
type seen struct {
	node, port int32
	at         int64 // received
	depth      uint32
	hasDepth   bool
	dropped    bool
	reason     uint8
}

// packet is the reports of one packet.
type packet struct {
	flow     analyzers.TenantFlow
	src, dst int32
	hops     []seen // by time of receipt
	first    int64
	started  bool
	arrived  bool
	excused  bool // it was seen one hop before the last switch, which may have reported it
}

// flow is the packets of a tenant's flow between two vswitches.
type flow struct {
	id       analyzers.TenantFlow
	src, dst int32
	packets  []packet
	ways     []way // that pass all its packets' hops; none where they took different ones
}

// route finds the ways of a flow.
func (b *builder) route(f *flow) {
	var hops []seen // distinct ones of all packets
	for i := range f.packets {
		for _, h := range f.packets[i].hops {
			h.at, h.depth, h.hasDepth, h.reason = 0, 0, false, 0
			if !h.dropped && !slices.Contains(hops, h) {
				hops = append(hops, h)
			}
		}
	}
	f.ways = through(b.shortest(f.src, f.dst), hops)
}

// key names a packet for a while.
type key struct {
	vni, hash uint32
	id        uint16
}

// join makes packets of reports and flows of packets.
func (b *builder) join() {
	const names = postcard.HasPacketID | postcard.HasFlowHash | postcard.HasInner | postcard.HasPorts
	var order []int32
	for i := range b.records {
		r := &b.records[i]
		if b.net.ByID(r.Node) >= 0 && r.Has&names == names {
			order = append(order, int32(i))
		}
	}
	name := func(i int32) key {
		r := &b.records[i]
		return key{r.VNI, r.FlowHash, r.PacketID}
	}
	slices.SortFunc(order, func(i, j int32) int {
		x, y := name(i), name(j)
		return cmp.Or(cmp.Compare(x.vni, y.vni), cmp.Compare(x.hash, y.hash), cmp.Compare(x.id, y.id),
			cmp.Compare(b.records[i].Received, b.records[j].Received), cmp.Compare(i, j))
	})
	for from := 0; from < len(order); {
		until := from + 1
		for until < len(order) && name(order[until]) == name(order[from]) &&
			b.records[order[until]].Received-b.records[order[from]].Received <= b.cfg.Settle {
			until++
		}
		b.packet(order[from:until])
		from = until
	}
	slices.SortStableFunc(b.packets, func(x, y packet) int {
		return cmp.Or(cmp.Compare(x.flow.VNI, y.flow.VNI), compareFlows(x.flow.Flow, y.flow.Flow), cmp.Compare(x.src, y.src), cmp.Compare(x.first, y.first))
	})
	for from := 0; from < len(b.packets); {
		p, until := &b.packets[from], from+1
		for until < len(b.packets) && b.packets[until].flow == p.flow && b.packets[until].src == p.src && b.packets[until].dst == p.dst {
			until++
		}
		b.flows = append(b.flows, flow{id: p.flow, src: p.src, dst: p.dst, packets: b.packets[from:until]})
		from = until
	}
}

func compareFlows(x, y postcard.Flow) int {
	return cmp.Or(slices.Compare(x.Src[:], y.Src[:]), slices.Compare(x.Dst[:], y.Dst[:]), cmp.Compare(x.SrcPort, y.SrcPort), cmp.Compare(x.DstPort, y.DstPort), cmp.Compare(x.Proto, y.Proto))
}

// packet takes the reports of one packet, in order of receipt.
func (b *builder) packet(of []int32) {
	p := packet{src: -1, dst: -1}
	for _, i := range of {
		r := &b.records[i]
		node := b.net.ByID(r.Node)
		if b.net.PortAt(node, r.InPort).Kind == analyzers.ToHost && !p.started {
			p.started, p.src, p.first = true, node, r.Received
		}
		p.flow, _ = analyzers.FlowOf(r)
		if !r.Lost() && r.Has&postcard.HasEgress != 0 && b.net.PortAt(node, r.OutPort).Kind == analyzers.ToHost {
			p.arrived, p.dst = true, node
		}
		h := seen{node: node, port: int32(r.OutPort), at: r.Received, depth: r.EnqDepth, hasDepth: r.Has&postcard.HasEnqDepth != 0}
		if r.Lost() {
			h.dropped, h.reason = true, r.DropReason
		}
		p.hops = append(p.hops, h)
	}
	if !p.started || p.first < b.cfg.From || p.first >= b.cfg.Until {
		return
	}
	if p.dst < 0 {
		p.dst = b.net.HostNode(p.flow.VNI, p.flow.Flow.Dst)
	}
	if p.dst == p.src {
		return // crosses no link
	}
	if p.dst < 0 {
		b.account.Unplaced++
		return
	}
	b.packets = append(b.packets, p)
}

// queueFull is the drop reason of a queue without room.
const queueFull = p4src.DropTrafficManager

func (b *builder) finish() Result {
	for _, r := range b.order {
		name := []byte(fmt.Sprintf("%d %s:%d>%s:%d/%d", r.flow.VNI, r.flow.Flow.Src, r.flow.Flow.SrcPort, r.flow.Flow.Dst, r.flow.Flow.DstPort, r.flow.Flow.Proto))
		if err := b.set.AddPaths(name, r.paths, r.weights, r.packets, r.lost); err != nil {
			panic("BUG: " + err.Error()) // bounded by MaxPaths, and by what memory holds of records
		}
		b.set.SetRuns(r.runs)
		b.of = append(b.of, r.flow)
	}
	b.addSamples()
	return Result{b.set, b.of, b.account}
}
