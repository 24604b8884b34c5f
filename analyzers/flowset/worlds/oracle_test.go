package worlds

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// answer is what a run of the command gave.
type answer struct {
	stdout, stderr string
	code           int
	cpu            time.Duration
	memory         int64 // bytes, at most
}

func run(t *testing.T, args ...string) answer {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, *program, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("cannot run telltale %q: %v", args, err)
	}
	if ctx.Err() != nil {
		t.Errorf("telltale %q took more than four minutes", args)
	}
	a := answer{out.String(), errs.String(), cmd.ProcessState.ExitCode(), cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), 0}
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		a.memory = usage.Maxrss << 10
	}
	return a
}

// score compares what was told with the truth. Shares are of the truth.
type score struct {
	worlds                              int
	flows, decoded, counted             int // per table
	slow, slowCounted, behind           int // what the slow decoder has, and telltale does not
	invented, wrong                     int // flows that are not there, counts that are not true
	losses, found, exact, gap, mistaken int // links with losses: all, told, told with the number, within a gap; told and not true
	anomalies, anomaliesFound, falseAnomalies,
	vanished, vanishedFound int // of the losses: all of a flow's packets
	refused, unstaged, undecided int
	problems                     []string // examples of what is missed
	faults                       []string // what is wrong with the answer as such
}

func (s *score) add(o *score) {
	s.worlds += o.worlds
	s.flows += o.flows
	s.decoded += o.decoded
	s.counted += o.counted
	s.slow += o.slow
	s.slowCounted += o.slowCounted
	s.behind += o.behind
	s.invented += o.invented
	s.wrong += o.wrong
	s.losses += o.losses
	s.found += o.found
	s.exact += o.exact
	s.gap += o.gap
	s.mistaken += o.mistaken
	s.anomalies += o.anomalies
	s.anomaliesFound += o.anomaliesFound
	s.falseAnomalies += o.falseAnomalies
	s.refused += o.refused
	s.vanished += o.vanished
	s.vanishedFound += o.vanishedFound
	s.unstaged += o.unstaged
	s.undecided += o.undecided
	s.problems = append(s.problems, o.problems...)
	s.faults = append(s.faults, o.faults...)
}

func (s *score) problem(format string, args ...any) {
	s.problems = append(s.problems, fmt.Sprintf(format, args...))
}

func (s *score) fault(format string, args ...any) {
	s.faults = append(s.faults, fmt.Sprintf(format, args...))
}

type flowJSON struct {
	Src   netip.Addr `json:"src"`
	Dst   netip.Addr `json:"dst"`
	Proto uint8      `json:"proto"`
	Sport uint16     `json:"sport"`
	Dport uint16     `json:"dport"`
}

func (f flowJSON) flow() flow { return flow{f.Src, f.Dst, f.Proto, f.Sport, f.Dport} }

type line struct {
	Flow     *flowJSON `json:"flow"`
	Key      string    `json:"key"`
	Node     string    `json:"node"`
	Stage    string    `json:"stage"`
	Epoch    uint64    `json:"epoch"`
	Packets  *uint64   `json:"packets"`
	Coverage *coverage `json:"coverage"`
	Tables   int       `json:"tables"`
}

type coverage struct {
	Flows    int64   `json:"flows"`
	Decoded  int64   `json:"decoded"`
	Counted  int64   `json:"counted"`
	Packets  int64   `json:"packets"`
	CountedP int64   `json:"counted_packets"`
	Share    float64 `json:"share_flows"`
}

type told struct {
	at place
	f  flow
}

