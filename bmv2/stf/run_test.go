package stf

import (
	"os"
	"strings"
	"testing"

	"github.com/telltale-net/telltale/bmv2/engine"
	"github.com/telltale-net/telltale/internal/testutil"
)

// TestVectors runs p4c's behaviour tests, all of which simple_switch passes.
func TestVectors(t *testing.T) {
	dir := os.DirFS(testutil.Shared(t, "vectors/stf"))
	n := scripts(t, func(name, _ string) {
		t.Run(strings.TrimSuffix(name, ".stf"), func(t *testing.T) {
			r := RunFile(dir, name, strings.TrimSuffix(name, ".stf")+".json", engine.Config{})
			if !r.Passed() {
				t.Error(r.Err)
			}
		})
	})
	if n != 115 {
		t.Errorf("got %d scripts; want 115", n)
	}
}
