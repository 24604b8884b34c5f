package lab

import (
	"errors"
	"fmt"
	"strings"

	"github.com/telltale-net/telltale/topology"
)

// LineCard is a line card that loses frames and tells nobody: each frame sent from one of
// its ports, and each that comes to one of them, with the given probability. The switch's
// other ports are sound.
func LineCard(node string, ports []topology.Port, probability float64) Fault {
	return &lineCard{node: node, ports: ports, p: probability}
}

type lineCard struct {
	node  string
	ports []topology.Port
	p     float64
	on    bool
}

func (f *lineCard) String() string {
	var ports []string
	for _, p := range f.ports {
		ports = append(ports, fmt.Sprint(p))
	}
	return fmt.Sprintf("the line card of %s with ports %s loses %g of all frames", f.node, strings.Join(ports, ", "), f.p)
}

func (f *lineCard) Apply(l *Lab) error {
	return change(l, f, &f.on, true, func() error {
		if !(f.p > 0 && f.p <= 1) {
			return fmt.Errorf("probability %g is not above 0 and at most 1", f.p)
		}
		wires, err := f.wires(l)
		if err != nil {
			return err
		}
		for i, w := range wires {
			if w.loss != 0 {
				for _, w := range wires[:i] {
					w.loss = 0
				}
				return fmt.Errorf("the link from %s is lossy already, or its port is named twice", w.from.name)
			}
			w.loss = f.p
		}
		return nil
	})
}

func (f *lineCard) Revert(l *Lab) error {
	return change(l, f, &f.on, false, func() error {
		wires, err := f.wires(l)
		for _, w := range wires {
			w.loss = 0
		}
		return err
	})
}

// wires returns both directions of the links at the card's ports.
func (f *lineCard) wires(l *Lab) ([]*wire, error) {
	if len(f.ports) == 0 {
		return nil, errors.New("it has no ports")
	}
	var out []*wire
	for _, p := range f.ports {
		w, err := l.sender(topology.Endpoint{Node: f.node, Port: p})
		if err != nil {
			return nil, err
		}
		out = append(out, w, w.back)
	}
	return out, nil
}
