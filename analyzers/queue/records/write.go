package records

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"

	"github.com/telltale-net/telltale/collector/postcard"
)

// Writer writes a data set as JSON Lines. It does not buffer: hand it a bufio.Writer.
type Writer struct {
	w     io.Writer
	net   *Network
	names [][]byte // quoted
	flows [][]byte // rendered
	of    func(FlowID) Flow
	buf   []byte
}

// NewWriter writes the header. flow says what a FlowID of the records stands for.
func NewWriter(w io.Writer, net *Network, flow func(FlowID) Flow) (*Writer, error) {
	header, err := json.Marshal(struct {
		Nodes []NodeSpec `json:"nodes"`
	}{net.Specs()})
	if err != nil {
		return nil, fmt.Errorf("cannot write the header of a data set: %w", err)
	}
	if _, err := w.Write(append(header, '\n')); err != nil {
		return nil, fmt.Errorf("cannot write the header of a data set: %w", err)
	}
	wr := &Writer{w: w, net: net, of: flow}
	for _, n := range net.Nodes {
		name, err := json.Marshal(n.Name)
		if err != nil {
			return nil, fmt.Errorf("cannot write node name %q: %w", n.Name, err)
		}
		wr.names = append(wr.names, name)
	}
	return wr, nil
}

// Write writes one record.
func (w *Writer) Write(r *Record) error {
	b := append(w.buf[:0], `{"node":`...)
	b = append(b, w.names[r.Node]...)
	if r.Queue != 0 || r.Arrive != Absent {
		b = strconv.AppendUint(append(b, `,"queue":`...), uint64(r.Queue), 10)
	}
	if r.Packet != NoPacket {
		b = strconv.AppendUint(append(b, `,"pkt":`...), r.Packet, 10)
	}
	if r.Flow != NoFlow {
		b = append(append(b, `,"flow":`...), w.flow(r.Flow)...)
	}
	if r.Bytes != 0 {
		b = strconv.AppendUint(append(b, `,"bytes":`...), uint64(r.Bytes), 10)
	}
	b = appendTime(b, `,"arrive":`, r.Arrive)
	b = appendTime(b, `,"start":`, r.Start)
	b = appendTime(b, `,"depart":`, r.Depart)
	b = append(b, '}', '\n')
	w.buf = b
	if _, err := w.w.Write(b); err != nil {
		return fmt.Errorf("cannot write a record of node %q: %w", w.net.Name(r.Node), err)
	}
	return nil
}

func appendTime(b []byte, name string, t int64) []byte {
	if t == Absent {
		return b
	}
	return strconv.AppendInt(append(b, name...), t, 10)
}

func (w *Writer) flow(id FlowID) []byte {
	for int(id) >= len(w.flows) {
		w.flows = append(w.flows, AppendFlow(nil, w.of(FlowID(len(w.flows)))))
	}
	return w.flows[id]
}

// AppendFlow appends the flow as a JSON object to b; an address it does not have is
// left out.
func AppendFlow(b []byte, f Flow) []byte {
	b = append(b, '{')
	if f.Src != (postcard.Addr{}) {
		b = append(append(append(b, `"src":"`...), f.Src.String()...), `",`...)
	}
	if f.Dst != (postcard.Addr{}) {
		b = append(append(append(b, `"dst":"`...), f.Dst.String()...), `",`...)
	}
	b = strconv.AppendUint(append(b, `"proto":`...), uint64(f.Proto), 10)
	b = strconv.AppendUint(append(b, `,"sport":`...), uint64(f.SrcPort), 10)
	b = strconv.AppendUint(append(b, `,"dport":`...), uint64(f.DstPort), 10)
	return append(b, '}')
}

// Write writes the whole data set, queue by queue merged by time of arrival.
func (t *Trace) Write(w io.Writer) error {
	wr, err := NewWriter(w, t.Network, func(id FlowID) Flow { return t.Flows[id] })
	if err != nil {
		return err
	}
	next := make([]int, len(t.Queues))
	for {
		best := -1
		for q := range t.Queues {
			if next[q] < t.Queues[q].Len() && (best < 0 || t.Queues[q].Arrive[next[q]] < t.Queues[best].Arrive[next[best]]) {
				best = q
			}
		}
		if best < 0 {
			return nil
		}
		r := t.Record(best, next[best])
		next[best]++
		if err := wr.Write(&r); err != nil {
			return err
		}
	}
}
