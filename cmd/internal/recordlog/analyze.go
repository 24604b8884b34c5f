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
	"github.com/telltale-net/telltale/analyzers/incident"
	"github.com/telltale-net/telltale/collector/block"
	"github.com/telltale-net/telltale/collector/ledger"
	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/topology"
)

// Analyzers are the names that Analyze knows.
func Analyzers() []string {
	return []string{"blame", "drops", "flowset", "incident", "latency", "queue"}
}

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
//	flowset   the links, and what of the packets that were sent over them was lost
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
	case "flowset":
		err = analyzeFlowset(ctx, out, in.Records, net)
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

// each hands over records one by one.
func each(f func(*postcard.Record)) func([]postcard.Record) error {
	return func(batch []postcard.Record) error {
		for i := range batch {
			f(&batch[i])
		}
		return nil
	}
}
