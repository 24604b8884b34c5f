package recordlog

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/telltale-net/telltale/collector"
	"github.com/telltale-net/telltale/collector/block"
	"github.com/telltale-net/telltale/collector/journal"
	"github.com/telltale-net/telltale/collector/ledger"
	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/collector/report/perhop"
	"github.com/telltale-net/telltale/collector/report/profile"
	"github.com/telltale-net/telltale/internal/capture"
	"github.com/telltale-net/telltale/internal/dissect"
)

// Source hands over records in the order in which they were received, a batch at a
// time. The batch is fn's during the call only.
type Source func(ctx context.Context, fn func([]postcard.Record) error) error

// FromLog is a source of what a log holds. stats is set when it ends.
func FromLog(j *journal.Journal, q block.Query, stats *journal.ReadStats) Source {
	return func(ctx context.Context, fn func([]postcard.Record) error) error {
		var err error
		*stats, err = j.Read(ctx, q, fn)
		return err
	}
}

// Wanted is a source of those records of another that the query wants.
func Wanted(from Source, q block.Query) Source {
	return func(ctx context.Context, fn func([]postcard.Record) error) error {
		return from(ctx, func(batch []postcard.Record) error {
			kept := batch[:0]
			for i := range batch {
				if q.Wants(&batch[i]) {
					kept = append(kept, batch[i])
				}
			}
			if len(kept) == 0 {
				return nil
			}
			return fn(kept)
		})
	}
}

// Captured is what became of a capture.
type Captured struct {
	capture.Stats
	OtherPort int // datagrams to another port than the one asked for
	Packets   int // data packets with INT
	Reports   uint64
	Records   uint64
	Malformed uint64 // reports, datagrams and frames that could not be read
	Lost      int64  // datagrams missing by their sequence numbers

	pages pages
}

// Ledger is the ledger of the capture, as far as it has been read.
func (c *Captured) Ledger() Ledger { return c.pages.hand }

// String returns the counts as a line to read.
func (c *Captured) String() string {
	text := fmt.Sprintf("%d records of %d reports and %d data packets with INT in %d frames, %d malformed, %d datagrams lost by sequence number",
		c.Records, c.Reports, c.Packets, c.Frames, c.Malformed, c.Lost)
	for _, v := range []struct {
		n    int
		what string
	}{{c.OtherPort, "datagrams to other ports"}, {c.NotUDP, "frames not UDP"}, {c.Fragments, "fragments"}, {c.Unknown, "frames of an unknown link type"}} {
		if v.n > 0 {
			text += fmt.Sprintf(", %d %s", v.n, v.what)
		}
	}
	return text
}

// FromCapture is a source of what a pcap or pcapng stream holds: reports, those to a
// UDP port where it is not 0, and data packets with INT. The times of the capture are
// the records' Received. sum is set when it ends.
func FromCapture(r io.Reader, cfg collector.Config, port uint16, sum *Captured) Source {
	return func(ctx context.Context, fn func([]postcard.Record) error) error {
		in, err := capture.NewReader(r)
		if err != nil {
			return err
		}
		if in.Format() == capture.Text {
			return errors.New("got text, want a pcap or pcapng file: hex text has no times")
		}
		c, err := collector.New(cfg, collector.Deps{})
		if err != nil {
			return err
		}
		s := captured{c: c, port: port, sum: sum, conv: perhop.Converter{Domains: cfg.Domains, Clocks: &perhop.Clocks{}}}
		if s.book, err = profile.NewBook(cfg.Profiles, cfg.Sources); err != nil {
			return err
		}
		sum.pages = pages{c: c}
		err = s.run(ctx, in, fn)
		sum.pages.finish()
		counts := c.Snapshot()
		sum.Stats = in.Stats()
		sum.Reports, sum.Lost = counts.Sum.Reports, counts.Sum.Lost
		sum.Malformed += counts.Sum.Malformed + counts.Rejected
		return err
	}
}

// captured reads one capture.
type captured struct {
	c      *collector.Collector
	conv   perhop.Converter
	book   *profile.Book
	port   uint16
	sum    *Captured
	packet dissect.Packet
	batch  []postcard.Record
}

// batchRecords is when a batch is handed over.
const batchRecords = 1024

func (s *captured) run(ctx context.Context, in *capture.Reader, fn func([]postcard.Record) error) error {
	var p capture.Packet
	give := func() error {
		if len(s.batch) == 0 {
			return nil
		}
		s.sum.Records += uint64(len(s.batch))
		err := fn(s.batch)
		s.batch = s.batch[:0]
		return err
	}
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := in.NextPacket(&p)
		var broken *capture.Error
		switch {
		case errors.Is(err, io.EOF):
			return give()
		case errors.As(err, &broken):
			s.sum.Malformed++
			if broken.Fatal {
				return give()
			}
			continue
		case err != nil:
			return err
		}
		s.sum.pages.at(p.Datagram.Time)
		s.take(&p)
		if len(s.batch) >= batchRecords {
			if err := give(); err != nil {
				return err
			}
		}
	}
}

// take takes one frame: what goes to the port is reports; of the rest, what carries INT
// is a data packet, and without a port any datagram else is reports.
func (s *captured) take(p *capture.Packet) {
	emit := func(r *postcard.Record) { s.batch = append(s.batch, *r) }
	toPort := p.HasDatagram && s.port != 0 && p.Datagram.Dst.Port() == s.port
	if p.Known && !toPort {
		choice := s.book.Of(p.Datagram.Src, nil)
		s.packet.ParseINT(p.Start, p.Data, &choice.Marks)
		if s.packet.INTs > 0 || s.packet.BadINT {
			s.sum.Packets++
			if s.packet.BadINT {
				s.sum.Malformed++
			}
			s.conv.Packet(p.Datagram.Time, choice.Profile, p.Start, p.Data, emit)
			return
		}
	}
	switch {
	case !p.HasDatagram:
	case s.port != 0 && !toPort:
		s.sum.OtherPort++
	default:
		s.c.Ingest(p.Datagram.Time, p.Datagram.Src, p.Datagram.Payload, emit)
	}
}

// Record puts what a source has into a log, and then the pages of its ledger. It returns
// once the log has it.
func Record(ctx context.Context, from Source, losses Ledger, j *journal.Journal) error {
	if err := from(ctx, j.Append); err != nil {
		return err
	}
	if err := losses(ctx, 0, 0, func(p *ledger.Page) error { return j.Keep(ctx, p) }); err != nil {
		return err
	}
	return j.Flush(ctx)
}
