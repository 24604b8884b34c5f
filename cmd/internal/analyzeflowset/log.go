package analyzeflowset

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/telltale-net/telltale/analyzers/flowset"
	"github.com/telltale-net/telltale/analyzers/flowset/postcards"
)

// WritePorts writes what every link lost by the postcards.
func WritePorts(out io.Writer, sum *postcards.Totals, stats postcards.Stats, format Format) error {
	if err := format.check(); err != nil {
		return err
	}
	b := bufio.NewWriter(out)
	a := sum.Account(stats)
	if format == JSON {
		err := json.NewEncoder(b).Encode(struct {
			Links []postcards.LinkTotal `json:"links"`
			Stats postcards.Account     `json:"stats"`
		}{sum.Links(), a})
		if err != nil {
			return fmt.Errorf("cannot write the losses: %w", err)
		}
	} else {
		fmt.Fprintf(b, "%-32s %10s %8s %8s %8s %8s %11s\n", "link", "sent", "lost", "doubt", "dropped", "queue", "unreported")
		for _, l := range sum.Links() {
			peer := l.Peer
			if peer == "" {
				peer = "nowhere"
			}
			fmt.Fprintf(b, "%-32s %10d %8d %8d %8d %8d %11d\n", fmt.Sprintf("%s:%d>%s", l.Node, l.Port, peer), l.Sent, l.Lost, l.Doubt, l.Dropped, l.Queue, l.Unreported)
		}
		fmt.Fprintf(b, "%d packets: %d delivered, %d dropped with a reason, %d lost between switches, %d in doubt; %d postcards arrived, %d did not\n",
			a.Packets, a.Delivered, a.Dropped, a.Lost, a.Doubt, a.Postcards, a.Missing)
		fmt.Fprintf(b, "%d of %d epochs are complete%s\n", a.Epochs-a.Incomplete, a.Epochs, why(&a))
		b.WriteString("doubt: lost, or not reported by the far end; queue: of dropped, for want of room; unreported: seen further on, so not lost\n")
	}
	if err := b.Flush(); err != nil {
		return fmt.Errorf("cannot write the losses: %w", err)
	}
	return nil
}

// why says why epochs are not complete.
func why(a *postcards.Account) string {
	var all []string
	for _, cause := range slices.Sorted(maps.Keys(a.Causes)) {
		all = append(all, fmt.Sprintf("%s %d", cause, a.Causes[cause]))
	}
	if len(all) == 0 {
		return ""
	}
	return "; not so because of " + strings.Join(all, ", ")
}

// Postcards writes the loss map of an epoch of postcards.
func (w *LossWriter) Postcards(e *postcards.Epoch) error {
	l := e.Losses()
	return w.write(&l, flowset.Coverage{Packets: int64(e.Packets), CountedPackets: int64(e.Known())}, e.Missing.String())
}
