package evalflowset

import (
	"fmt"
	"image/color"
	"io"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
)

// colours can be told apart also by those who do not see red and green (Okabe, Ito).
var colours = []color.RGBA{{0x00, 0x72, 0xb2, 0xff}, {0xe6, 0x9f, 0x00, 0xff}, {0x00, 0x9e, 0x73, 0xff}}

// Draw writes the table's lines as a picture, "svg" or "png".
func (t *Table) Draw(w io.Writer, format string) error {
	p := plot.New()
	p.Title.Text = t.Title
	p.Title.Padding = vg.Points(6)
	p.X.Label.Text = t.Axis
	p.Y.Label.Text = "decoded, %"
	p.Y.Min, p.Y.Max = 0, 102
	p.Add(plotter.NewGrid())
	for i, l := range t.Lines {
		pts := make(plotter.XYs, len(l.X))
		for k := range pts {
			pts[k] = plotter.XY{X: l.X[k], Y: l.Y[k]}
		}
		line, dots, err := plotter.NewLinePoints(pts)
		if err != nil {
			return fmt.Errorf("cannot draw %q: %w", t.Title, err)
		}
		line.Color, dots.Color = colours[i%len(colours)], colours[i%len(colours)]
		p.Add(line, dots)
		p.Legend.Add(l.Name, line, dots)
	}
	p.Legend.Left = false
	to, err := p.WriterTo(16*vg.Centimeter, 11*vg.Centimeter, format)
	if err != nil {
		return fmt.Errorf("cannot draw %q as %s: %w", t.Title, format, err)
	}
	if _, err := to.WriteTo(w); err != nil {
		return fmt.Errorf("cannot write the picture of %q: %w", t.Title, err)
	}
	return nil
}
