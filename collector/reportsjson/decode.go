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
			if !r.RepType.Defined() || !r.KnownInner() {
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
