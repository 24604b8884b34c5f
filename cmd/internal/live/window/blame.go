package window

import (
	"slices"

	"github.com/telltale-net/telltale/analyzers"
	"github.com/telltale-net/telltale/analyzers/blame"
	"github.com/telltale-net/telltale/analyzers/blame/postcards"
	"github.com/telltale-net/telltale/collector/postcard"
)

// blamer keeps the records of windows that are not judged and blames links for what they
// show, with the evidence of the windows before.
type blamer struct {
	net     *analyzers.Network
	links   *blame.Links
	tracker *blame.Tracker
	settle  int64
	limit   int
	records []postcard.Record // in the order in which they came
	full    bool              // records were left out for want of room
	holes   []postcards.Blind // in all reports
	sampled int64             // when records were left out by sampling last
}

// keptHoles is how many holes are kept for windows that are not judged.
const keptHoles = 1 << 17

func newBlamer(net *analyzers.Network, cfg Config) *blamer {
	links := blame.NewLinks()
	return &blamer{net: net, links: links, tracker: blame.NewTracker(links, cfg.Blame), settle: int64(settle), limit: cfg.MaxRecords, sampled: -1 << 62}
}

func (b *blamer) observe(r *postcard.Record) {
	if len(b.records) >= b.limit {
		b.full = true
		return
	}
	b.records = append(b.records, *r)
}

// missing takes the holes in the numbers of all reports. Of packets of which one in
// 2^level is taken, that share of the missing reports can be.
func (b *blamer) missing(holes []postcards.Blind, level uint, now int64) {
	if level > 0 {
		b.sampled = now
	}
	for _, h := range holes {
		if len(b.holes) >= keptHoles {
			b.full = true
			break
		}
		h.Missing = (h.Missing + 1<<level - 1) >> level
		b.holes = append(b.holes, h)
	}
}

// epoch blames links for what the packets of a window lost. Where some of their records
// were shed, or left out, the window tells nothing, and the result is nil.
func (b *blamer) epoch(from, to int64, torn bool) (flows int, res *blame.Result, account *postcards.Account) {
	torn = torn || b.full
	if !torn {
		in := b.records
		for len(in) > 0 && in[len(in)-1].Received >= to+b.settle {
			in = in[:len(in)-1]
		}
		cfg := postcards.Config{From: from, Until: to, Settle: b.settle}
		if b.sampled >= from-b.settle {
			cfg.Sampled, cfg.Blind = true, b.holes
		}
		set := postcards.Epoch(b.net, b.links, in, cfg)
		r := b.tracker.Next(set.Set)
		if r.Links == nil {
			r.Links = []blame.LinkResult{}
		}
		if r.Flows == nil {
			r.Flows = []blame.FlowResult{}
		}
		flows, res, account = set.Set.Len(), &r, &set.Account
	}
	b.records = slices.DeleteFunc(b.records, func(r postcard.Record) bool { return r.Received < to-b.settle })
	b.holes = slices.DeleteFunc(b.holes, func(h postcards.Blind) bool { return h.Until < to-b.settle })
	if len(b.records) < b.limit/2 {
		b.full = false
	}
	return flows, res, account
}
