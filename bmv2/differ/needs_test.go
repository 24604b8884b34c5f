package differ

import (
	"path/filepath"
	"testing"

	"github.com/telltale-net/telltale/bmv2/runner"
	"github.com/telltale-net/telltale/internal/testutil"
	"github.com/telltale-net/telltale/p4src"
)

func TestNeeds(t *testing.T) {
	for _, p := range []p4src.Program{p4src.Fabric, p4src.VSwitch} {
		c, err := runner.NewProgram(p.JSON, p.P4Info)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := needsOf(c.Engine.Spec()), (needs{timed: true, stateful: true, paced: true}); got != want {
			t.Errorf("%s: got %+v, want %+v", p.Name, got, want)
		}
	}
	f := func(name string, want needs) {
		t.Helper()
		base := filepath.Join(testutil.Shared(t, "vectors/stf"), name)
		c, err := runner.ReadProgram(base+".json", base+".p4info.txtpb")
		if err != nil {
			t.Fatal(err)
		}
		if got := needsOf(c.Engine.Spec()); got != want {
			t.Errorf("%s: got %+v, want %+v", name, got, want)
		}
	}
	f("arith1-bmv2", needs{})
	f("issue1097-2-bmv2", needs{stateful: true, paced: true}) // a register in egress
}
