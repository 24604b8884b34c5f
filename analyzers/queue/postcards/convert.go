package postcards

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/telltale-net/telltale/analyzers"
	"github.com/telltale-net/telltale/analyzers/queue/records"
	"github.com/telltale-net/telltale/collector/postcard"
)

// Config is how to read postcards; the zero Config is the default.
type Config struct {
	Lifetime time.Duration // silence after which a packet's name is another's; 0 = 500 ms
}

// Stats counts postcards.
type Stats struct {
	Postcards uint64 `json:"postcards"`
	Used      uint64 `json:"used"`                 // made a record
	Unknown   uint64 `json:"unknown,omitempty"`    // node or port that is not in the topology
	Telemetry uint64 `json:"telemetry,omitempty"`  // left for the collector
	NoPlace   uint64 `json:"no_place,omitempty"`   // no ports, or no times, reported
	NotQueued uint64 `json:"not_queued,omitempty"` // dropped before an output was chosen
	Backwards uint64 `json:"backwards,omitempty"`  // left before it came
	NoID      uint64 `json:"no_id,omitempty"`      // used, without a packet id
	Packets   uint64 `json:"packets"`
	// Clock is how far apart the clocks of the switches were found to be, ns.
	Clock int64 `json:"clock_ns"`
}

// Convert makes a data set of postcards, in any order, of a network.
func Convert(net *analyzers.Network, cards []postcard.Record, cfg Config) (*records.Trace, Stats, error) {
	cfg.Lifetime = cmp.Or(cfg.Lifetime, 500*time.Millisecond)
	c := &converter{net: net, cards: cards, cfg: cfg}
	c.stats.Postcards = uint64(len(cards))
	c.sift()
	c.name()
	c.align()
	if err := c.layOut(); err != nil {
		return nil, c.stats, err
	}
	if err := c.hosts(); err != nil {
		return nil, c.stats, err
	}
	for _, of := range c.byPort() {
		if err := c.queue(of); err != nil {
			return nil, c.stats, err
		}
	}
	return c.b.Trace(), c.stats, nil
}

// converter is the state of one call.
type converter struct {
	net   *analyzers.Network
	cards []postcard.Record
	cfg   Config
	stats Stats

	used   []card // by name, then time of receipt
	offset []int64
	node   [][]int32
	host   map[[2]int32]int32 // by node and port
	b      *records.Builder
}

// maxTime is beyond any switch's clock, and far from overflow.
const maxTime = 1 << 62

// passed reports whether a packet got through its queue; it may have been dropped after.
func passed(r *postcard.Record) bool { return r.Has&postcard.HasEgress != 0 }

// card is a postcard that makes a record.
type card struct {
	*postcard.Record
	at     int32 // node
	packet uint64
}

// sift keeps the postcards about a queue of the topology.
func (c *converter) sift() {
	for i := range c.cards {
		r := &c.cards[i]
		at := c.net.ByID(r.Node)
		switch {
		case at < 0:
			c.stats.Unknown++
			continue
		case r.Has&postcard.HasPorts == 0 || r.Has&postcard.HasIngress == 0 || !r.Lost() && !passed(r) || r.Ingress > maxTime || r.Egress > maxTime:
			c.stats.NoPlace++
			continue
		case r.Lost() && r.OutPort == 0:
			c.stats.NotQueued++
			continue
		case passed(r) && r.Egress < r.Ingress:
			c.stats.Backwards++
			continue
		}
		switch c.net.PortAt(at, r.OutPort).Kind {
		case analyzers.Unattached:
			c.stats.Unknown++
		case analyzers.ToCollector:
			c.stats.Telemetry++
		default:
			c.used = append(c.used, card{Record: r, at: at})
		}
	}
	c.stats.Used = uint64(len(c.used))
}

func (a *card) named() bool { return a.Has&postcard.HasPacketID != 0 }

func (a *card) compareNames(b *card) int {
	return cmp.Or(cmp.Compare(a.VNI, b.VNI), cmp.Compare(a.FlowHash, b.FlowHash), cmp.Compare(a.PacketID, b.PacketID))
}

// name sorts the postcards by name and numbers packets.
func (c *converter) name() {
	slices.SortFunc(c.used, func(a, b card) int {
		if a.named() != b.named() {
			if a.named() {
				return -1
			}
			return 1
		}
		return cmp.Or(a.compareNames(&b), cmp.Compare(a.Received, b.Received), cmp.Compare(a.at, b.at), cmp.Compare(a.Seq, b.Seq))
	})
	from := 0
	for i := range c.used {
		x := &c.used[i]
		if !x.named() {
			x.packet = records.NoPacket
			c.stats.NoID++
			continue
		}
		again := i == 0 || x.compareNames(&c.used[i-1]) != 0 || x.Received-c.used[i-1].Received > int64(c.cfg.Lifetime)
		for k := from; k < i && !again; k++ {
			again = c.used[k].at == x.at
		}
		if again {
			from = i
			c.stats.Packets++
		}
		x.packet = c.stats.Packets - 1
	}
}

// packets calls f with the postcards of each packet that has a name.
func (c *converter) packets(f func(hops []card)) {
	for lo := 0; lo < len(c.used) && c.used[lo].named(); {
		hi := lo + 1
		for hi < len(c.used) && c.used[hi].packet == c.used[lo].packet {
			hi++
		}
		f(c.used[lo:hi])
		lo = hi
	}
}

