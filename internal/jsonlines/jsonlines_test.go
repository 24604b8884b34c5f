package jsonlines

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

func TestLines(t *testing.T) {
	l := New("f", strings.NewReader("\n {\"a\":1} \r\n\t\n2"), 64)
	var got []string
	for l.Next() {
		got = append(got, fmt.Sprintf("%s|%v|%v", l.Bytes(), l.Problem("a", "x"), l.Fail(io.EOF)))
	}
	want := []string{
		`{"a":1}|f:2: a: x|cannot read data set f: line 2: EOF`,
		`2|f:4: a: x|cannot read data set f: line 4: EOF`,
	}
	if !slices.Equal(got, want) || l.Err() != nil {
		t.Errorf("got %q, %v; want %q", got, l.Err(), want)
	}
}

func TestLinesWithByteOrderMark(t *testing.T) {
	for _, text := range []string{"\ufeff1\r\n2", "\ufeff\n1\n2\n"} {
		var got []string
		l := New("f", strings.NewReader(text), 64)
		for l.Next() {
			got = append(got, string(l.Bytes()))
		}
		if !slices.Equal(got, []string{"1", "2"}) || l.Err() != nil {
			t.Errorf("%q: got %q, %v", text, got, l.Err())
		}
	}
}

func TestLinesFail(t *testing.T) {
	l := New("f", strings.NewReader("1\n"+strings.Repeat("x", 65)), 64)
	for l.Next() {
	}
	if got, want := fmt.Sprint(l.Err()), "cannot read data set f: line 2: got a line of more than 64 bytes"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	broken := errors.New("broken")
	l = New("f", io.MultiReader(strings.NewReader("1\n2\n"), iotest.ErrReader(broken)), 64)
	for l.Next() {
	}
	if err := l.Err(); !errors.Is(err, broken) || !strings.Contains(err.Error(), "line 3") {
		t.Errorf("got %v, want it to say line 3 and %v", err, broken)
	}
}

func TestProblems(t *testing.T) {
	var ps Problems
	for i := range MaxProblems + 5 {
		ps.Add(Problem{File: "f", Line: i + 1, Text: "x"})
	}
	if len(ps) != MaxProblems || ps[1].Error() != "f:2: x" {
		t.Errorf("got %d problems, the second %v", len(ps), ps[1])
	}
}

