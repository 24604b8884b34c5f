package recordlog

import (
	"context"
	"encoding/json"

	"github.com/telltale-net/telltale/analyzers"
	"github.com/telltale-net/telltale/analyzers/drops"
	links "github.com/telltale-net/telltale/analyzers/flowset/postcards"
	"github.com/telltale-net/telltale/analyzers/latency"
	"github.com/telltale-net/telltale/collector/postcard"
)

// dropLine is the drops of one reason at one place.
type dropLine struct {
	Reason    uint8          `json:"drop_reason"`
	Class     drops.Class    `json:"class"`
	Cause     string         `json:"cause"`
	Node      string         `json:"node"`
	Port      uint32         `json:"port,omitempty"`
	Rule      uint32         `json:"rule,omitempty"`
	VNI       uint32         `json:"vni,omitempty"`
	Packets   uint64         `json:"packets"`
	Flows     drops.Distinct `json:"flows"`
	UsedTo    uint64         `json:"packets_that_used_to_pass"`
	FirstNS   int64          `json:"first_ns"`
	LastNS    int64          `json:"last_ns"`
	Addresses []string       `json:"destinations,omitempty"`
}

func analyzeDrops(ctx context.Context, out *json.Encoder, from Source, net *analyzers.Network) error {
	t := drops.New(net, drops.Config{})
	if err := from(ctx, each(t.Observe)); err != nil {
		return err
	}
	for _, g := range t.Top(drops.Query{By: drops.ByReason | drops.ByNode | drops.ByPort | drops.ByRule | drops.ByTenant}) {
		l := dropLine{
			Reason: g.Key.Reason, Class: g.Cause.Class, Cause: g.Cause.Words, Node: net.NameOf(g.Key.Node), Port: g.Key.Port,
			Rule: g.Key.Rule, VNI: g.Key.VNI, Packets: g.Packets, Flows: g.Flows, UsedTo: g.Passed, FirstNS: g.First, LastNS: g.Last,
		}
		for _, d := range g.Destinations {
			l.Addresses = append(l.Addresses, d.Address.String())
		}
		if err := out.Encode(&l); err != nil {
			return err
		}
	}
	return nil
}

// queueLine is what a queue was like.
type queueLine struct {
	Node    string            `json:"node"`
	Port    uint16            `json:"port"`
	Peer    string            `json:"peer,omitempty"`
	Queue   uint8             `json:"queue"`
	Packets uint64            `json:"packets"`
	Latency latency.Quantiles `json:"latency_ns"`
	Depth   latency.Quantiles `json:"depth"`
}

func analyzeLatency(ctx context.Context, out *json.Encoder, from Source, net *analyzers.Network) error {
	m := latency.New(net, latency.Config{})
	last := int64(0)
	err := from(ctx, each(func(r *postcard.Record) {
		m.Observe(r)
		if r.Received-last >= step {
			last = r.Received
			m.Advance(last)
		}
	}))
	if err != nil {
		return err
	}
	m.Advance(last + int64(settle)) // closes what is open
	m.Queues(func(k latency.QueueKey, v latency.View) bool {
		s := v.Stats()
		err = out.Encode(&queueLine{
			Node: net.Name(k.Node), Port: k.Port, Peer: net.PortAt(k.Node, uint32(k.Port)).PeerName, Queue: k.Queue,
			Packets: s.Count, Latency: s.Latency, Depth: s.Depth,
		})
		return err == nil
	})
	return err
}

// Epochs tells of the epochs of a source's packets, one after the other, what a network
// lost of them.
func Epochs(ctx context.Context, from Source, net *analyzers.Network, cfg links.Config, use func(*links.Epoch) error) (links.Stats, error) {
	e := links.New(net, cfg)
	var failed error
	tell := func(all []*links.Epoch) {
		for _, x := range all {
			if failed == nil {
				failed = use(x)
			}
		}
	}
	err := from(ctx, func(batch []postcard.Record) error {
		for i := range batch {
			e.Observe(&batch[i])
		}
		tell(e.Advance(0))
		return failed
	})
	if err != nil {
		return e.Stats(), err
	}
	tell(e.Flush())
	return e.Stats(), failed
}

func analyzeFlowset(ctx context.Context, out *json.Encoder, from Source, net *analyzers.Network) error {
	var sum links.Totals
	stats, err := Epochs(ctx, from, net, links.Config{}, func(e *links.Epoch) error {
		sum.Add(e)
		return nil
	})
	if err != nil {
		return err
	}
	for _, l := range sum.Links() {
		if err := out.Encode(&l); err != nil {
			return err
		}
	}
	return out.Encode(struct {
		Account links.Account `json:"account"`
	}{sum.Account(stats)})
}
