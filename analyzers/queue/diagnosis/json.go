package diagnosis

import (
	"encoding/json"
	"fmt"
	"math"

	"github.com/telltale-net/telltale/analyzers/queue/records"
)

type wireVictim struct {
	Pkt    *uint64         `json:"pkt,omitempty"`
	Node   string          `json:"node"`
	Queue  uint16          `json:"queue"`
	Flow   json.RawMessage `json:"flow,omitempty"`
	Arrive int64           `json:"arrive"`
	Wait   int64           `json:"wait_ns"`
	Depth  int32           `json:"depth"`
	Lost   bool            `json:"lost,omitempty"`
}

type wireStep struct {
	Node    string `json:"node"`
	Packets int32  `json:"packets"`
	Span    int64  `json:"span_ns"`
}

type wireCause struct {
	Node    string            `json:"node"`
	Kind    string            `json:"kind"`
	Score   float64           `json:"score"`
	Low     float64           `json:"low"`
	High    float64           `json:"high"`
	Flows   []json.RawMessage `json:"flows"`
	Scores  []float64         `json:"flow_scores,omitempty"`
	More    int32             `json:"more_flows,omitempty"`
	From    int64             `json:"from"`
	To      int64             `json:"to"`
	Packets int32             `json:"packets,omitempty"`
	Steps   []wireStep        `json:"steps,omitempty"`
}

type wireUncertainty struct {
	Unexplained float64 `json:"unexplained"`
	RecordLoss  float64 `json:"record_loss"`
	Clock       int64   `json:"clock_ns"`
	Rate        float64 `json:"rate"`
	Ambiguous   bool    `json:"ambiguous"`
}

type wire struct {
	Victim      wireVictim      `json:"victim"`
	Causes      []wireCause     `json:"causes"`
	Uncertainty wireUncertainty `json:"uncertainty"`
}

// AppendJSON appends d as one JSON object, without a newline, to b. Nodes and flows are
// those of the network and the flow table that the analyzer was given.
func AppendJSON(b []byte, net *records.Network, flows []records.Flow, d *Diagnosis) ([]byte, error) {
	flow := func(id records.FlowID) json.RawMessage {
		if id == records.NoFlow {
			return nil
		}
		return records.AppendFlow(nil, flows[id])
	}
	v := &d.Victim
	w := wire{
		Victim: wireVictim{Node: net.Name(v.Node), Queue: v.Queue, Flow: flow(v.Flow), Arrive: v.Arrive, Wait: v.Wait, Depth: v.Depth, Lost: v.Lost},
		Causes: make([]wireCause, len(d.Causes)),
		Uncertainty: wireUncertainty{
			Unexplained: round(d.Uncertainty.Unexplained), RecordLoss: round(d.Uncertainty.RecordLoss),
			Clock: d.Uncertainty.Clock, Rate: round(d.Uncertainty.Rate), Ambiguous: d.Uncertainty.Ambiguous,
		},
	}
	if v.Packet != records.NoPacket {
		w.Victim.Pkt = &v.Packet
	}
	for i := range d.Causes {
		c := &d.Causes[i]
		out := &w.Causes[i]
		*out = wireCause{Node: net.Name(c.Node), Kind: c.Kind.String(), Score: round(c.Score), Low: round(c.Low), High: round(c.High),
			Flows: make([]json.RawMessage, 0, len(c.Flows)), More: c.More, From: c.From, To: c.To, Packets: c.Packets}
		for _, f := range c.Flows {
			if f.Flow != records.NoFlow {
				out.Flows = append(out.Flows, flow(f.Flow))
				out.Scores = append(out.Scores, round(f.Score))
			}
		}
		for _, s := range c.Steps {
			out.Steps = append(out.Steps, wireStep{Node: net.Name(s.Node), Packets: s.Packets, Span: s.Span})
		}
	}
	text, err := json.Marshal(w)
	if err != nil {
		return b, fmt.Errorf("cannot write the diagnosis of packet %d at %s: %w", v.Packet, net.Name(v.Node), err)
	}
	return append(b, text...), nil
}

// round keeps six digits after the point, so that output does not depend on the last bit.
func round(x float64) float64 { return math.Round(x*1e6) / 1e6 }
