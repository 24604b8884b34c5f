package evalqueue

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/telltale-net/telltale/analyzers/queue/records"
	"github.com/telltale-net/telltale/bmv2/lab/chain"
)

func TestDataSet(t *testing.T) {
	for _, d := range []DataSet{
		{Scenario: scenarioPaper, Seed: 1, Duration: 20 * time.Millisecond, Rate: 1.2e6},
		{Scenario: scenarioNoise, Seed: 2, Duration: 20 * time.Millisecond, Rate: 1.2e6, ShortIDs: true, NoRates: true,
			Records: chain.Degradation{Loss: 0.05, Duplicate: 0.01, Reorder: 0.01, Clock: 5 * time.Microsecond}},
	} {
		var data, truth, ids bytes.Buffer
		if err := d.Write(&data, &truth, &ids); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSuffix(data.String(), "\n"), "\n")
		numbers := strings.Fields(ids.String())
		if len(numbers) != len(lines)-1 {
			t.Fatalf("%s: %d packet numbers for %d records", d.Scenario, len(numbers), len(lines)-1)
		}
		r := records.NewReader(0)
		if err := r.Read("data", &data); err != nil {
			t.Fatalf("%s: what was written cannot be read: %v", d.Scenario, err)
		}
		read := r.Trace()
		if !d.ShortIDs && read.Records() != len(lines)-1 {
			t.Errorf("%s: %d records were read, want %d", d.Scenario, read.Records(), len(lines)-1)
		}
		if rate := read.Network.Nodes[1].RatePPS; (rate == 0) != d.NoRates {
			t.Errorf("%s: the header says %v packets/s", d.Scenario, rate)
		}
		checkTruth(t, &d, lines, numbers, truth.String())
	}
	d := DataSet{Scenario: "fig99", Duration: time.Second, Rate: 1}
	if err := d.Write(nil, nil, nil); err == nil {
		t.Error("an unknown scenario was written")
	}
}

// checkTruth makes sure that the truth speaks of the records it names.
func checkTruth(t *testing.T, d *DataSet, lines, numbers []string, truth string) {
	said := strings.Split(strings.TrimSuffix(truth, "\n"), "\n")
	var head struct{ Problems []wireProblem }
	if err := json.Unmarshal([]byte(said[0]), &head); err != nil {
		t.Fatal(err)
	}
	var kinds []chain.Kind
	for _, p := range head.Problems {
		kinds = append(kinds, p.Kind)
	}
	slices.Sort(kinds)
	if len(slices.Compact(kinds)) != 3 {
		t.Errorf("%s: problems of kinds %v, want all three", d.Scenario, kinds)
	}
	if len(said) < 100 {
		t.Fatalf("%s: %d victims", d.Scenario, len(said)-1)
	}
	for _, line := range said[1:] {
		var v wireVictim
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Fatal(err)
		}
		var r struct {
			Node           string
			Pkt            uint64
			Arrive, Depart int64
		}
		if err := json.Unmarshal([]byte(lines[v.Line-1]), &r); err != nil {
			t.Fatal(err)
		}
		if r.Node != v.Node || !d.ShortIDs && r.Pkt != v.Pkt || numbers[v.Line-2] != strconv.FormatUint(v.Pkt, 10) {
			t.Fatalf("%s: victim %s stands for record %s of packet %s", d.Scenario, line, lines[v.Line-1], numbers[v.Line-2])
		}
		if !v.Lost && (r.Depart-r.Arrive != v.Wait || v.Delay < int64(chain.LeastDelay) || float64(v.Delay) < chain.LeastShare*float64(v.Wait)) {
			t.Fatalf("%s: victim %s does not fit record %s", d.Scenario, line, lines[v.Line-1])
		}
	}
}
