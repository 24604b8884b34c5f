package evalqueue

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/telltale-net/telltale/analyzers/queue/records"
	"github.com/telltale-net/telltale/bmv2/lab/chain"
)

// DataSet is which run to write as a data set.
type DataSet struct {
	Scenario string // one of Scenarios
	Seed     uint64
	Duration time.Duration
	Rate     float64
	Records  chain.Degradation
	ShortIDs bool // packets have the 16 bits of their IP header as id
	NoRates  bool // the header does not say how fast nodes are
}

// Scenarios returns the scenarios that can be written.
func Scenarios() []string {
	return append([]string{scenarioPaper, scenarioNoise, scenarioBursts, scenarioInterrupts, scenarioSizes, scenarioSizesNoise}, otherScenarios()...)
}

type wireRange [2]uint16

type wireProblem struct {
	Problem int               `json:"problem"`
	Kind    chain.Kind        `json:"kind"`
	Node    string            `json:"node"`
	At      int64             `json:"at"`
	Length  int64             `json:"length,omitempty"`
	Packets int               `json:"packets,omitempty"`
	Rate    float64           `json:"rate_pps,omitempty"`
	Sport   *wireRange        `json:"sport,omitempty"`
	Dport   *wireRange        `json:"dport,omitempty"`
	Flows   []json.RawMessage `json:"flows,omitempty"`
}

type wireVictim struct {
	Line    int    `json:"line"` // of the record in the data set, from 1
	Pkt     uint64 `json:"pkt"`  // as the simulation numbers packets
	Node    string `json:"node"`
	Problem int    `json:"problem"`
	Others  []int  `json:"others,omitempty"`
	Delay   int64  `json:"delay_ns"`
	Wait    int64  `json:"wait_ns"`
	Lost    bool   `json:"lost,omitempty"`
	Hops    int    `json:"hops"`
}

// Write simulates the run and writes its records to data, in the order of time, the
// truth to truth, and, unless ids is nil, every record's true packet number to ids, one
// a line, the first for the data set's second line. The truth is JSON Lines: one object
// with the problems, then one per victim:
//
//	{"problems":[{"problem":0,"kind":"interrupt","node":"nat1","at":…,"length":…}]}
//	{"line":17,"pkt":4,"node":"vpn1","problem":0,"delay_ns":81000,"wait_ns":90000,"hops":3}
//
// Victims whose record is lost are left out; of a record that comes twice the first
// counts.
func (d *DataSet) Write(data, truth, ids io.Writer) error {
	if !slices.Contains(Scenarios(), d.Scenario) {
		return fmt.Errorf("cannot write a data set: unknown scenario %q; want one of %v", d.Scenario, Scenarios())
	}
	s, err := newSetup(d.Scenario, d.Rate, d.Duration, d.Seed)
	if err != nil {
		return fmt.Errorf("cannot write a data set: %w", err)
	}
	t, err := chain.Simulate(s.chain)
	if err != nil {
		return fmt.Errorf("cannot write a data set: %w", err)
	}
	victims := t.Truth().Victims
	logs, err := t.Degrade(d.Records, d.Seed)
	if err != nil {
		return fmt.Errorf("cannot write a data set: %w", err)
	}
	lines, err := d.writeRecords(t, logs, victims, data, ids)
	if err != nil {
		return fmt.Errorf("cannot write a data set: %w", err)
	}
	if err := writeTruth(t, victims, lines, truth); err != nil {
		return fmt.Errorf("cannot write the truth of a data set: %w", err)
	}
	return nil
}

type where struct {
	node   int
	packet uint32
}

// writeRecords returns the lines of the victims' records.
func (d *DataSet) writeRecords(t *chain.Trace, logs []chain.Log, victims []chain.Victim, data, ids io.Writer) (map[where]int, error) {
	lines := make(map[where]int, len(victims))
	for _, v := range victims {
		lines[where{v.Node, v.Packet}] = 0
	}
	nodes := t.Nodes
	if d.NoRates {
		nodes = withoutRates(nodes)
	}
	net, err := network(nodes)
	if err != nil {
		return nil, err
	}
	out := bufio.NewWriterSize(data, 1<<20)
	w, err := records.NewWriter(out, net, func(id records.FlowID) records.Flow { return fiveTuple(&t.Flows[id]) })
	if err != nil {
		return nil, err
	}
	var short []uint16
	if d.ShortIDs {
		short = t.ShortIDs()
	}
	idOut := bufio.NewWriter(cmp.Or(ids, io.Discard))
	next := make([]int, len(logs))
	for line := 2; ; line++ {
		n := earliest(logs, next)
		if n < 0 {
			break
		}
		l, i := &logs[n], next[n]
		next[n]++
		r := record(t, n, l, i)
		r.Flow = records.FlowID(t.Flow[l.Packet[i]])
		if at, wanted := lines[where{n, l.Packet[i]}]; wanted && at == 0 {
			lines[where{n, l.Packet[i]}] = line
		}
		if short != nil {
			r.Packet = uint64(short[l.Packet[i]])
		}
		if err := w.Write(&r); err != nil {
			return nil, err
		}
		idOut.Write(strconv.AppendUint(idOut.AvailableBuffer(), uint64(l.Packet[i]), 10)) // errors stay until Flush
		idOut.WriteByte('\n')
	}
	if err := out.Flush(); err != nil {
		return nil, err
	}
	return lines, idOut.Flush()
}

// earliest returns the log whose next row arrived first, -1 at the end.
func earliest(logs []chain.Log, next []int) int {
	best := -1
	for n := range logs {
		if next[n] < logs[n].Len() && (best < 0 || logs[n].Arrive[next[n]] < logs[best].Arrive[next[best]]) {
			best = n
		}
	}
	return best
}

func writeTruth(t *chain.Trace, victims []chain.Victim, lines map[where]int, w io.Writer) error {
	out := bufio.NewWriter(w)
	enc := json.NewEncoder(out)
	problems := make([]wireProblem, len(t.Config.Problems))
	for i := range problems {
		p := &t.Config.Problems[i]
		problems[i] = wireProblem{Problem: i, Kind: p.Kind, Node: t.Nodes[p.Node].Name, At: int64(p.At), Length: int64(p.Length), Packets: p.Packets, Rate: p.Rate}
		if p.Kind == chain.Bug {
			problems[i].Sport = &wireRange{p.Match.SrcPort.From, p.Match.SrcPort.To}
			problems[i].Dport = &wireRange{p.Match.DstPort.From, p.Match.DstPort.To}
		}
		for k := range p.Flows {
			problems[i].Flows = append(problems[i].Flows, records.AppendFlow(nil, fiveTuple(&p.Flows[k])))
		}
	}
	if err := enc.Encode(map[string]any{"problems": problems}); err != nil {
		return err
	}
	for i := range victims {
		v := &victims[i]
		line := lines[where{v.Node, v.Packet}]
		if line == 0 {
			continue
		}
		err := enc.Encode(wireVictim{Line: line, Pkt: uint64(v.Packet), Node: t.Nodes[v.Node].Name, Problem: v.Problem, Delay: v.Delay, Wait: v.Wait, Lost: v.Lost, Hops: v.Hops, Others: v.Others})
		if err != nil {
			return err
		}
	}
	return out.Flush()
}
