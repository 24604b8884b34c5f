package evalqueue

import (
	"fmt"

	"github.com/telltale-net/telltale/analyzers/queue/records"
	"github.com/telltale-net/telltale/analyzers/queue/reident"
	"github.com/telltale-net/telltale/bmv2/lab/chain"
)

// variant is one reading of a scenario's records.
type variant struct {
	Name string // "" where there is only one
	chain.Degradation
	NoStart    bool // when service begins is not recorded
	NoRates    bool // how fast nodes are is not known
	NoBytes    bool // how long packets are is not recorded
	ShortIDs   bool // packets have 16-bit ids and are found again by package reident
	FlowsAtEnd bool // only the last node of the way sees five-tuples
}

// variants returns the readings of a scenario.
func variants(scenario string) []variant {
	switch scenario {
	case scenarioDegrade:
		vs := []variant{{Name: "none"}}
		for _, loss := range recordLosses {
			vs = append(vs, variant{Name: fmt.Sprintf("loss %g %%", 100*loss), Degradation: chain.Degradation{Loss: loss}})
		}
		for _, off := range clockErrors {
			vs = append(vs, variant{Name: fmt.Sprintf("clock %v", off), Degradation: chain.Degradation{Clock: off}})
		}
		return append(vs, variant{Name: "1 % doubled, 1 % late", Degradation: chain.Degradation{Duplicate: 0.01, Reorder: 0.01}})
	case scenarioSizes, scenarioSizesNoise:
		return []variant{{Name: "lengths known"}, {Name: "lengths known, no rates", NoRates: true}, {Name: "lengths not known", NoBytes: true}}
	case scenarioSparse:
		return []variant{
			{Name: "no start times", NoStart: true},
			{Name: "no rates", NoRates: true},
			{Name: "16-bit ids", ShortIDs: true},
			{Name: "16-bit ids, flows at the end", ShortIDs: true, FlowsAtEnd: true},
			{Name: "all of that", NoStart: true, NoRates: true, ShortIDs: true, FlowsAtEnd: true},
		}
	}
	return []variant{{}}
}

// read returns the data set of a run as the variant has it, and the victims in it. Those
// whose records are not there are left out.
func (v *variant) read(t *chain.Trace, victims []chain.Victim, seed uint64) (*records.Trace, []subject, error) {
	logs := t.Logs
	if v.Degradation != (chain.Degradation{}) {
		var err error
		if logs, err = t.Degrade(v.Degradation, seed); err != nil {
			return nil, nil, err
		}
	}
	var ids []uint16
	if v.ShortIDs {
		ids = t.ShortIDs()
	}
	data, err := v.build(t, logs, ids)
	if err != nil {
		return nil, nil, err
	}
	id := func(p uint32) uint64 { return uint64(p) }
	if v.ShortIDs {
		id = func(p uint32) uint64 { return uint64(ids[p]) }
	}
	subjects := v.locate(t, data, victims, id)
	if !v.ShortIDs {
		return data, subjects, nil
	}
	links, err := reident.Link(data, reident.Config{})
	if err != nil {
		return nil, nil, fmt.Errorf("cannot find packets again: %w", err)
	}
	found, err := links.Packets()
	if err != nil {
		return nil, nil, fmt.Errorf("cannot find packets again: %w", err)
	}
	for i := range subjects {
		subjects[i].Row = same(&data.Queues[subjects[i].Queue], &found.Queues[subjects[i].Queue], subjects[i].Row)
	}
	return found, subjects, nil
}

// build returns the data set of the logs.
func (v *variant) build(t *chain.Trace, logs []chain.Log, ids []uint16) (*records.Trace, error) {
	nodes := t.Nodes
	if v.NoRates {
		nodes = withoutRates(nodes)
	}
	net, err := network(nodes)
	if err != nil {
		return nil, err
	}
	b := records.NewBuilder(net, 0)
	flows := make([]records.FlowID, len(t.Flows))
	for i := range t.Flows {
		flows[i] = b.Flow(fiveTuple(&t.Flows[i]))
	}
	for n := range logs {
		l := &logs[n]
		for i := range l.Packet {
			r := record(t, n, l, i)
			r.Flow = flows[t.Flow[l.Packet[i]]]
			if v.FlowsAtEnd && len(t.Nodes[n].Next) > 0 {
				r.Flow = records.NoFlow
			}
			if v.NoBytes {
				r.Bytes = 0
			}
			if v.NoStart {
				r.Start = records.Absent
			}
			if ids != nil {
				r.Packet = uint64(ids[l.Packet[i]])
			}
			if err := b.Add(r); err != nil {
				return nil, fmt.Errorf("cannot take the record of packet %d at %s: %w", l.Packet[i], t.Nodes[n].Name, err)
			}
		}
	}
	return b.Trace(), nil
}

// locate finds the victims in the data set.
func (v *variant) locate(t *chain.Trace, data *records.Trace, victims []chain.Victim, id func(packet uint32) uint64) []subject {
	var subjects []subject
	for k := range victims {
		x := &victims[k]
		at := t.Logs[x.Node].Arrive[x.Row]
		queues := data.Of(int32(x.Node))
		if len(queues) == 0 {
			continue
		}
		q := &queues[0]
		for i := q.FirstArrival(at - int64(v.Clock)); i < q.Len() && q.Arrive[i] <= at+int64(v.Clock); i++ {
			if q.Packet[i] == id(x.Packet) {
				subjects = append(subjects, subject{Queue: int(data.FirstOf(int32(x.Node))), Row: i, truth: k})
				break
			}
		}
	}
	return subjects
}

// same returns the row of b, which has the records of a under other packet numbers, that
// is like row i of a. Rows that came and left together are alike.
func same(a, b *records.Queue, i int) int {
	for k := b.FirstArrival(a.Arrive[i]); k < b.Len() && b.Arrive[k] == a.Arrive[i]; k++ {
		if b.Depart(k) == a.Depart(i) && b.Lost(k) == a.Lost(i) && (a.Flow[i] == records.NoFlow || b.Flow[k] == a.Flow[i]) {
			return k
		}
	}
	panic(fmt.Sprintf("BUG: the record that came at %d is not there any more", a.Arrive[i]))
}
