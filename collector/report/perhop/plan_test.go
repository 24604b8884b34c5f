package perhop

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/collector/report"
	"github.com/telltale-net/telltale/collector/report/inband"
	"github.com/telltale-net/telltale/collector/report/profile"
	"github.com/telltale-net/telltale/internal/dissect"
)

// stackOf makes a report of a packet with an INT-MD stack of random words, some of
// which are all-ones.
func stackOf(rng *rand.Rand, bitmap inband.Bits) []byte {
	h := inband.Header{Version: 2, Type: dissect.INTMD, Bitmap: bitmap}
	size := planSize(bitmap) + rng.IntN(3)*rng.IntN(2)
	h.HopML = uint8(size)
	var stack []byte
	for range 1 + rng.IntN(6) {
		for w := range size {
			word := rng.Uint32() >> rng.IntN(32)
			switch {
			case rng.IntN(10) == 0:
				word = ones32
			case w == 0:
				word = uint32(rng.IntN(4))
			}
			stack = append(stack, words(word)...)
		}
	}
	length := len(stack)/4 + 3
	data := concat(words(0x20000007, 3), words(uint32(rng.IntN(2))<<28|0x03000000|uint32(rng.IntN(8))<<5), eth, ipv4(17), intTBD,
		words(0x14000035|uint32(length)<<16), words(0x20000000|uint32(size)<<8|5, uint32(bitmap)<<16, 0), stack)
	if data[8]>>4 == 1 { // main contents: of node 3
		data = concat(data[:12], words(0x40000000, 0, 0x00030005), data[12:])
		data[10] = 1
	}
	data[9] = 0xff
	return data[:len(data)-4*rng.IntN(2)*rng.IntN(5)]
}

// planSize counts the words of a bitmap as the specification lists them.
func planSize(bitmap inband.Bits) (n int) {
	for bit := range 16 {
		if bitmap>>(15-bit)&1 != 0 {
			n++
			if bit == 4 || bit == 5 || bit == 6 {
				n++
			}
		}
	}
	return n
}

// TestPlansAgainstFields reads stacks by plans and field by field: the records must be
// the same.
func TestPlansAgainstFields(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 3))
	hops := uint64(0)
	planned := Converter{Clocks: new(Clocks)}
	for i := range 20_000 {
		bitmap := inband.Bits(rng.Uint32()) | inband.NodeID&inband.Bits(rng.Uint32()|rng.Uint32())
		if rng.IntN(3) == 0 {
			bitmap |= commonBits
		}
		data := stackOf(rng, bitmap)
		p := profile.All[rng.IntN(len(profile.All))]
		if p.Quirks != (report.Quirks{}) || rng.IntN(2) == 0 {
			p = &profile.Standard
		}
		plain := Converter{unplanned: true, Clocks: new(Clocks)}
		planned.Clocks, planned.counts = new(Clocks), Counts{}
		want, got := convert(t, &plain, p, data), convert(t, &planned, p, data)
		if !slices.Equal(want, got) {
			t.Fatalf("%d: bitmap %04x, profile %s: (-by field +by plan)\n%s", i, bitmap, p.Name, cmp.Diff(want, got))
		}
		if plain.counts != planned.counts {
			t.Fatalf("%d: bitmap %04x: got counts %+v by plan, %+v by field", i, bitmap, planned.counts, plain.counts)
		}
		hops += plain.counts.Hops
	}
	if hops < 10_000 {
		t.Errorf("got %d hops, want many: the reports are wrong", hops)
	}
}

// both reads one report by plans and field by field.
func both(t *testing.T, p *profile.Profile, g report.Group, r *report.Report, domains report.Domains) {
	var records [2][]postcard.Record
	for i := range records {
		c := Converter{unplanned: i == 1, Domains: domains, Clocks: new(Clocks)}
		c.Report(1<<60, p, g, r, func(rec *postcard.Record) { records[i] = append(records[i], *rec) })
	}
	if !slices.Equal(records[1], records[0]) {
		t.Fatalf("profile %s: (-by field +by plan)\n%s", p.Name, cmp.Diff(records[1], records[0]))
	}
}