func TestExplain(t *testing.T) {
	var w struct{ A uint8 }
	for text, want := range map[string]string{
		`{"a":"x"}`: "A: got string, want uint8",
		`{"a":-1}`:  "A: got number -1, want uint8",
		`{"a":1`:    ": malformed JSON at byte 6: unexpected end of JSON input",
	} {
		field, got := Explain(json.Unmarshal([]byte(text), &w), nil)
		if got = strings.ToUpper(field) + ": " + got; got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
	if _, got := Explain(json.Unmarshal([]byte(`{"a":[]}`), &w), func(string) string { return "a byte" }); got != "got array, want a byte" {
		t.Errorf("got %s", got)
	}
}

type row struct {
	S string            `json:"s"`
	N int64             `json:"n"`
	L []string          `json:"l"`
	F map[string]string `json:"f"`
}

// scan reads a row whose flat objects are known.
func scan(line []byte, flat map[string]map[string]string) (r row, ok bool) {
	const s, n, l, f = 1, 2, 4, 8
	o := Scan(line)
	for o.Next() {
		switch string(o.Name()) {
		case "s":
			o.Once(s)
			r.S = string(o.Str())
		case "n":
			o.Once(n)
			r.N = o.Int()
		case "l":
			o.Once(l)
			r.L = []string{}
			o.Strings(func(text []byte) bool { r.L = append(r.L, string(text)); return len(r.L) < 4 })
		case "f":
			o.Once(f)
			if r.F, ok = flat[string(o.Flat())]; !ok {
				o.Fail()
			}
		default:
			o.Fail()
		}
	}
	return r, o.Done(s)
}

var flat = map[string]map[string]string{`{"x": "y"}`: {"x": "y"}, `{}`: {}}

func TestScanTakes(t *testing.T) {
	for _, line := range []string{
		`{"s":"a"}`,
		` { "s" : "a" , "n":	-12 } `,
		`{"n":999999999999999999,"s":""}`,
		`{"s":"déjà>vu","l":[],"n":0}`,
		`{"l":[ "a" ,"b"],"s":"a","f":{"x": "y"}}`,
		`{"s":"}","f":{}}`,
	} {
		got, ok := scan([]byte(line), flat)
		var want row
		if err := json.Unmarshal([]byte(line), &want); err != nil {
			t.Fatal(err)
		}
		if !ok || fmt.Sprintf("%#v", got) != fmt.Sprintf("%#v", want) {
			t.Errorf("%s: got %#v, %v; want %#v", line, got, ok, want)
		}
	}
}

func TestScanLeaves(t *testing.T) {
	for _, line := range []string{
		``, `{`, `{}`, `}`, `[]`, `{"n":1}`, `{"s"}`, `{"s":}`, `{"s":"a"`, `{"s":"a",}`, `{"s":"a"}}`, `{"s":"a"} 1`,
		`{"s":"a""n":1}`, `{"s":"a","s":"b"}`, `{"s":"\u0061"}`, "{\"s\":\"\xff\"}", "{\"s\":\"\x01\"}", `{"s":"a","n":1.5}`,
		`{"s":"a","n":1e3}`, `{"s":"a","n":01}`, `{"s":"a","n":-}`, `{"s":"a","n":1000000000000000000}`, `{"s":"a","n":"1"}`,
		`{"s":null}`, `{"s":"a","x":1}`, `{"s":"a","l":["a",]}`, `{"s":"a","l":["a"`, `{"s":"a","l":[1]}`, `{"s":"a","l":["a" "b"]}`,
		`{"s":"a","l":["1","2","3","4"]}`, `{"s":"a","f":{"x": "z"}}`, `{"s":"a","f":{`, `{"s":"a","f":1}`, `{,"s":"a"}`,
	} {
		if r, ok := scan([]byte(line), flat); ok {
			t.Errorf("%s: took %#v", line, r)
		}
	}
}

func FuzzScan(f *testing.F) {
	for _, line := range []string{`{"s":"a","n":-12,"l":["a","b"],"f":{"x": "y"}}`, ` {"s" : "é", "l" : [ ] } `, `{"s":"}"}`} {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		got, ok := scan(line, flat)
		if !ok {
			return
		}
		var want row
		if err := json.Unmarshal(line, &want); err != nil {
			t.Fatalf("took %q, which is malformed: %v", line, err)
		}
		if g, w := fmt.Sprintf("%#v", got), fmt.Sprintf("%#v", want); g != w {
			t.Fatalf("%q: got %s, want %s", line, g, w)
		}
	})
}

func TestScanAllocates(t *testing.T) {
	line := []byte(`{"s":"abc","n":12345,"l":["a>b","b>c"],"f":{"x": "y"}}`)
	var n int
	allocs := testing.AllocsPerRun(100, func() {
		o := Scan(line)
		for o.Next() {
			switch string(o.Name()) {
			case "s":
				n += len(o.Str())
			case "n":
				n += int(o.Int())
			case "l":
				o.Strings(func(text []byte) bool { n += len(text); return true })
			case "f":
				n += bytes.IndexByte(o.Flat(), 'x')
			}
		}
		if !o.Done(0) {
			t.Fatal("failed")
		}
	})
	if allocs > 0 {
		t.Errorf("got %v allocations, want none", allocs)
	}
}

func BenchmarkScan(b *testing.B) {
	line := []byte(`{"s":"abcdefgh","n":123456789,"l":["a>b","b>c"],"f":{"x": "y"}}`)
	b.SetBytes(int64(len(line)))
	b.ReportAllocs()
	for b.Loop() {
		o := Scan(line)
		for o.Next() {
			switch string(o.Name()) {
			case "s":
				o.Str()
			case "n":
				o.Int()
			case "l":
				o.Strings(func([]byte) bool { return true })
			case "f":
				o.Flat()
			}
		}
		if !o.Done(0) {
			b.Fatal("failed")
		}
	}
}
