package jsonl

import (
	"fmt"

	"github.com/telltale-net/telltale/analyzers/flowset"
	"github.com/telltale-net/telltale/analyzers/flowset/fit"
	"github.com/telltale-net/telltale/analyzers/flowset/hash"
)

// take makes a table of an object. What it says is wrong is about a field, "" = the object.
func (r *Reader) take(o *object) (field, text string) {
	switch {
	case o.problem != "":
		return o.problemField, o.problem
	case !o.hasNode || o.node == "":
		return "node", "got none, want a node's name"
	case !o.hasTable:
		return "table", "got none, want cells"
	case o.segment && o.end == "":
		return "end", fmt.Sprintf("got none, want %s or %s", flowset.EndUp, flowset.EndDown)
	case o.segment:
		if field, text := o.asDigest(); text != "" {
			return field, text
		}
	}
	if r.seen[nodeEpoch{o.node, o.stage, o.epoch}] {
		return "", fmt.Sprintf("got another flow set of node %s and epoch %d", o.node, o.epoch)
	}
	shape, raws, field, text := o.layOut()
	if text != "" {
		return field, text
	}
	h, err := hash.Parse(o.hash)
	if err != nil {
		h, _ = hash.Guess(o.hash)
	}
	if len(o.seeds) == 1 {
		h.Seed = uint64(o.seeds[0])
	} else if len(o.seeds) > 1 {
		h.Seeds = nil
		for _, n := range o.seeds {
			h.Seeds = append(h.Seeds, uint64(n))
		}
	}
	shape.Hash = h
	if shape.Hash.Algorithm == "" {
		shape.Hash.Algorithm = hash.SplitMix64 // until the cells say otherwise
	}
	t, bad := flowset.NewTable(shape)
	if bad != nil {
		return "", bad.Error()
	}
	shift := flowset.MaxKey - shape.KeyBytes
	for i := range raws {
		w := &raws[i]
		t.Set(int(w.subtable), int(w.at), leftAlign(w.key, shift), w.flows, w.packets, w.check)
	}
	fitted, notes, unfit := r.finder.Fit(t, o.hash, h.Algorithm != "")
	for _, n := range notes {
		r.note("%s", n)
	}
	if unfit != nil {
		blind, ok := fit.Blind(t)
		if !ok {
			return "hash", unfit.Error()
		}
		blind.Filtered = o.filter != nil
		o.filter = nil
		fitted = blind
		r.blind(o.node, unfit.Error())
	}
	t = fitted
	if !o.ordered {
		t.Order = fit.Order(t)
		if t.Order == flowset.ProtoLast {
			r.note("node %s: keys read as src, dst, sport, dport, proto: byte 8 of none of the flows is a usual protocol, byte 12 of all is", o.node)
		}
	}
	if o.filter != nil {
		if text := o.addFilter(t); text != "" {
			return "filter", text
		}
		if !fit.Filter(t) && o.filter.hash == "" { // its functions may be as the table's are
			if err := o.filter.fill(t, t.Hash); err != nil {
				return "filter", err.Error()
			}
		}
		if !fit.Filter(t) {
			r.note("node %s: the filter does not know flows that its table holds: it is not used", o.node)
			t.Filter = nil
		}
	}
	r.seen[nodeEpoch{o.node, o.stage, o.epoch}] = true
	r.Stats.Cells += uint64(t.Len())
	if o.segment {
		r.Digests = append(r.Digests, t)
		r.Stats.Digests++
		return "", ""
	}
	r.Tables = append(r.Tables, t)
	r.Stats.Tables++
	flows, _ := t.Totals(0)
	r.Stats.Flows += uint64(max(0, flows))
	return "", ""
}

// blind notes that only flows alone in a cell are told of a node.
func (r *Reader) blind(node, why string) {
	const text = "only flows that are alone in a cell are told, which nothing verifies"
	if r.blinded == nil {
		r.blinded = map[string]bool{}
	}
	if r.blinded[node] {
		return
	}
	if len(r.blinded) == 0 {
		r.note("node %s: %s: hash: %s", node, text, why)
	} else {
		r.note("node %s: %s, either", node, text)
	}
	r.blinded[node] = true
}
