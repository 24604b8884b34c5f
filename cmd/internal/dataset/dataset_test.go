package dataset

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

const text = "{\"a\":1}\n{\"a\":2}\n"

func packed(t *testing.T, w io.WriteCloser, b *bytes.Buffer) string {
	t.Helper()
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestReadUnpacks(t *testing.T) {
	var b1, b2 bytes.Buffer
	z, err := zstd.NewWriter(&b2)
	if err != nil {
		t.Fatal(err)
	}
	for name, file := range map[string]string{"plain": text, "gzip": packed(t, gzip.NewWriter(&b1), &b1), "zstd": packed(t, z, &b2)} {
		in := Input{name, strings.NewReader(file)}
		err := in.Read(t.Context(), func(got string, r io.Reader) error {
			all, err := io.ReadAll(r)
			if got != name || string(all) != text {
				t.Errorf("%s: got %q of %q", name, all, got)
			}
			return err
		})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestReadShort(t *testing.T) {
	for _, file := range []string{"", "{", "\x1f\x8b", "\x1f\x8b\x08"} {
		err := Input{"f", strings.NewReader(file)}.Read(t.Context(), func(_ string, r io.Reader) error {
			_, err := io.ReadAll(r)
			return err
		})
		if bad := strings.HasPrefix(file, "\x1f"); bad != (err != nil) || bad && !strings.Contains(err.Error(), "cannot read data set f: cannot unpack gzip") {
			t.Errorf("%q: got %v", file, err)
		}
	}
}

func TestReadStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	in := Input{"f", strings.NewReader(strings.Repeat(text, 1<<16))}
	err := in.Read(ctx, func(_ string, r io.Reader) error {
		cancel()
		_, err := io.ReadAll(r)
		return err
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}
