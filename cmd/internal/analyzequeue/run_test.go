package analyzequeue

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/telltale-net/telltale/cmd/internal/dataset"
)

// set is a node that stalls for 50 µs while packets come every 2 µs.
func set(ids func(i int) string) string {
	var b strings.Builder
	b.WriteString(`{"nodes":[{"name":"a","rate_pps":1000000}]}` + "\n")
	free := 0
	for i := range 400 {
		at := 2000 * i
		start := max(at, free)
		if start >= 200_000 && start < 250_000 {
			start = 250_000
		}
		free = start + 1000
		fmt.Fprintf(&b, `{"node":"a",%s"flow":{"src":"10.0.0.1","dst":"10.0.0.2","proto":6,"sport":%d,"dport":80},"arrive":%d,"start":%d,"depart":%d}`+"\n", ids(i), i%7, at, start, free)
	}
	return b.String()
}

func number(i int) string { return fmt.Sprintf(`"pkt":%d,`, i) }

func run(t *testing.T, in io.Reader, opt Options) (string, Summary) {
	t.Helper()
	var out bytes.Buffer
	if opt.Victims == "" {
		opt.Victims = "p95"
	}
	opt.Format, opt.Method = JSON, Microscope
	sum, err := Run(context.Background(), &out, []dataset.Input{{Name: "set", Reader: in}}, opt)
	if err != nil {
		t.Fatal(err)
	}
	return out.String(), sum
}

// TestPacked: gzip and zstd are unpacked, whatever the file is called.
func TestPacked(t *testing.T) {
	text := set(number)
	want, sum := run(t, strings.NewReader(text), Options{})
	if sum.Victims < 15 || strings.Count(want, `"causes":[{"node":"a","kind":"processing"`) != sum.Victims {
		t.Fatalf("%d victims, answers\n%s", sum.Victims, want)
	}
	var gz, zs bytes.Buffer
	g := gzip.NewWriter(&gz)
	z, err := zstd.NewWriter(&zs)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range []io.WriteCloser{g, z} {
		if _, err := io.WriteString(w, text); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for _, in := range []io.Reader{&gz, &zs} {
		if got, _ := run(t, in, Options{}); got != want {
			t.Errorf("packed: got\n%s\nwant\n%s", got, want)
		}
	}
	var none bytes.Buffer
	cut := gz.Bytes()
	if _, err := Run(context.Background(), &none, []dataset.Input{{Name: "set", Reader: bytes.NewReader(append([]byte{0x1f, 0x8b}, cut...))}}, Options{Format: JSON, Method: Microscope, Victims: "p95"}); err == nil || !strings.Contains(err.Error(), "gzip") {
		t.Errorf("broken gzip: got %v", err)
	}
}

// TestWithoutIDs: packets without an id are victims of their own.
func TestWithoutIDs(t *testing.T) {
	got, sum := run(t, strings.NewReader(set(func(int) string { return "" })), Options{})
	if sum.Victims < 15 || strings.Contains(got, `"pkt"`) {
		t.Errorf("%d victims\n%s", sum.Victims, got)
	}
}

// TestShortIDs: ids that repeat are told apart, and it is said.
func TestShortIDs(t *testing.T) {
	_, sum := run(t, strings.NewReader(set(func(i int) string { return fmt.Sprintf(`"pkt":%d,`, i%100) })), Options{})
	if len(sum.Notes) != 1 || !strings.Contains(sum.Notes[0], "new numbers") {
		t.Errorf("notes %v", sum.Notes)
	}
}

func TestCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := Run(ctx, io.Discard, []dataset.Input{{Name: "set", Reader: strings.NewReader(set(number))}}, Options{Format: Text, Method: Microscope, Victims: "p95"})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's error", err)
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestOutputFails(t *testing.T) {
	for _, f := range []Format{JSON, Text} {
		_, err := Run(context.Background(), full{}, []dataset.Input{{Name: "set", Reader: strings.NewReader(set(number))}}, Options{Format: f, Method: Microscope, Victims: "p95"})
		if err == nil || !strings.Contains(err.Error(), "disk full") {
			t.Errorf("%s: got %v, want that the disk is full", f, err)
		}
	}
}

func TestSpan(t *testing.T) {
	for ns, want := range map[int64]string{5: "5 ns", 12_345: "12 µs", 812_345: "0.81 ms", 1_234_567: "1.2 ms", 45_678_900: "46 ms", 12_345_678_900: "12.3 s"} {
		if got := span(ns); got != want {
			t.Errorf("span(%d) = %s, want %s", ns, got, want)
		}
	}
	if got := count(1912, "packet"); got != "1,912 packets" {
		t.Errorf("got %s", got)
	}
}
