package block

import (
	"math/rand/v2"
	"testing"

	"github.com/telltale-net/telltale/collector/postcard"
)

// TestHeaderNeverHidesARecord asks random questions: whenever a record is wanted, its
// block must be opened.
func TestHeaderNeverHidesARecord(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	var enc Encoder
	opened, needless := 0, 0
	for range 300 {
		records := fabric(rng.Uint64(), 1+rng.IntN(40), 5)
		for range 5 {
			records = append(records, anything(rng))
		}
		enc.Unit = []int64{1, 1000, 1_000_000}[rng.IntN(3)]
		b, err := enc.Append(nil, records)
		if err != nil {
			t.Fatal(err)
		}
		h, err := ReadHeader(b)
		if err != nil {
			t.Fatal(err)
		}
		for i := range records {
			records[i].Received = floorDiv(records[i].Received, enc.Unit) * enc.Unit // as they are read back
		}
		for range 50 {
			q := question(rng, &records[rng.IntN(len(records))])
			wanted := false
			for i := range records {
				wanted = wanted || q.Wants(&records[i])
			}
			switch may := h.MayHold(&q); {
			case wanted && !may:
				t.Fatalf("query %+v: the block of a wanted record is skipped", q)
			case may:
				opened++
				if !wanted {
					needless++
				}
			}
		}
	}
	t.Logf("%d blocks opened, %d of them for nothing", opened, needless)
}

// question asks for some of what r is, or for something near.
func question(rng *rand.Rand, r *postcard.Record) (q Query) {
	for range 1 + rng.IntN(3) {
		switch rng.IntN(9) {
		case 0:
			q.From = r.Received + int64(rng.IntN(5)-2)*1000
		case 1:
			q.To = r.Received + int64(rng.IntN(5)-2)*1000
		case 2:
			q.Nodes = append(q.Nodes, r.Node+postcard.NodeID(rng.IntN(2)))
		case 3:
			f := r.Inner
			f.SrcPort += uint16(rng.IntN(2))
			q.Flows = append(q.Flows, f)
		case 4:
			q.Addresses = append(q.Addresses, []postcard.Addr{r.Inner.Src, r.Inner.Dst, r.Outer.Src, r.Outer.Dst, {1}}[rng.IntN(5)])
		case 5:
			q.VNIs = append(q.VNIs, r.VNI+uint32(rng.IntN(2)))
		case 6:
			q.Reasons = append(q.Reasons, r.DropReason+uint8(rng.IntN(2)))
		case 7:
			q.Dropped = true
		default:
			q.MinQueue, q.MinLatency = r.QueueDepth, r.Latency+uint32(rng.IntN(2))
		}
	}
	return q
}

// TestFilterSkips says how many blocks are opened for a flow that is not there.
func TestFilterSkips(t *testing.T) {
	var enc Encoder
	opened := 0
	const blocks = 200
	for i := range uint64(blocks) {
		b, err := enc.Append(nil, fabric(i, 500, 50))
		if err != nil {
			t.Fatal(err)
		}
		h, err := ReadHeader(b)
		if err != nil {
			t.Fatal(err)
		}
		f := postcard.Flow{Src: postcard.Addr{0: 0xfd, 15: byte(i)}, SrcPort: uint16(i)}
		if h.MayHold(&Query{Flows: []postcard.Flow{f}}) {
			opened++
		}
	}
	if opened > blocks/20 {
		t.Errorf("%d of %d blocks opened for a flow that none holds, want at most 1 in 20", opened, blocks)
	}
}
