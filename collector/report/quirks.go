package report

// Quirks are deviations of devices that change how their datagrams are laid out.
// The zero Quirks are the specification. Which device has which, package profile
// knows.
type Quirks struct {
	Version1Is2 bool // Ver = 1 stands before the layout of version 2.0
	LengthUnset bool // Report Length means nothing: a datagram holds one report, to its end
	MainAlways  bool // RepType 0 has main contents too, and always one word of metadata
}
