package flowsetout

import (
	"errors"
	"time"

	"github.com/telltale-net/telltale/analyzers"
	"github.com/telltale-net/telltale/analyzers/flowset"
	"github.com/telltale-net/telltale/analyzers/flowset/loss"
	"github.com/telltale-net/telltale/analyzers/flowset/postcards"
	"github.com/telltale-net/telltale/collector/postcard"
)

// Clock says when the epochs of a data set were, which has their numbers only.
type Clock struct {
	Zero   int64 // when epoch 0 began, ns since 1970
	Length time.Duration
}

// Check returns what is wrong with the clock, or nil.
func (c Clock) Check() error {
	if c.Length <= 0 {
		return errors.New("want to know how long an epoch lasts, and when epoch 0 began: a data set has numbers of epochs only")
	}
	return nil
}

// at returns when an epoch began.
func (c Clock) at(number uint64) int64 { return c.Zero + int64(number)*int64(c.Length) }

// FromDataSet returns an epoch of a data set: what was lost in it, and, where decoded has
// the tables, how many packets of its flows each node saw. Flows whose keys are no
// five-tuples are left out; how many, others says.
func FromDataSet(l *loss.Epoch, c flowset.Coverage, decoded []*flowset.Decoded, clock Clock) (e *postcards.Epoch, others int) {
	e = &postcards.Epoch{Number: l.Epoch, From: clock.at(l.Epoch), To: clock.at(l.Epoch + 1), OneIn: 1, Packets: uint64(max(c.Packets, 0))}
	flows := map[[2]string]uint64{}
	for i := range l.Links {
		x := &l.Links[i]
		flows[[2]string{x.From, x.To}] = uint64(x.Flows)
		if x.From == x.To { // the queue's, between both places where the node counts
			e.Links = append(e.Links, postcards.Link{Node: x.From, Dropped: x.Lost, Queue: x.Lost, Flows: postcards.Flows{Queue: uint64(x.Flows)}})
			e.Dropped += x.Lost
		} else {
			e.Links = append(e.Links, postcards.Link{Node: x.From, Peer: x.To, Sent: x.Sent, Lost: x.Lost, Flows: postcards.Flows{Wire: uint64(x.Flows)}})
			e.Lost += x.Lost
		}
	}
	known := uint64(max(c.CountedPackets, 0))
	e.Delivered = known - min(known, e.Lost+e.Dropped)
	e.Unknown = e.Packets - min(e.Packets, e.Known())
	if c.Counted < c.Flows || l.Undecided > 0 || l.Shed > 0 {
		e.Missing |= postcards.Decoding
	}
	for i := range l.Flows {
		x := &l.Flows[i]
		f, ok := tenantFlow(x.Key, x.KeyBytes, x.Order)
		if !ok {
			others++
			continue
		}
		one := postcards.FlowLoss{Flow: f, Node: x.From, Peer: x.To, Place: postcards.Wire, Sent: x.Sent, Lost: x.Lost}
		if x.From == x.To {
			one.Peer, one.Place = "", postcards.Queue
		}
		e.Flows = append(e.Flows, one)
	}
	for i := range l.Anomalies {
		x := &l.Anomalies[i]
		f, ok := tenantFlow(x.Key, x.KeyBytes, x.Order)
		if !ok || x.Kind == "blackhole" && len(x.Nodes) < 2 {
			continue
		}
		e.Anomalies = append(e.Anomalies, postcards.Anomaly{Kind: x.Kind, Flow: f, Nodes: x.Nodes, Packets: x.Packets, New: x.Kind == "blackhole"})
	}
	for _, d := range decoded {
		for i := range d.Len() {
			n, ok := d.Packets(i)
			if !ok {
				continue
			}
			f, ok := tenantFlow(d.Key(i), d.KeyBytes, d.Order)
			if !ok {
				others++
				continue
			}
			name := d.Node
			if d.Stage != "" {
				name += "/" + d.Stage
			}
			e.Counts = append(e.Counts, postcards.Count{Node: name, Flow: f, Packets: uint64(n)})
		}
	}
	return e, others
}

func tenantFlow(k flowset.Key, n int, order flowset.Order) (analyzers.TenantFlow, bool) {
	f, ok := flowset.FlowOf(k, n, order)
	return analyzers.TenantFlow{VNI: f.VNI, Flow: postcard.Flow{
		Src: postcard.AddrFrom(f.Src), Dst: postcard.AddrFrom(f.Dst), Proto: f.Proto, SrcPort: f.SrcPort, DstPort: f.DstPort,
	}}, ok
}
