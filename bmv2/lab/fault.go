package lab

import (
	"errors"
	"fmt"

	"github.com/telltale-net/telltale/bmv2/device"
	"github.com/telltale-net/telltale/topology"
)

// A Fault is something that goes wrong behind the controller's back. One Fault value
// belongs to one lab at a time; it can be applied again after it was reverted.
type Fault interface {
	fmt.Stringer
	// Apply makes the fault happen at the current instant.
	Apply(*Lab) error
	// Revert undoes it.
	Revert(*Lab) error
}

var (
	errApplied    = errors.New("it is there already")
	errNotApplied = errors.New("it is not there")
)

// change is the shared part of the faults: on, off, under the lab's lock.
func change(l *Lab, f Fault, on *bool, want bool, do func() error) error {
	l.lock()
	defer l.unlock()
	verb, err := "apply", errApplied
	if !want {
		verb, err = "revert", errNotApplied
	}
	if *on != want {
		err = do()
	}
	if err != nil {
		return fmt.Errorf("cannot %s fault %q: %w", verb, f, err)
	}
	*on = want
	l.nudge()
	return nil
}

// sender returns the wire on which a switch's port sends.
func (l *Lab) sender(at topology.Endpoint) (*wire, error) {
	n, err := l.switchNode(at.Node)
	if err != nil {
		return nil, err
	}
	w := n.wireAt(uint16(at.Port))
	if w == nil {
		return nil, fmt.Errorf("port %s leads nowhere", at)
	}
	return w, nil
}

// device returns a switch itself, past what its server says of it.
func (l *Lab) device(node string) (device.Device, error) {
	p, err := l.pipeline(node)
	if err != nil {
		return nil, err
	}
	return p.Switch, nil
}

func (l *Lab) pipeline(node string) (*pipeline, error) {
	n, err := l.switchNode(node)
	if err != nil {
		return nil, err
	}
	if n.pipe == nil {
		return nil, fmt.Errorf("switch %q has no pipeline yet", node)
	}
	return n.pipe, nil
}
