package model

import (
	_ "embed"

	"github.com/openconfig/gnmi/proto/gnmi"

	"github.com/telltale-net/telltale/collector/gnmi/tree"
	"github.com/telltale-net/telltale/collector/gnmi/yang"
)

// The origins.
const (
	Telltale   = "telltale"
	OpenConfig = "openconfig"
)

var (
	//go:embed telltale.schema
	telltaleLeaves string
	//go:embed openconfig.schema
	openconfigLeaves string
)

// Schema returns all leaves that the server may have.
func Schema() *tree.Schema {
	s, err := tree.ParseSchema(map[string]string{Telltale: telltaleLeaves, OpenConfig: openconfigLeaves})
	if err != nil {
		panic("BUG: " + err.Error())
	}
	return s
}

// Models returns what Capabilities tells of.
func Models() []*gnmi.ModelData {
	const oc = "OpenConfig working group"
	return []*gnmi.ModelData{
		{Name: yang.Name, Organization: yang.Organization, Version: yang.Version},
		{Name: "openconfig-interfaces", Organization: oc, Version: "3.0.0"},
		{Name: "openconfig-qos", Organization: oc, Version: "0.7.0"},
		{Name: "openconfig-platform", Organization: oc, Version: "0.15.0"},
		{Name: "openconfig-platform-pipeline-counters", Organization: oc, Version: "0.3.0"},
	}
}
