package worlds

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// packet is what a digest tells of one packet.
type packet struct {
	f    flow
	id   uint16
	syn  bool
	us   uint32
	ttl  uint8
	lost bool
}

func (p *packet) signature() []byte {
	b := p.f.key(protoThird)
	b = binary.BigEndian.AppendUint16(b, p.id)
	flags := byte(0)
	if p.syn {
		flags = 1
	}
	b = binary.BigEndian.AppendUint32(append(b, flags), p.us)
	return append(b, p.ttl)
}

type packetJSON struct {
	Flow flowJSON
	ID   uint16
	TTL  uint8
	Syn  bool
	US   uint32
}

// TestDigests makes digests of both ends of a segment and compares what losses tells with the
// packets that were lost.
func TestDigests(t *testing.T) {
	lostAll, told := 0, 0
	for i := range *worlds {
		seed := *firstSeed + uint64(i)
		rng := rand.New(rand.NewPCG(seed, 0x6469))
		net := chain(2)
		var packets []packet
		for range 1 + rng.IntN(40) {
			f, _ := net.draw(rng, false)
			id := uint16(rng.Uint32())
			for n := range size(rng) {
				packets = append(packets, packet{f: f, id: id + uint16(n), syn: n == 0, us: uint32(rng.IntN(10_000)), ttl: 63})
			}
		}
		rate := pick(rng, 0, 0.001, 0.02, 0.3)
		lost := map[string]bool{}
		for j := range packets {
			if rng.Float64() < rate {
				packets[j].lost = true
				lost[string(packets[j].signature())] = true
			}
		}
		k, cells := 3, uint64(max(8, int(float64(len(lost))*pick(rng, 0.2, 0.55, 0.8))))
		s := contract(pick(rng, documentedNames...), uint64(rng.IntN(99)), k, pick(rng, 0, 2, 4))
		up, down := &table{k: k, cells: cells, of: s}, &table{k: k, cells: cells, of: s}
		up.at, down.at = make([]cell, uint64(k)*cells), make([]cell, uint64(k)*cells)
		for j := range packets {
			sig := packets[j].signature()
			for _, end := range []*table{up, down} {
				if end == down && packets[j].lost {
					continue
				}
				for n := range k {
					c := &end.at[end.index(n, sig)]
					end.toggle(c, sig)
					c.packets++
				}
			}
		}
		dir := t.TempDir()
		if *keep != "" {
			dir = filepath.Join(*keep, fmt.Sprintf("digests-%d", seed))
			if err := os.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		path := filepath.Join(dir, "digests.jsonl")
		if err := os.WriteFile(path, []byte(digestObject(up, "up")+digestObject(down, "down")), 0o644); err != nil {
			t.Fatal(err)
		}
		a := run(t, "losses", "--format", "json", path)
		if a.code != 0 {
			t.Errorf("seed %d: exit status %d: %s", seed, a.code, first(a.stderr))
		}
		in := bufio.NewScanner(strings.NewReader(a.stdout))
		in.Buffer(nil, 64<<20)
		seen := false
		for in.Scan() {
			var o struct {
				Segment    string
				Sent, Lost int
				Whole      bool
				Left       int
				Packets    []packetJSON
				Extra      []packetJSON
			}
			if err := json.Unmarshal(in.Bytes(), &o); err != nil {
				t.Fatalf("seed %d: %v: %.200s", seed, err, in.Text())
			}
			if o.Segment == "" {
				continue
			}
			seen = true
			if o.Sent != len(packets) {
				t.Errorf("seed %d: sent %d, true %d", seed, o.Sent, len(packets))
			}
			for _, p := range o.Packets {
				q := packet{f: p.Flow.flow(), id: p.ID, syn: p.Syn, us: p.US, ttl: p.TTL}
				if !lost[string(q.signature())] {
					t.Errorf("seed %d: told as lost and was not: %+v", seed, p)
				}
			}
			if len(o.Extra) > 0 {
				t.Errorf("seed %d: %d packets told that only the downstream end has; true: none", seed, len(o.Extra))
			}
			if o.Whole && len(o.Packets) != len(lost) {
				t.Errorf("seed %d: said to be whole with %d of %d lost packets", seed, len(o.Packets), len(lost))
			}
			if !o.Whole && len(o.Packets)+o.Left != len(lost) && o.Left != 0 {
				t.Errorf("seed %d: %d told and %d left of %d", seed, len(o.Packets), o.Left, len(lost))
			}
			told += len(o.Packets)
		}
		if !seen && len(packets) > 0 {
			t.Errorf("seed %d: no line for the segment", seed)
		}
		lostAll += len(lost)
	}
	t.Logf("%d of %d lost packets told", told, lostAll)
}

func digestObject(t *table, end string) string {
	var b strings.Builder
	fmt.Fprintf(&b, `{"segment":"s1>s2","end":%q,"epoch":7,"subtables":%d,"cells":%d,"hash":%q,"table":[`, end, t.k, t.cells, t.of.text)
	for i, c := range t.at {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"xor":%q,"packets":%d`, hex.EncodeToString(c.xor), c.packets)
		if t.of.check != nil {
			fmt.Fprintf(&b, `,"check":"%0*x"`, 2*t.of.length, c.check)
		}
		b.WriteByte('}')
	}
	b.WriteString("]}\n")
	return b.String()
}
