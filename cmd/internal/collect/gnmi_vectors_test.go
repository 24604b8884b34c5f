package collect

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/openconfig/gnmic/pkg/api"

	"github.com/telltale-net/telltale/collector"
	"github.com/telltale-net/telltale/collector/aggregate"
	"github.com/telltale-net/telltale/collector/gnmi/model"
	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/internal/testutil"
)

// Datagrams of other emitters, of every version: what a subscriber is told at the end is
// what the collector's core makes of the same bytes.
func TestGNMIOfVectors(t *testing.T) {
	text, err := os.ReadFile(testutil.Shared(t, "vectors/int/reports.json"))
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct {
		Payload string `json:"udp_payload"`
	}
	if err := json.Unmarshal(text, &vectors); err != nil {
		t.Fatal(err)
	}
	r := run(t, settings(t, "--gnmi", "127.0.0.1:0", "--gnmi-refresh", "50ms"))
	feed := subscribe(t, r.gnmic(), api.SubscriptionListModeSTREAM(), api.Target("telltale"), api.Subscription(api.Path("telltale:/"), api.SubscriptionModeON_CHANGE()))
	conn, err := net.Dial("udp", r.Reports.String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	core, err := collector.New(collector.DefaultConfig(), collector.Deps{})
	if err != nil {
		t.Fatal(err)
	}
	table := aggregate.New(aggregate.DefaultLimits())
	from := netip.MustParseAddrPort(conn.LocalAddr().String())
	for _, v := range vectors {
		payload, err := hex.DecodeString(v.Payload)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Write(payload); err != nil {
			t.Fatal(err)
		}
		core.Ingest(time.Now().UnixNano(), from, payload, func(rec *postcard.Record) { table.Observe([]postcard.Record{*rec}) })
	}
	s := core.Snapshot()
	if s.Sum.Records == 0 || s.Datagrams != uint64(len(vectors)) {
		t.Fatalf("the vectors make %d records of %d datagrams", s.Sum.Records, s.Datagrams)
	}
	c := "telltale telltale:/collector/state/"
	want := map[string]string{c + "datagrams": fmt.Sprint(s.Datagrams), c + "reports": fmt.Sprint(s.Sum.Reports), c + "records": fmt.Sprint(s.Sum.Records), c + "rejected": fmt.Sprint(s.Rejected)}
	sums := model.Sums(table)
	for _, q := range sums.Queues {
		at := fmt.Sprintf("telltale telltale:/nodes/node[id=%d]/ports/port[number=%d]/queues/queue[number=%d]/state/", q.Node, q.Port, q.Queue)
		want[at+"postcards"], want[at+"dropped"] = fmt.Sprint(q.Postcards), fmt.Sprint(q.Dropped)
	}
	feed.until(want)
}
