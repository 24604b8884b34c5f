package recordlog

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/telltale-net/telltale/analyzers"
	"github.com/telltale-net/telltale/analyzers/blame"
	paths "github.com/telltale-net/telltale/analyzers/blame/postcards"
	"github.com/telltale-net/telltale/analyzers/queue/postcards"
	"github.com/telltale-net/telltale/analyzers/queue/records"
	"github.com/telltale-net/telltale/collector/postcard"
)

// queueDataSet writes the records as who came to which queue when.
func queueDataSet(ctx context.Context, w io.Writer, in *Input, net *analyzers.Network) error {
	trace, _, err := Queues(ctx, in.Records, net, in.Limit)
	if err != nil {
		return err
	}
	return trace.Write(w)
}

// Queues reads off the records of a source, at most limit of them, which packet was at
// which queue of the network when.
func Queues(ctx context.Context, from Source, net *analyzers.Network, limit int) (*records.Trace, postcards.Stats, error) {
	cards, err := all(ctx, from, limit)
	if err != nil {
		return nil, postcards.Stats{}, err
	}
	return postcards.Convert(net, cards, postcards.Config{})
}

func analyzeBlame(ctx context.Context, w io.Writer, out *json.Encoder, in *Input, net *analyzers.Network) error {
	cards, err := all(ctx, in.Records, in.Limit)
	if err != nil {
		return err
	}
	links := blame.NewLinks()
	epoch := paths.Epoch(net, links, cards, paths.Config{})
	res := blame.NewTracker(links, blame.Config{}).Next(epoch.Set)
	if err := res.WriteJSON(w); err != nil {
		return err
	}
	return out.Encode(struct {
		Account *paths.Account `json:"account"`
	}{&epoch.Account})
}

// all returns the records of a source, at most limit of them.
func all(ctx context.Context, from Source, limit int) (cards []postcard.Record, err error) {
	err = from(ctx, func(batch []postcard.Record) error {
		if len(cards)+len(batch) > limit {
			return fmt.Errorf("got more than %d records, which are held in memory: narrow them down, or raise --max-records", limit)
		}
		cards = append(cards, batch...)
		return nil
	})
	return cards, err
}
