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

// identify returns the data set with an id of its own for every packet. Where the ids
// given are those of IP headers, 16 bits that come again, packets are told apart and
// numbered anew, and a note says so; else it returns the data set as it is.
func (s *Summary) identify(t *records.Trace) (*records.Trace, error) {
	if !shortIDs(t) {
		return t, nil
	}
	links, err := reident.Link(t, reident.Config{})
	if err != nil {
		return nil, fmt.Errorf("cannot tell packets of equal id apart: %w", err)
	}
	t, err = links.Packets()
	if err != nil {
		return nil, fmt.Errorf("cannot tell packets of equal id apart: %w", err)
	}
	st := &links.Stats
	s.Notes = append(s.Notes, fmt.Sprintf("packet ids have 16 bits and come again: packets were told apart by flow, time and order, and have new numbers in the answers; %d records were joined to the one before on their way, %d of them by order and %d by exclusion alone", st.Linked(), st.Order, st.Knot))
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
