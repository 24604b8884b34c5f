package evalflowset

import (
	"fmt"
	"io"

	"gonum.org/v1/plot/plotter"

	"github.com/telltale-net/telltale/cmd/internal/picture"
)

// Draw writes the table's lines as a picture, "svg" or "png".
func (t *Table) Draw(w io.Writer, format string) error {
	p := picture.New(t.Title, t.Axis, "decoded, %", 102)
	for i, l := range t.Lines {
		pts := make(plotter.XYs, len(l.X))
		for k := range pts {
			pts[k] = plotter.XY{X: l.X[k], Y: l.Y[k]}
		}
		line, dots, err := plotter.NewLinePoints(pts)
		if err != nil {
			return fmt.Errorf("cannot draw %q: %w", t.Title, err)
		}
		line.Color, dots.Color = picture.Colours[i%len(picture.Colours)], picture.Colours[i%len(picture.Colours)]
		p.Add(line, dots)
		p.Legend.Add(l.Name, line, dots)
	}
	p.Legend.Left = false
	return picture.Write(w, p, 16, 11, format)
}
