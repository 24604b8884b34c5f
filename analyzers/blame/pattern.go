package blame

import "slices"

// pattern is a flow of whose path some links are not known.
type pattern struct {
	flow int32
	path []int32 // unknownHop where one is not
}

// addPattern appends a flow of whose path some links are not known.
func (s *Set) addPattern(name []byte, path []int32, packets, lost uint32) error {
	known := slices.DeleteFunc(slices.Clone(path), func(l int32) bool { return l == unknownHop })
	if err := s.Add(name, known, packets, lost); err != nil {
		return err
	}
	s.patterns = append(s.patterns, pattern{int32(s.Len() - 1), slices.Clone(path)})
	return nil
}

// complete finds, for each flow of whose path some links are not known, the paths over the links
// of the set that agree with what is known: each link begins at the device where the one
// before ends, and no device is met twice. Where there are none, or too many, the flow stays
// in doubt.
func (s *Set) complete() {
	if len(s.patterns) == 0 {
		return
	}
	from := make([][]int32, len(s.links.nodes))
	for l, e := range s.links.ends {
		if e[0] >= 0 && e[0] != e[1] {
			from[e[0]] = append(from[e[0]], int32(l))
		}
	}
	type entry struct {
		flow int32
		of   *bundle
	}
	var all []entry
	for i, f := range s.uncertain.flows {
		all = append(all, entry{f, s.uncertain.of[i]})
	}
	for _, p := range s.patterns {
		var paths [][]int32
		w := walker{s: s, from: from, pattern: p.path, found: &paths}
		if !w.walk(0) || len(paths) == 0 {
			s.doubted[p.flow] = true
			continue
		}
		weights := make([]float64, len(paths))
		for i := range weights {
			weights[i] = 1 / float64(len(paths))
		}
		all = append(all, entry{p.flow, s.links.bundle(paths, weights)})
	}
	slices.SortFunc(all, func(a, b entry) int { return int(a.flow) - int(b.flow) })
	s.uncertain, s.patterns = bundles{}, nil
	for _, e := range all {
		s.uncertain.flows = append(s.uncertain.flows, e.flow)
		s.uncertain.of = append(s.uncertain.of, e.of)
	}
}

// walker enumerates the links that a pattern leaves open.
type walker struct {
	s       *Set
	from    [][]int32 // links by the device where they begin
	pattern []int32
	path    []int32 // links chosen or known so far
	open    []int32 // of them, those that are not known
	found   *[][]int32
	steps   int
}

// walkSteps bounds the search for one flow.
const walkSteps = 1 << 16

// walk goes on at a position of the pattern and reports whether it came to an end within
// bounds.
func (w *walker) walk(at int) bool {
	if w.steps++; w.steps > walkSteps {
		return false
	}
	if at == len(w.pattern) {
		if len(*w.found) == MaxPaths {
			return false
		}
		*w.found = append(*w.found, slices.Clone(w.open))
		return true
	}
	if l := w.pattern[at]; l != unknownHop {
		if !w.fits(l) {
			return true
		}
		w.path = append(w.path, l)
		ok := w.walk(at + 1)
		w.path = w.path[:len(w.path)-1]
		return ok
	}
	next := w.next()
	for _, l := range next {
		if !w.fits(l) {
			continue
		}
		w.path, w.open = append(w.path, l), append(w.open, l)
		ok := w.walk(at + 1)
		w.path, w.open = w.path[:len(w.path)-1], w.open[:len(w.open)-1]
		if !ok {
			return false
		}
	}
	return true
}

// next returns the links that may follow: all there are at the beginning.
func (w *walker) next() []int32 {
	if len(w.path) > 0 {
		end := w.s.links.ends[w.path[len(w.path)-1]][1]
		if end < 0 {
			return nil
		}
		return w.from[end]
	}
	return slices.Concat(w.from...)
}

// fits reports whether a link may follow: it begins where the last one ends, and ends
// where the path has not been.
func (w *walker) fits(l int32) bool {
	ends := w.s.links.ends[l]
	if len(w.path) == 0 {
		return true
	}
	last := w.s.links.ends[w.path[len(w.path)-1]][1]
	if last < 0 || ends[0] != last {
		return false
	}
	return !slices.ContainsFunc(w.path, func(x int32) bool { return w.s.links.ends[x][0] == ends[1] })
}
