package analyzequeue

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/telltale-net/telltale/analyzers/queue/diagnosis"
	"github.com/telltale-net/telltale/analyzers/queue/patterns"
	"github.com/telltale-net/telltale/analyzers/queue/records"
)

// maxStories bounds the stories that are told; the rest are counted.
const maxStories = 30

// event is what went wrong and where it was felt: victims of one node with the same
// first cause.
type event struct {
	cause   diagnosis.Cause // of the victim that waited longest
	worst   diagnosis.Diagnosis
	victims int
	lost    int
	unsure  int
	depth   int32
	wait    int64 // of all victims
}

type eventKey struct {
	node, at int32
	queue    uint16
	kind     diagnosis.Kind
	from, to int64
}

// events groups answers, the most waiting first.
func events(answers []diagnosis.Diagnosis) (list []*event, unexplained int) {
	all := map[eventKey]*event{}
	for i := range answers {
		d := &answers[i]
		if len(d.Causes) == 0 {
			unexplained++
			continue
		}
		c := &d.Causes[0]
		key := eventKey{c.Node, d.Victim.Node, d.Victim.Queue, c.Kind, c.From, c.To}
		if len(c.Flows) == 0 || c.Kind == diagnosis.Traffic && len(c.Steps) == 0 {
			key.from, key.to = c.From, 0
		}
		e := all[key]
		if e == nil {
			e = &event{cause: *c, worst: *d}
			all[key] = e
			list = append(list, e)
		}
		e.victims++
		if d.Victim.Lost {
			e.lost++
		}
		if d.Uncertainty.Ambiguous {
			e.unsure++
		}
		e.depth = max(e.depth, d.Victim.Depth)
		e.wait += d.Victim.Wait
		if d.Victim.Wait > e.worst.Victim.Wait {
			e.cause, e.worst = *c, *d
		}
	}
	slices.SortStableFunc(list, func(x, y *event) int {
		return cmp.Or(cmp.Compare(y.wait, x.wait), cmp.Compare(y.victims, x.victims))
	})
	return list, unexplained
}

// writeStory writes what happened in words, the most waiting first, and a table of who
// was to blame.
func writeStory(w io.Writer, t *records.Trace, answers []diagnosis.Diagnosis) error {
	list, unexplained := events(answers)
	p := &printer{w: w, t: t}
	if len(answers) == 0 {
		p.printf("no victims\n")
		return p.err
	}
	for _, e := range list[:min(len(list), maxStories)] {
		p.story(e)
	}
	if n := len(list) - maxStories; n > 0 {
		p.printf("and %s more; --format json has all\n", count(n, "event"))
	}
	if unexplained > 0 {
		p.printf("%s without a cause in the records\n", count(unexplained, "victim"))
	}
	p.printf("\n")
	p.blame(answers)
	return p.err
}

type printer struct {
	w   io.Writer
	t   *records.Trace
	err error
}

func (p *printer) printf(format string, args ...any) {
	if p.err == nil {
		if _, err := fmt.Fprintf(p.w, format, args...); err != nil {
			p.err = fmt.Errorf("cannot write the answers: %w", err)
		}
	}
}

// story writes one event.
func (p *printer) story(e *event) {
	v := &e.worst.Victim
	here := p.t.Network.Name(v.Node)
	parts := []string{p.did(&e.cause)}
	if steps := e.cause.Steps; len(steps) > 1 {
		last := steps[len(steps)-1]
		parts = append(parts, fmt.Sprintf("%s then reached %s in %s", count(int(last.Packets), "packet"), p.t.Network.Name(last.Node), span(last.Span)))
	}
	if e.depth > 0 {
		parts = append(parts, fmt.Sprintf("%s held %s", queueOf(here, v.Queue, e.cause.Node != v.Node && len(e.cause.Steps) > 1), count(int(e.depth), "packet")))
	}
	switch {
	case e.lost == e.victims:
		parts = append(parts, fmt.Sprintf("%s lost there", were(e.lost)))
	case v.Flow != records.NoFlow:
		parts = append(parts, fmt.Sprintf("%s waited %s", p.flow(v.Flow), span(v.Wait)))
	default:
		parts = append(parts, fmt.Sprintf("a packet waited %s", span(v.Wait)))
	}
	p.printf("%s %s", stamp(e.cause.From), strings.Join(parts, "; "))
	var notes []string
	if e.victims > 1 {
		notes = append(notes, count(e.victims, "victim")+" at "+here)
	} else {
		notes = append(notes, "one victim at "+here)
	}
	notes = append(notes, fmt.Sprintf("share %.0f %% (%.0f–%.0f)", 100*e.cause.Score, 100*e.cause.Low, 100*e.cause.High))
	if e.unsure > 0 {
		notes = append(notes, fmt.Sprintf("not sure for %d", e.unsure))
	}
	p.printf(" [%s]\n", strings.Join(notes, ", "))
	if e.worst.Uncertainty.Ambiguous && len(e.worst.Causes) > 1 {
		c := &e.worst.Causes[1]
		p.printf("%s or else: %s (share %.0f %%)\n", strings.Repeat(" ", len(stamp(0))), p.did(c), 100*c.Score)
	}
}

// did says what a cause did.
func (p *printer) did(c *diagnosis.Cause) string {
	node := p.t.Network.Name(c.Node)
	switch {
	case c.Kind == diagnosis.Traffic:
		return fmt.Sprintf("%s sent %s in %s%s", node, count(int(c.Packets), "packet"), span(c.To-c.From), p.of(c))
	case len(c.Flows) > 0:
		return fmt.Sprintf("%s was slow over %s in %s%s", node, count(int(c.Packets), "packet"), span(c.To-c.From), p.of(c))
	}
	return fmt.Sprintf("%s stalled %s", node, span(c.To-c.From))
}

