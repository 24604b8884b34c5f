package analyzeblame

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/telltale-net/telltale/analyzers/blame"
)

// most is how many links that are merely suspected the story names.
const most = 10

// story tells the answer in words.
func story(w io.Writer, name string, epochs bool, set *blame.Set, res *blame.Result) error {
	var b strings.Builder
	if epochs {
		fmt.Fprintf(&b, "%s:\n", name)
	}
	bad := len(res.BadLinks())
	switch bad {
	case 0:
		fmt.Fprintf(&b, "No link is to blame for the losses of %d flows of %d.\n", len(res.Flows), set.Len())
	case 1:
		b.WriteString("1 link is to blame:\n")
	default:
		fmt.Fprintf(&b, "%d links are to blame:\n", bad)
	}
	if res.Bound > 0 && res.Bound < bad {
		fmt.Fprintf(&b, "No fewer than %d links can explain the losses; that so many are needed is not proven.\n", res.Bound)
	}
	suspected := 0
	for i := range res.Links {
		l := &res.Links[i]
		switch l.Verdict {
		case blame.Good:
			continue
		case blame.Unknown:
			if suspected++; suspected > most {
				continue
			}
		}
		fmt.Fprintf(&b, "  %-24s %-8s", l.Link, l.Verdict)
		if l.Probability != nil {
			fmt.Fprintf(&b, " probability %.3f, loses %.3g of packets,", *l.Probability, l.LossRate)
		}
		fmt.Fprintf(&b, " %.4g votes", l.Votes)
		if l.Kind != "" {
			fmt.Fprintf(&b, ", %s (%.2f)", kindWords[l.Kind], *l.KindProbability)
		}
		if l.Device != "" {
			fmt.Fprintf(&b, ", with all of %s", l.Device)
		}
		b.WriteByte('\n')
	}
	if suspected > most {
		fmt.Fprintf(&b, "  and %d more that may be\n", suspected-most)
	}
	for _, d := range res.Devices {
		fmt.Fprintf(&b, "  device %-17s %-8s probability %.3f, loses %.3g of packets\n", d.Device, d.Verdict, d.Probability, d.LossRate)
	}
	if res.EqualTraffic {
		b.WriteString("Only flows with losses are known: all links are taken to carry the same.\n")
	} else if res.Method == string(Likelihood) {
		fmt.Fprintf(&b, "A healthy link loses %.2g of packets.\n", res.Noise)
	}
	if len(res.Flows) > 0 {
		b.WriteString("Flows with losses, by cause:\n")
		for _, c := range causes(res.Flows) {
			fmt.Fprintf(&b, "  %-24s %d\n", c.name, c.flows)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// kindWords are kinds of losses in words.
var kindWords = map[blame.Kind]string{
	blame.Corruption:  "corruption",
	blame.Congestion:  "congestion",
	blame.KindUnknown: "corruption or congestion",
}

type cause struct {
	name  string
	flows int
}

func causes(flows []blame.FlowResult) []cause {
	count := map[string]int{}
	for i := range flows {
		count[flows[i].Cause]++
	}
	out := make([]cause, 0, len(count))
	for name, n := range count {
		out = append(out, cause{name, n})
	}
	slices.SortFunc(out, func(a, b cause) int {
		return cmp.Or(cmp.Compare(b.flows, a.flows), cmp.Compare(a.name, b.name))
	})
	return out
}
