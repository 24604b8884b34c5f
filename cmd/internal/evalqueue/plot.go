package evalqueue

import (
	"fmt"
	"image/color"
	"io"

	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/telltale-net/telltale/cmd/internal/picture"
)

// colours tell the methods apart.
var colours = map[Method]color.RGBA{
	Ours:    picture.Colours[0],
	Plain:   picture.Colours[1],
	NetMed:  picture.Colours[2],
	Windows: picture.Colours[3],
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

// Draw writes the table as a picture, "svg" or "png". What was published is a cross.
func (t *Table) Draw(w io.Writer, format string) error {
	p := picture.New(t.Title, t.Axis, "share of victims, %", 102)
	for _, m := range Methods() {
		var pts picture.Points
		var known plotter.XYs
		for i := range t.Rows {
			r := &t.Rows[i]
			if s, ok := r.Shares[m]; ok {
				pts.Add(r.Value, 100*s.Median, 100*(s.Median-s.Low), 100*(s.High-s.Median))
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
	return picture.Write(w, p, 16, 11, format)
}
