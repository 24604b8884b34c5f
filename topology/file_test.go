package topology

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Fatalf("%s (-want +got):\n%s", path, diff)
	}
}

var values = cmp.Options{cmpopts.EquateComparable(Node{}, Host{}, ACLRule{})}

// TestExample holds the file of the package comment, testdata/example.yml and what
// they mean together.
func TestExample(t *testing.T) {
	data, err := os.ReadFile("testdata/example.yml")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		if !bytes.Contains(doc, []byte("//\t"+line)) {
			t.Errorf("doc.go lacks the line %q of testdata/example.yml", line)
		}
	}
	f, err := Read(data)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/example.golden", Write(f))
}

func TestDemoFile(t *testing.T) {
	f, err := LeafSpine(DefaultLeafSpine())
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/demo.yml", Write(f))
}

// TestRefused reads every file of testdata/refused: none is a fabric, and the
// golden file says why not.
func TestRefused(t *testing.T) {
	paths, err := filepath.Glob("testdata/refused/*.yml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no files: %v", err)
	}
	var b strings.Builder
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		_, err = Read(data)
		if err == nil {
			t.Errorf("%s: got no error, want one", path)
		}
		fmt.Fprintf(&b, "%s\n", filepath.Base(path))
		for line := range strings.Lines(fmt.Sprint(err)) {
			fmt.Fprintf(&b, "    %s\n", strings.TrimSuffix(line, "\n"))
		}
	}
	golden(t, "testdata/refused.golden", []byte(b.String()))
}

func TestProblems(t *testing.T) {
	f, err := LeafSpine(DefaultLeafSpine())
	if err != nil {
		t.Fatal(err)
	}
	for range maxProblems + 5 {
		f.Links = append(f.Links, Link{A: Endpoint{"nobody", 1}, B: Endpoint{"leaf1", 7}})
	}
	err = Validate(f)
	var ps Problems
	if !errors.As(err, &ps) || len(ps) != maxProblems+1 || !strings.HasPrefix(ps[maxProblems].Text, "and ") {
		t.Fatalf("got %d problems, want %d and a count of the rest", len(ps), maxProblems)
	}
	var p Problem
	if !errors.As(err, &p) || p != ps[0] || p.Line != 0 || p.Place != "link nobody:1–leaf1:7" {
		t.Fatalf("got first problem %+v, want the one at link nobody:1–leaf1:7", p)
	}
}

func TestReadTooLarge(t *testing.T) {
	_, err := Read(make([]byte, MaxFileSize+1))
	if err == nil || !strings.Contains(err.Error(), "the file is too large: got 16777217 bytes, want at most 16777216") {
		t.Fatalf("got %v", err)
	}
}

func TestRate(t *testing.T) {
	f := func(s string, want int64) {
		t.Helper()
		got, err := parseRate(s)
		if want < 0 {
			if err == nil {
				t.Fatalf("%q: got %d, want an error", s, got)
			}
			return
		}
		if err != nil || got != want {
			t.Fatalf("%q: got %d, %v, want %d", s, got, err, want)
		}
	}
	f("1Gbps", 1_000_000_000)
	f("2.5Gbps", 2_500_000_000)
	f("0.000000001Gbps", 1)
	f("1500 kbps", 1_500_000)
	f("7bps", 7)
	f("100Tbps", maxRate)
	f("unlimited", 0)
	f("", -1)
	f("1", -1)
	f("bps", -1)
	f("Gbps", -1)
	f(".5Gbps", -1)
	f("0bps", -1)
	f("0.5bps", -1)
	f("0.0000000001Gbps", -1)
	f("1.5.5Gbps", -1)
	f("-1Gbps", -1)
	f("+1Gbps", -1)
	f("1e3bps", -1)
	f("1Pbps", -1)
	f("101Tbps", -1)
	f("18446744073709551616bps", -1)
}

func TestWriteReadsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := randomFabric(t)
		if err := Validate(want); err != nil {
			t.Fatalf("the generator made an invalid fabric: %v", err)
		}
		data := Write(want)
		got, err := Read(data)
		if err != nil {
			t.Fatalf("%v\n%s", err, data)
		}
		if diff := cmp.Diff(want, got, values, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("(-want +got):\n%s\n%s", diff, data)
		}
		if again := Write(got); !bytes.Equal(again, data) {
			t.Fatalf("written twice: got\n%s\nwant\n%s", again, data)
		}
	})
}

// FuzzRead: whatever the bytes, Read returns a valid fabric that is written and
// read back unchanged, or problems.
func FuzzRead(f *testing.F) {
	for _, pattern := range []string{"testdata/*.yml", "testdata/refused/*.yml"} {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, path := range paths {
			data, err := os.ReadFile(path)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		fabric, err := Read(data)
		if err != nil {
			var ps Problems
			if !errors.As(err, &ps) || len(ps) == 0 || err.Error() == "" {
				t.Fatalf("got error %#v, want Problems", err)
			}
			return
		}
		if _, err := NewIndex(fabric); err != nil {
			t.Fatalf("Read let through: %v", err)
		}
		again, err := Read(Write(fabric))
		if err != nil {
			t.Fatalf("cannot read back: %v\n%s", err, Write(fabric))
		}
		if diff := cmp.Diff(fabric, again, values, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
	})
}

func BenchmarkRead(b *testing.B) {
	data, err := os.ReadFile("testdata/demo.yml")
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Read(data); err != nil {
			b.Fatal(err)
		}
	}
}
