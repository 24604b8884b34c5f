package worlds

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"github.com/telltale-net/telltale/analyzers/blame"
)

// answer is the contract's, read by somebody who knows nothing else.
type answer struct {
	Method string
	Links  []struct {
		Link, Verdict, Device string
		Score                 *float64
		Probability           *float64
		Votes                 *float64
	}
	Devices []struct {
		Device, Verdict string
		Probability     *float64
	}
	Flows []struct {
		Flow, Cause, Device string
		Probability         *float64
	}
}

// ask has a data set analyzed as the command does.
func ask(data []byte, votes bool) (answer, error) {
	links := blame.NewLinks()
	reader, set := blame.NewReader(links, 0), blame.NewSet(links)
	if err := reader.Read(set, "world", bytes.NewReader(data)); err != nil {
		return answer{}, err
	}
	if reader.Stats.Bad > 0 {
		return answer{}, fmt.Errorf("%d lines not taken: %v", reader.Stats.Bad, reader.Problems)
	}
	var res blame.Result
	if votes {
		res = blame.Votes(set)
	} else {
		res = blame.NewTracker(links, blame.Config{}).Next(set)
	}
	return decode(&res)
}

func decode(res *blame.Result) (answer, error) {
	var b bytes.Buffer
	if err := res.WriteJSON(&b); err != nil {
		return answer{}, err
	}
	var a answer
	if err := json.Unmarshal(b.Bytes(), &a); err != nil {
		return answer{}, fmt.Errorf("cannot read the answer: %w", err)
	}
	return a, nil
}

// contract says in what an answer is not what docs/datasets.md promises.
func (w *world) contract(a answer, votes bool) error {
	known := map[string]bool{}
	for _, l := range w.net.links {
		known[l.name] = true
	}
	verdict := map[string]string{}
	worst := 0
	for _, l := range a.Links {
		verdict[l.Link] = l.Verdict
		rank := map[string]int{"bad": 0, "unknown": 1, "good": 1}[l.Verdict]
		switch {
		case !known[l.Link]:
			return fmt.Errorf("link %q is in no path", l.Link)
		case l.Score == nil || l.Votes == nil || !votes && l.Probability == nil:
			return fmt.Errorf("link %q lacks a field", l.Link)
		case l.Verdict != "bad" && l.Verdict != "unknown" && l.Verdict != "good":
			return fmt.Errorf("link %q is %q", l.Link, l.Verdict)
		case rank < worst:
			return fmt.Errorf("link %q is bad and not among the first", l.Link)
		case !votes && (*l.Probability < 0 || *l.Probability > 1 || (l.Verdict == "bad") != (*l.Probability >= 0.95)):
			return fmt.Errorf("link %q is %s with probability %v", l.Link, l.Verdict, *l.Probability)
		}
		worst = rank
	}
	next := 0
	for i := range w.flows {
		f := &w.flows[i]
		if f.count == 0 {
			continue
		}
		name := fmt.Sprint("f", i)
		if next == len(a.Flows) || a.Flows[next].Flow != name {
			return fmt.Errorf("flow %s lost %d packets and has no answer at its place", name, f.count)
		}
		for first := true; next < len(a.Flows) && a.Flows[next].Flow == name; first = false { // told twice
			if !first && w.style.again == 0 {
				return fmt.Errorf("flow %s has two answers", name)
			}
			x := a.Flows[next]
			if x.Cause != "noise" && x.Cause != "unknown" && !slices.ContainsFunc(f.all(), func(l int) bool { return w.net.links[l].name == x.Cause }) {
				return fmt.Errorf("flow %s: cause %q is not on its path", name, x.Cause)
			}
			next++
		}
	}
	if next < len(a.Flows) {
		return fmt.Errorf("flow %s has an answer and lost nothing", a.Flows[next].Flow)
	}
	return nil
}

func (f *flow) all() []int {
	links := slices.Clone(f.told)
	for _, p := range f.alts {
		links = append(links, p...)
	}
	return links
}

// score is how right an answer is.
type score struct {
	right, wrong, missed int // links or devices
	excused              int // wrong where the data allow no better
	hidden               int // faults without evidence, found or not
	flowsRight, flows    int // flows that lost packets to faults
	noiseRight, noise    int // and to nothing else
	hits, named, lossy   int // links: bad and faulty; bad; faulty and took three packets (no excuses)
	misses               []string
}

func (s *score) add(x score) {
	s.right, s.wrong, s.missed, s.excused, s.hidden = s.right+x.right, s.wrong+x.wrong, s.missed+x.missed, s.excused+x.excused, s.hidden+x.hidden
	s.hits, s.named, s.lossy = s.hits+x.hits, s.named+x.named, s.lossy+x.lossy
	s.flowsRight, s.flows, s.noiseRight, s.noise = s.flowsRight+x.flowsRight, s.flows+x.flows, s.noiseRight+x.noiseRight, s.noise+x.noise
}

