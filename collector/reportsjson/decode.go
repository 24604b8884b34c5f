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
//	profile, profile_guessed             the emitter's profile (package profile), and 1
//	                                     where it was guessed from the traffic
//	subsystem                            what hw_id means, where the profile shifts it
//	rep_type, in_type, report_length, md_length, d, q, f, i, rsvd
//	rep_md_bits, domain_specific_id, ds_md_bits, ds_md_status      (rep_type 1)
//	reserved_bit_0, level_1_ingress_interface_id, level_1_egress_interface_id,
//	hop_latency, queue_id, queue_occupancy, ingress_timestamp, egress_timestamp,
//	level_2_ingress_interface_id, level_2_egress_interface_id,
//	egress_port_tx_utilization, buffer_id, buffer_occupancy, reserved,
//	drop_queue_id, drop_reason, drop_padding                       where reported
//	drop_reason_name                     by the profile's table
//	derived_hop_latency                  ns: the difference of the timestamps modulo
//	                                     their width, where hop_latency is not reported
//	ds_metadata                          all domain-specific metadata, hex
//	domain_specific                      the same read: of domain 0x7474 packet_id,
//	                                     epoch, colour, stage, flow_hash, vni,
//	                                     packet_length, enqueue_depth, rule_id; of
//	                                     configured domains bit_0 …, hex
//	tlvs                                 tlv_type, rsvd, tlv_length, tlv_data_template, data
//	ds_extension_data, truncated_packet, contents
//	                                     inner contents by in_type, hex
//	int                                  INT headers of the truncated packet, see below
//	vlans, mpls_label
//	outer, inner                         IP headers of the truncated packet: inner is
//	                                     the only one or the one inside outer; deeper
//	                                     ones are in nested. Ports and protocol are the
//	                                     packet's own; where INT replaced them, what the
//	                                     headers say is wire_protocol, wire_src_port,
//	                                     wire_dst_port
//	cut_in, headers_read                 the header that the packet ends within, and the
//	                                     bytes of headers that were read
//
// Bit fields are numbers (rep_md_bits too: 31744 is 0x7c00), flags 0 or 1; what was
// not reported is not there. drop_queue_id is the queue id beside drop_reason.
//
// Reports of version 0.5 and 1.0 (ver 0 and 1) have length (1.0), n_proto, d, q, f, rsvd
// and the metadata by the names above: node_id is their switch id, the level 1
// interface ids their port ids, reserved the words that Length has and no bit explains.
//
// A data packet that carries INT becomes an object too: "packet" is 1, then source
// and destination where it is UDP, frame_data (hex; frame_start says where it does not
// start with Ethernet), int, and the headers as above.
//
// An element of int has
//
//	carrier                              tcp, udp, gre, vxlan_gpe, geneve
//	sniffed                              1: known by its looks, not by a mark
//	type, npt, g, length, option_class, dscp, udp_port, ip_proto, next_protocol
//	                                     shim (option header, tail) as far as it has them
//	npt_flipped                          1: the protocol is in the byte that is reserved
//	ver, rep, d, c, e, m, reserved, hop_ml, remaining_hop_count (0.5: instruction_count,
//	max_hop_count, total_hop_count), instruction_bitmap, domain_specific_id,
//	ds_instruction, ds_flags             INT header as far as its version has them
//	hops                                 the newest first: the metadata by the names
//	                                     above, ds_metadata, source_only_metadata,
//	                                     checksum_complement; invalid names what is
//	                                     all-ones, and that is not there
//	source_inserted_metadata             of INT-MX, hex
//	destination_metadata                 of a destination header, hex
//	missing_bytes                        of the header, cut off with the packet
//	l4_checksum                          right or wrong, where TCP's or UDP's can be verified
//	error                                where it cannot be read
//
// Reports whose layout deviates by their emitter's profile come with the whole
// "datagram" in hex beside the first of them.
//
// What cannot be read becomes an object with "error", "cause" and
// "datagram_offset", the byte in the datagram, once the "datagram" in hex, and is
// counted.
package reportsjson

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"

	"github.com/telltale-net/telltale/collector/report"
	"github.com/telltale-net/telltale/collector/report/inband"
	"github.com/telltale-net/telltale/collector/report/profile"
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

