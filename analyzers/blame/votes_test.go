package blame

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestVotesByHand is Algorithm 1 on paper.
func TestVotesByHand(t *testing.T) {
	s, _ := read(t, `{"flow":"f1","path":["a>b","b>c"],"packets":10,"lost":1}
{"flow":"f2","path":["a>b","b>d"],"packets":10,"lost":5}
{"flow":"f3","path":["e>b","b>d"],"packets":10,"lost":1}
{"flow":"f4","path":["a>b","b>d"],"packets":10,"lost":0}
{"flow":"f5","path":["a>b","e>b","b>c","x>y","y>z"],"packets":10,"lost":1}
`)
	// a>b: .5+.5+.2 = 1.2, b>d: 1, then without a>b's flows: b>d .5, e>b .5 of 4 votes.
	r := Votes(s)
	var got []string
	for _, l := range r.Links {
		got = append(got, fmt.Sprintf("%s %s %v %v", l.Link, l.Verdict, l.Score, l.Votes))
	}
	want := []string{"a>b bad 1.2 1.2", "b>d bad 0.5 1"}
	if len(got) < 2 || !slices.Equal(got[:1], want[:1]) || !slices.ContainsFunc(got, func(x string) bool { return strings.HasPrefix(x, "e>b") || x == want[1] }) {
		t.Errorf("got %q, want %q first", got, want)
	}
	if n := len(r.BadLinks()); n != 2 {
		t.Errorf("got %d bad links %v, want 2: one for f1, f2 and f5, one for f3", n, r.BadLinks())
	}
	for i, want := range []string{"a>b", "a>b", "b>d", "a>b"} {
		if r.Flows[i].Cause != want {
			t.Errorf("flow %s: got cause %s, want %s", r.Flows[i].Flow, r.Flows[i].Cause, want)
		}
	}
}

// TestVotesNoise: a loss on a path of which no link has more than 0.2 votes is noise.
func TestVotesNoise(t *testing.T) {
	s, _ := read(t, `{"flow":"f1","path":["a>b","b>c","c>d","d>e","e>f"],"packets":10,"lost":1}
{"flow":"f2","path":["q>r","r>s","s>t","t>u"],"packets":10,"lost":1}
{"flow":"f3","path":[],"packets":10,"lost":1}`)
	r := Votes(s)
	for i, want := range []string{CauseNoise, "q>r", CauseUnknown} {
		if r.Flows[i].Cause != want {
			t.Errorf("got cause %s, want %s", r.Flows[i].Cause, want)
		}
	}
}
