package evalblame

import (
	"fmt"
	"math"
	"slices"

	"github.com/telltale-net/telltale/analyzers/blame"
	"github.com/telltale-net/telltale/analyzers/blame/blametest"
)

// Figure is a share per seed, over all seeds.
type Figure struct {
	Mean   float64 `json:"mean"`
	Median float64 `json:"median"`
	Low    float64 `json:"low"`
	High   float64 `json:"high"`
	Error  float64 `json:"error"` // standard error of the mean
}

// Figures is how a method did in a cell.
type Figures struct {
	Accuracy  Figure `json:"accuracy"`
	Precision Figure `json:"precision"`
	Recall    Figure `json:"recall"`
	Findable  Figure `json:"recall_findable"`
	F1        Figure `json:"f1"`    // of precision and recall
	Noise     Figure `json:"noise"` // share of flows that lost packets to noise of which that is said
}

// Row is one cell of an experiment.
type Row struct {
	What      string             `json:"what"`
	Value     float64            `json:"value"`
	Methods   map[Method]Figures `json:"methods"`
	NotWorse  Verdict            `json:"not_worse"` // ours than 007
	Published string             `json:"published,omitempty"`
	Proven    float64            `json:"proven"` // share of the smallest covers that are proven to be
}

// Verdict is whether ours is not worse than 007: in all of accuracy, precision and F1.
type Verdict string

// The verdicts.
const (
	Yes    Verdict = "yes"    // no mean is below
	Chance Verdict = "chance" // one is, by no more than chance explains
	No     Verdict = "no"
)

// Table is one experiment's figures.
type Table struct {
	Experiment string `json:"experiment"`
	Title      string `json:"title"`
	Axis       string `json:"axis"`
	Numbers    bool   `json:"-"` // the axis is numbers
	Rows       []Row  `json:"rows"`
}

// EpochRow is how many failed links were found with evidence carried over epochs.
type EpochRow struct {
	Epoch  int     `json:"epoch"`
	Found  float64 `json:"found"`  // share of all failed links
	Median float64 `json:"median"` // over seeds
	Low    float64 `json:"low"`
	False  int     `json:"false"` // healthy links called bad in this epoch, all seeds
}

// Healthy is epochs in which nothing failed.
type Healthy struct {
	Epochs  int            `json:"epochs"`
	Alarms  map[Method]int `json:"alarms"`  // epochs with a link or device called bad
	Largest float64        `json:"largest"` // probability
}

// Kinds is how kinds of failures were named.
type Kinds struct {
	What    string `json:"what"`
	Right   int    `json:"right"`
	Wrong   int    `json:"wrong"`
	Unknown int    `json:"unknown"`
	Missed  int    `json:"missed"` // failed links that were not suspected, or of which nothing was observed
}

// Result is what an evaluation found.
type Result struct {
	Seeds       int           `json:"seeds"`
	FirstSeed   uint64        `json:"first_seed"`
	Tables      []Table       `json:"tables"`
	Calibration []Calibration `json:"calibration,omitempty"`
	Epochs      []EpochRow    `json:"epochs,omitempty"`
	Healthy     *Healthy      `json:"healthy,omitempty"`
	Kinds       []Kinds       `json:"kinds,omitempty"`
}

func summarize(cfg *Config, cells []*cell, units []unit, outs []outcome) *Result {
	res := &Result{Seeds: cfg.Seeds, FirstSeed: cfg.FirstSeed}
	of := map[*cell][]*outcome{}
	var epochs, healthy []*outcome
	for i := range units {
		switch units[i].name {
		case epochsName:
			epochs = append(epochs, &outs[i])
		case healthyName:
			healthy = append(healthy, &outs[i])
		default:
			of[units[i].cell] = append(of[units[i].cell], &outs[i])
		}
	}
	for _, e := range experiments() {
		t := Table{Experiment: e.name, Title: e.title, Axis: e.axis, Numbers: e.numbers}
		for _, c := range cells {
			if c.experiment != e.name {
				continue
			}
			t.Rows = append(t.Rows, row(c, of[c]))
			if c.kinds {
				var k kindScore
				for _, o := range of[c] {
					k.merge(&o.kinds)
				}
				res.Kinds = append(res.Kinds, Kinds{c.what, k.right, k.wrong, k.unknown, k.missed})
			}
		}
		if len(t.Rows) > 0 {
			res.Tables = append(res.Tables, t)
		}
	}
	res.Calibration = calibrations(cells, of)
	res.Epochs = epochRows(epochs)
	res.Healthy = healthySum(healthy)
	return res
}

