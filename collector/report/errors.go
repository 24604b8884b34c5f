package report

import "fmt"

// Cause says why a datagram or one of its reports is malformed: small and dense,
// to be counted by. A Cause is an error, and errors.Is finds it in every [Error].
type Cause uint8

// The causes.
const (
	GroupShort      Cause = iota // fewer bytes than a group header
	VersionUnknown               // a Ver field beyond 2
	NoReport                     // a group header and no individual report
	LengthBeyond                 // Report Length leads out of the datagram
	MainShort                    // Report Length has no room for the fixed main contents
	MDLengthBeyond               // MD Length leads out of the report
	MetadataBeyond               // RepMdBits promise more than MD Length holds
	DomainBeyond                 // DSMdBits promise more than MD Length holds
	TLVLengthBeyond              // TLVLength leads out of the report
	Causes                       // how many there are
)

var causeText = [Causes]struct{ name, what string }{
	GroupShort:      {"group_short", "group header"},
	VersionUnknown:  {"version_unknown", "version"},
	NoReport:        {"no_report", "first individual report"},
	LengthBeyond:    {"length_beyond", "individual report"},
	MainShort:       {"main_short", "main contents"},
	MDLengthBeyond:  {"md_length_beyond", "metadata"},
	MetadataBeyond:  {"metadata_beyond", "baseline metadata"},
	DomainBeyond:    {"domain_beyond", "domain-specific metadata"},
	TLVLengthBeyond: {"tlv_length_beyond", "TLV data"},
}

// Name returns the cause as a metric label: lower case, underscores.
func (c Cause) Name() string {
	if c >= Causes {
		return "unknown"
	}
	return causeText[c].name
}

// Error implements error.
func (c Cause) Error() string { return "telemetry report: " + c.Name() }

// Error says what of a datagram could not be read, and where.
type Error struct {
	Cause  Cause
	Offset int // in the datagram, bytes
	Got    int // bytes there are (version: the version)
	Want   int // bytes that were promised (version: the version wanted)
}

// Error implements error.
func (e *Error) Error() string {
	if e.Cause == VersionUnknown {
		return fmt.Sprintf("cannot read telemetry report: byte %d: got version %d, want at most %d", e.Offset, e.Got, e.Want)
	}
	what := "contents"
	if e.Cause < Causes {
		what = causeText[e.Cause].what
	}
	return fmt.Sprintf("cannot read %s of telemetry report at byte %d: got %d bytes, want %d", what, e.Offset, e.Got, e.Want)
}

// Unwrap lets errors.Is find the cause.
func (e *Error) Unwrap() error { return e.Cause }
