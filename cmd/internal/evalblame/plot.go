package evalblame

import (
	"fmt"
	"image/color"
	"io"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// colours tell the methods apart, also for those who do not see red and green (Okabe, Ito).
var colours = map[Method]color.RGBA{
	Ours:    {0x00, 0x72, 0xb2, 0xff},
	Votes:   {0xe6, 0x9f, 0x00, 0xff},
	Binary:  {0x00, 0x9e, 0x73, 0xff},
	Integer: {0xcc, 0x79, 0xa7, 0xff},
	Cover:   {0x56, 0xb4, 0xe9, 0xff},
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

// spreadPoints are means with their standard errors.
type spreadPoints struct {
	plotter.XYs
	plotter.YErrors
}

// Draw writes the table as a picture, "svg" or "png": along the axis, or in the order of its
// rows where that has no numbers.
func (t *Table) Draw(w io.Writer, measure Measure, format string) error {
	p := plot.New()
	p.Title.Text = t.Title + ": " + string(measure)
	p.Title.Padding = vg.Points(6)
	p.X.Label.Text, p.Y.Label.Text = t.Axis, string(measure)
	p.Y.Min, p.Y.Max = 0, 1.02
	p.Add(plotter.NewGrid())
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
		var pts spreadPoints
		for i := range t.Rows {
			f := t.Rows[i].Methods[m]
			x := float64(i) + 0.12*float64(k-2) // side by side
			if t.Numbers {
				x = t.Rows[i].Value
			}
			v := f.of(measure)
			pts.XYs = append(pts.XYs, plotter.XY{X: x, Y: v.Mean})
			pts.YErrors = append(pts.YErrors, struct{ Low, High float64 }{v.Error, v.Error})
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
	to, err := p.WriterTo(18*vg.Centimeter, 12*vg.Centimeter, format)
	if err != nil {
		return fmt.Errorf("cannot draw %q as %s: %w", t.Title, format, err)
	}
	if _, err := to.WriteTo(w); err != nil {
		return fmt.Errorf("cannot write the picture of %q: %w", t.Title, err)
	}
	return nil
}

// logarithmic reports whether the axis spans two orders of magnitude.
func (t *Table) logarithmic() bool {
	first, last := t.Rows[0].Value, t.Rows[len(t.Rows)-1].Value
	return first > 0 && last >= 100*first
}
