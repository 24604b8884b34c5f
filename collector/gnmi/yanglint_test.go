package gnmi

import (
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/openconfig/gnmic/pkg/api"

	"github.com/telltale-net/telltale/collector"
	"github.com/telltale-net/telltale/collector/aggregate"
	"github.com/telltale-net/telltale/collector/gnmi/model"
	"github.com/telltale-net/telltale/collector/gnmi/yang"
	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/collector/sequence"
	"github.com/telltale-net/telltale/internal/testutil"
	"github.com/telltale-net/telltale/p4src"
)

// libyang, which is not the compiler of the other tests, takes the published module, and
// all that the server says in JSON_IETF as data of it.
func TestYanglint(t *testing.T) {
	lint, err := exec.LookPath("yanglint")
	if err != nil {
		testutil.Absent(t, "yanglint (Debian: libyang-tools)")
	}
	b := newBed(t, Config{})
	table := aggregate.New(aggregate.DefaultLimits())
	table.Observe([]postcard.Record{
		{Node: 1, OutPort: 2, Queue: 3, Has: postcard.HasLatency | postcard.HasQueue | postcard.HasLength | postcard.HasVNI, Latency: 10, QueueDepth: 4, Length: 100, VNI: 77},
		{Node: 1, Has: postcard.HasDropReason | postcard.HasVNI, DropReason: p4src.DropACLDeny, Flags: postcard.Dropped, VNI: 77},
	})
	sums := model.Sums(table)
	both := model.Agreement{Since: 1, Interface: "Ethernet1/2", Queue: "UC3", Counter: "no-route", Number: 2, Packets: n(10), Postcards: n(9), Drops: n(3), Dropped: n(5)}
	counter := both
	counter.Packets, counter.Postcards = nil, nil
	for _, batch := range []model.Batch{
		model.Collector("telltale", &collector.Snapshot{
			Sources: []sequence.Source{{Key: sequence.Key{Source: netip.MustParseAddr("2001:db8::1"), Node: 3, HwID: 1, Version: 2}, Totals: sequence.Totals{Lost: -1}}},
			Sockets: []collector.SocketStats{{Address: ":9555", KernelCounts: true}},
		}, &model.Log{Stored: 1, Alarm: "full"}),
		sums.Batch("telltale", p4src.DropReasonName),
		model.LossMap("telltale", []model.Link{{Node: "leaf1", Port: 1, Peer: "spine1", Sent: 9, Lost: 1}}),
		model.Verdicts("telltale", &model.Blame{Method: "likelihood", Noise: 1e-6, Links: []model.Suspect{{Name: "a>b", Verdict: "bad", Probability: 0.99, Score: -3.25, Device: "b"}}, Devices: []model.Suspect{{Name: "b", Verdict: "bad"}}}),
		model.Joined("telltale", []model.Asked{{Name: "leaf1", Address: "h:1", Node: 1, Unsupported: []string{"/a", "/b"}, LastHeard: 1, Error: "e",
			Ports: []model.Agreement{both}, Queues: []model.Agreement{both}, Drops: []model.Agreement{counter}}}),
	} {
		if err := batch.Apply(b.tree, 5000); err != nil {
			t.Fatal(err)
		}
	}
	get, err := api.NewGetRequest(api.Path("telltale:/"), api.Encoding("json_ietf"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := b.client.Get(b.ctx, get)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	module, data := filepath.Join(dir, yang.Name+".yang"), filepath.Join(dir, "data.json")
	for path, text := range map[string][]byte{module: []byte(yang.Telltale), data: r.GetNotification()[0].GetUpdate()[0].GetVal().GetJsonIetfVal()} {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := exec.CommandContext(b.ctx, lint, "-t", "get", module, data).CombinedOutput(); err != nil || len(out) > 0 {
		text, _ := os.ReadFile(data)
		t.Errorf("yanglint: %v\n%s\n%s", err, out, text)
	}
	// It would have said so.
	if err := os.WriteFile(data, []byte(`{"telltale:collector":{"state":{"none":1}}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := exec.CommandContext(b.ctx, lint, "-t", "get", module, data).Run(); err == nil {
		t.Error("yanglint takes anything")
	}
}
