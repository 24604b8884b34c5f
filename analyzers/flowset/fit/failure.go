package fit

import (
	"fmt"

	"github.com/telltale-net/telltale/analyzers/flowset/hash"
)

// failure says why a table's hash is not understood.
func (x *fitting) failure() error {
	closest := x.close
	if closest == "" {
		closest = "none of the flows that are alone in a cell where any way of hashing puts them"
	}
	tried := fmt.Sprintf("tried were other numbers and places of seeds, seeds up to %d, parts of digests, scaling, and cells of all subtables together, side by side, or without subtables; the best is %s", hash.MostSeed-1, closest)
	switch {
	case x.text == "":
		return fmt.Errorf("got none, and the cells fit none of %v; %s", hash.Algorithms(), tried)
	case !x.named:
		return fmt.Errorf("got %q, which is none of %v, and the cells fit none of them; %s", x.text, hash.Algorithms(), tried)
	}
	return fmt.Errorf("got %q, and flows alone in a cell are not where it puts them: want functions as docs/datasets.md describes; %s", x.text, tried)
}
