package match

import (
	"fmt"

	"github.com/telltale-net/telltale/bmv2/device"
)

// MaxWidth is the widest field, in bits.
const MaxWidth = 4096

// Field is one key field of a table.
type Field struct {
	Name  string // for error messages
	Kind  device.MatchKind
	Width int // bits, at least 1; valid is 1 bit wide
	// Mask is ANDed to keys and entries (BMv2 JSON's key.mask): ⌈Width/8⌉ bytes,
	// nil for all ones.
	Mask []byte
}

// Words is how many words the field takes in a lookup key.
func (f Field) Words() int { return (f.Width + 63) / 64 }

// Table is the entries of one table, arranged for lookup. Make one with [New].
type Table struct {
	store store // first: all that a lookup needs
	layout
}

// store holds rules; the layout has validated them.
type store interface {
	lookup(key []uint64) (int32, bool)
	find(r rule) (int32, bool)
	insert(r rule, value int32) // r is not there
	set(r rule, value int32)    // r is there
	remove(r rule)              // r is there
	len() int
}

// New returns an empty table. It refuses layouts that no P4 table has: a width
// out of range, a mask of the wrong length, two lpm fields without a ternary or
// range field beside them. A table without fields is hit by its only entry.
func New(fields []Field) (*Table, error) {
	l, err := newLayout(fields)
	if err != nil {
		return nil, err
	}
	return &Table{layout: l, store: newStore(l)}, nil
}

// Words is the length of a lookup key.
func (t *Table) Words() int { return t.words }

// Ordered says whether priorities matter: the table has a ternary or range field.
func (t *Table) Ordered() bool { return t.ordered }

// Len is the number of entries.
func (t *Table) Len() int { return t.store.len() }

// Lookup returns the value of the entry that key hits: in an ordered table the
// one of greatest priority, and of these the one inserted first; else the one
// with the longest prefix. The key has [Table.Words] words, bits above a field's
// width zero. It allocates nothing and does not keep key.
func (t *Table) Lookup(key []uint64) (value int32, ok bool) { return t.store.lookup(key) }

// Rule is what an entry matches, made ready for a table.
type Rule struct {
	rule     rule
	matches  []device.Match
	priority int32
}

// Rule checks matches against the table's layout and makes them ready. The error
// wraps device.ErrInvalid when they do not fit. Rule looks at nothing that changes:
// it may be called while others use the table. It keeps matches. The priority is
// ignored unless the table is [Table.Ordered].
func (t *Table) Rule(matches []device.Match, priority int32) (Rule, error) {
	r, err := t.rule(matches, priority)
	return Rule{r, matches, priority}, err
}

// Insert adds an entry. The error wraps device.ErrExists when the entry is there;
// the table is unchanged then.
func (t *Table) Insert(r Rule, value int32) error {
	if _, ok := t.store.find(r.rule); ok {
		return fmt.Errorf("cannot insert an entry with key %s: %w", t.format(r.matches, r.priority), device.ErrExists)
	}
	t.store.insert(r.rule, value)
	return nil
}

// Find returns the value of the entry with exactly these matches and priority.
// The error wraps device.ErrNotFound.
func (t *Table) Find(r Rule) (int32, error) {
	v, ok := t.store.find(r.rule)
	if !ok {
		return 0, t.notFound("find", r)
	}
	return v, nil
}

// Set replaces the value of an entry; its place among entries of equal priority
// stays. Errors are those of [Table.Find].
func (t *Table) Set(r Rule, value int32) error {
	if _, ok := t.store.find(r.rule); !ok {
		return t.notFound("modify", r)
	}
	t.store.set(r.rule, value)
	return nil
}

// Delete removes an entry and returns its value. Errors are those of [Table.Find].
func (t *Table) Delete(r Rule) (int32, error) {
	v, ok := t.store.find(r.rule)
	if !ok {
		return 0, t.notFound("delete", r)
	}
	t.store.remove(r.rule)
	return v, nil
}

func (t *Table) notFound(what string, r Rule) error {
	return fmt.Errorf("cannot %s the entry with key %s: %w", what, t.format(r.matches, r.priority), device.ErrNotFound)
}