// of names the flows of a cause.
func (p *printer) of(c *diagnosis.Cause) string {
	n := len(c.Flows) + int(c.More)
	if n == 0 {
		return ""
	}
	text := " (" + p.flow(c.Flows[0].Flow)
	if n > 1 {
		text += fmt.Sprintf(" and %s", count(n-1, "other flow"))
	}
	return text + ")"
}

func (p *printer) flow(id records.FlowID) string {
	f := &p.t.Flows[id]
	proto := strconv.Itoa(int(f.Proto))
	if name, ok := map[uint8]string{1: "icmp", 6: "tcp", 17: "udp", 58: "icmp6"}[f.Proto]; ok {
		proto = name
	}
	return fmt.Sprintf("%s %s:%d→%s:%d", proto, f.Src, f.SrcPort, f.Dst, f.DstPort)
}

// blame writes the table of first causes.
func (p *printer) blame(answers []diagnosis.Diagnosis) {
	type row struct {
		node    int32
		kind    diagnosis.Kind
		victims int
		wait    int64
	}
	var rows []*row
	index := map[[2]int32]*row{}
	for i := range answers {
		d := &answers[i]
		if len(d.Causes) == 0 {
			continue
		}
		c := &d.Causes[0]
		key := [2]int32{c.Node, int32(c.Kind)}
		r := index[key]
		if r == nil {
			r = &row{node: c.Node, kind: c.Kind}
			index[key] = r
			rows = append(rows, r)
		}
		r.victims++
		r.wait += d.Victim.Wait
	}
	slices.SortFunc(rows, func(x, y *row) int {
		return cmp.Or(cmp.Compare(y.victims, x.victims), cmp.Compare(x.node, y.node), cmp.Compare(x.kind, y.kind))
	})
	tab := tabwriter.NewWriter(p.w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(tab, "CULPRIT\tKIND\tVICTIMS\tSHARE\tTHEY WAITED")
	for _, r := range rows {
		fmt.Fprintf(tab, "%s\t%s\t%d\t%.1f %%\t%s\n", p.t.Network.Name(r.node), r.kind, r.victims, 100*float64(r.victims)/float64(len(answers)), span(r.wait))
	}
	if err := tab.Flush(); err != nil && p.err == nil {
		p.err = fmt.Errorf("cannot write the answers: %w", err)
	}
}

// writePatterns writes the patterns as a table.
func writePatterns(w io.Writer, t *records.Trace, res *patterns.Result) error {
	tab := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(tab, "SHARE\tCULPRIT\tFLOWS\tVICTIM\tFLOWS")
	for i := range res.Patterns {
		x := &res.Patterns[i]
		fmt.Fprintf(tab, "%.1f %%\t%s\t%s\t%s\t%s\n", 100*x.Share, place(t, &x.Culprit), flowsOf(&x.Culprit), place(t, &x.Victim), flowsOf(&x.Victim))
	}
	if res.Total > 0 {
		fmt.Fprintf(tab, "%.1f %%\tin no pattern\t\t\t\n", 100*res.Uncovered/res.Total)
	}
	if err := tab.Flush(); err != nil {
		return fmt.Errorf("cannot write the patterns: %w", err)
	}
	return nil
}

func place(t *records.Trace, g *patterns.Aggregate) string {
	switch {
	case g.Node >= 0:
		return t.Network.Name(g.Node)
	case g.AnyType || g.Type == "":
		return "any node"
	}
	return "any " + g.Type
}

func flowsOf(g *patterns.Aggregate) string {
	proto := "*"
	if !g.AnyProto {
		proto = strconv.Itoa(int(g.Proto))
	}
	prefix := func(ok bool, text string) string {
		if ok {
			return text
		}
		return "*"
	}
	return fmt.Sprintf("%s:%s→%s:%s/%s", prefix(g.Src.IsValid(), g.Src.String()), g.SrcPort, prefix(g.Dst.IsValid(), g.Dst.String()), g.DstPort, proto)
}

// stamp is a time in seconds, of constant width in a data set of ordinary length.
func stamp(ns int64) string { return fmt.Sprintf("%12.6f s", float64(ns)/1e9) }

// span is a length of time in the unit that suits it.
func span(ns int64) string {
	switch x := float64(ns); {
	case ns < 10_000:
		return fmt.Sprintf("%d ns", ns)
	case ns < 100_000:
		return fmt.Sprintf("%.0f µs", x/1e3)
	case ns < 10_000_000_000:
		return fmt.Sprintf("%s ms", trim(x/1e6))
	default:
		return fmt.Sprintf("%.1f s", x/1e9)
	}
}

// count is a number with its noun.
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return thousands(n) + " " + what + "s"
}

func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func were(n int) string {
	if n == 1 {
		return "1 packet was"
	}
	return thousands(n) + " packets were"
}

func queueOf(node string, queue uint16, named bool) string {
	switch {
	case queue != 0:
		return fmt.Sprintf("queue %d of %s", queue, node)
	case named:
		return "its queue"
	}
	return "the queue of " + node
}

// trim writes two significant digits, or all before the point.
func trim(x float64) string {
	if x >= 10 {
		return strconv.FormatFloat(x, 'f', 0, 64)
	}
	return strconv.FormatFloat(x, 'g', 2, 64)
}