// Hex says what the lines of hex text are.
type Hex string

// What they can be.
const (
	Auto      Hex = "auto"      // frames where they begin with Ethernet and IP headers that are right, else datagrams
	Datagrams Hex = "datagrams" // payloads of UDP
	Frames    Hex = "frames"    // Ethernet frames
)

// Options say what to decode and how to write it.
type Options struct {
	Format   Format
	Port     uint16           // reports are datagrams to this UDP port; 0 = to any. Hex text has no ports
	Hex      Hex              // "" = Auto
	Domains  report.Domains   // domain-specific metadata beside our own
	Profile  *profile.Profile // of all sources; nil = by Profiles or guessed
	Profiles []profile.Rule   // of sources by prefix

	Marks   dissect.Marks // of packets with INT: what is set replaces what the profile says
	NoSniff bool          // know INT by its marks only
}

// Summary counts what became of a stream.
type Summary struct {
	capture.Stats
	OtherPort int // datagrams to another port than Options.Port
	Reports   int // written
	Packets   int // data packets with INT written
	INT       int // INT headers in reports and data packets
	BadINT    int // of those, ones that could not be read
	Guessed   int // datagrams and packets read by a guessed profile
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
		{s.Packets, "data packets with INT"},
		{s.INT, "INT headers"},
		{s.BadINT, "INT headers that could not be read"},
		{s.Guessed, "by a guessed profile"},
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
	d.dec.Domains = append(append(report.Domains{report.ExtensionDomain}, opt.Domains...), report.TransparentSecurity)
	switch opt.Format {
	case JSON:
		d.write = d.writeJSON
	case Text:
		d.write = d.writeText
	default:
		return Summary{}, fmt.Errorf("cannot write reports: format: got %q, want %q or %q", opt.Format, JSON, Text)
	}
	switch opt.Hex {
	case "", Auto, Datagrams, Frames:
	default:
		return Summary{}, fmt.Errorf("cannot read hex text: got %q, want %q, %q or %q", opt.Hex, Auto, Datagrams, Frames)
	}
	rules := opt.Profiles
	if opt.Profile != nil {
		rules = []profile.Rule{{Prefix: netip.PrefixFrom(netip.IPv4Unspecified(), 0), Profile: opt.Profile}, {Prefix: netip.PrefixFrom(netip.IPv6Unspecified(), 0), Profile: opt.Profile}}
	}
	var err error
	if d.book, err = profile.NewBook(rules, mostSources); err != nil {
		return Summary{}, err
	}
	in, err := capture.NewReader(r)
	if err != nil {
		return Summary{}, err
	}
	err = d.run(ctx, in)
	stats := in.Stats()
	stats.Datagrams += d.frames.Datagrams
	stats.NotUDP += d.frames.NotUDP
	d.sum.Stats = stats
	return d.sum, errors.Join(err, d.out.Flush())
}

// mostSources is how many sources' guesses are remembered.
const mostSources = 1 << 14

// item is one report, packet, or thing that could not be read, on its way to a writer.
type item struct {
	datagram *capture.Datagram
	version  uint8         // Ver as on the wire
	group    *report.Group // nil: not read, or a data packet
	index    int           // of the report in its datagram
	choice   profile.Choice
	report   *report.Report
	packet   *dissect.Packet
	data     []byte        // that packet was dissected from
	frame    bool          // a data packet
	start    dissect.Start // of data, then
	shown    bool          // the datagram in hex has been written
	err      error         // then report is nil
}

type decoder struct {
	opt     Options
	out     *bufio.Writer
	write   func(*item) error
	dec     report.Decoder
	book    *profile.Book
	adapted map[*profile.Profile]*profile.Profile // with the marks of the options
	packet  dissect.Packet
	head    inband.Header
	hop     inband.Hop
	obj     object
	sum     Summary
	frames  capture.Stats // corrections to what the capture counted
}

