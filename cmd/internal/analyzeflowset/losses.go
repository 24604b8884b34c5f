package analyzeflowset

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/telltale-net/telltale/analyzers"
	"github.com/telltale-net/telltale/analyzers/flowset"
	"github.com/telltale-net/telltale/analyzers/flowset/loss"
)

// lossLine is an epoch's loss map as JSON.
type lossLine struct {
	Epoch     uint64        `json:"epoch"`
	Links     []loss.Link   `json:"links"`
	Devices   []loss.Device `json:"devices"`
	Flows     []flowLine    `json:"flows"`
	Anomalies []anomalyLine `json:"anomalies,omitempty"`
	Rerouted  int           `json:"rerouted,omitempty"`
	Undecided int           `json:"undecided,omitempty"`
	Shed      int           `json:"shed,omitempty"`
	Missing   string        `json:"incomplete,omitempty"` // why, of postcards
	Coverage  coverage      `json:"coverage"`
}

type flowLine struct {
	Flow json.RawMessage `json:"flow"`
	From string          `json:"from"`
	To   string          `json:"to"`
	Sent uint64          `json:"sent"`
	Lost uint64          `json:"lost"`
}

type anomalyLine struct {
	Kind    string          `json:"kind"`
	Flow    json.RawMessage `json:"flow"`
	Nodes   []string        `json:"nodes"`
	Packets uint64          `json:"packets"`
}

// LossWriter writes loss maps epoch by epoch: JSON Lines, or words.
type LossWriter struct {
	f      Filter
	format Format
	w      *bufio.Writer
	enc    *json.Encoder
}

// NewLossWriter returns a writer of what the filter wants; Flush ends it.
func NewLossWriter(out io.Writer, f Filter, format Format) (*LossWriter, error) {
	if err := format.check(); err != nil {
		return nil, err
	}
	if err := f.ready(); err != nil {
		return nil, err
	}
	w := &LossWriter{f: f, format: format, w: bufio.NewWriterSize(out, 1<<16)}
	w.enc = json.NewEncoder(w.w)
	w.enc.SetEscapeHTML(false)
	return w, nil
}

// write writes an epoch; missing says why it is not complete.
func (w *LossWriter) write(e *loss.Epoch, c flowset.Coverage, missing string) error {
	if w.f.Epoch >= 0 && uint64(w.f.Epoch) != e.Epoch {
		return nil
	}
	if w.format == JSON {
		l := w.f.lossLine(e, c)
		l.Missing = missing
		if err := w.enc.Encode(l); err != nil {
			return fmt.Errorf("cannot write the losses: %w", err)
		}
		return nil
	}
	w.f.lossStory(w.w, e, c, missing)
	return nil
}

// Flush writes what is left.
func (w *LossWriter) Flush() error {
	if err := w.w.Flush(); err != nil {
		return fmt.Errorf("cannot write the losses: %w", err)
	}
	return nil
}

// EachEpoch compares the nodes' counts epoch by epoch.
func EachEpoch(all []*flowset.Decoded, m *loss.Map, use func(e *loss.Epoch, c flowset.Coverage, of []*flowset.Decoded) error) error {
	for from := 0; from < len(all); {
		to := from
		var c flowset.Coverage
		for to < len(all) && all[to].Epoch == all[from].Epoch {
			c.Add(all[to].Coverage)
			to++
		}
		e := m.Epoch(all[from].Epoch, all[from:to])
		if err := use(&e, c, all[from:to]); err != nil {
			return err
		}
		from = to
	}
	return nil
}

// WriteLosses compares the nodes' counts epoch by epoch and writes the loss maps.
func WriteLosses(out io.Writer, all []*flowset.Decoded, m *loss.Map, f Filter, format Format) error {
	w, err := NewLossWriter(out, f, format)
	if err != nil {
		return err
	}
	err = EachEpoch(all, m, func(e *loss.Epoch, c flowset.Coverage, _ []*flowset.Decoded) error { return w.write(e, c, "") })
	if err != nil {
		return err
	}
	return w.Flush()
}

