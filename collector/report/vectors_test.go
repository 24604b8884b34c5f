package report

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/internal/dissect"
	"github.com/telltale-net/telltale/internal/testutil"
)

// vector is a datagram that another project's encoder made.
type vector struct {
	Name    string         `json:"name"`
	Payload string         `json:"udp_payload"`
	Expect  map[string]any `json:"expect"`
}

func vectors(tb testing.TB) []vector {
	tb.Helper()
	data, err := os.ReadFile(testutil.Shared(tb, "vectors/int/reports.json"))
	if err != nil {
		tb.Fatal(err)
	}
	var vs []vector
	if err := json.Unmarshal(data, &vs); err != nil {
		tb.Fatal(err)
	}
	return vs
}

func unhex(tb testing.TB, s string) []byte {
	tb.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// fieldsOf names the fields of a report as the vectors of switch-p4-16 do.
func fieldsOf(g Group, r *Report) map[string]float64 {
	m := map[string]float64{
		"ver": float64(g.Version), "hw_id": float64(g.HwID), "seq": float64(g.Sequence), "node": float64(g.NodeID),
		"rep_type": float64(r.RepType), "in_type": float64(r.InType),
		"report_length": float64(r.Length), "md_length": float64(r.MDLen),
		"rep_md_bits": float64(r.MdBits),
	}
	flag := func(name string, f Flags) {
		if r.Flags&f != 0 {
			m[name] = 1
		}
	}
	flag("dropped", Dropped)
	flag("congested_queue", Congested)
	flag("path_tracking_flow", Tracked)
	put := func(b MdBits, name string, v uint64) {
		if r.Has(b) {
			m[name] = float64(v)
		}
	}
	put(MdLevel1, "ingress_port", uint64(r.Level1In))
	put(MdLevel1, "egress_port", uint64(r.Level1Out))
	put(MdHopLatency, "hop_latency", uint64(r.HopLatency))
	put(MdQueue, "queue_id", uint64(r.QueueID))
	put(MdQueue, "queue_depth", uint64(r.QueueOccupancy))
	put(MdIngressTime, "timestamp", r.IngressTime)
	put(MdEgressTime, "egress_tstamp", r.EgressTime)
	put(MdLevel2, "ingress_if_id", uint64(r.Level2In))
	put(MdLevel2, "egress_if_id", uint64(r.Level2Out))
	put(MdTxUtilization, "eg_port_tx_util", uint64(r.TxUtilization))
	put(MdBuffer, "buffer_id", uint64(r.BufferID))
	put(MdBuffer, "buffer_occupancy", uint64(r.BufferOccupancy))
	put(MdDrop, "drop_queue_id", uint64(r.DropQueueID))
	put(MdDrop, "drop_reason", uint64(r.DropReason))
	return m
}

func TestVectorsOfOthersDecodeFieldByField(t *testing.T) {
	seen := 0
	for _, v := range vectors(t) {
		if v.Expect["ver"] != float64(Version) {
			continue
		}
		seen++
		t.Run(v.Name, func(t *testing.T) {
			data := unhex(t, v.Payload)
			var d Decoder
			var r Report
			g, err := d.Reset(data)
			if err != nil {
				t.Fatal(err)
			}
			if ok, err := d.Next(&r); !ok || err != nil {
				t.Fatalf("first report: got %v, %v", ok, err)
			}
			got := map[string]any{}
			for k, f := range fieldsOf(g, &r) {
				got[k] = f
			}
			if diff := cmp.Diff(got, v.Expect); diff != "" {
				t.Errorf("fields (-got, +want):\n%s", diff)
			}
			var enc Encoder
			if err := enc.Reset(g); err != nil {
				t.Fatal(err)
			}
			if err := enc.Add(&r); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(enc.Bytes(), data) {
				t.Errorf("encoded again:\n got %x\nwant %x", enc.Bytes(), data)
			}
			if ok, err := d.Next(&r); ok || err != nil || d.Trailing() != 0 {
				t.Errorf("behind the report: got %v, %v, %d trailing; want nothing", ok, err, d.Trailing())
			}
		})
	}
	if seen == 0 {
		t.Error("no vector of version 2.0")
	}
}

// Versions 0.5 and 1.0, by the names that fabric-tna's and AmLight's tests use.
func TestOlderVectorsOfOthersDecodeFieldByField(t *testing.T) {
	seen := 0
	for _, v := range vectors(t) {
		if v.Expect["ver"] == float64(Version) {
			continue
		}
		seen++
		var d Decoder
		var r Report
		g, err := d.Reset(unhex(t, v.Payload))
		if err != nil {
			t.Errorf("%s: %v", v.Name, err)
			continue
		}
		if ok, err := d.Next(&r); !ok || err != nil {
			t.Errorf("%s: got %v, %v", v.Name, ok, err)
			continue
		}
		bit := func(f Flags) float64 {
			if r.Flags&f != 0 {
				return 1
			}
			return 0
		}
		var rec postcard.Record
		var p dissect.Packet
		r.Record(g, &rec, &p)
		got := map[string]float64{
			"ver": float64(g.Version), "nproto": float64(r.NProt), "hw_id": float64(g.HwID), "seq": float64(g.Sequence), "node": float64(g.NodeID),
			"d": bit(Dropped), "q": bit(Congested), "f": bit(Tracked),
			"ig_ts": float64(r.IngressTime), "eg_ts": float64(r.EgressTime), "hop_latency_mod32": float64(rec.Latency),
			"ig_port": float64(r.Level1In), "eg_port": float64(r.Level1Out), "qid": float64(max(r.QueueID, r.DropQueueID)), "qocc": float64(r.QueueOccupancy),
			"drop_reason": float64(r.DropReason),
		}
		for field, want := range v.Expect {
			if field == "hops" || field == "note" { // of the INT stack in the packet
				continue
			}
			if got[field] != want {
				t.Errorf("%s: %s: got %v, want %v", v.Name, field, got[field], want)
			}
		}
		if _, latency := v.Expect["hop_latency_mod32"]; latency != (rec.Has&postcard.HasLatency != 0) || rec.Has&postcard.HasInner == 0 {
			t.Errorf("%s: got fields %b", v.Name, rec.Has)
		}
	}
	if seen == 0 {
		t.Error("no vector of an older version")
	}
}