// judgeFlows runs analyze flowset and compares every line and the coverage.
func (w *world) judgeFlows(t *testing.T, s *score, files []string) {
	a := run(t, append([]string{"analyze", "flowset"}, files...)...)
	if a.code != 0 && !(w.refusable && a.code == 1) {
		s.fault("analyze flowset: exit status %d: %s", a.code, first(a.stderr))
	}
	for _, c := range w.counts {
		s.flows += len(c)
	}
	had, countedPackets, total := map[told]bool{}, int64(0), int64(0)
	var last *line
	in := bufio.NewScanner(strings.NewReader(a.stdout))
	in.Buffer(nil, 64<<20)
	lines, decoded, counted := 0, int64(0), int64(0)
	for in.Scan() {
		lines++
		var l line
		if err := json.Unmarshal(in.Bytes(), &l); err != nil {
			s.fault("analyze flowset: line %d is not as documented: %v: %.200s", lines, err, in.Text())
			continue
		}
		if last != nil {
			s.fault("analyze flowset: a line after the coverage: %.200s", in.Text())
		}
		if l.Flow == nil && l.Key == "" {
			if l.Coverage == nil {
				s.fault("analyze flowset: a line that is neither flow nor coverage: %.200s", in.Text())
			}
			last = &l
			continue
		}
		decoded++
		if l.Packets != nil {
			counted++
			countedPackets += int64(*l.Packets)
		}
		if l.Flow == nil {
			s.invented++
			continue
		}
		at := place{l.Node, l.Stage, l.Epoch}
		f := l.Flow.flow()
		if w.staged && l.Stage == "" {
			if s.unstaged++; s.unstaged == 1 {
				s.fault("analyze flowset: lines do not say the stage: %.200s", in.Text())
			}
			if at.stage = "ingress"; had[told{at, f}] {
				at.stage = "egress"
			}
		}
		if had[told{at, f}] {
			s.fault("analyze flowset: told twice: %v %v", at, f)
		}
		had[told{at, f}] = true
		n, ok := w.counts[at][f]
		switch {
		case !ok:
			s.invented++
			if s.invented <= 3 {
				s.problem("analyze flowset: invented %v at %v", f, at)
			}
			continue
		case l.Packets == nil:
		case *l.Packets != n:
			s.wrong++
			if s.wrong <= 3 {
				s.problem("analyze flowset: %v at %v: told %d packets, %d true", f, at, *l.Packets, n)
			}
		default:
			s.counted++
		}
		s.decoded++
	}
	if last == nil {
		if w.refusable {
			s.refused++
		} else {
			s.fault("analyze flowset: no coverage at the end: %s", first(a.stderr))
		}
		return
	}
	if a.code == 1 && last.Tables == 0 && w.refusable {
		s.refused++
		if !strings.Contains(a.stderr, "hash") {
			s.fault("refused without a word about the hash: %s", first(a.stderr))
		}
		return
	}
	for _, c := range w.counts {
		for _, n := range c {
			total += int64(n)
		}
	}
	if w.uncertain == "" {
		c := last.Coverage
		if c.Flows != int64(s.flows) || c.Packets != total {
			s.fault("coverage says %d flows and %d packets in the tables, true %d and %d", c.Flows, c.Packets, s.flows, total)
		}
		if c.Decoded != decoded || c.Counted != counted || c.CountedP != countedPackets {
			s.fault("coverage says %d decoded, %d counted, %d packets counted; lines have %d, %d, %d", c.Decoded, c.Counted, c.CountedP, decoded, counted, countedPackets)
		}
		if want := float64(c.Decoded) / float64(max(1, c.Flows)); c.Share-want > 1e-3 || want-c.Share > 1e-3 {
			s.fault("coverage says a share of %v flows, %v true", c.Share, want)
		}
		if last.Tables != len(w.tables) {
			s.fault("coverage says %d tables, true %d", last.Tables, len(w.tables))
		}
	}
	if w.uncertain == "damaged" {
		return
	}
	d := slowDecode(w.tables)
	for _, tb := range w.tables {
		for f := range w.counts[tb.place] {
			key := f.key(tb.of.order)
			if d.flows[tb][string(key)] {
				s.slow++
				if !had[told{tb.place, f}] {
					s.behind++
				}
			}
			if n, ok := d.counts[tb][string(key)]; ok && n == w.counts[tb.place][f] {
				s.slowCounted++
			}
		}
	}
}

func first(text string) string {
	text = strings.TrimSpace(text)
	if i := strings.Index(text, "\n\n"); i >= 0 {
		text = text[:i]
	}
	return fmt.Sprintf("%.400s", text)
}

type lossLine struct {
	Epoch uint64 `json:"epoch"`
	Links []struct {
		From, To          string
		Sent, Lost, Flows int64
		Gap               bool
	} `json:"links"`
	Devices []struct {
		Node              string
		Sent, Queue, Wire int64
	} `json:"devices"`
	Flows []struct {
		Flow       flowJSON
		From, To   string
		Sent, Lost int64
	} `json:"flows"`
	Anomalies []struct {
		Kind    string
		Flow    flowJSON
		Nodes   []string
		Packets uint64
	} `json:"anomalies"`
	Rerouted  int `json:"rerouted"`
	Undecided int `json:"undecided"`
}

func named(from, to string) map[string]bool {
	set := map[string]bool{}
	for _, n := range append(strings.Split(from, "|"), strings.Split(to, "|")...) {
		set[n] = true
	}
	return set
}

