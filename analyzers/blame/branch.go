package blame

import "slices"

// search looks for the smallest cover of rows by branch and bound.
type search struct {
	p    *cover
	work int // that may still be done: links of rows looked at
	best []int32
}

// solve returns the smallest cover found of rows that are connected, and a lower bound
// of the size of any.
func (s *search) solve(rows []int32) (chosen []int32, bound int) {
	first, left, links := s.reduce(rows, nil)
	if len(left) == 0 {
		return first, len(first)
	}
	bound = len(first) + s.apart(left, links)
	s.best = s.greedy(left, links)
	done := s.branch(left, links, nil)
	if done {
		bound = len(first) + len(s.best)
	}
	return append(first, s.best...), bound
}

// problem is rows, by number, and the links that each still has.
type problem = map[int32][]int32

// reduce takes what every smallest cover may contain: the only link of a row. It drops
// rows that have all links of another one, and links whose rows another link has,
// until nothing changes.
func (s *search) reduce(rows []int32, links problem) (chosen, left []int32, now problem) {
	now = make(problem, len(rows))
	for _, r := range rows {
		if now[r] = links[r]; links == nil {
			now[r] = s.p.rows[r]
		}
	}
	left = slices.Clone(rows)
	for {
		of := map[int32][]int32{}
		for _, r := range left {
			s.work -= len(now[r])
			for _, l := range now[r] {
				of[l] = append(of[l], r)
			}
		}
		gone := map[int32]bool{}
		for l, rows := range of {
			if s.dominated(l, rows, of, now) {
				gone[l] = true
			}
		}
		for _, r := range left {
			kept := make([]int32, 0, len(now[r]))
			for _, l := range now[r] {
				if !gone[l] {
					kept = append(kept, l)
				}
			}
			now[r] = kept
		}
		covered := map[int32]bool{}
		for _, r := range left {
			if len(now[r]) == 1 && !covered[r] {
				l := now[r][0]
				chosen = append(chosen, l)
				for _, x := range of[l] {
					covered[x] = true
				}
			}
		}
		for _, r := range left {
			if covered[r] {
				continue
			}
			for _, x := range of[now[r][0]] { // a row within r has all of its links in r
				if x != r && !covered[x] && within(now[x], now[r]) && (len(now[x]) < len(now[r]) || x < r) {
					covered[r] = true
					break
				}
			}
		}
		if len(covered) == 0 && len(gone) == 0 {
			return chosen, left, now
		}
		left = slices.DeleteFunc(left, func(r int32) bool { return covered[r] })
	}
}

// dominated reports whether another link has all rows of l: more of them, or the same
// and it comes first, by flows and number.
func (s *search) dominated(l int32, rows []int32, of map[int32][]int32, now problem) bool {
	for _, x := range now[rows[0]] {
		if x == l || len(of[x]) < len(rows) || !within(rows, of[x]) {
			continue
		}
		if len(of[x]) > len(rows) {
			return true
		}
		if a, b := len(s.p.votes.of[x]), len(s.p.votes.of[l]); a > b || a == b && x < l {
			return true
		}
	}
	return false
}

// within reports whether all of a, ascending, are in b, ascending.
func within(a, b []int32) bool {
	if len(a) > len(b) {
		return false
	}
	i := 0
	for _, x := range a {
		for i < len(b) && b[i] < x {
			i++
		}
		if i == len(b) || b[i] != x {
			return false
		}
	}
	return true
}

// apart is a lower bound: rows no two of which share a link.
func (s *search) apart(rows []int32, links problem) int {
	order := slices.Clone(rows)
	slices.SortStableFunc(order, func(a, b int32) int { return len(links[a]) - len(links[b]) })
	used := map[int32]bool{}
	n := 0
	for _, r := range order {
		if slices.ContainsFunc(links[r], func(l int32) bool { return used[l] }) {
			continue
		}
		n++
		for _, l := range links[r] {
			used[l] = true
		}
	}
	return n
}

func (s *search) greedy(rows []int32, links problem) (chosen []int32) {
	left := slices.Clone(rows)
	for len(left) > 0 {
		count := map[int32]int{}
		for _, r := range left {
			for _, l := range links[r] {
				count[l]++
			}
		}
		best := int32(-1)
		for l, n := range count {
			if best < 0 || n > count[best] || n == count[best] && l < best {
				best = l
			}
		}
		chosen = append(chosen, best)
		left = slices.DeleteFunc(left, func(r int32) bool { return slices.Contains(links[r], best) })
	}
	return chosen
}

// branch tries each link of the row with the fewest, after what it has chosen already,
// and reports whether it looked at all there is.
func (s *search) branch(rows []int32, links problem, chosen []int32) bool {
	if s.work < 0 {
		return false
	}
	more, left, now := s.reduce(rows, links)
	chosen = slices.Concat(chosen, more)
	if len(left) == 0 {
		if len(chosen) < len(s.best) {
			s.best = chosen
		}
		return true
	}
	if len(chosen)+s.apart(left, now) >= len(s.best) {
		return true
	}
	pivot := left[0]
	for _, r := range left {
		if len(now[r]) < len(now[pivot]) {
			pivot = r
		}
	}
	all := true
	rest := now
	for _, l := range now[pivot] {
		without := slices.DeleteFunc(slices.Clone(left), func(r int32) bool { return slices.Contains(rest[r], l) })
		if !s.branch(without, rest, append(slices.Clone(chosen), l)) {
			all = false
		}
		next := make(problem, len(rest)) // l has been tried
		for r, of := range rest {
			next[r] = slices.DeleteFunc(slices.Clone(of), func(x int32) bool { return x == l })
		}
		rest = next
		if len(rest[pivot]) == 0 || slices.ContainsFunc(left, func(r int32) bool { return len(rest[r]) == 0 }) {
			break // no cover without what has been tried
		}
	}
	return all
}