func row(c *cell, outs []*outcome) Row {
	r := Row{What: c.what, Value: c.value, Methods: map[Method]Figures{}, Published: c.published}
	series := func(m Method, f func(*blametest.Score) float64) []float64 {
		var out []float64
		for _, o := range outs {
			out = append(out, f(o.scores[m]))
		}
		return out
	}
	measures := []func(*blametest.Score) float64{(*blametest.Score).Accuracy, (*blametest.Score).Precision, f1}
	for _, m := range Methods() {
		r.Methods[m] = Figures{
			Accuracy: figure(series(m, measures[0])), Precision: figure(series(m, measures[1])),
			Recall: figure(series(m, (*blametest.Score).Recall)), F1: figure(series(m, f1)), Findable: figure(series(m, (*blametest.Score).RecallFindable)),
			Noise: figure(series(m, (*blametest.Score).NoiseAccuracy)),
		}
	}
	r.NotWorse = Yes
	for _, f := range measures {
		ours, theirs := series(Ours, f), series(Votes, f)
		for i := range ours {
			ours[i] -= theirs[i]
		}
		switch d := figure(ours); {
		case d.Mean >= -1e-12:
		case d.Mean >= -2*d.Error && r.NotWorse != No:
			r.NotWorse = Chance
		default:
			r.NotWorse = No
		}
	}
	for _, o := range outs {
		r.Proven += float64(o.proven) / float64(len(outs))
	}
	return r
}

// f1 is the harmonic mean of precision and recall over all failed links.
func f1(s *blametest.Score) float64 {
	p, r := s.Precision(), s.Recall()
	if p+r == 0 {
		return 0
	}
	return 2 * p * r / (p + r)
}

func figure(x []float64) Figure {
	n := len(x)
	if n == 0 {
		return Figure{}
	}
	x = slices.Clone(x)
	slices.Sort(x)
	f := Figure{Low: x[0], High: x[n-1], Median: (x[(n-1)/2] + x[n/2]) / 2}
	for _, v := range x {
		f.Mean += v / float64(n)
	}
	if n > 1 {
		sum := 0.0
		for _, v := range x {
			sum += (v - f.Mean) * (v - f.Mean)
		}
		f.Error = math.Sqrt(sum / float64(n-1) / float64(n))
	}
	return f
}

// kindScore counts failed links by what was said of their kind.
type kindScore struct{ right, wrong, unknown, missed int }

func (k *kindScore) add(n *blametest.Network, r *blame.Result) {
	said := map[int32]blame.Kind{}
	for _, l := range r.Links {
		if l.Kind != "" {
			said[n.Links.ID(l.Link)] = l.Kind
		}
	}
	for l, truth := range n.Kinds {
		switch s := said[l]; s {
		case "":
			k.missed++
		case blame.KindUnknown:
			k.unknown++
		case truth:
			k.right++
		default:
			k.wrong++
		}
	}
}

func (k *kindScore) merge(o *kindScore) {
	k.right += o.right
	k.wrong += o.wrong
	k.unknown += o.unknown
	k.missed += o.missed
}

func epochRows(outs []*outcome) []EpochRow {
	if len(outs) == 0 {
		return nil
	}
	var rows []EpochRow
	for i := range epochCount {
		var shares []float64
		r := EpochRow{Epoch: i + 1}
		for _, o := range outs {
			shares = append(shares, float64(o.found[i])/float64(o.failed))
			r.False += o.wrong[i]
		}
		f := figure(shares)
		r.Found, r.Median, r.Low = f.Mean, f.Median, f.Low
		rows = append(rows, r)
	}
	return rows
}

func healthySum(outs []*outcome) *Healthy {
	if len(outs) == 0 {
		return nil
	}
	h := &Healthy{Epochs: len(outs), Alarms: map[Method]int{}}
	for _, o := range outs {
		for m, s := range o.scores {
			if s.False > 0 {
				h.Alarms[m]++
			}
		}
		h.Largest = max(h.Largest, o.most)
	}
	return h
}

// NotWorse counts the cells of a table by verdict, in words.
func (t *Table) NotWorse() string {
	n := map[Verdict]int{}
	for i := range t.Rows {
		n[t.Rows[i].NotWorse]++
	}
	return fmt.Sprintf("not worse than 007 in %d of %d settings, in %d more but for chance", n[Yes], len(t.Rows), n[Chance])
}
