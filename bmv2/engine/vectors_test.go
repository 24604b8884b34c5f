package engine_test

import (
	"os"
	"testing"

	"github.com/telltale-net/telltale/bmv2/engine"
	"github.com/telltale-net/telltale/bmv2/stf"
	"github.com/telltale-net/telltale/internal/testutil"
)

// TestVectors runs p4c's own behaviour tests.
func TestVectors(t *testing.T) {
	dir := os.DirFS(testutil.Shared(t, "vectors/stf"))
	passed, failed, err := stf.RunDir(dir, engine.Config{}, func(r stf.Result) {
		if !r.Passed() {
			t.Errorf("%s: %v", r.Script, r.Err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d passed, %d failed", passed, failed)
}
