package evalqueue

import (
	"context"
	"fmt"

	"github.com/telltale-net/telltale/analyzers/queue"
	"github.com/telltale-net/telltale/analyzers/queue/diagnosis"
	"github.com/telltale-net/telltale/analyzers/queue/netmedic"
	"github.com/telltale-net/telltale/analyzers/queue/records"
	"github.com/telltale-net/telltale/analyzers/queue/window"
)

// Method is a way to find causes.
type Method string

// The methods that are compared.
const (
	Ours    Method = "telltale"   // analyzers/queue, as it comes
	Plain   Method = "microscope" // analyzers/queue, the paper's steps and nothing more
	NetMed  Method = "netmedic"   // the paper's baseline
	Windows Method = "window"     // correlation of time windows
)

// Methods returns all methods in the order of the tables.
func Methods() []Method { return []Method{Ours, Plain, NetMed, Windows} }

// components reports whether the method names nodes only.
func (m Method) components() bool { return m == NetMed || m == Windows }

// diagnose asks the method about the subjects; the answers have their order.
func (m Method) diagnose(ctx context.Context, data *records.Trace, subjects []subject) ([]diagnosis.Diagnosis, error) {
	switch m {
	case Ours:
		return queue.New(data, queue.Config{}).Diagnose(ctx, victims(data, subjects), 1)
	case Plain:
		return queue.New(data, queue.Config{Method: queue.Plain}).Diagnose(ctx, victims(data, subjects), 1)
	case NetMed, Windows:
		states, err := window.New(data, 0)
		if err != nil {
			return nil, fmt.Errorf("cannot divide the records into windows: %w", err)
		}
		ask := window.NewRanker(states).Diagnose
		if m == NetMed {
			ask = netmedic.NewRanker(states, netmedic.Config{}).Diagnose
		}
		return each(ctx, victims(data, subjects), ask)
	}
	return nil, fmt.Errorf("unknown method %q; want one of %v", m, Methods())
}

// each asks one after the other, until the context ends.
func each[Q any](ctx context.Context, questions []Q, ask func(Q) diagnosis.Diagnosis) ([]diagnosis.Diagnosis, error) {
	out := make([]diagnosis.Diagnosis, len(questions))
	for i, q := range questions {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		out[i] = ask(q)
	}
	return out, nil
}

// victims returns the subjects as the analyzers are told of them: which record, no more.
func victims(data *records.Trace, subjects []subject) []diagnosis.Victim {
	out := make([]diagnosis.Victim, len(subjects))
	for i, s := range subjects {
		q := &data.Queues[s.Queue]
		out[i] = diagnosis.Victim{Packet: q.Packet[s.Row], Flow: q.Flow[s.Row], Node: q.Node, Queue: q.Number, Arrive: q.Arrive[s.Row], Lost: q.Lost(s.Row)}
	}
	return out
}
