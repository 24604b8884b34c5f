package lab

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/telltale-net/telltale/bmv2/device"
)

// StuckEntry is a table entry that the chip no longer lets go of: the switch accepts
// what its controller changes about it, reads back what it was told, and goes on
// forwarding by the entry as it was. The entry is named by its key, as in [LoseEntry].
// Reverting lets the chip catch up with what the controller wants.
func StuckEntry(node, table string, matches []device.Match) Fault {
	return &stuckEntry{node: node, table: table, matches: matches}
}

type stuckEntry struct {
	node, table string
	matches     []device.Match
	on          bool
	pipe        *pipeline // that has the entries
}

func (f *stuckEntry) String() string {
	return fmt.Sprintf("%s has its entry of table %s for %s stuck", f.node, f.table, describe(f.matches))
}

func (f *stuckEntry) Apply(l *Lab) error {
	return change(l, f, &f.on, true, func() error {
		p, err := l.pipeline(f.node)
		if err != nil {
			return err
		}
		f.pipe = p
		return p.stick(f)
	})
}

// Revert is done when another pipeline has replaced the one that had the entry.
func (f *stuckEntry) Revert(l *Lab) error {
	return change(l, f, &f.on, false, func() error {
		if p, err := l.pipeline(f.node); err != nil || p != f.pipe {
			return err
		}
		return f.pipe.release(f)
	})
}

// stuck is what a switch's software believes about entries that its chip holds on to.
type stuck struct {
	mu      sync.Mutex
	beliefs []*belief
}

// belief is what the software believes about one entry.
type belief struct {
	fault   *stuckEntry
	table   string
	entry   device.Entry // as the controller wants it
	present bool         // the controller wants it at all
	changed bool         // the chip has it otherwise
}

func (p *pipeline) stick(f *stuckEntry) error {
	p.stuck.mu.Lock()
	defer p.stuck.mu.Unlock()
	entries, err := p.Switch.Entries(f.table)
	if err != nil {
		return err
	}
	var beliefs []*belief
	for _, e := range entries {
		if !slices.EqualFunc(e.Matches, f.matches, sameMatch) {
			continue
		}
		if p.believed(f.table, e) != nil {
			return fmt.Errorf("the entry is stuck already")
		}
		beliefs = append(beliefs, &belief{fault: f, table: f.table, entry: e, present: true})
	}
	if len(beliefs) == 0 {
		return fmt.Errorf("the table has %d entries and none with this key", len(entries))
	}
	p.stuck.beliefs = append(p.stuck.beliefs, beliefs...)
	return nil
}

// release writes what is believed to the chip.
func (p *pipeline) release(f *stuckEntry) error {
	p.stuck.mu.Lock()
	defer p.stuck.mu.Unlock()
	for _, b := range p.stuck.beliefs {
		if b.fault != f || !b.changed {
			continue
		}
		var err error
		if !b.present {
			if err = p.Switch.Delete(b.table, b.entry); errors.Is(err, device.ErrNotFound) { // lost meanwhile
				err = nil
			}
		} else if err = p.Switch.Modify(b.table, b.entry); errors.Is(err, device.ErrNotFound) {
			err = p.Switch.Insert(b.table, b.entry)
		}
		if err != nil {
			return err
		}
		b.changed = false
	}
	p.stuck.beliefs = slices.DeleteFunc(p.stuck.beliefs, func(b *belief) bool { return b.fault == f })
	return nil
}

// believed returns what is believed about an entry, nil if it is not stuck.
func (p *pipeline) believed(table string, e device.Entry) *belief {
	for _, b := range p.stuck.beliefs {
		if b.table == table && b.entry.Priority == e.Priority && slices.EqualFunc(b.entry.Matches, e.Matches, sameMatch) {
			return b
		}
	}
	return nil
}

// Insert implements [device.Device].
func (p *pipeline) Insert(table string, e device.Entry) error {
	return p.write(table, e, p.Switch.Insert, func(b *belief) error {
		if b.present {
			return fmt.Errorf("cannot insert into table %q: %w", table, device.ErrExists)
		}
		b.entry, b.present, b.changed = e, true, true
		return nil
	})
}

// Modify implements [device.Device].
func (p *pipeline) Modify(table string, e device.Entry) error {
	return p.write(table, e, p.Switch.Modify, func(b *belief) error {
		if !b.present {
			return fmt.Errorf("cannot modify an entry of table %q: %w", table, device.ErrNotFound)
		}
		b.entry, b.changed = e, true
		return nil
	})
}

// Delete implements [device.Device].
func (p *pipeline) Delete(table string, e device.Entry) error {
	return p.write(table, e, p.Switch.Delete, func(b *belief) error {
		if !b.present {
			return fmt.Errorf("cannot delete from table %q: %w", table, device.ErrNotFound)
		}
		b.present, b.changed = false, true
		return nil
	})
}

// write goes to the chip, or stays a belief if the entry is stuck.
func (p *pipeline) write(table string, e device.Entry, chip func(string, device.Entry) error, believe func(*belief) error) error {
	p.stuck.mu.Lock()
	defer p.stuck.mu.Unlock()
	if b := p.believed(table, e); b != nil {
		return believe(b)
	}
	return chip(table, e)
}

// Entries implements [device.Device]: the chip's, with stuck ones as they are believed
// to be. What the chip has counted is true of both.
func (p *pipeline) Entries(table string) ([]device.Entry, error) {
	p.stuck.mu.Lock()
	defer p.stuck.mu.Unlock()
	entries, err := p.Switch.Entries(table)
	if err != nil || len(p.stuck.beliefs) == 0 {
		return entries, err
	}
	believed := entries[:0]
	for _, e := range entries {
		if b := p.believed(table, e); b == nil || b.present {
			believed = append(believed, b.over(e))
		}
	}
	return believed, nil
}

// Entry implements [device.Finder].
func (p *pipeline) Entry(table string, e device.Entry) (device.Entry, error) {
	p.stuck.mu.Lock()
	defer p.stuck.mu.Unlock()
	b := p.believed(table, e)
	if b != nil && !b.present {
		return device.Entry{}, fmt.Errorf("cannot read an entry of table %q: %w", table, device.ErrNotFound)
	}
	e, err := p.Switch.Entry(table, e)
	return b.over(e), err
}

// over returns what is believed of an entry that the chip has.
func (b *belief) over(e device.Entry) device.Entry {
	if b == nil || !b.changed {
		return e
	}
	x := b.entry
	x.Counter, x.IdleFor = e.Counter, e.IdleFor
	return x
}
