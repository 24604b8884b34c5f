// Package p4src is the data plane: two P4_16 programs for v1model and what p4c made
// of them, embedded, so that neither the build nor a user needs a P4 compiler.
//
//	fabric.p4    leaf and spine: underlay routing
//	vswitch.p4   a host's virtual switch: overlay, isolation, tenant policy
//	include/     headers, metadata, parser, constants; one file per kind
//	control/     one concern per file, shared by both programs; each opens with a
//	             drawing of its tables
//	build/       p4c's BMv2 JSON and P4Info, and a manifest that names the compiler
//	             and hashes the sources
//	gen/         remakes build/ and the Go constants: go run ./p4src/gen, or make p4
//
// The constants name what P4Runtime addresses by number. Ids are the same in both
// programs for what both have, and are never reused (include/ids.p4). Drop reasons
// come from include/drop_reasons.p4.
//
// The package is data: it imports nothing of ours and nothing here does anything.
package p4src

import (
	_ "embed"
	"fmt"
)

//go:generate go run ./gen

//go:embed build/fabric.json
var fabricJSON []byte

//go:embed build/fabric.p4info.txtpb
var fabricP4Info []byte

//go:embed build/vswitch.json
var vswitchJSON []byte

//go:embed build/vswitch.p4info.txtpb
var vswitchP4Info []byte

// Program is a compiled P4 program. The slices are shared: read them only.
type Program struct {
	Name   string // "fabric" or "vswitch"
	JSON   []byte // BMv2 JSON, the device config of a SetForwardingPipelineConfig
	P4Info []byte // P4Info, protobuf text format
}

// The programs of Telltale.
var (
	Fabric  = Program{Name: "fabric", JSON: fabricJSON, P4Info: fabricP4Info}
	VSwitch = Program{Name: "vswitch", JSON: vswitchJSON, P4Info: vswitchP4Info}
)

// ByName returns the program with that name.
func ByName(name string) (Program, error) {
	switch name {
	case Fabric.Name:
		return Fabric, nil
	case VSwitch.Name:
		return VSwitch, nil
	}
	return Program{}, fmt.Errorf("p4src: unknown program %q; want %q or %q", name, Fabric.Name, VSwitch.Name)
}
