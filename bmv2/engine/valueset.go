package engine

import (
	"fmt"
	"slices"

	"github.com/telltale-net/telltale/bmv2/device"
)

// ValueSetMember is one value of a parser value set.
type ValueSetMember = device.ValueSetMember

// setUse is a transition on a value set, whose members it compares as key words.
type setUse struct {
	set    int
	widths []int
	packed bool
	mask   []uint64
}

// expand makes key words of a member.
func (u *setUse) expand(m ValueSetMember) []uint64 {
	total := 0
	for _, w := range u.widths {
		total += w
	}
	var padded []byte
	at := 8*len(m.Value) - total
	for _, w := range u.widths {
		field := make([]byte, (w+7)/8)
		for i := range w {
			if m.Value[(at+i)/8]>>(7-(at+i)%8)&1 != 0 {
				bit := 8*len(field) - w + i
				field[bit/8] |= 0x80 >> (bit % 8)
			}
		}
		at += w
		padded = append(padded, field...)
	}
	words := keyWordsOf(padded, u.widths, u.packed)
	for i := range u.mask {
		words[i] &= u.mask[i]
	}
	return words
}

// SetValueSet implements [device.ValueSets].
func (c Control) SetValueSet(name string, members []ValueSetMember) error {
	s := c.begin()
	defer c.end()
	i, err := s.prog.lookup(s.prog.byName.sets, "value set", name)
	if err != nil {
		return err
	}
	set := &s.prog.spec.ValueSets[i]
	if set.Size > 0 && len(members) > set.Size {
		return fmt.Errorf("cannot set value set %q: got %d members; want at most %d: %w", name, len(members), set.Size, device.ErrExhausted)
	}
	for _, m := range members {
		if err := fits(m.Value, set.Width); err != nil {
			return fmt.Errorf("cannot set value set %q: %w", name, err)
		}
	}
	s.valueSets[i] = nil
	for _, m := range members {
		s.valueSets[i] = append(s.valueSets[i], ValueSetMember{Value: slices.Clone(m.Value)})
	}
	uses := map[int][][]uint64{}
	for j := range s.prog.setUses {
		if u := &s.prog.setUses[j]; u.set == i {
			for _, m := range members {
				uses[j] = append(uses[j], u.expand(m))
			}
			if len(members) == 0 {
				uses[j] = nil
			}
		}
	}
	s.change(func(view uint32) {
		for j, words := range uses {
			s.expanded[view][j] = words
		}
	})
	return nil
}

// ValueSet implements [device.ValueSets].
func (c Control) ValueSet(name string) ([]ValueSetMember, error) {
	s := c.begin()
	defer c.end()
	i, err := s.prog.lookup(s.prog.byName.sets, "value set", name)
	if err != nil {
		return nil, err
	}
	return slices.Clone(s.valueSets[i]), nil
}

// fits says whether a byte string is one of width bits.
func fits(v []byte, width int) error {
	if n := (width + 7) / 8; len(v) != n {
		return fmt.Errorf("got %d bytes; want %d for %d bits: %w", len(v), n, width, device.ErrInvalid)
	}
	if r := width % 8; r != 0 && v[0]>>r != 0 {
		return fmt.Errorf("got %x, which overflows %d bits: %w", v, width, device.ErrInvalid)
	}
	return nil
}
