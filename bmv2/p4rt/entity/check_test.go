package entity

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	p4configv1 "github.com/p4lang/p4runtime/go/p4/config/v1"
	"google.golang.org/protobuf/encoding/prototext"

	"github.com/telltale-net/telltale/internal/testutil"
)

// Every program of the vectors is consistent: p4c wrote both files.
func TestCheckVectors(t *testing.T) {
	dir := testutil.Shared(t, "vectors/stf")
	files, err := filepath.Glob(filepath.Join(dir, "*.p4info.txtpb"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no P4Info in %s: %v", dir, err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		config, err := os.ReadFile(strings.TrimSuffix(f, ".p4info.txtpb") + ".json")
		if err != nil {
			t.Fatal(err)
		}
		var info p4configv1.P4Info
		if err := (prototext.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(text, &info); err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		if _, err := New(&info, config); err != nil {
			t.Errorf("%s: %v", filepath.Base(f), err)
		}
	}
}