// layOut makes the nodes of the data set: ports, in the topology's order, then hosts.
func (c *converter) layOut() error {
	name := func(node int32, port int) string { return fmt.Sprintf("%s:%d", c.net.Nodes[node].Name, port) }
	out := func(node int32) (names []string) {
		for p, port := range c.net.Nodes[node].Ports {
			if port.Kind == analyzers.ToSwitch || port.Kind == analyzers.ToHost {
				names = append(names, name(node, p))
			}
		}
		return names
	}
	var specs, hosts []records.NodeSpec
	var at [][2]int32
	c.node, c.host = make([][]int32, len(c.net.Nodes)), map[[2]int32]int32{}
	for i := range c.net.Nodes {
		n := &c.net.Nodes[i]
		c.node[i] = make([]int32, len(n.Ports))
		for p, port := range n.Ports {
			if port.Kind != analyzers.ToSwitch && port.Kind != analyzers.ToHost {
				continue
			}
			spec := records.NodeSpec{Name: name(int32(i), p), Type: string(n.Role), RateBPS: float64(max(port.RateBps, 0))}
			if port.Kind == analyzers.ToSwitch {
				for _, next := range out(port.Peer) {
					if next != name(int32(i), p) {
						spec.Next = append(spec.Next, next)
					}
				}
			} else {
				hosts = append(hosts, records.NodeSpec{Name: port.PeerName, Type: records.Source, Next: out(int32(i))})
				at = append(at, [2]int32{int32(i), int32(p)})
			}
			c.node[i][p] = int32(len(specs))
			specs = append(specs, spec)
		}
	}
	for i := range hosts {
		c.host[at[i]] = int32(len(specs) + i)
	}
	table, err := records.NewNetwork(append(specs, hosts...))
	if err != nil {
		return fmt.Errorf("cannot lay out the queues of the fabric: %w", err)
	}
	c.b = records.NewBuilder(table, 0)
	return nil
}

func (c *converter) flow(x *card) records.FlowID {
	if x.Has&postcard.HasInner == 0 {
		return records.NoFlow
	}
	return c.b.Flow(x.Inner)
}

// length returns the packet's length, 0 where it was not reported.
func length(x *card) uint32 {
	if x.Has&postcard.HasLength == 0 {
		return 0
	}
	return uint32(x.Length)
}

func (c *converter) add(r records.Record) error {
	if err := c.b.Add(r); err != nil {
		return fmt.Errorf("cannot make a record at %s: %w", c.b.Network().Name(r.Node), err)
	}
	return nil
}

// hosts adds what hosts sent.
func (c *converter) hosts() error {
	for i := range c.used {
		x := &c.used[i]
		host, ok := c.host[[2]int32{x.at, int32(x.InPort)}]
		if !ok {
			continue
		}
		left := c.time(x.at, x.Ingress) - c.net.PortAt(x.at, x.InPort).DelayNS
		err := c.add(records.Record{Node: host, Packet: x.packet, Flow: c.flow(x), Bytes: length(x), Arrive: records.Absent, Start: records.Absent, Depart: left})
		if err != nil {
			return err
		}
	}
	return nil
}

// byPort returns the postcards of each port in order of dequeue.
func (c *converter) byPort() [][]card {
	sorted := slices.Clone(c.used)
	slices.SortFunc(sorted, func(a, b card) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.OutPort, b.OutPort), cmp.Compare(a.Egress, b.Egress), cmp.Compare(a.Ingress, b.Ingress), cmp.Compare(a.Seq, b.Seq), cmp.Compare(a.packet, b.packet))
	})
	var out [][]card
	for lo, hi := 0, 0; lo < len(sorted); lo = hi {
		for hi = lo; hi < len(sorted) && sorted[hi].at == sorted[lo].at && sorted[hi].OutPort == sorted[lo].OutPort; hi++ {
		}
		out = append(out, sorted[lo:hi])
	}
	return out
}

// queue adds what passed a port.
func (c *converter) queue(of []card) error {
	rate := c.net.PortAt(of[0].at, of[0].OutPort).RateBps
	for i := range of {
		x := &of[i]
		r := records.Record{
			Node: c.node[x.at][x.OutPort], Queue: uint16(x.Queue), Packet: x.packet, Flow: c.flow(x), Bytes: length(x),
			Arrive: c.time(x.at, x.Ingress), Start: records.Absent, Depart: records.Absent,
		}
		if passed(x.Record) {
			r.Start = c.time(x.at, x.Egress)
			r.Depart = r.Start
			if !x.Lost() {
				r.Depart += serialisation(x, rate)
			}
			if next := after(of, i); next != nil {
				at := c.time(next.at, next.Egress)
				if next.Ingress+resolution < next.Egress { // it waited
					r.Depart = at
				}
				r.Depart = min(r.Depart, at)
			}
		}
		if err := c.add(r); err != nil {
			return err
		}
	}
	return nil
}

// resolution of v1model's times, ns.
const resolution = 1000

// after returns the postcard of the next packet that left the port, or nil.
func after(of []card, i int) *card {
	for k := i + 1; k < len(of); k++ {
		if passed(of[k].Record) {
			return &of[k]
		}
	}
	return nil
}

// serialisation is how long the packet takes on a link, ns; 0 where that is not known.
func serialisation(x *card, rate int64) int64 {
	if rate <= 0 || x.Has&postcard.HasLength == 0 {
		return 0
	}
	return int64(x.Length) * 8 * 1e9 / rate
}
