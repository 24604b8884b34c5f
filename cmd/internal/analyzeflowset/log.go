package analyzeflowset

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"

	"github.com/telltale-net/telltale/analyzers"
	"github.com/telltale-net/telltale/analyzers/flowset/postcards"
	"github.com/telltale-net/telltale/cmd/internal/recordlog"
	"github.com/telltale-net/telltale/collector/postcard"
)

// FromPostcards counts what the postcards of a source say about a network's links, and
// about its flows if cfg says so.
func FromPostcards(ctx context.Context, from recordlog.Source, net *analyzers.Network, cfg postcards.Config) (postcards.Window, error) {
	b := postcards.New(net, cfg)
	err := from(ctx, func(batch []postcard.Record) error {
		for i := range batch {
			b.Observe(&batch[i])
		}
		return nil
	})
	if err != nil {
		return postcards.Window{}, err
	}
	return b.Epoch(math.MaxInt64), nil
}

// portLine is a link as JSON.
type portLine struct {
	Node       string `json:"node"`
	Peer       string `json:"peer,omitempty"`
	Port       uint32 `json:"port"`
	Sent       uint64 `json:"sent"`
	Lost       uint64 `json:"lost"`
	Dropped    uint64 `json:"dropped"`
	Unreported uint64 `json:"unreported"`
	Doubt      uint64 `json:"doubt"`
}

// WritePorts writes what every link lost by the postcards.
func WritePorts(out io.Writer, w *postcards.Window, format Format) error {
	if format != JSON && format != Text {
		return fmt.Errorf("unknown format %q; want json or text", format)
	}
	b := bufio.NewWriter(out)
	if format == JSON {
		last := struct {
			Links []portLine      `json:"links"`
			Stats postcards.Stats `json:"stats"`
		}{Links: []portLine{}, Stats: w.Stats}
		for _, l := range w.Links {
			last.Links = append(last.Links, portLine(l))
		}
		if err := json.NewEncoder(b).Encode(&last); err != nil {
			return fmt.Errorf("cannot write the losses: %w", err)
		}
	} else {
		fmt.Fprintf(b, "%-32s %10s %8s %8s %8s %11s\n", "link", "sent", "lost", "doubt", "dropped", "unreported")
		for _, l := range w.Links {
			peer := l.Peer
			if peer == "" {
				peer = "nowhere"
			}
			fmt.Fprintf(b, "%-32s %10d %8d %8d %8d %11d\n", fmt.Sprintf("%s:%d>%s", l.Node, l.Port, peer), l.Sent, l.Lost, l.Doubt, l.Dropped, l.Unreported)
		}
		s := &w.Stats
		fmt.Fprintf(b, "%d packets: %d delivered, %d dropped with a reason, %d lost between switches; %d postcards arrived, %d did not\n",
			s.Packets, s.Delivered, s.Dropped, s.Lost, s.Postcards, s.Missing)
		b.WriteString("doubt: losses that lost postcards of the far end could explain; unreported: seen further on, so not lost\n")
	}
	if err := b.Flush(); err != nil {
		return fmt.Errorf("cannot write the losses: %w", err)
	}
	return nil
}
