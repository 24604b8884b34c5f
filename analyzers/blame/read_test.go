package blame

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func read(t testing.TB, text string) (*Set, *Reader) {
	t.Helper()
	links := NewLinks()
	r, s := NewReader(links, 0), NewSet(links)
	if err := r.Read(s, "in", strings.NewReader(text)); err != nil {
		t.Fatal(err)
	}
	return s, r
}

func TestRead(t *testing.T) {
	s, r := read(t, `{"flow":"f1","path":["h1>t1","t1>a3"],"packets":87,"lost":2}

 {"lost":0, "packets":4.0, "path":["h1>t1"], "flow":"\u0066 2", "more":{"x":[1]}}
{"flow":"f3","path":["t1>a3"],"packets":1,"lost":3}
{"flow":"f4","path":[],"packets":1}
`)
	if len(r.Problems) > 0 {
		t.Fatalf("got problems %v", r.Problems)
	}
	var got []string
	for i := range s.Len() {
		var path []string
		for _, l := range s.Path(i) {
			path = append(path, s.Links().Name(l))
		}
		got = append(got, fmt.Sprintf("%s %v %d/%d", s.Name(i), path, s.Lost(i), s.Packets(i)))
	}
	want := []string{"f1 [h1>t1 t1>a3] 2/87", "f 2 [h1>t1] 0/4", "f3 [t1>a3] 3/3", "f4 [] 0/1"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if want := (Stats{Flows: 4, Losing: 2, Packets: 93, Lost: 5, Over: 1, Pathless: 1}); r.Stats != want {
		t.Errorf("got %+v, want %+v", r.Stats, want)
	}
}

func TestReadProblems(t *testing.T) {
	for in, want := range map[string]string{
		`{"flow":"f1"`:                                       "in:2: malformed JSON at byte 12: unexpected end of JSON input",
		`{"path":["a>b"],"packets":1}`:                       "in:2: flow: got none, want the name of a flow",
		`{"flow":"f","path":["a>b"]}`:                        "in:2: packets: got none, want how many packets the flow sent",
		`{"flow":"f","path":["a>b"],"packets":-1}`:           "in:2: packets: got -1, want a whole number from 0 to 2^32-1",
		`{"flow":"f","path":["a>b"],"packets":4,"lost":0.5}`: "in:2: lost: got 0.5, want a whole number from 0 to 2^32-1",
		`{"flow":"f","path":"a>b","packets":4}`:              "in:2: path: got string, want a list of links",
		`{"flow":"f","path":["a>b",""],"packets":4}`:         "in:2: path[1]: got an empty name, want a link",
		`[1]`: "in:2: got array, want an object",
	} {
		s, r := read(t, "\n"+in+"\n")
		if s.Len() != 0 || r.Stats.Bad != 1 || len(r.Problems) != 1 || r.Problems[0].Error() != want {
			t.Errorf("%s: got %d flows, %v; want %s", in, s.Len(), r.Problems, want)
		}
		if s.Links().Len() != 0 {
			t.Errorf("%s: left links behind", in)
		}
	}
}

func TestReadLimits(t *testing.T) {
	links := NewLinks()
	r := NewReader(links, 1)
	line := `{"flow":"f1","path":["h1>t1"],"packets":87,"lost":2}` + "\n"
	err := r.Read(NewSet(links), "in", strings.NewReader(line+line))
	if err == nil || !strings.Contains(err.Error(), "in: line 2: as many flows as there may be are held already (1)") {
		t.Errorf("got %v", err)
	}
	err = NewReader(links, 0).Read(NewSet(links), "in", strings.NewReader(line+strings.Repeat(" ", MaxLine+1)))
	if err == nil || !strings.Contains(err.Error(), "line 2: got a line of more than") {
		t.Errorf("got %v", err)
	}
}

// FuzzRead wants no panic, every line taken or counted, and the fast way to read a line
// to agree with the general one.
func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"flow":"f1","path":["h1>t1","t1>a3"],"packets":87,"lost":2}`))
	f.Add([]byte(`{"lost":01,"packets":4,"path":[],"flow":"x"}`))
	f.Add([]byte(`{"flow":"a","flow":"b","packets":1e3}`))
	f.Add([]byte(`{"flow":1,"paths":[["a>b","b>c"],["a>d","d>c"]],"weights":[0.5,2],"packets":9,"lost":4,"bursts":2}`))
	f.Add([]byte("{\"flow\":1,\"path\":[null,\"b>c\",null],\"packets\":9,\"lost\":4}\n{\"link\":\"a>b\",\"packets\":9,\"lost\":1,\"depth\":3}\n{\"device\":\"a\",\"in\":9,\"out\":1}"))
	f.Fuzz(func(t *testing.T, in []byte) {
		links := NewLinks()
		links.ID("h1>t1")
		r, s := NewReader(links, 0), NewSet(links)
		lines := uint64(0)
		for _, l := range bytes.Split(in, []byte("\n")) {
			if l = bytes.TrimSpace(l); len(l) == 0 {
				continue
			}
			lines++
			fast, ok := r.scan(l)
			if !ok {
				continue
			}
			fast.path = slices.Clone(fast.path)
			slow, _, p := r.general(l)
			if p != "" || string(fast.name) != string(slow.name) || !slices.Equal(fast.path, slow.path) || fast.packets != slow.packets || fast.lost != slow.lost {
				t.Fatalf("%q: fast %v, general %v %v", l, fast, slow, p)
			}
		}
		if err := r.Read(s, "in", bytes.NewReader(in)); err == nil && r.Stats.Bad+r.Stats.Flows+r.Stats.Counters+r.Stats.Samples != lines {
			t.Fatalf("got %d taken + %d not, want %d lines", r.Stats.Flows, r.Stats.Bad, lines)
		}
		for _, res := range []Result{Votes(s), Likelihood(s, Config{}), Binary(s), Integer(s), Cover(s)} {
			if err := res.WriteJSON(new(bytes.Buffer)); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// TestContract wants the shape that others read.
func TestContract(t *testing.T) {
	s, _ := read(t, `{"flow":"f1","path":["h1>t1","t1>a3"],"packets":87,"lost":2}`)
	for _, res := range []Result{Votes(s), Likelihood(s, Config{})} {
		var b bytes.Buffer
		if err := res.WriteJSON(&b); err != nil {
			t.Fatal(err)
		}
		var got struct {
			Links []struct {
				Link, Verdict string
				Score, Votes  *float64
			}
			Flows []struct{ Flow, Cause string }
		}
		if err := json.Unmarshal(b.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		if len(got.Links) != 2 || got.Links[0].Score == nil || got.Links[0].Votes == nil || *got.Links[0].Votes != 0.5 || len(got.Flows) != 1 || got.Flows[0].Flow != "f1" {
			t.Errorf("got %s", b.String())
		}
	}
}

func BenchmarkRead(b *testing.B) {
	line := []byte(`{"flow":"f123456","path":["h1>t1","t1>a3","a3>s2","s2>a9","a9>t7","t7>h99"],"packets":87,"lost":0}`)
	r := NewReader(NewLinks(), 0)
	if _, _, p := r.general(line); p != "" {
		b.Fatal(p)
	}
	b.SetBytes(int64(len(line)))
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := r.scan(line); !ok {
			b.Fatal("not read")
		}
	}
}
