package engine

import (
	"errors"

	"github.com/telltale-net/telltale/bmv2/device"
	"github.com/telltale-net/telltale/bmv2/spec"
)

var errNotYet = errors.New("engine: not there yet")

// Program is a compiled program: immutable, shared by any number of switches.
type Program struct{ spec *spec.Program }

// Compile makes p executable.
func Compile(p *spec.Program) (*Program, error) { return &Program{p}, nil }

// Spec returns what the program was compiled from.
func (p *Program) Spec() *spec.Program { return p.spec }

// Switch runs a program.
type Switch struct {
	device.Device
	prog *Program
}

// New returns a switch with empty tables.
func New(p *Program, cfg Config) *Switch { return &Switch{prog: p} }

// Receive takes a packet in on a port.
func (s *Switch) Receive(now Time, port uint16, pkt []byte) {}

// Next says when the earliest queued packet may leave.
func (s *Switch) Next() (Time, bool) { return 0, false }

// Run dequeues everything due.
func (s *Switch) Run(now Time, out func(Tx)) {}

// SetPort configures a port.
func (s *Switch) SetPort(port uint16, c PortConfig) {}

// SetPortUp says whether a port is up.
func (s *Switch) SetPortUp(port uint16, up bool) {}

// Stats are the counters of the switch.
type Stats struct{}

// Stats returns the counters of the switch.
func (s *Switch) Stats() Stats { return Stats{} }

// SetDigestSink sets who hears digests.
func (s *Switch) SetDigestSink(f func(Digest)) {}

// Sweep reports entries whose idle timeout has passed.
func (s *Switch) Sweep(now Time, idle func(table string, e device.Entry)) {}

// SetValueSet replaces the members of a parser value set.
func (s *Switch) SetValueSet(name string, members []ValueSetMember) error { return errNotYet }

// ValueSet returns the members of a parser value set.
func (s *Switch) ValueSet(name string) ([]ValueSetMember, error) { return nil, errNotYet }
