package hash

import (
	"strings"
	"testing"
)

// What a data set's checks are is said in notes: every one by words of its own.
func TestCheckString(t *testing.T) {
	seen := map[string]Check{}
	for _, c := range Checks(Murmur3)[:41] { // those of the first algorithm, which the list has again
		s := c.String()
		if other, ok := seen[s]; ok {
			t.Errorf("%+v and %+v are both %q", c, other, s)
		}
		seen[s] = c
		if strings.Contains(s, "of ,") || s == "" {
			t.Errorf("%+v is %q", c, s)
		}
	}
}
