package exposition

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/VictoriaMetrics/VictoriaMetrics/lib/prompb"
	"github.com/google/go-cmp/cmp"
)

func one(at int64, v float64, labels ...string) prompb.TimeSeries {
	s := prompb.TimeSeries{Samples: []prompb.Sample{{Value: v, Timestamp: at}}}
	for i := 0; i < len(labels); i += 2 {
		s.Labels = append(s.Labels, prompb.Label{Name: labels[i], Value: labels[i+1]})
	}
	return s
}

func TestParse(t *testing.T) {
	const text = `# HELP a_total What a is.
# TYPE a_total counter
a_total 3
# a remark
a_total{zone="x",b="q\"\\\n",empty=""} 1e+06
job_total{job="mine"} -Inf
`
	m, err := Parse(text, Config{Time: 5, Labels: []prompb.Label{{Name: "job", Value: "t"}}, Rename: func(metric, label, value string) string {
		if metric == "a_total" && label == "zone" {
			return value + "1"
		}
		return value
	}})
	if err != nil {
		t.Fatal(err)
	}
	want := Metrics{
		Series: []prompb.TimeSeries{
			one(5, 3, "__name__", "a_total", "job", "t"),
			one(5, 1e6, "__name__", "a_total", "b", "q\"\\\n", "job", "t", "zone", "x1"),
			one(5, math.Inf(-1), "__name__", "job_total", "job", "mine"),
		},
		Metadata: []prompb.MetricMetadata{{Type: uint32(prompb.MetricMetadataCOUNTER), MetricFamilyName: "a_total", Help: "What a is."}},
	}
	if diff := cmp.Diff(m, want); diff != "" {
		t.Errorf("(-got +want)\n%s", diff)
	}
}

func TestBadLines(t *testing.T) {
	for _, line := range []string{
		"1a 3", "a", "a x", "a 1 2", "a{b} 1", "a{b=c} 1", `a{b="c} 1`, `a{b="c" 1`, `a{b="\x"} 1`, `a{b="\`, `a{b="c"d="e"} 1`, `a{b="1",b="2"} 1`,
		`a{__name__="b"} 1`, "# TYPE a thing", "# TYPE a", "# HELP 9 x", `a{b:c="1"} 1`, " a 1",
	} {
		m, err := Parse("ok 1\n"+line+"\nok2 2\n", Config{})
		if err == nil || !strings.Contains(err.Error(), "line 2: ") || m.Bad != 1 || len(m.Series) != 2 {
			t.Errorf("%s: got %v, %d bad lines and %d series; want an error about line 2 and the two others", line, err, m.Bad, len(m.Series))
		}
	}
}

// Whatever the text, what is read can be written and read again, and a line is either
// read or counted as bad.
func FuzzParse(f *testing.F) {
	f.Add("# TYPE a counter\na{b=\"c\"} 1\n")
	f.Add("a{b=\"\\\\\\n\",c=\"\"} +Inf\n\n#\nb 0x1p-2")
	f.Fuzz(func(t *testing.T, text string) {
		m, err := Parse(text, Config{Time: 1})
		if (err == nil) != (m.Bad == 0) || m.Bad+len(m.Series) > strings.Count(text, "\n")+1 {
			t.Fatalf("%d bad lines, %d series, %v", m.Bad, len(m.Series), err)
		}
		var again strings.Builder
		escape := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)
		for _, s := range m.Series {
			var labels []string
			name := ""
			for _, l := range s.Labels {
				if l.Name == "__name__" {
					name = l.Value
				} else {
					labels = append(labels, fmt.Sprintf(`%s="%s"`, l.Name, escape.Replace(l.Value)))
				}
			}
			fmt.Fprintf(&again, "%s{%s} %v\n", name, strings.Join(labels, ","), s.Samples[0].Value)
		}
		m2, err := Parse(again.String(), Config{Time: 1})
		if err != nil {
			t.Fatalf("%q, made of %q: %v", again.String(), text, err)
		}
		same := cmp.Comparer(func(a, b float64) bool { return a == b || a != a && b != b })
		if diff := cmp.Diff(m2.Series, m.Series, same); diff != "" {
			t.Fatalf("%q: %s", text, diff)
		}
	})
}

func TestStale(t *testing.T) {
	var s Stale
	a, b := one(1, 1, "__name__", "a"), one(1, 1, "__name__", "b", "x", "y")
	if got := s.Ended([]prompb.TimeSeries{a, b}, 1); len(got) != 0 {
		t.Errorf("got %v at first, want none", got)
	}
	got := s.Ended([]prompb.TimeSeries{a}, 7)
	if len(got) != 1 || got[0].Labels[1].Value != "y" || !IsStale(got[0].Samples[0].Value) || got[0].Samples[0].Timestamp != 7 {
		t.Errorf("got %v, want the end of b", got)
	}
	if got := s.Ended(nil, 8); len(got) != 1 || got[0].Labels[0].Value != "a" {
		t.Errorf("got %v, want the end of a", got)
	}
	if IsStale(math.NaN()) {
		t.Error("any NaN is taken for a marker")
	}
}

// BenchmarkParse reads 40 000 lines.
func BenchmarkParse(b *testing.B) {
	var text strings.Builder
	for i := range 40_000 {
		fmt.Fprintf(&text, "telltale_hop_latency_seconds_bucket{node=\"leaf1\",port=\"%d\",peer=\"spine1\",queue=\"0\",le=\"0.001\"} %d\n", i, i*1000)
	}
	s := text.String()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(s, Config{Time: 1}); err != nil {
			b.Fatal(err)
		}
	}
}