func (d *decoder) run(ctx context.Context, in *capture.Reader) error {
	var p capture.Packet
	for ctx.Err() == nil {
		err := in.NextPacket(&p)
		if errors.Is(err, io.EOF) {
			return nil
		}
		var broken *capture.Error
		switch {
		case errors.As(err, &broken):
			dg := capture.Datagram{Position: broken.Position}
			if err := d.malformed(&item{datagram: &dg, err: broken.Err}); err != nil {
				return err
			}
			if broken.Fatal {
				return nil
			}
			continue
		case err != nil:
			return err
		}
		if in.Format() == capture.Text {
			err = d.line(&p.Datagram)
		} else {
			err = d.frame(&p)
		}
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}

// frame takes a frame of a capture: a data packet with INT, or a datagram of reports.
func (d *decoder) frame(p *capture.Packet) error {
	reports := p.HasDatagram && d.opt.Port != 0 && p.Datagram.Dst.Port() == d.opt.Port
	if p.Known && !reports {
		if done, err := d.dataPacket(p); done || err != nil {
			return err
		}
	}
	switch {
	case !p.HasDatagram:
		return nil
	case d.opt.Port != 0 && !reports:
		d.sum.OtherPort++
		return nil
	}
	return d.datagram(&p.Datagram)
}

// dataPacket writes a frame that carries INT and reports whether it was one.
func (d *decoder) dataPacket(p *capture.Packet) (bool, error) {
	src := p.Datagram.Src
	it := item{datagram: &p.Datagram, packet: &d.packet, data: p.Data, start: p.Start, frame: true}
	it.choice = d.choose(src, nil)
	d.packet.ParseINT(p.Start, p.Data, &it.choice.Marks)
	if d.packet.INTs == 0 && !d.packet.BadINT {
		return false, nil
	}
	d.sum.Packets++
	d.guessed(it.choice)
	if p.HasDatagram {
		d.frames.Datagrams--
	} else {
		d.frames.NotUDP--
	}
	return true, d.write(&it)
}

// choose returns the profile of a source, with the marks of the options.
func (d *decoder) choose(src netip.AddrPort, datagram []byte) profile.Choice {
	c := profile.Choice{Profile: d.opt.Profile}
	switch {
	case c.Profile != nil:
	case src.IsValid():
		c = d.book.Of(src, datagram)
	default:
		c = profile.Alone(datagram)
	}
	if d.adapted[c.Profile] == nil {
		p := *c.Profile
		p.Marks = d.marks(p.Marks)
		if d.adapted == nil {
			d.adapted = map[*profile.Profile]*profile.Profile{}
		}
		d.adapted[c.Profile] = &p
	}
	c.Profile = d.adapted[c.Profile]
	return c
}

// marks returns m with what the options say.
func (d *decoder) marks(m dissect.Marks) dissect.Marks {
	o := &d.opt.Marks
	m.Sniff = m.Sniff && !d.opt.NoSniff
	if o.DSCPMask != 0 {
		m.DSCP, m.DSCPMask = o.DSCP, o.DSCPMask
	}
	m.Port = cmp.Or(o.Port, m.Port)
	m.Probe = cmp.Or(o.Probe, m.Probe)
	m.GREProtocol = cmp.Or(o.GREProtocol, m.GREProtocol)
	m.GPENext = cmp.Or(o.GPENext, m.GPENext)
	m.GeneveClass = cmp.Or(o.GeneveClass, m.GeneveClass)
	m.BeforeTCPOptions = m.BeforeTCPOptions || o.BeforeTCPOptions
	m.ShimCounted = m.ShimCounted || o.ShimCounted
	m.ProtoFirst = m.ProtoFirst || o.ProtoFirst
	return m
}

func (d *decoder) guessed(c profile.Choice) {
	if c.Guessed {
		d.sum.Guessed++
	}
}

func (d *decoder) datagram(dg *capture.Datagram) error {
	it := item{datagram: dg, packet: &d.packet}
	it.choice = d.choose(dg.Src, dg.Payload)
	d.dec.Quirks = it.choice.Quirks
	g, err := d.dec.Reset(dg.Payload)
	if err != nil {
		return d.malformed(&item{datagram: dg, err: err})
	}
	d.guessed(it.choice)
	it.group, it.version = &g, dg.Payload[0]>>4
	var r report.Report
	for ok, err := d.dec.Next(&r); ok || err != nil; ok, err = d.dec.Next(&r) {
		if it.err, it.report = err, &r; err != nil {
			err = d.malformed(&it)
		} else {
			r.Dissect(&d.packet, &it.choice.Marks)
			_, it.data = r.Packet()
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
