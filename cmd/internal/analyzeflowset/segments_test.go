package analyzeflowset

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/telltale-net/telltale/analyzers/flowset"
	"github.com/telltale-net/telltale/analyzers/flowset/jsonl"
	"github.com/telltale-net/telltale/analyzers/flowset/lossradar"
	"github.com/telltale-net/telltale/cmd/internal/dataset"
)

// digests writes the digests of a segment's ends: 400 packets of 8 flows, of which fate
// says whether they are lost.
func digests(t *testing.T, w io.Writer, epoch uint64, cells int, fate func(i int) bool) {
	t.Helper()
	var ends []*lossradar.Digest
	for range 2 {
		d, err := lossradar.New(cells, 7)
		if err != nil {
			t.Fatal(err)
		}
		ends = append(ends, d)
	}
	for i := range 400 {
		k, err := flowset.Flow{Src: netip.AddrFrom4([4]byte{10, 0, 0, 1}), Dst: netip.AddrFrom4([4]byte{10, 0, 1, byte(i % 8)}), Proto: 17, SrcPort: 9, DstPort: 53}.Key(flowset.KeyIPv4)
		if err != nil {
			t.Fatal(err)
		}
		p := lossradar.Packet{Key: k, ID: uint16(i), TTL: 63, At: time.Duration(i) * 20 * time.Microsecond}
		ends[0].Add(&p)
		if !fate(i) {
			ends[1].Add(&p)
		}
	}
	for i, end := range []string{flowset.EndUp, flowset.EndDown} {
		table := ends[i].Table()
		table.Node, table.Epoch, table.Stage = "s1>s2", epoch, end
		if err := jsonl.Write(w, table); err != nil {
			t.Fatal(err)
		}
	}
}

// What was lost on a segment is what its ends' digests say, packet by packet, with the
// reason; digests that are too small say so and invent nothing.
func TestSegments(t *testing.T) {
	var data bytes.Buffer
	digests(t, &data, 4, 90, func(i int) bool { return i >= 100 && i < 140 && i%2 == 0 })
	digests(t, &data, 5, 90, func(i int) bool { return i == 17 })
	digests(t, &data, 6, 90, func(int) bool { return false })
	digests(t, &data, 7, 30, func(i int) bool { return i%4 == 0 })
	fmt.Fprintln(&data, `{"segment":"s2>s3","end":"up","epoch":4,"subtables":1,"cells":1,"hash":"splitmix64","table":[{"xor":"00","packets":0}]}`)
	fmt.Fprintln(&data, `{"segment":"s2","end":"up","epoch":4,"subtables":1,"cells":1,"table":[{}]}`)
	fmt.Fprintln(&data, `{"segment":"s2>s4","epoch":4,"subtables":1,"cells":1,"table":[{}]}`)
	fmt.Fprintln(&data, `{"segment":"s2>s4","end":"left","epoch":4,"subtables":1,"cells":1,"table":[{}]}`)
	inputs := func() []dataset.Input {
		return []dataset.Input{{Name: "digests", Reader: bytes.NewReader(data.Bytes())}}
	}
	all, sum, err := Decoded(context.Background(), inputs(), Options{})
	if err != nil || len(all) != 0 || sum.Stats.Digests != 9 || sum.Stats.Bad != 4 {
		t.Fatalf("got %d flow sets, %+v, %v; want 9 digests and 4 that are no good", len(all), sum.Stats, err)
	}
	var out bytes.Buffer
	if err := WriteSegments(&out, sum.Segments, Filter{Epoch: -1}, JSON); err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(&out)
	for _, want := range []struct {
		epoch uint64
		lost  int
		whole bool
	}{{4, 20, true}, {5, 1, true}, {6, 0, true}, {7, 100, false}} {
		var got struct {
			Epoch            uint64
			Segment          string
			Sent, Left, Lost int
			Causes           map[string]int
			Packets          []struct {
				Flow struct{ Dst string }
				ID   int
				US   int
			}
			Whole bool
		}
		if err := dec.Decode(&got); err != nil {
			t.Fatal(err)
		}
		if got.Epoch != want.epoch || got.Segment != "s1>s2" || got.Sent != 400 || got.Whole != want.whole || got.Lost+got.Left != want.lost || got.Lost != len(got.Packets) {
			t.Errorf("got %+v, want %+v of s1>s2", got, want)
		}
		for _, p := range got.Packets {
			if p.Flow.Dst != fmt.Sprintf("10.0.1.%d", p.ID%8) || p.US != 20*p.ID {
				t.Errorf("epoch %d: got packet %+v", want.epoch, p)
			}
		}
	}
	var answer bytes.Buffer
	if _, err := Run(context.Background(), &answer, inputs(), Options{Format: Text}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"epoch 5: s1>s2: 1 of 400 packets lost (1 unknown)\n", "epoch 6: s1>s2: 0 of 400 packets lost\n", "packets are left: the digests are too small\n"} {
		if !strings.Contains(answer.String(), want) {
			t.Errorf("got %q, want %q in it", answer.String(), want)
		}
	}
}

// Losses close together in time, with packets that got through between them, are a
// queue's; without times nothing is said of causes.
func TestSegmentCauses(t *testing.T) {
	lost := make([]lossradar.Packet, 12)
	for i := range lost {
		lost[i] = lossradar.Packet{Key: flowset.Key{1, 17 << 56}, ID: uint16(2 * i), TTL: 9, At: time.Millisecond + time.Duration(i)*3*time.Microsecond}
	}
	all := []Segment{{Name: "a>b", Diff: lossradar.Difference{Lost: lost[:6]}}, {Name: "a>b", Epoch: 1, Diff: lossradar.Difference{Lost: lost[6:]}}}
	classify(all)
	if n := all[0].causes()[lossradar.Congestion] + all[1].causes()[lossradar.Congestion]; n != 12 {
		t.Errorf("got %v and %v, want congestion", all[0].Causes, all[1].Causes)
	}
	for i := range lost {
		lost[i].At = 0
	}
	lost[0].TTL = 0
	classify(all)
	if n := all[0].causes(); n[lossradar.Unknown] != 5 || n[lossradar.Loop] != 1 {
		t.Errorf("without times: got %v, want one loop, and the others unknown", n)
	}
}
