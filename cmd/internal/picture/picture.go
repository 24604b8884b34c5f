// Package picture is what the evaluations' plots have in common: colours, points with
// their spread, and how a plot becomes SVG or PNG. What is drawn is the evaluations' own.
package picture

import (
	"fmt"
	"image/color"
	"io"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
)

// Colours can be told apart also by those who do not see red and green (Okabe and Ito,
// "Color Universal Design", 2008).
var Colours = [...]color.RGBA{
	{0x00, 0x72, 0xb2, 0xff},
	{0xe6, 0x9f, 0x00, 0xff},
	{0x00, 0x9e, 0x73, 0xff},
	{0xcc, 0x79, 0xa7, 0xff},
	{0x56, 0xb4, 0xe9, 0xff},
}

// Points are points with their spread below and above.
type Points struct {
	plotter.XYs
	plotter.YErrors
}

// Add appends a point that reaches from y−low to y+high.
func (p *Points) Add(x, y, low, high float64) {
	p.XYs = append(p.XYs, plotter.XY{X: x, Y: y})
	p.YErrors = append(p.YErrors, struct{ Low, High float64 }{low, high})
}

// New returns a plot with a title, the names of its axes and a grid, that reaches from 0
// to top.
func New(title, x, y string, top float64) *plot.Plot {
	p := plot.New()
	p.Title.Text = title
	p.Title.Padding = vg.Points(6)
	p.X.Label.Text, p.Y.Label.Text = x, y
	p.Y.Min, p.Y.Max = 0, top
	p.Add(plotter.NewGrid())
	return p
}

// Write writes the plot in a format that gonum knows, "svg" or "png", in centimetres.
func Write(w io.Writer, p *plot.Plot, width, height float64, format string) error {
	to, err := p.WriterTo(vg.Length(width)*vg.Centimeter, vg.Length(height)*vg.Centimeter, format)
	if err != nil {
		return fmt.Errorf("cannot draw %q as %s: %w", p.Title.Text, format, err)
	}
	if _, err := to.WriteTo(w); err != nil {
		return fmt.Errorf("cannot write the picture of %q: %w", p.Title.Text, err)
	}
	return nil
}
