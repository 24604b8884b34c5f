package analyzequeue

import (
	"context"
	"fmt"

	"github.com/telltale-net/telltale/analyzers/queue/records"
	"github.com/telltale-net/telltale/analyzers/queue/reident"
	"github.com/telltale-net/telltale/cmd/internal/dataset"
)

// read reads the inputs as one data set.
func read(ctx context.Context, inputs []dataset.Input, limit int) (*records.Trace, Summary, error) {
	var sum Summary
	r := records.NewReader(limit)
	for _, in := range inputs {
		if err := in.Read(ctx, r.Read); err != nil {
			return nil, sum, err
		}
	}
	t := r.Trace()
	sum.Problems = r.Problems
	sum.Records = t.Stats
	return t, sum, nil
}

// identify gives every packet an id of its own where the records have only 16-bit
// identifications, which repeat.
func (s *Summary) identify(t *records.Trace) (*records.Trace, error) {
	if !shortIDs(t) {
		return t, nil
	}
	links, err := reident.Link(t, reident.Config{})
	if err != nil {
		return nil, fmt.Errorf("cannot tell packets with the same id apart: %w", err)
	}
	t, err = links.Packets()
	if err != nil {
		return nil, fmt.Errorf("cannot tell packets with the same id apart: %w", err)
	}
	st := &links.Stats
	s.Notes = append(s.Notes, fmt.Sprintf("packet ids of 16 bits repeat: packets were told apart by flow, time and order, and numbered anew; %d records linked, %d of them by order, %d by exclusion", st.Linked(), st.Order, st.Knot))
	return t, nil
}

// shortIDs reports whether packet ids are of 16 bits and name several packets.
func shortIDs(t *records.Trace) bool {
	repeated, seen := 0, 0
	for i := range t.Queues {
		ids := make([]bool, reident.IDs)
		for _, p := range t.Queues[i].Packet {
			switch {
			case p == records.NoPacket:
			case p >= reident.IDs:
				return false
			default:
				seen++
				if ids[p] {
					repeated++
				}
				ids[p] = true
			}
		}
	}
	return repeated > seen/100
}
