package runner

import (
	"fmt"
	"os"

	configv1 "github.com/p4lang/p4runtime/go/p4/config/v1"
	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"
	"google.golang.org/protobuf/encoding/prototext"

	"github.com/telltale-net/telltale/bmv2/engine"
	"github.com/telltale-net/telltale/bmv2/spec"
)

// Program is a P4 program in both of its forms: what the switch runs and what
// controllers know of it.
type Program struct {
	JSON   []byte // BMv2 JSON
	Info   *configv1.P4Info
	Engine *engine.Program
}

// NewProgram compiles a program from BMv2 JSON and P4Info in text format.
func NewProgram(json, p4info []byte) (*Program, error) {
	p := &Program{JSON: json, Info: new(configv1.P4Info)}
	loaded, err := spec.Load(json)
	if err != nil {
		return nil, fmt.Errorf("BMv2 JSON: %w", err)
	}
	if p.Engine, err = engine.Compile(loaded); err != nil {
		return nil, fmt.Errorf("BMv2 JSON: %w", err)
	}
	// p4c may be newer than the stubs: fields they do not know say nothing to them.
	if err := (prototext.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(p4info, p.Info); err != nil {
		return nil, fmt.Errorf("P4Info: %w", err)
	}
	return p, nil
}

// ReadProgram is NewProgram of two files.
func ReadProgram(jsonFile, p4infoFile string) (*Program, error) {
	json, err := os.ReadFile(jsonFile)
	if err != nil {
		return nil, fmt.Errorf("cannot read the program: %w", err)
	}
	info, err := os.ReadFile(p4infoFile)
	if err != nil {
		return nil, fmt.Errorf("cannot read the P4Info: %w", err)
	}
	p, err := NewProgram(json, info)
	if err != nil {
		return nil, fmt.Errorf("cannot use program %s with %s: %w", jsonFile, p4infoFile, err)
	}
	return p, nil
}

// ParseEntries reads a p4.v1.WriteRequest in text format. Errors name line and column.
func ParseEntries(text []byte) (*p4v1.WriteRequest, error) {
	req := new(p4v1.WriteRequest)
	if err := prototext.Unmarshal(text, req); err != nil {
		return nil, fmt.Errorf("not a p4.v1.WriteRequest: %w", err)
	}
	return req, nil
}

// ReadEntries is ParseEntries of a file; none for an empty name.
func ReadEntries(file string) (*p4v1.WriteRequest, error) {
	if file == "" {
		return new(p4v1.WriteRequest), nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("cannot read entries: %w", err)
	}
	req, err := ParseEntries(text)
	if err != nil {
		return nil, fmt.Errorf("cannot use entries %s: %w", file, err)
	}
	return req, nil
}
