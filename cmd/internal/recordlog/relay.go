package recordlog

import (
	"context"
	"fmt"
	"net"
	"net/netip"

	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/collector/report"
)

// Sent is what a relay sent.
type Sent struct {
	Records    uint64 `json:"records"`
	Datagrams  uint64 `json:"datagrams"`
	Bytes      uint64 `json:"bytes"` // of UDP payload
	Nodes      int    `json:"nodes"` // nodes and subsystems
	Simplified uint64 `json:"simplified"`
}

// String returns what was sent as a line to read.
func (s Sent) String() string {
	text := fmt.Sprintf("%d records of %d nodes and subsystems sent in %d datagrams, %d bytes", s.Records, s.Nodes, s.Datagrams, s.Bytes)
	if s.Simplified > 0 {
		text += fmt.Sprintf(", %d without their outer flow", s.Simplified)
	}
	return text
}

const (
	mtu      = 1472    // bytes of UDP payload
	maxNodes = 1 << 16 // whose numbers are remembered
	hwIDs    = 1 << 6
)

// relay sends records as Telemetry Report 2.0. Sequence numbers count from 0 by node
// and subsystem, whatever the records' own were: what is lost on this way shows, what
// was lost before does not.
type relay struct {
	conn  net.Conn
	enc   Reencoder
	nodes map[stream]*outgoing
	order []*outgoing // with something in their datagram
	sent  Sent
}

// outgoing is the datagram of one node.
type outgoing struct {
	key  stream
	next uint32 // sequence number
	n    int    // reports in it
	enc  report.Encoder
}

// Relay sends the records of a source to a collector as Telemetry Reports 2.0, as many
// of a node to a datagram as were received together and fit.
func Relay(ctx context.Context, from Source, to netip.AddrPort) (Sent, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "udp", to.String())
	if err != nil {
		return Sent{}, fmt.Errorf("cannot send records to %v: %w", to, err)
	}
	defer conn.Close()
	r := relay{conn: conn, nodes: map[stream]*outgoing{}}
	err = from(ctx, func(batch []postcard.Record) error {
		for i := range batch {
			if err := r.add(&batch[i]); err != nil {
				return fmt.Errorf("cannot send records to %v: %w", to, err)
			}
		}
		return r.flush()
	})
	r.sent.Simplified, r.sent.Nodes = r.enc.Simplified, len(r.nodes)
	return r.sent, err
}

func (r *relay) add(rec *postcard.Record) error {
	if rec.HwID >= hwIDs {
		return fmt.Errorf("hw_id of node %d: got %d, want at most %d", rec.Node, rec.HwID, hwIDs-1)
	}
	key := stream{rec.Node, rec.HwID}
	o := r.nodes[key]
	if o == nil {
		if len(r.nodes) == maxNodes {
			return fmt.Errorf("got more than %d nodes and subsystems", maxNodes)
		}
		o = &outgoing{key: key}
		r.nodes[key] = o
	}
	rep := r.enc.Report(rec)
	if o.n > 0 && len(o.enc.Bytes())+maxReport(rep) > mtu {
		if err := r.send(o); err != nil {
			return err
		}
	}
	if o.n == 0 {
		if err := o.enc.Reset(report.Group{NodeID: uint32(key.node), HwID: key.hwID, Sequence: o.next}); err != nil {
			return err
		}
		r.order = append(r.order, o)
	}
	if err := o.enc.Add(rep); err != nil {
		return err
	}
	o.n++
	return nil
}

// maxReport returns how long a report can be at most.
func maxReport(r *report.Report) int { return 4 + 8 + 48 + len(r.DSMetadata) + len(r.Inner) }

// send sends the datagram of a node.
func (r *relay) send(o *outgoing) error {
	n, err := r.conn.Write(o.enc.Bytes())
	if err != nil {
		return err
	}
	r.sent.Records += uint64(o.n)
	r.sent.Datagrams++
	r.sent.Bytes += uint64(n)
	o.next = (o.next + 1) % (1 << report.SequenceBits)
	o.n = 0
	return nil
}

// flush sends what is left of a batch.
func (r *relay) flush() error {
	for _, o := range r.order {
		if o.n > 0 {
			if err := r.send(o); err != nil {
				return err
			}
		}
	}
	r.order = r.order[:0]
	return nil
}