func (f *Filter) lossLine(e *loss.Epoch, c flowset.Coverage) *lossLine {
	l := &lossLine{Epoch: e.Epoch, Links: e.Links, Devices: e.Devices, Flows: []flowLine{}, Rerouted: e.Rerouted, Undecided: e.Undecided, Shed: e.Shed, Coverage: shares(c)}
	if l.Links == nil {
		l.Links = []loss.Link{}
	}
	if l.Devices == nil {
		l.Devices = []loss.Device{}
	}
	for i := range e.Flows {
		x := &e.Flows[i]
		if f.wants(x.Key, x.KeyBytes, x.Order) && (f.Limit <= 0 || len(l.Flows) < f.Limit) {
			l.Flows = append(l.Flows, flowLine{flowset.AppendFlow(nil, x.Key, x.KeyBytes, x.Order), x.From, x.To, x.Sent, x.Lost})
		}
	}
	for i := range e.Anomalies {
		x := &e.Anomalies[i]
		if f.wants(x.Key, x.KeyBytes, x.Order) {
			l.Anomalies = append(l.Anomalies, anomalyLine{x.Kind, flowset.AppendFlow(nil, x.Key, x.KeyBytes, x.Order), x.Nodes, x.Packets})
		}
	}
	return l
}

// mostShown is how many links, flows and anomalies of an epoch are told in words.
const mostShown = 10

func (f *Filter) lossStory(w io.Writer, e *loss.Epoch, c flowset.Coverage, missing string) {
	limit := mostShown
	if f.Limit > 0 {
		limit = f.Limit
	}
	lost, flows, links := uint64(0), 0, 0
	for _, l := range e.Links {
		lost += l.Lost
		flows += l.Flows
		if l.Lost > 0 {
			links++
		}
	}
	_, counted, packets := c.Shares()
	fmt.Fprintf(w, "epoch %d: ", e.Epoch)
	if lost == 0 {
		fmt.Fprintf(w, "no packet lost between nodes that count")
	} else {
		fmt.Fprintf(w, "%d packets of %d flows lost on %d links", lost, flows, links)
	}
	if c.Flows > 0 {
		fmt.Fprintf(w, " (%s of flows counted", percent(counted))
	} else {
		fmt.Fprintf(w, " (of %s of packets it is known what became", percent(packets))
	}
	if missing != "" {
		fmt.Fprintf(w, ", incomplete: %s", missing)
	}
	for _, v := range []struct {
		n    int
		what string
	}{{e.Undecided, "left out for want of counts or postcards"}, {e.Rerouted, "rerouted, compared end to end"}, {e.Shed, "not remembered"}} {
		if v.n > 0 {
			fmt.Fprintf(w, ", %d %s", v.n, v.what)
		}
	}
	fmt.Fprintln(w, ")")
	for i, l := range e.Links {
		if l.Lost == 0 || i >= limit {
			break
		}
		place := "between " + l.From + " and " + l.To
		switch {
		case l.From == l.To:
			place = "inside " + l.From
		case !l.Gap:
			place = "on " + l.From + ">" + l.To
		}
		fmt.Fprintf(w, "  %d of %d packets (%.3g %%) of %d flows %s\n", l.Lost, l.Sent, 100*float64(l.Lost)/float64(l.Sent), l.Flows, place)
	}
	shown := 0
	for i := range e.Anomalies {
		a := &e.Anomalies[i]
		if !f.wants(a.Key, a.KeyBytes, a.Order) {
			continue
		}
		if shown++; shown > limit {
			fmt.Fprintf(w, "  and %d more loops and black holes\n", len(e.Anomalies)-limit)
			break
		}
		name := nameOf(a.Key, a.KeyBytes, a.Order)
		if a.Kind == "loop" {
			fmt.Fprintf(w, "  loop among %s: %d packets more of %s than entered\n", strings.Join(a.Nodes, ", "), a.Packets, name)
		} else {
			fmt.Fprintf(w, "  black hole behind %s: all %d packets of %s\n", strings.Join(a.Nodes, ", before "), a.Packets, name)
		}
	}
}

// Links returns the links between a network's switches.
func Links(net *analyzers.Network) (out [][2]string) {
	for i := range net.Nodes {
		for _, p := range net.Nodes[i].Ports {
			if p.Kind == analyzers.ToSwitch {
				out = append(out, [2]string{net.Nodes[i].Name, p.PeerName})
			}
		}
	}
	return out
}
