// Package yang holds the YANG module of the origin telltale, as it is published.
//
// It follows OpenConfig's style: lists with leafrefs to their keys, operational data in
// containers named state. collector/gnmi/model fills it.
package yang

import _ "embed"

// Name, Version and Organization are what Capabilities tells of the module.
const (
	Name         = "telltale"
	Version      = "1.0.0"
	Organization = "Telltale"
)

// Telltale is the module's text.
//
//go:embed telltale.yang
var Telltale string
