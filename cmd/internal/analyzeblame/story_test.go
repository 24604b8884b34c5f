package analyzeblame

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/telltale-net/telltale/analyzers/blame"
	"github.com/telltale-net/telltale/cmd/internal/dataset"
)

// tell runs the analysis of lines in words.
func tell(t *testing.T, method Method, lines ...string) string {
	t.Helper()
	var out bytes.Buffer
	sum, err := Run(context.Background(), &out, []dataset.Input{{Name: "flows", Reader: strings.NewReader(strings.Join(lines, "\n"))}}, Options{Format: Text, Method: method})
	if err != nil || sum.Stats.Bad > 0 {
		t.Fatal(err, sum.Problems)
	}
	return out.String()
}

func flows(n int, path string, packets, lost int) (lines []string) {
	for i := range n {
		lines = append(lines, fmt.Sprintf(`{"flow":"%s %d","path":["%s"],"packets":%d,"lost":%d}`, path, i, strings.ReplaceAll(path, " ", `","`), packets, lost))
	}
	return lines
}

func join(parts ...[]string) (all []string) {
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

// TestStory: what is to blame is counted as faults, told with what it rests on.
func TestStory(t *testing.T) {
	good := join(flows(50, "h2>t2 t2>a2 a2>t3", 100, 0), flows(50, "h2>t2 t2>a3 a3>t3", 100, 0))
	for _, x := range []struct {
		name   string
		method Method
		lines  []string
		want   []string // substrings, in order
		never  string
	}{
		{"nothing", Likelihood, nil, []string{"No flows were read.\n"}, "healthy"},
		{"no losses", Likelihood, good, []string{"None of 100 flows lost packets.\n", "A healthy link loses"}, "cause"},
		{"a link", Likelihood, join(good, flows(20, "h2>t2 t2>a4", 100, 3)),
			[]string{"1 link is to blame:\n", "  t2>a4                    bad      probability 1.000, loses 0.03", " of packets; of 20 flows 20 lost some, 60 packets of 2000\n", "cause:\n", "t2>a4                    20\n"}, "votes"},
		{"either of two", Likelihood, join(good, flows(20, "h2>t2 t2>a4 a4>t9", 100, 3)),
			[]string{"1 link is to blame:\n  one of these, which most of the same losses crossed:\n    ", "probability 0.", "\n    ", "probability 0."}, "2 links"},
		{"votes", Votes, join(good, flows(20, "h2>t2 t2>a4", 100, 3)), []string{"1 link is to blame:\n  h2>t2                    bad      10 votes; of 120 flows 20 lost some, 60 packets of 12000\n"}, "probability"},
	} {
		got := tell(t, x.method, x.lines...)
		rest := got
		for _, w := range x.want {
			at := strings.Index(rest, w)
			if at < 0 {
				t.Errorf("%s: got\n%s\nwant %q", x.name, got, w)
				break
			}
			rest = rest[at+len(w):]
		}
		if strings.Contains(got, x.never) {
			t.Errorf("%s: got\n%s\nwant no %q", x.name, got, x.never)
		}
	}
}

// TestStoryIsShort: where everything is bad, not everything is told.
func TestStoryIsShort(t *testing.T) {
	var lines []string
	for i := range 60 {
		lines = append(lines, flows(20, fmt.Sprintf("L%d", i), 100, 5)...)
	}
	for i := range 600 {
		lines = append(lines, flows(5, fmt.Sprintf("G%d", i), 100, 0)...)
	}
	got := tell(t, Likelihood, lines...)
	if n := strings.Count(got, " bad "); n != mostBad || !strings.Contains(got, "60 links are to blame:\n") || !strings.Contains(got, "  and 20 more, of 60 links that flows with losses crossed\n") {
		t.Errorf("got %d links told:\n%s", n, got)
	}
}

// TestStoryOfDevice: a device is one fault, not as many as it has links.
func TestStoryOfDevice(t *testing.T) {
	p := 1.0
	links := blame.NewLinks()
	set := blame.NewSet(links)
	if err := set.Add([]byte("f"), []int32{links.ID("t1>x"), links.ID("x>t2")}, 100, 3); err != nil {
		t.Fatal(err)
	}
	res := blame.Result{
		Method:  string(Likelihood),
		Links:   []blame.LinkResult{{Link: "t1>x", Verdict: blame.Bad, Probability: &p, Device: "x"}, {Link: "x>t2", Verdict: blame.Bad, Probability: &p, Device: "x"}},
		Devices: []blame.DeviceResult{{Device: "x", Verdict: blame.Bad, Probability: 1, LossRate: 0.02}},
		Flows:   []blame.FlowResult{{Flow: "f", Cause: "t1>x", Device: "x"}},
		Noise:   1e-6,
	}
	var b bytes.Buffer
	if err := story(&b, "flows", false, set, &res); err != nil {
		t.Fatal(err)
	}
	const want = `1 device is to blame:
  device x                 bad      probability 1.000, loses 0.02 of packets, all of its 2 links alike
A healthy link loses 1e-06 of packets.
Flows with losses, by cause:
  device x                 1
`
	if got := b.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestStoryOfRiskGroup: links of one device are said to have a cause in common, and a cause
// less probable than noise is told beside it.
func TestStoryOfRiskGroup(t *testing.T) {
	links := blame.NewLinks()
	set := blame.NewSet(links)
	if err := set.Add([]byte("f"), []int32{links.ID("t1>x")}, 100, 3); err != nil {
		t.Fatal(err)
	}
	p := 0.02
	res := blame.Result{
		Method:     string(Likelihood),
		RiskGroups: []blame.RiskGroup{{Device: "x", Links: []string{"t1>x", "t2>x", "t3>x"}, Of: 16, Probability: 0.97}},
		Flows:      []blame.FlowResult{{Flow: "f", Cause: "t1>x", Probability: &p, Noise: 0.9}},
	}
	var b bytes.Buffer
	if err := story(&b, "flows", false, set, &res); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"3 of the 16 links of x are among them: one cause, as a line card, with probability 0.97\n", "  t1>x, or noise           1\n"} {
		if got := b.String(); !strings.Contains(got, want) {
			t.Errorf("got\n%s\nwant %q", got, want)
		}
	}
}
