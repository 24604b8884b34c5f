package fit_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/telltale-net/telltale/analyzers/flowset"
	"github.com/telltale-net/telltale/analyzers/flowset/decode"
	"github.com/telltale-net/telltale/analyzers/flowset/fit"
	"github.com/telltale-net/telltale/analyzers/flowset/hash"
)

const flows = 90

// filled is a table of some flows, and the flows.
func filled(t *testing.T, s flowset.Shape, seed uint64) (*flowset.Table, map[flowset.Key]int64) {
	t.Helper()
	table, err := flowset.NewTable(s)
	if err != nil {
		t.Fatal(err)
	}
	rng, truth := rand.New(rand.NewPCG(seed, 1)), map[flowset.Key]int64{}
	for range flows {
		k := flowset.Key{rng.Uint64(), rng.Uint64() >> 24 << 24}
		truth[k] = 1 + rng.Int64N(50)
		table.Add(k, truth[k], true)
	}
	return table, truth
}

// told is the table as a data set has it that says nothing but the algorithm and the seed.
func told(t *testing.T, table *flowset.Table, from func(i int) int) *flowset.Table {
	t.Helper()
	s := table.Shape
	s.Hash.Form, s.Check, s.Pooled = hash.Form{}, hash.Check{}, false
	if table.Pooled {
		s.Cells /= s.Subtables
	}
	out, err := table.Reshape(s, from)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// holds reports whether the table is the one of the flows: whether it decodes to them.
func holds(table *flowset.Table, truth map[flowset.Key]int64) bool {
	d := decode.Tables([]*flowset.Table{table}, decode.Options{Alone: true})[0]
	for i := range d.Len() {
		if n, ok := d.Packets(i); !ok || truth[d.Key(i)] != n {
			return false
		}
	}
	return d.Len() == len(truth)
}

// Tables filled in any of the forms that programs use are found to be so.
func TestForms(t *testing.T) {
	for _, a := range hash.Algorithms() {
		forms := hash.Forms(a)
		rng := rand.New(rand.NewPCG(7, uint64(len(forms))))
		for n := range 6 {
			form := forms[rng.IntN(len(forms))]
			s := flowset.Shape{Node: "s1", Subtables: 3, Cells: 61, KeyBytes: flowset.KeyIPv4, Hash: hash.Family{Algorithm: a, Seed: 3, Form: form}}
			table, truth := filled(t, s, uint64(n))
			if !holds(table, truth) {
				continue // a form that has one function for all subtables
			}
			var f fit.Finder
			got, notes, err := f.Fit(told(t, table, nil), string(a), true)
			if err != nil || !holds(got, truth) {
				t.Errorf("%s, %s: got %v, notes %q", a, form, err, notes)
			}
			if form != (hash.Form{}) && len(notes) == 0 && got.Hash.Form != (hash.Form{}) {
				t.Errorf("%s, %s: no note", a, form)
			}
		}
	}
}

// Cells in another order than the page's are put in order.
func TestLayouts(t *testing.T) {
	const k, n = 3, 60
	for name, c := range map[string]struct {
		pooled bool
		from   func(i int) int // the page's place of cell i
		note   string
	}{
		"as they stand": {},
		"side by side":  {from: func(i int) int { return i%k*n + i/k }, note: "side by side"},
		"pooled":        {pooled: true, note: "no subtables"},
	} {
		s := flowset.Shape{Node: "s1", Subtables: k, Cells: n, KeyBytes: flowset.KeyIPv4, Hash: hash.Family{Algorithm: hash.Murmur3, Seed: 9}}
		if c.pooled {
			s.Cells, s.Pooled = k*n, true
		}
		table, truth := filled(t, s, 5)
		var f fit.Finder
		got, notes, err := f.Fit(told(t, table, c.from), "murmur3", true)
		if err != nil || !holds(got, truth) || !strings.Contains(fmt.Sprint(notes), c.note) {
			t.Errorf("%s: got %v, notes %q", name, err, notes)
		}
	}
}

// Checks that are not the page's are found, and named; what is found for one table is tried
// first with the next.
func TestChecks(t *testing.T) {
	for _, c := range hash.Checks(hash.XXH64)[:12] {
		s := flowset.Shape{Node: "s1", Subtables: 3, Cells: 61, KeyBytes: flowset.KeyIPv4, CheckBytes: 2, Hash: hash.Family{Algorithm: hash.XXH64, Seed: 3}, Check: c}
		var f fit.Finder
		for seed := range uint64(2) {
			table, truth := filled(t, s, seed)
			raw := told(t, table, nil)
			got, notes, err := f.Fit(raw, "xxh64", true)
			if err != nil || !holds(got, truth) || got.Check == (hash.Check{}) || got.Check == hash.NoCheck() {
				t.Errorf("%s: got %v, check %s, notes %q", c, err, got.Check, notes)
			}
			if (len(notes) > 0) != (seed == 0) {
				t.Errorf("%s, table %d: notes %q", c, seed, notes)
			}
		}
	}
}

// Functions that nobody knows are told to be so, and the cells say what they say themselves.
func TestBlind(t *testing.T) {
	s := flowset.Shape{Node: "s1", Subtables: 3, Cells: 120, KeyBytes: flowset.KeyIPv4, Hash: hash.Family{Algorithm: hash.SHA256, Seed: 3}}
	table, truth := filled(t, s, 1)
	raw := told(t, table, nil)
	raw.Hash.Algorithm = hash.Jenkins
	var f fit.Finder
	if got, _, err := f.Fit(raw, "mine", true); err == nil {
		t.Fatalf("fitted: %+v", got.Hash)
	}
	blind, ok := fit.Blind(raw)
	if !ok {
		t.Fatal("cells that agree with one another are taken for nonsense")
	}
	d := decode.Tables([]*flowset.Table{blind}, decode.Options{})[0]
	if d.Len() < flows/2 {
		t.Errorf("%d of %d flows told", d.Len(), flows)
	}
	for i := range d.Len() {
		if n, ok := d.Packets(i); ok && truth[d.Key(i)] != n {
			t.Errorf("flow %x: got %d packets, want %d", d.Key(i), n, truth[d.Key(i)])
		}
	}
	for n := range 40 { // cells of nowhere
		raw.Set(n%3, n, flowset.Key{uint64(n)}, 1, int64(n), 0)
	}
	if _, ok := fit.Blind(raw); ok {
		t.Error("cells that do not agree with one another are taken for a flow set")
	}
}