func share(a, b int) float64 {
	if b == 0 {
		return 1
	}
	return float64(a) / float64(b)
}

func (s *score) precision() float64 { return share(s.right, s.right+s.wrong) }
func (s *score) recall() float64    { return share(s.right, s.right+s.missed) }
func (s *score) blunt() [2]float64  { return [2]float64{share(s.hits, s.named), share(s.hits, s.lossy)} }
func (s *score) cause() float64     { return share(s.flowsRight, s.flows) }
func (s *score) calm() float64      { return share(s.noiseRight, s.noise) }

// truth is what a world's answers are judged by.
type truth struct {
	o      *oracle
	enough float64      // evidence that must do, with odds of 19 to spare for a verdict of 0.95
	excuse float64      // evidence for a healthy link with which to blame it is no fault
	faulty map[int]bool // links
	find   []finding    // with enough evidence
	hidden []finding
}

type finding struct {
	fault, link int // link = -1: the device as a whole
	evidence    float64
	instead     int
}

func newTruth(w *world) *truth {
	size := math.Log(float64(len(w.net.links)))
	t := &truth{o: newOracle(w), enough: size + 6 + math.Log(19), excuse: size + 4, faulty: map[int]bool{}}
	for i := range w.faults {
		f := &w.faults[i]
		for _, l := range f.links {
			t.faulty[l] = true
		}
		x := finding{fault: i, link: -1, instead: -1}
		if f.kind == "device" {
			x.evidence = t.o.device(i)
		} else {
			x.link = f.links[0]
			x.evidence, x.instead = t.o.evidence(i, x.link)
		}
		if x.evidence >= t.enough {
			t.find = append(t.find, x)
		} else {
			t.hidden = append(t.hidden, x)
		}
	}
	return t
}

// judge compares an answer with the truth.
func (w *world) judge(t *truth, a answer) (s score) {
	id := map[string]int{}
	for i, l := range w.net.links {
		id[l.name] = i
	}
	bad, device := map[int]bool{}, map[string]bool{}
	for _, l := range a.Links {
		if l.Verdict == "bad" {
			bad[id[l.Link]] = true
		}
	}
	for _, d := range a.Devices {
		if d.Verdict == "bad" {
			device[d.Device] = true
		}
	}
	s.hidden = len(t.hidden)
	s.named = len(bad)
	for l := range t.faulty {
		if w.took[l] >= 3 {
			s.lossy++
		}
	}
	for l := range bad {
		if t.faulty[l] && w.took[l] >= 3 {
			s.hits++
		} else if t.faulty[l] {
			s.named-- // right, by luck
		}
	}
	for _, x := range t.find {
		f, found := &w.faults[x.fault], bad[x.link]
		if x.link < 0 {
			n := 0
			for _, l := range f.links {
				if bad[l] {
					n++
				}
			}
			found = 2*n >= len(f.links)/2 || device[w.net.nodes[w.net.links[f.links[0]].from].name]
			if found && n > 0 {
				s.right += n - 1 // its links are counted as links
			}
		}
		if found {
			s.right++
			continue
		}
		s.missed++
		s.misses = append(s.misses, fmt.Sprintf("missed %s, evidence %.1f of %.1f", f.describe(w.net), x.evidence, t.enough))
	}
	for l := range bad {
		if t.faulty[l] {
			continue
		}
		if support := t.o.support(l); support > t.excuse || t.o.resembles(l) {
			s.excused++
		} else {
			s.wrong++
			s.misses = append(s.misses, fmt.Sprintf("blamed %s, which is healthy and for which %.1f of %.1f speaks", w.net.links[l].name, support, t.enough))
		}
	}
	next := 0
	for i := range w.flows {
		f := &w.flows[i]
		if f.count == 0 {
			continue
		}
		name := fmt.Sprint("f", i)
		for next < len(a.Flows) && a.Flows[next].Flow != name {
			next++
		}
		if next == len(a.Flows) || f.told == nil || f.wrong || f.second*2 > f.most {
			continue
		}
		x := a.Flows[next]
		if f.culprit < 0 {
			s.noise++
			if x.Cause == "noise" {
				s.noiseRight++
			}
			continue
		}
		s.flows++
		// What was lost inside a device was lost behind the link to it and before the next.
		if slices.ContainsFunc(f.path, func(l int) bool {
			return w.net.links[l].name == x.Cause && (l == f.culprit || f.device >= 0 && (w.net.links[l].from == f.device || w.net.links[l].to == f.device))
		}) {
			s.flowsRight++
		}
	}
	return s
}
