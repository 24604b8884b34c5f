package blame

import (
	"cmp"
	"math"
	"slices"
)

// Sample is what became of packets that met a queue of some length before a link. It
// says nothing of who is to blame, for the packets are also those of flows; it tells
// corruption, which does not look at the queue, from congestion.
type Sample struct {
	Link    int32
	Depth   float64 // packets, or any other measure of how full the queue was
	Packets uint32  // that met it
	Lost    uint32  // of them, at most Packets
}

// AddSample appends a sample.
func (s *Set) AddSample(x Sample) {
	s.check([]int32{x.Link})
	x.Lost = min(x.Lost, x.Packets)
	s.samples = append(s.samples, x)
}

// burst is how a flow's losses lay.
type burst struct{ flow, runs uint32 }

// SetRuns says in how many runs of packets lost one after another the losses of the
// flow added last lay.
func (s *Set) SetRuns(runs uint32) {
	i := len(s.packets) - 1
	if i < 0 {
		panic("BUG: runs of no flow")
	}
	if runs > 0 && runs <= s.lost[i] {
		s.bursts = append(s.bursts, burst{uint32(i), runs})
	}
}

// runs returns in how many runs the losses of flow i lay, 0 where it is not known.
func (s *Set) runs(i int) uint32 {
	at, ok := slices.BinarySearchFunc(s.bursts, uint32(i), func(b burst, i uint32) int { return cmp.Compare(b.flow, i) })
	if !ok {
		return 0
	}
	return s.bursts[at].runs
}

// Kind is why a link loses packets.
type Kind string

// The kinds.
const (
	Corruption  Kind = "corruption" // whatever the queue: a fault of the link
	Congestion  Kind = "congestion" // when the queue before it is long, in bursts
	KindUnknown Kind = "unknown"    // observed, and not told apart
)

// What observations of one link may weigh at most, as log odds: losses come together, so
// that many are not as much evidence as if they were independent.
const (
	depthWeight = 8
	burstWeight = 4
	kindLosses  = 50  // that count as independent at most
	kindKnown   = 0.8 // probability from which a kind is named
)

// kinds adds the kind of each link that may be at fault and of which anything is observed.
func (s *Set) kinds(res *Result) {
	if len(s.samples) == 0 && len(s.bursts) == 0 {
		return
	}
	of := map[int32]*LinkResult{}
	for i := range res.Links {
		if res.Links[i].Verdict != Good {
			of[s.links.byName[res.Links[i].Link]] = &res.Links[i]
		}
	}
	depths := map[int32][]Sample{}
	for _, x := range s.samples {
		if of[x.Link] != nil {
			depths[x.Link] = append(depths[x.Link], x)
		}
	}
	runs := s.runsByCause(res)
	for l, r := range of {
		d, b := depths[l], runs[l]
		if len(d) == 0 && len(b) == 0 {
			continue
		}
		x := min(max(depthOdds(d), -depthWeight), depthWeight) + min(max(runOdds(b), -burstWeight), burstWeight)
		p := logistic(x)
		switch {
		case p >= kindKnown:
			r.Kind = Congestion
		case 1-p >= kindKnown:
			r.Kind = Corruption
		default:
			r.Kind = KindUnknown
		}
		p = round(max(p, 1-p))
		r.KindProbability = &p
	}
}

// lossRuns is the losses of a flow: k of n packets in r runs.
type lossRuns struct{ n, k, r float64 }

// runsByCause returns the runs of flows by the link that caused their loss.
func (s *Set) runsByCause(res *Result) map[int32][]lossRuns {
	if len(s.bursts) == 0 {
		return nil
	}
	out := map[int32][]lossRuns{}
	at, b := 0, 0
	for i := range s.Len() {
		if s.lost[i] == 0 {
			continue
		}
		for b < len(s.bursts) && int(s.bursts[b].flow) < i {
			b++
		}
		if b < len(s.bursts) && int(s.bursts[b].flow) == i {
			if l, ok := s.links.byName[res.Flows[at].Cause]; ok {
				out[l] = append(out[l], lossRuns{float64(s.packets[i]), float64(s.lost[i]), float64(s.bursts[b].runs)})
			}
		}
		at++
	}
	return out
}

// depthOdds is the log odds of losses that depend on the queue's depth against losses
// that do not: a loss rate below and another above a threshold, anywhere between
// the depths seen, against one rate; rates are unknown (Beta(½,½)) and integrated out.
func depthOdds(samples []Sample) float64 {
	slices.SortFunc(samples, func(a, b Sample) int { return cmp.Compare(a.Depth, b.Depth) })
	packets, lost := 0.0, 0.0
	for _, x := range samples {
		packets += float64(x.Packets)
		lost += float64(x.Lost)
	}
	if lost == 0 {
		return 0
	}
	temper := min(1, kindLosses/lost)
	one := rateEvidence(temper*lost, temper*(packets-lost))
	n, k, cuts := 0.0, 0.0, 0
	var logs []float64
	for i := range samples {
		if i > 0 && samples[i].Depth > samples[i-1].Depth {
			cuts++
			if k*(packets-n) < (lost-k)*n { // more above
				logs = append(logs, rateEvidence(temper*k, temper*(n-k))+rateEvidence(temper*(lost-k), temper*(packets-n-(lost-k)))-one)
			}
		}
		n += float64(samples[i].Packets)
		k += float64(samples[i].Lost)
	}
	switch {
	case cuts == 0:
		return 0 // one depth only
	case len(logs) == 0:
		return -depthWeight // the longer the queue, the fewer are lost
	}
	most := slices.Max(logs)
	sum := 0.0
	for _, l := range logs {
		sum += math.Exp(l - most)
	}
	return most + math.Log(sum/float64(cuts))
}

// rateEvidence is the log probability of so many lost and kept at an unknown rate.
func rateEvidence(lost, kept float64) float64 {
	return logBeta(lost+0.5, kept+0.5) - logBeta(0.5, 0.5)
}

func logBeta(a, b float64) float64 {
	x, _ := math.Lgamma(a)
	y, _ := math.Lgamma(b)
	z, _ := math.Lgamma(a + b)
	return x + y - z
}

// runOdds is the log odds of losses that come in bursts, each loss followed by another
// with a probability that is unknown, against losses anywhere in the flow.
func runOdds(flows []lossRuns) float64 {
	together, apart, anywhere, losses := 0.0, 0.0, 0.0, 0.0
	for _, f := range flows {
		if f.k < 2 || f.k >= f.n {
			continue
		}
		losses += f.k
		together += f.k - f.r
		apart += f.r - 1
		// Both hypotheses: times the ways to split k losses into r runs.
		anywhere += logChoose(f.n-f.k+1, f.r) - logChoose(f.n, f.k)
	}
	if losses == 0 {
		return 0
	}
	return (logBeta(1+together, 1+apart) - anywhere) * min(1, kindLosses/losses)
}

func logChoose(n, k float64) float64 {
	if k < 0 || k > n {
		return math.Inf(-1)
	}
	x, _ := math.Lgamma(n + 1)
	y, _ := math.Lgamma(k + 1)
	z, _ := math.Lgamma(n - k + 1)
	return x - y - z
}
