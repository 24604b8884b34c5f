package jsonlines

import (
	"encoding/json"
	"errors"
	"fmt"
)

// Problem is a line that was not taken.
type Problem struct {
	File  string
	Line  int    // from 1
	Field string // "" = the line as a whole
	Text  string // got what, want what
}

func (p Problem) Error() string {
	if p.Field == "" {
		return fmt.Sprintf("%s:%d: %s", p.File, p.Line, p.Text)
	}
	return fmt.Sprintf("%s:%d: %s: %s", p.File, p.Line, p.Field, p.Text)
}

// MaxProblems is how many problems are described; who adds them counts them all.
const MaxProblems = 20

// Problems are the first lines that were not taken, in order.
type Problems []Problem

// Add keeps a problem where there is room.
func (ps *Problems) Add(p Problem) {
	if len(*ps) < MaxProblems {
		*ps = append(*ps, p)
	}
}

// Explain says in words what encoding/json found wrong: with which field, "" = the line
// as a whole. want names what a field should be; nil takes Go's name of the type.
func Explain(err error, want func(field string) string) (field, text string) {
	var t *json.UnmarshalTypeError
	if errors.As(err, &t) {
		kind := fmt.Sprint(t.Type)
		if want != nil {
			kind = want(t.Field)
		}
		return t.Field, fmt.Sprintf("got %s, want %s", t.Value, kind)
	}
	var s *json.SyntaxError
	if errors.As(err, &s) {
		return "", fmt.Sprintf("malformed JSON at byte %d: %v", s.Offset, s)
	}
	return "", err.Error()
}
