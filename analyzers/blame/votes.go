package blame

import (
	"cmp"
	"slices"
)

// Constants of 007.
const (
	voteShare = 0.01 // of the initial sum of votes: what a bad link has at least
	voteNoise = 0.2  // votes of a path's best link up to which a flow's loss is noise
)

// Votes is 007: a flow with losses gives each of the h links of its path 1/h of a vote.
// While a link has 1 % of the initial sum of votes, the one with the most is bad, and
// the votes of flows that cross it are taken back (Algorithm 1). The cause of a flow's
// loss is the link of its path with the most votes before any were taken back, noise
// where that has at most 0.2.
func Votes(s *Set) Result {
	v := tally(s)
	left := slices.Clone(v.votes)
	sum := 0.0
	for _, x := range left {
		sum += x
	}
	score := slices.Clone(left)
	bad := make([]bool, len(left))
	taken := make([]bool, len(v.flows))
	for {
		best := int32(-1)
		for l := range left {
			if !bad[l] && (best < 0 || left[l] > left[best]) {
				best = int32(l)
			}
		}
		if best < 0 || left[best] <= 0 || left[best] < voteShare*sum {
			break
		}
		bad[best], score[best] = true, left[best]
		for _, i := range v.of[best] {
			if taken[i] {
				continue
			}
			taken[i] = true
			path := s.Path(v.flows[i])
			for _, l := range path {
				left[l] -= 1 / float64(len(path))
			}
		}
	}
	res := Result{Method: "votes"}
	for l, x := range v.votes {
		if x == 0 {
			continue
		}
		r := LinkResult{Link: s.links.Name(int32(l)), Verdict: Good, Score: round(max(0, left[l])), Votes: round(x)}
		if bad[l] {
			r.Verdict, r.Score = Bad, round(score[l])
		}
		res.Links = append(res.Links, r)
	}
	sortLinks(res.Links)
	for _, i := range v.flows {
		res.Flows = append(res.Flows, FlowResult{Flow: s.Name(i), Cause: v.cause(s, i)})
	}
	return res
}

// ballot is 007's votes.
type ballot struct {
	votes []float64 // by link
	flows []int     // that lost packets
	of    [][]int32 // by link: which of flows cross it
}

func tally(s *Set) ballot {
	v := ballot{votes: make([]float64, s.links.Len()), of: make([][]int32, s.links.Len())}
	for i := range s.Len() {
		if s.Lost(i) == 0 {
			continue
		}
		path := s.Path(i)
		for _, l := range path {
			v.votes[l] += 1 / float64(len(path))
			v.of[l] = append(v.of[l], int32(len(v.flows)))
		}
		v.flows = append(v.flows, i)
	}
	return v
}

func (v *ballot) cause(s *Set, i int) string {
	path := s.Path(i)
	if len(path) == 0 {
		return CauseUnknown
	}
	best := path[0]
	for _, l := range path[1:] {
		if v.votes[l] > v.votes[best] {
			best = l
		}
	}
	if v.votes[best] <= voteNoise {
		return CauseNoise
	}
	return s.links.Name(best)
}

func sortLinks(links []LinkResult) {
	rank := map[Verdict]int{Bad: 0, Unknown: 1, Good: 2}
	slices.SortFunc(links, func(a, b LinkResult) int {
		return cmp.Or(cmp.Compare(rank[a.Verdict], rank[b.Verdict]), cmp.Compare(b.Score, a.Score), cmp.Compare(b.Votes, a.Votes), cmp.Compare(a.Link, b.Link))
	})
}