// judgeLosses runs losses. A loss told at a link must be true there, to the packet; one told as
// a gap must be the sum of what the flow lost between the nodes named.
func (w *world) judgeLosses(t *testing.T, s *score, files []string) {
	a := run(t, append(append([]string{"losses", "--format", "json"}, w.args...), files...)...)
	if a.code != 0 {
		s.fault("losses: exit status %d: %s", a.code, first(a.stderr))
	}
	got := map[uint64]*lossLine{}
	in := bufio.NewScanner(strings.NewReader(a.stdout))
	in.Buffer(nil, 256<<20)
	for in.Scan() {
		l := &lossLine{}
		if err := json.Unmarshal(in.Bytes(), l); err != nil {
			s.fault("losses: not as documented: %v: %.200s", err, in.Text())
			continue
		}
		if w.summed {
			if got[0] == nil {
				got[0] = &lossLine{}
			}
			got[0].Flows = append(got[0].Flows, l.Flows...)
			s.undecided += l.Undecided
			continue
		}
		got[l.Epoch] = l
	}
	if w.summed {
		w.judgeSums(s, got[0])
		return
	}
	name := func(i int) string { return w.net.nodes[i] }
	for _, e := range w.epochs() {
		l, lost := got[e], w.lost[e]
		if l == nil {
			s.fault("losses: no epoch %d", e)
			continue
		}
		byFlow, covered := map[flow]map[string]uint64{}, map[flow]map[string]bool{}
		byLink := map[string]int64{}
		for k, of := range lost {
			where := name(k.from) + ">" + name(k.to)
			for f, n := range of {
				if byFlow[f] == nil {
					byFlow[f] = map[string]uint64{}
				}
				byFlow[f][where] += n
				byLink[where] += int64(n)
				s.losses++
			}
		}
		for _, o := range l.Flows {
			f, set := o.Flow.flow(), named(o.From, o.To)
			if covered[f] == nil {
				covered[f] = map[string]bool{}
			}
			sum := uint64(0)
			for where, n := range byFlow[f] {
				from, to, _ := strings.Cut(where, ">")
				if len(set) > 2 && set[from] && set[to] || where == o.From+">"+o.To {
					sum += n
					covered[f][where] = true
				}
			}
			switch {
			case sum != uint64(o.Lost):
				s.mistaken++
				if s.mistaken <= 3 {
					s.problem("losses: epoch %d: %v lost %d of %d on %s>%s; true: %v", e, f, o.Lost, o.Sent, o.From, o.To, byFlow[f])
				}
			case len(set) > 2:
				s.gap++
			default:
				s.exact++
			}
		}
		missed := 0
		for _, f := range slices.SortedFunc(maps.Keys(byFlow), func(a, b flow) int { return strings.Compare(a.String(), b.String()) }) {
			for where, n := range byFlow[f] {
				from, to, _ := strings.Cut(where, ">")
				gone := w.arrivals(e, link{slices.Index(w.net.nodes, from), slices.Index(w.net.nodes, to)}, f) == 0
				if gone {
					s.vanished++
				}
				if covered[f][where] {
					s.found++
					if gone {
						s.vanishedFound++
					}
				} else if missed++; missed <= 2 {
					s.problem("losses: epoch %d: %v lost %d on %s: not told; flow's way %v, anomalies %s", e, f, n, where, w.way(f), l.anomaliesOf(f))
				}
			}
		}
		for _, k := range l.Links {
			if !k.Gap && k.Lost > 0 && k.Lost != byLink[k.From+">"+k.To] && w.tight() {
				s.problem("losses: epoch %d: link %s>%s lost %d, true %d", e, k.From, k.To, k.Lost, byLink[k.From+">"+k.To])
			}
		}
		w.judgeAnomalies(s, e, l)
	}
}

