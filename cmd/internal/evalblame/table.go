package evalblame

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"

	"github.com/telltale-net/telltale/analyzers/blame/blametest"
)

// Columns returns the headers of a table: one line for each method of a setting.
func (t *Table) Columns() []string {
	return []string{t.Axis, "method", "accuracy", "median (low–high)", "precision", "recall", fmt.Sprintf("recall ≥%d lost", blametest.Evidence), "F1", "noise as such", "not worse", "published of 007"}
}

// Lines returns the lines of row i, as Columns has them.
func (t *Table) Lines(i int) [][]string {
	r := &t.Rows[i]
	var out [][]string
	for k, m := range Methods() {
		f := r.Methods[m]
		line := []string{"", string(m), share(f.Accuracy.Mean), fmt.Sprintf("%s (%s–%s)", share(f.Accuracy.Median), share(f.Accuracy.Low), share(f.Accuracy.High)),
			spread(f.Precision), spread(f.Recall), spread(f.Findable), spread(f.F1), share(f.Noise.Mean), "", ""}
		if k == 0 {
			line[0], line[9] = r.What, string(r.NotWorse)
		}
		if m == Votes {
			line[10] = r.Published
		}
		if m == Binary && r.Proven < 1 {
			line[1] = fmt.Sprintf("binary (%.0f %% proven)", 100*r.Proven)
		}
		out = append(out, line)
	}
	return out
}

func share(x float64) string { return strconv.FormatFloat(x, 'f', 4, 64) }

func spread(f Figure) string {
	return fmt.Sprintf("%.3f ± %.3f", f.Mean, f.Error)
}

// WriteCSV writes all figures of the tables, one a line.
func (res *Result) WriteCSV(w io.Writer) error {
	c := csv.NewWriter(w)
	write := func(fields ...string) { _ = c.Write(fields) } // the error stays with c
	float := func(x float64) string { return strconv.FormatFloat(x, 'g', 6, 64) }
	write("experiment", "title", "what", "value", "method", "measure", "mean", "error", "median", "low", "high", "seeds", "not_worse", "published")
	for i := range res.Tables {
		t := &res.Tables[i]
		for k := range t.Rows {
			r := &t.Rows[k]
			for _, m := range Methods() {
				f := r.Methods[m]
				for _, x := range []struct {
					name string
					f    Figure
				}{{"accuracy", f.Accuracy}, {"precision", f.Precision}, {"recall", f.Recall}, {"recall_findable", f.Findable}, {"f1", f.F1}, {"noise", f.Noise}} {
					write(t.Experiment, t.Title, r.What, float(r.Value), string(m), x.name, float(x.f.Mean), float(x.f.Error), float(x.f.Median), float(x.f.Low), float(x.f.High), strconv.Itoa(res.Seeds), string(r.NotWorse), r.Published)
				}
			}
		}
	}
	for _, k := range res.Calibration {
		for _, b := range k.Bins {
			write("calibration", k.What, "below "+float(b.Below), float(b.Stated), string(Ours), "failed", float(b.Failed), "", "", "", "", strconv.Itoa(b.Links), strconv.FormatBool(b.Within), "")
		}
	}
	for _, e := range res.Epochs {
		write(epochsName, "Failed links found, evidence carried", fmt.Sprint(e.Epoch), fmt.Sprint(e.Epoch), string(Ours), "recall", float(e.Found), "", float(e.Median), float(e.Low), "", strconv.Itoa(res.Seeds), "", "")
	}
	if h := res.Healthy; h != nil {
		for _, m := range []Method{Ours, Votes} {
			write(healthyName, "Epochs with a false alarm", fmt.Sprint(h.Epochs), "", string(m), "alarms", fmt.Sprint(h.Alarms[m]), "", "", "", "", strconv.Itoa(h.Epochs), "", "")
		}
	}
	c.Flush()
	if err := c.Error(); err != nil {
		return fmt.Errorf("cannot write the figures as CSV: %w", err)
	}
	return nil
}
