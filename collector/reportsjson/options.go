package reportsjson

import (
	"fmt"

	"github.com/telltale-net/telltale/collector/report"
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
	Auto      Hex = "auto"      // packets where they begin with headers that are right, else datagrams
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
	Skipped   int // of those, reports of a type, or with a TLV of a type, whose contents are not defined
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
