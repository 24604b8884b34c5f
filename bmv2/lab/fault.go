package lab

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

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

// LoseEntry is a table entry that the switch lost though its controller believes it
// is there. The entry is named by its key: every entry with these matches goes,
// whatever its priority. Reverting puts back what was lost.
func LoseEntry(node, table string, matches []device.Match) Fault {
	return &loseEntry{node: node, table: table, matches: matches}
}

type loseEntry struct {
	node, table string
	matches     []device.Match
	on          bool
	lost        []device.Entry
}

func (f *loseEntry) String() string {
	return fmt.Sprintf("%s lost its entry of table %s for %s", f.node, f.table, describe(f.matches))
}

func (f *loseEntry) Apply(l *Lab) error {
	return change(l, f, &f.on, true, func() error {
		dev, err := l.device(f.node)
		if err != nil {
			return err
		}
		entries, err := dev.Entries(f.table)
		if err != nil {
			return err
		}
		f.lost = f.lost[:0]
		for _, e := range entries {
			if slices.EqualFunc(e.Matches, f.matches, sameMatch) {
				f.lost = append(f.lost, e)
			}
		}
		if len(f.lost) == 0 {
			return fmt.Errorf("the table has %d entries and none with this key", len(entries))
		}
		for i, e := range f.lost {
			if err := dev.Delete(f.table, e); err != nil {
				return errors.Join(err, restore(dev, f.table, f.lost[:i]))
			}
		}
		return nil
	})
}

func (f *loseEntry) Revert(l *Lab) error {
	return change(l, f, &f.on, false, func() error {
		dev, err := l.device(f.node)
		if err != nil {
			return err
		}
		return restore(dev, f.table, f.lost)
	})
}

// restore puts entries back, except those that a watchful controller has put back.
func restore(dev device.Device, table string, entries []device.Entry) error {
	for _, e := range entries {
		if err := dev.Insert(table, e); err != nil && !errors.Is(err, device.ErrExists) {
			return err
		}
	}
	return nil
}

func sameMatch(a, b device.Match) bool {
	return a.Kind == b.Kind && a.PrefixLen == b.PrefixLen &&
		bytes.Equal(a.Value, b.Value) && bytes.Equal(a.Mask, b.Mask) && bytes.Equal(a.High, b.High)
}

func describe(matches []device.Match) string {
	var b bytes.Buffer
	for i, m := range matches {
		if i > 0 {
			b.WriteByte(' ')
		}
		fmt.Fprintf(&b, "%x", m.Value)
		switch m.Kind {
		case device.LPM:
			fmt.Fprintf(&b, "/%d", m.PrefixLen)
		case device.Ternary:
			fmt.Fprintf(&b, "&%x", m.Mask)
		case device.Range:
			fmt.Fprintf(&b, "…%x", m.High)
		}
	}
	return b.String()
}

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
	if n.sw != nil {
		n.sw.SetPort(uint16(at.Port), n.portConfig(uint16(at.Port)))
		l.pump(n) // what is due may have changed
	}
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

func (l *Lab) device(node string) (device.Device, error) {
	n, err := l.switchNode(node)
	if err != nil {
		return nil, err
	}
	if n.dev == nil {
		return nil, fmt.Errorf("switch %q has no pipeline yet", node)
	}
	return n.dev, nil
}
