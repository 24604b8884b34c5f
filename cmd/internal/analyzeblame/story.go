package analyzeblame

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/telltale-net/telltale/analyzers/blame"
)

// How many links the story names, of those that are to blame and of those that may be, and how
// many causes of flows.
const (
	mostBad       = 40
	mostSuspected = 10
	mostCauses    = 60
)

// story tells the answer in words.
func story(w io.Writer, name string, epochs bool, set *blame.Set, res *blame.Result) error {
	var b strings.Builder
	if epochs {
		fmt.Fprintf(&b, "%s:\n", name)
	}
	links := suspects(set, res)
	b.WriteString(headline(set, res, links))
	bad := len(res.BadLinks())
	if res.Bound > 0 && res.Bound < bad {
		fmt.Fprintf(&b, "No fewer than %d links can explain the losses; that so many are needed is not proven.\n", res.Bound)
	}
	for _, d := range res.Devices {
		fmt.Fprintf(&b, "  device %-17s %-8s probability %.3f, loses %.3g of packets", d.Device, d.Verdict, d.Probability, d.LossRate)
		if n := linksOf(res, d.Device); n > 0 {
			fmt.Fprintf(&b, ", all of its %d links alike", n)
		}
		b.WriteByte('\n')
	}
	told := map[blame.Verdict]int{}
	for i := range links {
		l := &links[i]
		told[l.Verdict]++
		switch {
		case l.Verdict == blame.Bad && told[blame.Bad] > mostBad, l.Verdict == blame.Unknown && told[blame.Unknown] > mostSuspected:
			continue
		case len(l.instead) > 0 && l.instead[0] > i:
			b.WriteString("  one of these, which most of the same losses crossed:\n")
		}
		b.WriteString(l.line(res.Method))
	}
	if n := told[blame.Bad] - mostBad; n > 0 {
		fmt.Fprintf(&b, "  and %d more, of %d links that flows with losses crossed\n", n, len(res.Links))
	}
	if n := told[blame.Unknown] - mostSuspected; n > 0 {
		fmt.Fprintf(&b, "  and %d more that may be\n", n)
	}
	for _, g := range res.RiskGroups[:min(len(res.RiskGroups), mostSuspected)] {
		fmt.Fprintf(&b, "%d of the %d links of %s are among them: one cause, as a line card, with probability %.2f\n", len(g.Links), g.Of, g.Device, g.Probability)
	}
	if res.EqualTraffic {
		b.WriteString("Only flows with losses are known: all links are taken to carry the same.\n")
	} else if res.Method == string(Likelihood) && set.Len() > 0 {
		fmt.Fprintf(&b, "A healthy link loses %.2g of packets.\n", res.Noise)
	}
	if len(res.Flows) > 0 {
		b.WriteString("Flows with losses, by cause:\n")
		all := causes(res.Flows)
		for _, c := range all[:min(len(all), mostCauses)] {
			fmt.Fprintf(&b, "  %-24s %d\n", c.name, c.flows)
		}
		if n := len(all) - mostCauses; n > 0 {
			fmt.Fprintf(&b, "  and %d more\n", n)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// headline says how much is to blame. Links that share one fault are one.
func headline(set *blame.Set, res *blame.Result, links []suspect) string {
	devices, faults := 0, 0
	for _, d := range res.Devices {
		if d.Verdict == blame.Bad {
			devices++
		}
	}
	for i := range links {
		l := &links[i]
		switch {
		case len(l.instead) == 0 && l.Verdict == blame.Bad:
			faults++
		case len(l.instead) > 0 && l.instead[0] > i:
			one := *l.Probability
			for _, j := range l.instead {
				one += *links[j].Probability
			}
			if one >= blame.LeastBad {
				faults++
			}
		}
	}
	var what []string
	for _, x := range []struct {
		n    int
		name string
	}{{devices, "device"}, {faults, "link"}} {
		if x.n == 1 {
			what = append(what, "1 "+x.name)
		} else if x.n > 1 {
			what = append(what, fmt.Sprintf("%d %ss", x.n, x.name))
		}
	}
	switch {
	case len(what) > 0 && devices+faults == 1:
		return what[0] + " is to blame:\n"
	case len(what) > 0:
		return strings.Join(what, " and ") + " are to blame:\n"
	case set.Len() == 0:
		return "No flows were read.\n"
	case len(res.Flows) == 0:
		return fmt.Sprintf("None of %d flows lost packets.\n", set.Len())
	case len(links) > 0 || len(res.Devices) > 0:
		return fmt.Sprintf("No link is certainly to blame for the losses of %d flows of %d; these may be:\n", len(res.Flows), set.Len())
	}
	return fmt.Sprintf("No link is to blame for the losses of %d flows of %d.\n", len(res.Flows), set.Len())
}

// linksOf counts the links that are at fault because a device is.
func linksOf(res *blame.Result, device string) (n int) {
	for i := range res.Links {
		if res.Links[i].Device == device {
			n++
		}
	}
	return n
}

// suspect is a link that is or may be to blame by itself, and what that rests on.
type suspect struct {
	*blame.LinkResult
	flows, losing int    // that cross it for certain
	packets, lost uint64 // of these
	instead       []int  // suspects that share its fault, by index
}

// suspects lists what is not good, and who shares a fault: those that the same losing
// flows cross (nine in ten of them), and none of which is sure. Those that do are told
// one after another.
func suspects(set *blame.Set, res *blame.Result) []suspect {
	var links []suspect
	at := map[int32]int{}
	for i := range res.Links {
		if l := &res.Links[i]; l.Verdict != blame.Good && l.Device == "" {
			at[set.Links().ID(l.Link)] = len(links)
			links = append(links, suspect{LinkResult: l})
		}
	}
	if len(links) == 0 {
		return nil
	}
	unsure := make([]int, len(links)) // number among the unsure, -1 = sure
	n := 0
	for i := range links {
		unsure[i] = -1
		if p := links[i].Probability; p != nil && *p < 0.9 && n < mostBad {
			unsure[i] = n
			n++
		}
	}
	shared := make([]int, n*n) // losing flows that cross two
	var on []int
	for f := range set.Len() {
		on = on[:0]
		for _, l := range set.Path(f) {
			i, ok := at[l]
			if !ok {
				continue
			}
			x := &links[i]
			x.flows++
			x.packets += uint64(set.Packets(f))
			if k := set.Lost(f); k > 0 {
				x.losing++
				x.lost += uint64(k)
				if unsure[i] >= 0 {
					on = append(on, unsure[i])
				}
			}
		}
		for _, a := range on {
			for _, b := range on {
				shared[a*n+b]++
			}
		}
	}
	var out []suspect
	place := make([]int, len(links))
	for i := range links {
		if place[i] > 0 { // told, at its place - 1
			continue
		}
		first := len(out)
		out = append(out, links[i])
		place[i] = len(out)
		if unsure[i] < 0 || links[i].losing == 0 {
			continue
		}
		for j := i + 1; j < len(links); j++ {
			if unsure[j] >= 0 && place[j] == 0 && 10*shared[unsure[i]*n+unsure[j]] >= 9*max(links[i].losing, links[j].losing) {
				out[first].instead = append(out[first].instead, len(out))
				x := links[j]
				x.instead = []int{first}
				out = append(out, x)
				place[j] = len(out)
			}
		}
	}
	return out
}

func (l *suspect) line(method string) string {
	indent, width := "  ", 24
	if len(l.instead) > 0 {
		indent, width = "    ", 22
	}
	s := fmt.Sprintf("%s%-*s %-8s", indent, width, l.Link, l.Verdict)
	if l.Probability != nil {
		s += fmt.Sprintf(" probability %.3f, loses %.3g of packets", *l.Probability, l.LossRate)
	}
	if method != string(Likelihood) {
		s += fmt.Sprintf(" %.4g votes", l.Votes)
	}
	s += fmt.Sprintf("; of %d flows %d lost some, %d packets of %d", l.flows, l.losing, l.lost, l.packets)
	if l.Kind != "" {
		s += fmt.Sprintf(", %s (%.2f)", kindWords[l.Kind], *l.KindProbability)
	}
	return s + "\n"
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

// causes counts flows by cause: a device where it is one, else a link, and apart from these
// a link where noise is more probable.
func causes(flows []blame.FlowResult) []cause {
	count := map[string]int{}
	for i := range flows {
		name := flows[i].Cause
		if d := flows[i].Device; d != "" {
			name = "device " + d
		}
		if flows[i].Noise > 0 {
			name += ", or noise"
		}
		count[name]++
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
