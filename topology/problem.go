package topology

import (
	"fmt"
	"strings"
)

const maxProblems = 100

// Problem is one thing that is wrong with a fabric.
type Problem struct {
	Line  int    // of the file, 1…; 0 when the fabric was not read from one
	Place string // "link leaf1:1–spine1:2", "host red-1", …; empty = the file as a whole
	Text  string
}

func (p Problem) Error() string {
	var b strings.Builder
	if p.Line > 0 {
		fmt.Fprintf(&b, "line %d: ", p.Line)
	}
	if p.Place != "" {
		b.WriteString(p.Place + ": ")
	}
	b.WriteString(p.Text)
	return b.String()
}

// Problems is the error of [Validate], [Read] and [NewIndex]: one [Problem] or
// more, in the order they were met. At most a hundred are kept; the last one then
// says how many more there were.
type Problems []Problem

func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap makes errors.As find the first Problem.
func (ps Problems) Unwrap() []error {
	errs := make([]error, len(ps))
	for i, p := range ps {
		errs[i] = p
	}
	return errs
}

// problems collects.
type problems struct {
	list Problems
	shed int
}

func (ps *problems) add(line int, place, format string, args ...any) {
	if len(ps.list) == maxProblems {
		ps.shed++
		return
	}
	ps.list = append(ps.list, Problem{line, place, fmt.Sprintf(format, args...)})
}

func (ps *problems) err() error {
	if len(ps.list) == 0 {
		return nil
	}
	if ps.shed > 0 {
		return append(ps.list, Problem{Text: fmt.Sprintf("and %d more problems", ps.shed)})
	}
	return ps.list
}
