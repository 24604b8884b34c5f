package evalqueue

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
	Plain:   {0xe6, 0x9f, 0x00, 0xff},
	NetMed:  {0x00, 0x9e, 0x73, 0xff},
	Windows: {0xcc, 0x79, 0xa7, 0xff},
}

// Drawable reports whether the table's rows stand along an axis of numbers.
func (t *Table) Drawable() bool {
	for i := 1; i < len(t.Rows); i++ {
		if t.Rows[i].Value <= t.Rows[i-1].Value {
			return false
		}
	}
	return len(t.Rows) > 1
}

// spreadPoints are medians with how far the seeds reach.
type spreadPoints struct {
	plotter.XYs
	plotter.YErrors
}

// Draw writes the table as a picture, "svg" or "png". What was published is a cross.
func (t *Table) Draw(w io.Writer, format string) error {
	p := plot.New()
	p.Title.Text = t.Title
	p.Title.Padding = vg.Points(6)
	p.X.Label.Text = t.Axis
	p.Y.Label.Text = "share of victims, %"
	p.Y.Min, p.Y.Max = 0, 102
	p.Add(plotter.NewGrid())
	for _, m := range Methods() {
		var pts spreadPoints
		var known plotter.XYs
		for i := range t.Rows {
			r := &t.Rows[i]
			if s, ok := r.Shares[m]; ok {
				pts.XYs = append(pts.XYs, plotter.XY{X: r.Value, Y: 100 * s.Median})
				pts.YErrors = append(pts.YErrors, struct{ Low, High float64 }{100 * (s.Median - s.Low), 100 * (s.High - s.Median)})
			}
			if s, ok := r.Paper[m]; ok {
				known = append(known, plotter.XY{X: r.Value, Y: 100 * s.Median})
			}
		}
		if len(pts.XYs) > 0 {
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
			p.Add(line, dots, bars)
			p.Legend.Add(string(m), line, dots)
		}
		if len(known) > 0 {
			crosses, err := plotter.NewScatter(known)
			if err != nil {
				return fmt.Errorf("cannot draw %q: %w", t.Title, err)
			}
			crosses.Color, crosses.Shape, crosses.Radius = colours[m], draw.CrossGlyph{}, vg.Points(5)
			p.Add(crosses)
			p.Legend.Add(string(m)+", published", crosses)
		}
	}
	p.Legend.Top, p.Legend.Left = false, false
	to, err := p.WriterTo(16*vg.Centimeter, 11*vg.Centimeter, format)
	if err != nil {
		return fmt.Errorf("cannot draw %q as %s: %w", t.Title, format, err)
	}
	if _, err := to.WriteTo(w); err != nil {
		return fmt.Errorf("cannot write the picture of %q: %w", t.Title, err)
	}
	return nil
}
