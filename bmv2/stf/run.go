package stf

import (
	"errors"
	"fmt"
	"slices"

	"github.com/telltale-net/telltale/bmv2/engine"
	"github.com/telltale-net/telltale/bmv2/spec"
)

// step is the virtual time between two statements, pause what wait adds.
const (
	step  engine.Time = 1_000_000
	pause engine.Time = 1_000_000_000
)

// maxRounds bounds how often a packet may be queued again before the script is
// given up as circling.
const maxRounds = 10_000

// Run runs a script against a new switch.
func Run(p *engine.Program, cfg engine.Config, s *Script) Result {
	r := newRunner(p, cfg, s.Name)
	r.result.Err = r.run(s)
	return r.result
}

func newRunner(p *engine.Program, cfg engine.Config, name string) *runner {
	return &runner{
		spec: p.Spec(), sw: engine.New(p, cfg), seen: map[uint16][][]byte{},
		groups: map[uint32][]int{}, sessions: map[uint32]uint32{}, labels: map[string]entry{},
		members: map[string]uint32{}, result: Result{Script: name},
	}
}

type runner struct {
	spec     *spec.Program
	sw       *engine.Switch
	now      engine.Time
	seen     map[uint16][][]byte
	expected []*Expect
	strict   bool // no_packet: ports the script does not name count too

	nodes    []node            // multicast nodes by handle
	groups   map[uint32][]int  // their handles
	sessions map[uint32]uint32 // clone sessions that follow a multicast group
	labels   map[string]entry
	members  map[string]uint32 // members made, by action profile

	result Result
}

func (r *runner) run(s *Script) error {
	named := map[uint16]bool{}
	for _, st := range s.Statements {
		r.now += step
		err := r.settle()
		if err == nil {
			err = r.do(st, named)
		}
		if err == nil {
			err = r.settle()
		}
		if m := (*Mismatch)(nil); err != nil && !errors.As(err, &m) {
			err = fmt.Errorf("%s: %w", st.At(), err)
		}
		if err != nil {
			return err
		}
	}
	return r.check(s, named)
}

func (r *runner) do(st Statement, named map[uint16]bool) error {
	switch st := st.(type) {
	case *Packet:
		named[st.Port] = true
		r.result.Packets++
		r.sw.Receive(r.now, st.Port, st.Data)
	case *Expect:
		named[st.Port] = true
		r.expected = append(r.expected, st)
	case *NoPacket:
		r.strict = true
	case *Wait:
		r.now += pause
	case *Add:
		return r.add(st)
	case *SetDefault:
		return r.setDefault(st)
	case *RemoveAll:
		return r.removeAll()
	case *CheckCounter:
		return r.checkCounter(st)
	case *Command:
		return r.command(st)
	default:
		panic(fmt.Sprintf("BUG: statement %T", st))
	}
	return nil
}

// settle runs the switch until no packet is left in it.
func (r *runner) settle() error {
	for range maxRounds {
		r.sw.Run(r.now, func(tx engine.Tx) {
			r.result.Captured++
			r.seen[tx.Port] = append(r.seen[tx.Port], slices.Clone(tx.Data))
		})
		at, ok := r.sw.Next()
		if !ok {
			return nil
		}
		r.now = max(r.now, at)
	}
	return fmt.Errorf("packets still move inside the switch after %d rounds", maxRounds)
}

// check compares what left with what was expected, in the order of the script.
func (r *runner) check(s *Script, named map[uint16]bool) error {
	taken := map[uint16]int{}
	for _, e := range r.expected {
		i := taken[e.Port]
		taken[e.Port]++
		if i >= len(r.seen[e.Port]) {
			return &Mismatch{
				Pos: e.Pos, Port: e.Port, Index: i + 1, Expected: e.Data, digit: -1,
				What: fmt.Sprintf("missing: got %d packets on this port", len(r.seen[e.Port])),
			}
		}
		if e.Any {
			continue
		}
		if m := compare(e, e.Port, i+1, r.seen[e.Port][i]); m != nil {
			return m
		}
	}
	ports := make([]uint16, 0, len(r.seen))
	for port := range r.seen {
		ports = append(ports, port)
	}
	slices.Sort(ports)
	for _, port := range ports {
		if n := taken[port]; len(r.seen[port]) > n && (r.strict || named[port]) {
			return &Mismatch{
				Pos: Pos{s.Name, 1, 1}, Port: port, Index: n + 1, Seen: r.seen[port][n], digit: -1,
				What: fmt.Sprintf("not expected: got %d packets on this port; want %d", len(r.seen[port]), n),
			}
		}
	}
	return nil
}