// judgeSums judges losses of flows by their sums over all epochs. One told of a stretch of
// several links must be within what the flow lost on them.
func (w *world) judgeSums(s *score, l *lossLine) {
	type at struct {
		f     flow
		where string
	}
	sum, stretches := map[at]uint64{}, map[at]uint64{}
	for _, o := range l.Flows {
		if a := (at{o.Flow.flow(), o.From + ">" + o.To}); slices.Contains(w.linkNames(), a.where) {
			sum[a] += uint64(o.Lost)
		} else {
			stretches[a] += uint64(o.Lost)
		}
	}
	within := map[at]bool{}
	for a, n := range stretches {
		from, to, _ := strings.Cut(a.where, ">")
		begins, ends, way := named(from, from), named(to, to), w.way(a.f)
		first := slices.IndexFunc(way, func(n string) bool { return begins[n] })
		last := len(way) - 1
		for last >= 0 && !ends[way[last]] {
			last--
		}
		truth := uint64(0)
		for i := max(first, 0); first >= 0 && i < last; i++ {
			truth += w.lost[0][link{w.paths[a.f][i], w.paths[a.f][i+1]}][a.f]
			within[at{a.f, way[i] + ">" + way[i+1]}] = true
		}
		if s.gap++; n > truth {
			s.mistaken++
			s.problem("losses: %v lost %d on %s, true %d; way %v", a.f, n, a.where, truth, w.way(a.f))
		}
	}
	for k, of := range w.lost[0] {
		for f, n := range of {
			s.losses++
			a := at{f, w.net.nodes[k.from] + ">" + w.net.nodes[k.to]}
			switch got := sum[a]; {
			case got == n:
				s.exact++
				s.found++
			case got > 0 && got < n, got == 0 && within[a]:
				s.found++
			case got > n:
				s.mistaken++
				if s.mistaken <= 3 {
					s.problem("losses: %v lost %d on %s, true %d", f, got, a.where, n)
				}
			}
			delete(sum, a)
		}
	}
	for a, n := range sum {
		s.mistaken++
		if s.mistaken <= 3 {
			s.problem("losses: %v lost %d on %s: not true; way %v", a.f, n, a.where, w.way(a.f))
		}
	}
}

// tight says whether a link's sum must be the truth: nothing else happened that hides parts.
func (w *world) tight() bool {
	return len(w.reroutes) == 0 && len(w.loops) == 0 && len(w.duplicates) == 0
}

func (l *lossLine) anomaliesOf(f flow) (s string) {
	for _, a := range l.Anomalies {
		if a.Flow.flow() == f {
			s += fmt.Sprintf("%s at %v; ", a.Kind, a.Nodes)
		}
	}
	return s
}

func (w *world) way(f flow) (names []string) {
	for _, i := range w.paths[f] {
		names = append(names, w.net.nodes[i])
	}
	return names
}

func (w *world) epochs() (es []uint64) {
	for _, p := range w.places() {
		if !slices.Contains(es, p.epoch) {
			es = append(es, p.epoch)
		}
	}
	return es
}

// judgeAnomalies: loops and black holes are those of epoch 2.
func (w *world) judgeAnomalies(s *score, e uint64, l *lossLine) {
	seen := map[flow]bool{}
	for _, a := range l.Anomalies {
		f := a.Flow.flow()
		switch a.Kind {
		case "loop":
			at, ok := w.loops[f]
			if ok && e == 2 && slices.Contains(a.Nodes, w.net.nodes[at.from]) && slices.Contains(a.Nodes, w.net.nodes[at.to]) {
				seen[f] = true
				s.anomaliesFound++
				continue
			}
		case "blackhole":
			gone := false
			for k, of := range w.lost[e] {
				if of[f] > 0 && w.arrivals(e, k, f) == 0 && slices.Contains(a.Nodes, w.net.nodes[k.from]) {
					gone = true
				}
			}
			if gone {
				seen[f] = true
				s.anomaliesFound++
				continue
			}
		}
		s.falseAnomalies++
		if s.falseAnomalies <= 3 {
			s.problem("losses: epoch %d: %s of %v at %v: not true; way %v, counts %v", e, a.Kind, f, a.Nodes, w.way(f), w.countsOf(e, f))
		}
	}
	want := map[flow]string{}
	if e == 2 {
		for f := range w.loops {
			want[f] = "loop"
		}
	}
	for k, of := range w.lost[e] {
		for f, n := range of {
			if n >= 3 && k.from != k.to && w.arrivals(e, k, f) == 0 {
				want[f] = "blackhole"
			}
		}
	}
	missed := 0
	for f, kind := range want {
		s.anomalies++
		if !seen[f] {
			if missed++; missed <= 2 {
				s.problem("losses: epoch %d: %s of %v not told: way %v, counts %v", e, kind, f, w.way(f), w.countsOf(e, f))
			}
		}
	}
}

// arrivals is how many of a flow's packets the node behind a link counted.
func (w *world) arrivals(e uint64, k link, f flow) uint64 {
	stage := ""
	if w.staged {
		stage = "ingress"
		if k.from == k.to {
			stage = "egress"
		}
	}
	return w.counts[place{w.net.nodes[k.to], stage, e}][f]
}

func (w *world) countsOf(e uint64, f flow) string {
	var b strings.Builder
	for _, p := range w.places() {
		if n := w.counts[p][f]; p.epoch == e && n > 0 {
			fmt.Fprintf(&b, "%s%s:%d ", p.node, p.stage, n)
		}
	}
	return b.String()
}
