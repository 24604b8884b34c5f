package perhop

import (
	"net/netip"
	"testing"

	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/collector/report"
	"github.com/telltale-net/telltale/collector/report/profile"
)

// Every report of a datagram is read, skipped or malformed, and counted so.
func TestReaderCountsEveryReport(t *testing.T) {
	rule, err := profile.ParseRule("10.0.0.0/8=fabric-tna")
	if err != nil {
		t.Fatal(err)
	}
	book, err := profile.NewBook([]profile.Rule{rule}, 2)
	if err != nil {
		t.Fatal(err)
	}
	r := NewReader(book, report.Domains{{ID: 7, Words: [16]uint8{3}}})
	var out Outcome
	records := 0
	emit := func(*postcard.Record) { records++ }
	src := netip.MustParseAddrPort("10.0.0.1:0")
	data := append(words(0x20000005, 9,
		0x10030120, 0x10000000, 0, 5, // read
		0x20010000, 1, // IOAM
		0x10030100, 0x10000007, 0x80000000, 5, // its domain needs three words more
		0x00000000), 1, 2)
	if err := r.Datagram(1, src, data, &out, emit); err != nil {
		t.Fatal(err)
	}
	if out.Reports != 2 || out.Skipped != 1 || out.Malformed != 1 || out.Causes[report.DomainBeyond] != 1 || out.Trailing != 2 || records != 2 ||
		out.Choice.Profile != &profile.FabricTNA || out.Choice.Guessed || out.Group.Sequence != 5 {
		t.Errorf("got %+v, %d records", out, records)
	}
	if err := r.Datagram(1, src, data[:3], &out, emit); err == nil || out.Reports != 0 || records != 2 {
		t.Errorf("no group header: got %+v, %v", out, err)
	}
	if err := r.Datagram(1, netip.MustParseAddrPort("192.0.2.1:0"), data, &out, emit); err != nil || !out.Choice.Guessed {
		t.Errorf("another source: got %+v, %v", out.Choice, err)
	}
}
