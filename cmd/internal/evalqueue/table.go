package evalqueue

import (
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strconv"
)

// Columns returns the headers of a table: what was judged, and the methods that have
// figures in it, each followed by what was published for it where anything was.
func (t *Table) Columns() []string {
	cols := []string{t.Axis}
	for _, c := range t.columns() {
		cols = append(cols, c.header())
	}
	return cols
}

// Cells returns the cells of row i, as Columns has them; shares in per cent.
func (t *Table) Cells(i int) []string {
	r := &t.Rows[i]
	cells := []string{r.What}
	for _, c := range t.columns() {
		if c.paper {
			cells = append(cells, percent(r.Paper, c.method))
		} else if s, ok := r.Shares[c.method]; ok {
			cells = append(cells, s.String())
		} else {
			cells = append(cells, "–")
		}
	}
	return cells
}

func percent(shares map[Method]Share, m Method) string {
	s, ok := shares[m]
	if !ok {
		return ""
	}
	return strconv.FormatFloat(100*s.Median, 'f', 1, 64)
}

type column struct {
	method Method
	paper  bool
}

func (c column) header() string {
	if c.paper {
		return "published"
	}
	return string(c.method)
}

func (t *Table) columns() []column {
	var cols []column
	for _, m := range Methods() {
		if slices.ContainsFunc(t.Rows, func(r Row) bool { _, ok := r.Shares[m]; return ok }) {
			cols = append(cols, column{m, false})
		}
		if slices.ContainsFunc(t.Rows, func(r Row) bool { _, ok := r.Paper[m]; return ok }) {
			cols = append(cols, column{m, true})
		}
	}
	return cols
}

// WriteCSV writes all figures, one a line.
func (res *Result) WriteCSV(w io.Writer) error {
	c := csv.NewWriter(w)
	write := func(fields ...string) { _ = c.Write(fields) } // the error stays with c
	write("experiment", "title", "what", "value", "method", "source", "median", "low", "high", "seeds", "judged")
	float := func(x float64) string { return strconv.FormatFloat(x, 'g', 6, 64) }
	for i := range res.Tables {
		t := &res.Tables[i]
		for k := range t.Rows {
			r := &t.Rows[k]
			line := func(m Method, source string, s Share) {
				write(t.Experiment, t.Title, r.What, float(r.Value), string(m), source, float(s.Median), float(s.Low), float(s.High), strconv.Itoa(s.Seeds), strconv.Itoa(s.Judged))
			}
			for _, m := range Methods() {
				if s, ok := r.Shares[m]; ok {
					line(m, "measured", s)
				}
				if s, ok := r.Paper[m]; ok {
					line(m, "published", s)
				}
			}
		}
	}
	c.Flush()
	if err := c.Error(); err != nil {
		return fmt.Errorf("cannot write the figures as CSV: %w", err)
	}
	return nil
}
