// Package testutil holds what tests of several packages share. Only tests import it.
package testutil

import (
	"os"
	"path/filepath"
	"testing"
)

// Root returns the repository root: the nearest folder upwards with a go.mod.
func Root(tb testing.TB) string {
	tb.Helper()
	dir, err := os.Getwd()
	if err != nil {
		tb.Fatalf("cannot find the repository root: %v", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			tb.Fatalf("cannot find the repository root: no go.mod above the working folder")
		}
		dir = up
	}
}

// Shared returns the path of rel inside the folder "shared" that stands beside the
// repository: test vectors made by others. Where it is absent the test skips and
// says so; in CI (CI=true) it must be there.
func Shared(tb testing.TB, rel string) string {
	tb.Helper()
	path := filepath.Join(Root(tb), "..", "shared", filepath.FromSlash(rel))
	if _, err := os.Stat(path); err != nil {
		Absent(tb, "shared/"+rel)
	}
	return path
}

// Absent skips the test because what is not here; in CI it fails it.
func Absent(tb testing.TB, what string) {
	tb.Helper()
	if os.Getenv("CI") == "true" {
		tb.Fatalf("%s is absent, and CI must have it", what)
	}
	tb.Skipf("%s is absent", what)
}
