package lab

import (
	"fmt"

	"github.com/telltale-net/telltale/topology"
)

// SlowPort is a port that drains at factor times its link's rate, 0 < factor < 1.
func SlowPort(node string, port topology.Port, factor float64) Fault {
	return &slowPort{at: topology.Endpoint{Node: node, Port: port}, factor: factor}
}

type slowPort struct {
	at     topology.Endpoint
	factor float64
	on     bool
}

func (f *slowPort) String() string {
	return fmt.Sprintf("port %s drains at %g of its rate", f.at, f.factor)
}

func (f *slowPort) Apply(l *Lab) error {
	return change(l, f, &f.on, true, func() error {
		if !(f.factor > 0 && f.factor < 1) {
			return fmt.Errorf("factor %g is not between 0 and 1", f.factor)
		}
		return l.slow(f.at, f.factor)
	})
}

func (f *slowPort) Revert(l *Lab) error {
	return change(l, f, &f.on, false, func() error { return l.slow(f.at, 0) })
}

// slow sets the factor of a port, 0 = not slow.
func (l *Lab) slow(at topology.Endpoint, factor float64) error {
	w, err := l.sender(at)
	if err != nil {
		return err
	}
	n := l.nodes[w.from.ref]
	switch {
	case w.rate == 0:
		return fmt.Errorf("the link at %s has no rate to be slower than", at)
	case factor != 0 && n.slow[at.Port] != 0:
		return fmt.Errorf("port %s is slow already", at)
	}
	n.slow[at.Port] = factor
	l.setPort(n, uint16(at.Port))
	return nil
}

// setPort makes a port drain as it should now.
func (l *Lab) setPort(n *node, port uint16) {
	if n.sw != nil {
		n.part.pump(n) // the switch's queues change from the latest instant that it knows of
		n.sw.SetPort(port, n.portConfig(port))
		n.part.pump(n) // what is due may have changed
	}
}

// QueuePause is a port that stops draining: nothing leaves, and its queue fills and
// stays full until the fault is reverted. What waits then leaves from that instant on.
func QueuePause(node string, port topology.Port) Fault {
	return &queuePause{at: topology.Endpoint{Node: node, Port: port}}
}

type queuePause struct {
	at topology.Endpoint
	on bool
}

func (f *queuePause) String() string { return fmt.Sprintf("port %s does not drain", f.at) }

func (f *queuePause) Apply(l *Lab) error {
	return change(l, f, &f.on, true, func() error { return l.pause(f.at, true) })
}

func (f *queuePause) Revert(l *Lab) error {
	return change(l, f, &f.on, false, func() error { return l.pause(f.at, false) })
}

func (l *Lab) pause(at topology.Endpoint, on bool) error {
	w, err := l.sender(at)
	if err != nil {
		return err
	}
	n := l.nodes[w.from.ref]
	if on && n.paused[at.Port] {
		return fmt.Errorf("port %s is paused already", at)
	}
	n.paused[at.Port] = on
	l.setPort(n, uint16(at.Port))
	return nil
}

// LossyLink is a link that loses frames sent from a port, each with the given
// probability, and tells nobody. The other direction is sound.
func LossyLink(node string, port topology.Port, probability float64) Fault {
	return &lossyLink{from: topology.Endpoint{Node: node, Port: port}, p: probability}
}

type lossyLink struct {
	from topology.Endpoint
	p    float64
	on   bool
}

func (f *lossyLink) String() string {
	return fmt.Sprintf("the link from %s loses %g of all frames", f.from, f.p)
}

func (f *lossyLink) Apply(l *Lab) error {
	return change(l, f, &f.on, true, func() error {
		if !(f.p > 0 && f.p <= 1) {
			return fmt.Errorf("probability %g is not above 0 and at most 1", f.p)
		}
		w, err := l.sender(f.from)
		if err == nil && w.loss != 0 {
			err = fmt.Errorf("the link from %s is lossy already", f.from)
		}
		if err != nil {
			return err
		}
		w.loss = f.p
		return nil
	})
}

func (f *lossyLink) Revert(l *Lab) error {
	return change(l, f, &f.on, false, func() error {
		w, err := l.sender(f.from)
		if err != nil {
			return err
		}
		w.loss = 0
		return nil
	})
}

// LinkDown is a cut link: frames in either direction are lost, those already on the
// way included, and the switches at its ends see their ports go down.
func LinkDown(node string, port topology.Port) Fault {
	return &linkDown{at: topology.Endpoint{Node: node, Port: port}}
}

type linkDown struct {
	at topology.Endpoint
	on bool
}

func (f *linkDown) String() string { return fmt.Sprintf("the link at %s is down", f.at) }

func (f *linkDown) Apply(l *Lab) error {
	return change(l, f, &f.on, true, func() error { return l.cut(f.at, true) })
}

func (f *linkDown) Revert(l *Lab) error {
	return change(l, f, &f.on, false, func() error { return l.cut(f.at, false) })
}

func (l *Lab) cut(at topology.Endpoint, down bool) error {
	w, err := l.sender(at)
	if err != nil {
		return err
	}
	if down && w.down {
		return fmt.Errorf("the link at %s is down already", at)
	}
	for _, d := range []*wire{w, w.back} {
		d.down = down
		if d.from.kind == atSwitch {
			if n := l.nodes[d.from.ref]; n.sw != nil {
				n.sw.SetPortUp(d.from.port, !down)
			}
		}
	}
	return nil
}
