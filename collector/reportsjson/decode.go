// Package reportsjson turns a stream of captured Telemetry Reports into text: one
// JSON object (JSON Lines) or one line to read per individual report. It is what
// "telltale reports decode" does.
//
// An object names every field as the specification does, in lower case with
// underscores. In this order:
//
//	time, frame or line, stream_offset   where the datagram was found: time of the
//	                                     capture, number from 1, byte in the stream
//	source, destination                  addresses of the datagram; not in hex text
//	missing_bytes                        of the datagram, cut off by the capture
//	ver, hw_id, sequence_number, node_id group header
//	report                               index in the datagram, from 0
//	rep_type, in_type, report_length, md_length, d, q, f, i, rsvd
//	rep_md_bits, domain_specific_id, ds_md_bits, ds_md_status      (rep_type 1)
//	reserved_bit_0, level_1_ingress_interface_id, level_1_egress_interface_id,
//	hop_latency, queue_id, queue_occupancy, ingress_timestamp, egress_timestamp,
//	level_2_ingress_interface_id, level_2_egress_interface_id,
//	egress_port_tx_utilization, buffer_id, buffer_occupancy, reserved,
//	drop_queue_id, drop_reason, drop_padding                       where reported
//	ds_metadata                          all domain-specific metadata, hex
//	domain_specific                      the same read, of domain 0x7474: packet_id,
//	                                     epoch, colour, stage, flow_hash, vni,
//	                                     packet_length, enqueue_depth, rule_id
//	tlvs                                 tlv_type, tlv_length, tlv_data_template, data
//	ds_extension_data, truncated_packet, contents
//	                                     inner contents by in_type, hex
//	outer, inner                         IP headers of the truncated packet: inner is
//	                                     the only one or the one inside outer; deeper
//	                                     ones are in nested
//
// Bit fields are numbers (rep_md_bits too: 31744 is 0x7c00), flags 0 or 1; what was
// not reported is not there. drop_queue_id is the queue id beside drop_reason.
//
// Reports of version 0.5 and 1.0 (ver 0 and 1) have length (1.0), n_proto, d, q, f and
// the metadata by the names above: node_id is their switch id, the level 1 interface
// ids their port ids, reserved the words that Length has and no bit explains.
//
// What cannot be read becomes an object with "error", "cause" and
// "datagram_offset", the byte in the datagram, and is counted.
package reportsjson

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/telltale-net/telltale/collector/report"
	"github.com/telltale-net/telltale/internal/capture"
	"github.com/telltale-net/telltale/internal/dissect"
)

// Format is how reports are written.
type Format string

// The formats.
const (
	JSON Format = "json" // one object per line
	Text Format = "text" // one line to read
)

// Options say what to decode and how to write it.
type Options struct {
	Format  Format
	Port    uint16         // only datagrams to this UDP port; 0 = all. Hex text has no ports
	Domains report.Domains // domain-specific metadata beside our own
}

// Summary counts what became of a stream.
type Summary struct {
	capture.Stats
	OtherPort int // datagrams to another port than Options.Port
	Reports   int // written
	Skipped   int // of those, reports of a type whose contents are not defined
	Malformed int // objects with an error
	Trailing  int // bytes behind the last reports of datagrams
}

// String returns the summary as a line to read.
func (s Summary) String() string {
	out := fmt.Sprintf("%d reports in %d datagrams, %d malformed", s.Reports, s.Datagrams, s.Malformed)
	for _, c := range []struct {
		n    int
		what string
	}{
		{s.Skipped, "of a type without defined contents"},
		{s.OtherPort, "datagrams to other ports"},
		{s.NotUDP, "frames not UDP"},
		{s.Fragments, "fragments"},
		{s.Unknown, "frames of an unknown link type"},
		{s.Trailing, "bytes behind last reports"},
	} {
		if c.n > 0 {
			out += fmt.Sprintf(", %d %s", c.n, c.what)
		}
	}
	return out
}

// Decode reads a capture (pcap, pcapng or hex text) to its end or until ctx is done
// and writes every report. Malformed input is written as such and counted, also when
// the stream cannot be read on behind it. The error is of reading or writing itself,
// or of a stream that is no capture.
func Decode(ctx context.Context, w io.Writer, r io.Reader, opt Options) (Summary, error) {
	d := decoder{opt: opt, out: bufio.NewWriterSize(w, 1<<16)}
	d.dec.Domains = append(report.Domains{report.ExtensionDomain}, opt.Domains...)
	switch opt.Format {
	case JSON:
		d.write = d.writeJSON
	case Text:
		d.write = d.writeText
	default:
		return Summary{}, fmt.Errorf("cannot write reports: format: got %q, want %q or %q", opt.Format, JSON, Text)
	}
	in, err := capture.NewReader(r)
	if err != nil {
		return Summary{}, err
	}
	err = d.run(ctx, in)
	d.sum.Stats = in.Stats()
	return d.sum, errors.Join(err, d.out.Flush())
}

// item is one report, or one thing that could not be read, on its way to a writer.
type item struct {
	datagram *capture.Datagram
	group    *report.Group // nil: not read
	index    int           // of the report in its datagram
	report   *report.Report
	packet   *dissect.Packet
	err      error // then report is nil
}

type decoder struct {
	opt   Options
	out   *bufio.Writer
	write func(*item) error
	dec   report.Decoder
	obj   object
	sum   Summary
}

func (d *decoder) run(ctx context.Context, in *capture.Reader) error {
	var dg capture.Datagram
	for ctx.Err() == nil {
		err := in.Next(&dg)
		if errors.Is(err, io.EOF) {
			return nil
		}
		var broken *capture.Error
		switch {
		case errors.As(err, &broken):
			dg = capture.Datagram{Position: broken.Position}
			if err := d.malformed(&item{datagram: &dg, err: broken.Err}); err != nil {
				return err
			}
			if broken.Fatal {
				return nil
			}
			continue
		case err != nil:
			return err
		case d.opt.Port != 0 && dg.Dst.IsValid() && dg.Dst.Port() != d.opt.Port:
			d.sum.OtherPort++
			continue
		}
		if err := d.datagram(&dg); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (d *decoder) datagram(dg *capture.Datagram) error {
	g, err := d.dec.Reset(dg.Payload)
	if err != nil {
		return d.malformed(&item{datagram: dg, err: err})
	}
	var r report.Report
	var p dissect.Packet
	it := item{datagram: dg, group: &g, packet: &p}
	for ok, err := d.dec.Next(&r); ok || err != nil; ok, err = d.dec.Next(&r) {
		if it.err, it.report = err, &r; err != nil {
			err = d.malformed(&it)
		} else {
			r.Dissect(&p, &dissect.DefaultMarks)
			d.sum.Reports++
			if !r.RepType.Defined() || !r.InType.Defined() {
				d.sum.Skipped++
			}
			err = d.write(&it)
		}
		if err != nil {
			return err
		}
		it.index++
	}
	d.sum.Trailing += d.dec.Trailing()
	return nil
}

func (d *decoder) malformed(it *item) error {
	d.sum.Malformed++
	it.report = nil
	return d.write(it)
}
