package spec

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/telltale-net/telltale/internal/testutil"
)

func TestLoadVectors(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(testutil.Shared(t, "vectors/stf"), "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no programs: %v", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Load(data); err != nil {
			t.Errorf("%s: %v", filepath.Base(file), err)
		}
	}
}
