package evalblame

import (
	"fmt"
	"image/color"
	"io"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg/draw"

	"github.com/telltale-net/telltale/cmd/internal/picture"
)

// colours tell the methods apart.
var colours = map[Method]color.RGBA{
	Ours:    picture.Colours[0],
	Votes:   picture.Colours[1],
	Binary:  picture.Colours[2],
	Integer: picture.Colours[3],
	Cover:   picture.Colours[4],
}

// Measure is what a plot shows.
type Measure string

// The measures.
const (
	Accuracy  Measure = "accuracy"
	Precision Measure = "precision"
	Recall    Measure = "recall"
)

// Measures returns what every table can be drawn by.
func Measures() []Measure { return []Measure{Accuracy, Precision, Recall} }

func (f *Figures) of(m Measure) Figure {
	switch m {
	case Precision:
		return f.Precision
	case Recall:
		return f.Recall
	}
	return f.Accuracy
}

// Draw writes the table as a picture, "svg" or "png": along the axis, or in the order of its
// rows where that has no numbers.
func (t *Table) Draw(w io.Writer, measure Measure, format string) error {
	p := picture.New(t.Title+": "+string(measure), t.Axis, string(measure), 1.02)
	if !t.Numbers {
		var names []string
		for i := range t.Rows {
			names = append(names, t.Rows[i].What)
		}
		p.NominalX(names...)
		p.X.Tick.Label.Rotation, p.X.Tick.Label.XAlign = 0.5, draw.XRight
		p.X.Tick.Label.YAlign = draw.YTop
	} else if t.logarithmic() {
		p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: -1}
	}
	for k, m := range Methods() {
		var pts picture.Points
		for i := range t.Rows {
			f := t.Rows[i].Methods[m]
			x := float64(i) + 0.12*float64(k-2) // side by side
			if t.Numbers {
				x = t.Rows[i].Value
			}
			v := f.of(measure)
			pts.Add(x, v.Mean, v.Error, v.Error)
		}
		line, dots, err := plotter.NewLinePoints(pts.XYs)
		if err != nil {
			return fmt.Errorf("cannot draw %q: %w", t.Title, err)
		}
		bars, err := plotter.NewYErrorBars(pts)
		if err != nil {
			return fmt.Errorf("cannot draw %q: %w", t.Title, err)
		}
		line.Color, dots.Color, bars.Color = colours[m], colours[m], colours[m]
		dots.Shape = draw.CircleGlyph{}
		p.Add(dots, bars)
		if t.Numbers {
			p.Add(line)
		}
		p.Legend.Add(string(m), dots)
	}
	p.Legend.Top, p.Legend.Left = false, true
	return picture.Write(w, p, 18, 12, format)
}

// logarithmic reports whether the axis spans two orders of magnitude.
func (t *Table) logarithmic() bool {
	first, last := t.Rows[0].Value, t.Rows[len(t.Rows)-1].Value
	return first > 0 && last >= 100*first
}
