package lab

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/telltale-net/telltale/bmv2/device"
)

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

// CorruptRegister flips bits of a register cell, once: those set in mask, which is as
// long as the cell, big-endian. Reverting flips them back unless the program has
// written something else to the cell meanwhile.
func CorruptRegister(node, register string, index int, mask []byte) Fault {
	return &corruptRegister{node: node, register: register, index: index, mask: mask}
}

type corruptRegister struct {
	node, register string
	index          int
	mask           []byte
	on             bool
	was, is        []byte
}

func (f *corruptRegister) String() string {
	return fmt.Sprintf("%s has bits %x of register %s[%d] flipped", f.node, f.mask, f.register, f.index)
}

func (f *corruptRegister) Apply(l *Lab) error {
	return change(l, f, &f.on, true, func() error {
		dev, err := l.device(f.node)
		if err != nil {
			return err
		}
		was, err := dev.ReadRegister(f.register, f.index)
		if err != nil {
			return err
		}
		if len(f.mask) != len(was) || bytes.Count(f.mask, []byte{0}) == len(f.mask) {
			return fmt.Errorf("mask %x, want %d bytes that are not all zero", f.mask, len(was))
		}
		is := slices.Clone(was)
		for i, m := range f.mask {
			is[i] ^= m
		}
		f.was, f.is = was, is
		return dev.WriteRegister(f.register, f.index, is)
	})
}

func (f *corruptRegister) Revert(l *Lab) error {
	return change(l, f, &f.on, false, func() error {
		dev, err := l.device(f.node)
		if err != nil {
			return err
		}
		now, err := dev.ReadRegister(f.register, f.index)
		if err != nil || !bytes.Equal(now, f.is) {
			return err
		}
		return dev.WriteRegister(f.register, f.index, f.was)
	})
}
