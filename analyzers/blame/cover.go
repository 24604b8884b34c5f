package blame

import (
	"cmp"
	"container/heap"
	"slices"
)

// The optimisation baselines of 007: failed flows are explained by as few links as
// possible. They know neither denominators nor noise, and certain links only.

// coverWork is how many links of rows are looked at in the search tree, some tenths of a
// microsecond each, before the best cover so far has to do.
const coverWork = 1_000_000

// integerShare is the least share of all losses that the integer program reports a link for.
const integerShare = 0.001

// Cover is greedy maximum coverage (Score, Tomo): while losses of flows are unexplained,
// the link that most of these flows cross is bad.
func Cover(s *Set) Result {
	p := newCover(s)
	return p.answer("cover", p.greedy(), 0)
}

// Binary is 007's binary program: the fewest links such that each flow with losses crosses one
// of them, by reductions, and branch and bound. Where the search was cut off, Result.Bound
// says how few there could be.
func Binary(s *Set) Result {
	p := newCover(s)
	chosen, bound := p.exact()
	return p.answer("binary", chosen, bound)
}

// Integer is 007's integer program: numbers of losses of as few links as possible that
// add up to all losses, and along each flow's path to at least its own. The fewest
// links are those of [Binary]: each flow's losses are given to the one of them on its path that most
// losses are given to. A link with less than 0.1 % of all is good, as in the released code.
func Integer(s *Set) Result {
	p := newCover(s)
	chosen, bound := p.exact()
	losses, total := p.assign(chosen)
	few := slices.DeleteFunc(slices.Clone(chosen), func(l int32) bool { return losses[l] < integerShare*total })
	r := p.answer("integer", few, bound)
	for i := range r.Links {
		r.Links[i].Score = losses[s.links.byName[r.Links[i].Link]]
	}
	sortLinks(r.Links)
	return r
}

// cover is the problem: rows are distinct paths of flows with losses.
type cover struct {
	set   *Set
	votes ballot
	rows  [][]int32 // links, ascending
	of    [][]int32 // rows by link
}

func newCover(s *Set) *cover {
	p := &cover{set: s, votes: tally(s)}
	for _, i := range p.votes.flows {
		if len(s.Path(i)) > 0 {
			row := slices.Clone(s.Path(i))
			slices.Sort(row)
			p.rows = append(p.rows, slices.Compact(row))
		}
	}
	slices.SortFunc(p.rows, slices.Compare)
	p.rows = slices.CompactFunc(p.rows, slices.Equal)
	p.index()
	return p
}

func (p *cover) index() {
	p.of = make([][]int32, p.set.links.Len())
	for r, row := range p.rows {
		for _, l := range row {
			p.of[l] = append(p.of[l], int32(r))
		}
	}
}

// greedy picks by flows, not by distinct paths: stale counts are only too large.
func (p *cover) greedy() []int32 {
	taken := make([]bool, len(p.votes.flows))
	var q queue
	for l, of := range p.votes.of {
		if len(of) > 0 {
			q = append(q, candidate{odds: float64(len(of)), col: int32(l)})
		}
	}
	heap.Init(&q)
	var chosen []int32
	for len(q) > 0 {
		top := heap.Pop(&q).(candidate)
		left := 0
		for _, f := range p.votes.of[top.col] {
			if !taken[f] {
				left++
			}
		}
		if left == 0 {
			continue
		}
		if float64(left) < top.odds {
			heap.Push(&q, candidate{odds: float64(left), col: top.col})
			continue
		}
		chosen = append(chosen, top.col)
		for _, f := range p.votes.of[top.col] {
			taken[f] = true
		}
	}
	return chosen
}

// exact returns a smallest cover, and a lower bound of its size: equal where it is
// proven.
func (p *cover) exact() (chosen []int32, bound int) {
	sub := &search{p: p, work: coverWork}
	rows := make([]int32, len(p.rows))
	for i := range rows {
		rows[i] = int32(i)
	}
	for _, part := range p.parts(rows) {
		best, low := sub.solve(part)
		chosen = append(chosen, best...)
		bound += low
	}
	slices.SortFunc(chosen, func(a, b int32) int {
		return cmp.Or(cmp.Compare(len(p.votes.of[b]), len(p.votes.of[a])), cmp.Compare(a, b))
	})
	return chosen, bound
}

// parts divides rows into those that share no link.
func (p *cover) parts(rows []int32) [][]int32 {
	in := make(map[int32]bool, len(rows))
	for _, r := range rows {
		in[r] = true
	}
	var out [][]int32
	for _, first := range rows {
		if !in[first] {
			continue
		}
		delete(in, first)
		part := []int32{first}
		for i := 0; i < len(part); i++ {
			for _, l := range p.rows[part[i]] {
				for _, r := range p.of[l] {
					if in[r] {
						delete(in, r)
						part = append(part, r)
					}
				}
			}
		}
		slices.Sort(part)
		out = append(out, part)
	}
	return out
}

// assign gives each flow's losses to one of the chosen links.
func (p *cover) assign(chosen []int32) (losses []float64, total float64) {
	s := p.set
	losses = make([]float64, s.links.Len())
	rank := make([]int, s.links.Len())
	for i, l := range chosen {
		rank[l] = len(chosen) - i
	}
	for _, i := range p.votes.flows {
		best := int32(-1)
		for _, l := range s.Path(i) {
			if rank[l] > 0 && (best < 0 || rank[l] > rank[best]) {
				best = l
			}
		}
		if best >= 0 {
			losses[best] += float64(s.Lost(i))
			total += float64(s.Lost(i))
		}
	}
	return losses, total
}

// answer says which links are bad; the cause of a flow's loss is the one of them on
// its path that most flows with losses cross, noise where there is none.
func (p *cover) answer(method string, chosen []int32, bound int) Result {
	s := p.set
	bad := make([]bool, s.links.Len())
	for _, l := range chosen {
		bad[l] = true
	}
	res := Result{Method: method, Bound: bound}
	for l, of := range p.votes.of {
		if len(of) == 0 {
			continue
		}
		r := LinkResult{Link: s.links.Name(int32(l)), Verdict: Good, Score: float64(len(of)), Votes: round(p.votes.votes[l])}
		if bad[l] {
			r.Verdict = Bad
		}
		res.Links = append(res.Links, r)
	}
	sortLinks(res.Links)
	for _, i := range p.votes.flows {
		cause, most := CauseNoise, 0
		if len(s.Path(i)) == 0 {
			cause = CauseUnknown
		}
		for _, l := range s.Path(i) {
			if n := len(p.votes.of[l]); bad[l] && n > most {
				cause, most = s.links.Name(l), n
			}
		}
		res.Flows = append(res.Flows, FlowResult{Flow: s.Name(i), Cause: cause})
	}
	return res
}
