package perhop

import (
	"errors"
	"net/netip"

	"github.com/telltale-net/telltale/collector/report"
	"github.com/telltale-net/telltale/collector/report/profile"
)

// Reader reads datagrams of reports as they arrive: it chooses the profile of the
// source, decodes, and converts to records. It allocates nothing but for the first
// datagram of a source and for malformed ones. It is not safe for concurrent use.
type Reader struct {
	Converter
	Book *profile.Book

	dec report.Decoder
	rep report.Report
}

// NewReader returns a reader that takes profiles from book, which is its own from now
// on, and knows the domains beside ours and that of INT 2.1's example.
func NewReader(book *profile.Book, domains report.Domains) *Reader {
	all := append(append(report.Domains{report.ExtensionDomain}, domains...), report.TransparentSecurity)
	return &Reader{Converter: Converter{Domains: all}, Book: book, dec: report.Decoder{Domains: all}}
}

// Outcome is what became of a datagram. Every individual report is counted as read,
// skipped or malformed.
type Outcome struct {
	Group     report.Group
	Choice    profile.Choice
	Reports   uint64 // converted to at least one record
	Records   uint64 // made of them
	Skipped   uint64 // of a type whose contents are not defined
	Malformed uint64
	Causes    [report.Causes]uint32 // of the malformed
	Trailing  int                   // bytes behind the last report
}

// Datagram reads one datagram from src that was received at a time of the collector's
// clock (ns), calls emit for every record in order, and sets out. The error is that of
// a datagram without a readable group header, of which no more is known.
func (r *Reader) Datagram(received int64, src netip.AddrPort, b []byte, out *Outcome, emit Emit) error {
	*out = Outcome{Choice: r.Book.Of(src, b)}
	before := r.records
	r.dec.Quirks = out.Choice.Quirks
	g, err := r.dec.Reset(b)
	if err != nil {
		return err
	}
	out.Group = g
	for ok, err := r.dec.Next(&r.rep); ok || err != nil; ok, err = r.dec.Next(&r.rep) {
		switch {
		case err != nil:
			out.Malformed++
			out.Causes[causeOf(err)]++
		case !r.rep.RepType.Defined():
			out.Skipped++
		default:
			out.Reports++
			r.Report(received, out.Choice.Profile, g, &r.rep, emit)
		}
	}
	out.Trailing = r.dec.Trailing()
	out.Records = r.records - before
	return nil
}

func causeOf(err error) report.Cause {
	var e *report.Error
	if !errors.As(err, &e) {
		panic("BUG: the report decoder returned an error of another type: " + err.Error())
	}
	return e.Cause
}
