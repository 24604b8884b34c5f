package recordlog

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/telltale-net/telltale/analyzers"
	"github.com/telltale-net/telltale/analyzers/blame"
	paths "github.com/telltale-net/telltale/analyzers/blame/postcards"
	"github.com/telltale-net/telltale/analyzers/drops"
	"github.com/telltale-net/telltale/analyzers/incident"
	"github.com/telltale-net/telltale/analyzers/latency"
	"github.com/telltale-net/telltale/analyzers/queue/postcards"
	"github.com/telltale-net/telltale/analyzers/queue/records"
	"github.com/telltale-net/telltale/collector/block"
	"github.com/telltale-net/telltale/collector/ledger"
	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/topology"
)

// Analyzers are the names that Analyze knows.
func Analyzers() []string { return []string{"blame", "drops", "incident", "latency", "queue"} }

// step is how often findings are asked for, in the records' time.
const step = int64(50 * time.Millisecond)

// Input is what an analyzer is given.
type Input struct {
	Records Source
	Losses  Ledger
	Query   block.Query // what Records and Losses are narrowed down to
	Limit   int         // records that blame and queue hold in memory at most
}

// Analyze gives the records of an input to an analyzer and writes what it says, one JSON
// object per line:
//
//	blame     the links that lost packets, by flow; what the packets came to
//	drops     the drops by reason, node, port, rule and tenant, most first
//	incident  every change of a finding, as it happens in the records' time
//	latency   the queues' latencies and depths
//	queue     the data set for "telltale analyze queue"
//
// All but queue, whose data set has no place for it, end with the loss of reports of the
// window ([WriteLoss]). It is returned in any case.
func Analyze(ctx context.Context, w io.Writer, in Input, name string, fabric topology.Fabric) (ledger.Loss, error) {
	net, err := analyzers.NewNetwork(fabric)
	if err != nil {
		return ledger.Loss{}, err
	}
	b := bufio.NewWriter(w)
	out := json.NewEncoder(b)
	switch name {
	case "blame":
		err = analyzeBlame(ctx, b, out, &in, net)
	case "drops":
		err = analyzeDrops(ctx, out, in.Records, net)
	case "latency":
		err = analyzeLatency(ctx, out, in.Records, net)
	case "incident":
		err = analyzeIncident(ctx, b, out, &in, net, fabric)
	case "queue":
		err = queueDataSet(ctx, b, &in, net)
	default:
		err = fmt.Errorf("there is no analyzer %q; want one of %v", name, Analyzers())
	}
	loss, failed := in.Losses.Loss(ctx, &in.Query)
	if err == nil && failed == nil && name != "queue" {
		err = WriteLoss(b, &loss)
	}
	return loss, errors.Join(err, failed, b.Flush())
}

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

// settle is how long after the last record findings may still change.
const settle = 5 * time.Second

// lately is how much of the past the report loss that findings carry is about, ns.
const lately = 2 * pageSpan

func analyzeIncident(ctx context.Context, b *bufio.Writer, out *json.Encoder, in *Input, net *analyzers.Network, fabric topology.Fabric) error {
	a, err := incident.New(fabric, incident.Config{})
	if err != nil {
		return err
	}
	var failed error
	page := int64(0) // up to which report loss was asked for
	advance := func(now int64) {
		if now/pageSpan != page {
			page = now / pageSpan
			loss, err := in.Losses.Loss(ctx, &block.Query{From: now - lately, To: now})
			failed = errors.Join(failed, err)
			shares := loss.Shares()
			for i := range net.Nodes {
				id := postcard.NodeID(net.Nodes[i].ID)
				a.SetReportLoss(id, shares[id])
			}
		}
		for _, e := range a.Advance(now) {
			failed = errors.Join(failed, out.Encode(&e), b.Flush())
		}
	}
	next, last := int64(0), int64(0)
	err = in.Records(ctx, each(func(r *postcard.Record) {
		if last = max(last, r.Received); next == 0 {
			next = last + step
		}
		if last >= next {
			advance(last)
			next = last + step
		}
		a.Observe(r)
	}))
	if err != nil {
		return err
	}
	for at := last + step; last > 0 && at <= last+int64(settle); at += step {
		advance(at)
	}
	return failed
}

// queueDataSet writes the records as who came to which queue when.
func queueDataSet(ctx context.Context, w io.Writer, in *Input, net *analyzers.Network) error {
	trace, _, err := Queues(ctx, in.Records, net, in.Limit)
	if err != nil {
		return err
	}
	return trace.Write(w)
}

// Queues reads off the records of a source, at most limit of them, which packet was at
// which queue of the network when.
func Queues(ctx context.Context, from Source, net *analyzers.Network, limit int) (*records.Trace, postcards.Stats, error) {
	cards, err := all(ctx, from, limit)
	if err != nil {
		return nil, postcards.Stats{}, err
	}
	return postcards.Convert(net, cards, postcards.Config{})
}

func analyzeBlame(ctx context.Context, w io.Writer, out *json.Encoder, in *Input, net *analyzers.Network) error {
	cards, err := all(ctx, in.Records, in.Limit)
	if err != nil {
		return err
	}
	links := blame.NewLinks()
	epoch := paths.Epoch(net, links, cards, paths.Config{})
	res := blame.NewTracker(links, blame.Config{}).Next(epoch.Set)
	if err := res.WriteJSON(w); err != nil {
		return err
	}
	return out.Encode(struct {
		Account *paths.Account `json:"account"`
	}{&epoch.Account})
}

// all returns the records of a source, at most limit of them.
func all(ctx context.Context, from Source, limit int) (cards []postcard.Record, err error) {
	err = from(ctx, func(batch []postcard.Record) error {
		if len(cards)+len(batch) > limit {
			return fmt.Errorf("got more than %d records, which are held in memory: narrow them down, or raise --max-records", limit)
		}
		cards = append(cards, batch...)
		return nil
	})
	return cards, err
}

// each hands over records one by one.
func each(f func(*postcard.Record)) func([]postcard.Record) error {
	return func(batch []postcard.Record) error {
		for i := range batch {
			f(&batch[i])
		}
		return nil
	}
}
