package analyzequeue

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/telltale-net/telltale/cmd/internal/dataset"
)

var (
	worlds     = flag.Int("worlds", 16, "how many worlds TestWorlds makes")
	firstWorld = flag.Uint64("worlds.first", 1, "the first one")
	keepWorlds = flag.String("worlds.keep", "", "folder to write the data sets to")
)

func pick[T any](rng *rand.Rand, of ...T) T { return of[rng.IntN(len(of))] }

func between(rng *rand.Rand, lo, hi float64) float64 { return lo + (hi-lo)*rng.Float64() }

// newWorld draws a world. How much its nodes have to do follows from where its flows go.
func newWorld(seed uint64) *world {
	rng := rand.New(rand.NewPCG(seed, 0x776f726c64))
	w := &world{rng: rng, unit: math.Pow(10, between(rng, 2.5, 6.3))}
	w.drawGraph()
	w.style = style{
		noStart: rng.IntN(3) == 0, noRates: rng.IntN(2) == 0, noNext: rng.IntN(3) == 0, noFlow: rng.IntN(8) == 0,
		float: rng.IntN(3) == 0, spaces: rng.IntN(2) == 0, shuffled: rng.IntN(2) == 0,
	}
	// Flows.
	n := pick(rng, 4, 20, 100, 1000)
	zipf := pick(rng, 0.0, 0.8, 1.1)
	v6 := rng.IntN(4) == 0
	sums := make([]float64, n)
	for i := range n {
		w.addFlow(v6)
		sums[i] = math.Pow(float64(i+3), -zipf)
		if i > 0 {
			sums[i] += sums[i-1]
		}
	}
	// Packets: sizes of a mix, or all alike.
	mixed := rng.IntN(2) == 0
	w.style.bytes = rng.IntN(3) > 0
	total := pick(rng, 3000, 10000, 18000)
	gap := w.unit / between(rng, 0.8, 1.6)
	at, trains := 1000.0, rng.IntN(3) == 0
	ids := pick(rng, func(i int) uint64 { return uint64(i) }, func(i int) uint64 { return 1<<40 + uint64(i) }, func(i int) uint64 { return uint64(i) * 0x9e3779b97f4a7c15 >> 11 })
	for i := 0; i < total; {
		f := w.drawFlow(sums)
		for range pick(rng, 1, 1, 1, 1+4*rng.IntN(2)) {
			w.packets = append(w.packets, wpacket{flow: f, bytes: drawSize(rng, mixed), at: math.Round(at), noise: rng.ExpFloat64()})
			i++
			if trains {
				at += gap / 20
			}
		}
		at += gap * rng.ExpFloat64()
	}
	w.settle(at-1000, mixed)
	w.drawProblem(at, gap, mixed)
	for i := range w.packets {
		w.packets[i].id = ids(i)
	}
	return w
}

func drawSize(rng *rand.Rand, mixed bool) int {
	if !mixed {
		return 500
	}
	return pick(rng, 64, 64, 64, 64, 64, 64, 64, 576, 576, 576, 576, 1500, 1500, 200+rng.IntN(1000))
}

func (w *world) addFlow(v6 bool) int {
	rng := w.rng
	src, dst := fmt.Sprintf("10.%d.%d.%d", rng.IntN(4), rng.IntN(256), rng.IntN(256)), fmt.Sprintf("192.168.%d.%d", rng.IntN(4), rng.IntN(256))
	if v6 {
		src, dst = fmt.Sprintf("2001:db8::%x", rng.IntN(1<<16)), fmt.Sprintf("2001:db8:1::%x", rng.IntN(1<<16))
	}
	var sources []int
	for i := range w.nodes {
		if w.nodes[i].kind == "source" {
			sources = append(sources, i)
		}
	}
	text := fmt.Sprintf(`{"src":%q,"dst":%q,"proto":%d,"sport":%d,"dport":%d}`, src, dst, pick(rng, 6, 17), 1024+rng.IntN(60000), pick(rng, 80, 443, 53, 1024+rng.IntN(60000)))
	w.flows = append(w.flows, wflow{text: text, src: pick(rng, sources...), hash: rng.Uint64()})
	return len(w.flows) - 1
}

// drawFlow draws a flow by its weight; sums are those of all flows up to each.
func (w *world) drawFlow(sums []float64) int {
	i, _ := slices.BinarySearch(sums, w.rng.Float64()*sums[len(sums)-1])
	return min(i, len(sums)-1)
}

// drawGraph draws a line, stages, or any graph without cycles.
func (w *world) drawGraph() {
	rng := w.rng
	sources := pick(rng, 1, 1, 2, 4)
	for i := range sources {
		w.nodes = append(w.nodes, station{name: fmt.Sprintf("src%d", i), kind: "source"})
	}
	first := len(w.nodes)
	odd := rng.IntN(4) == 0
	add := func(kind string) int {
		name := fmt.Sprintf("%s%d", kind, len(w.nodes))
		if odd {
			name = pick(rng, "leaf/%d:3", "knötchen %d", "a\"b\\%d", "µ%d")
			name = fmt.Sprintf(name, len(w.nodes))
		}
		w.nodes = append(w.nodes, station{name: name, kind: kind, queues: 1, batch: 1})
		return len(w.nodes) - 1
	}
	link := func(from, to int) {
		if !slices.Contains(w.nodes[from].next, to) {
			w.nodes[from].next = append(w.nodes[from].next, to)
		}
	}
	switch rng.IntN(3) {
	case 0: // a line
		for i := range 2 + rng.IntN(5) {
			n := add(pick(rng, "nat", "fw", "link", ""))
			for s := range first {
				if i == 0 {
					link(s, n)
				}
			}
			if i > 0 {
				link(n-1, n)
			}
		}
	case 1: // stages, some of which may be skipped
		before := make([]int, 0, first)
		for s := range first {
			before = append(before, s)
		}
		for range 2 + rng.IntN(4) {
			kind := pick(rng, "nat", "fw", "mon", "vpn")
			var stage []int
			for range 1 + rng.IntN(4) {
				stage = append(stage, add(kind))
			}
			for _, a := range before {
				for _, b := range stage {
					link(a, b)
				}
			}
			if rng.IntN(3) > 0 {
				before = stage
			} else {
				before = append(stage, before...)
			}
		}
	default:
		n := 4 + rng.IntN(40)
		for range n {
			to := add(pick(rng, "switch", "fw", "x"))
			for range 1 + rng.IntN(2) {
				link(rng.IntN(to), to)
			}
		}
		for s := range first { // a source sends to somebody
			link(s, first+rng.IntN(n))
		}
	}
	delay := w.unit * pick(rng, 0.0, 1, 30, 1000)
	for i := range w.nodes {
		for range w.nodes[i].next {
			w.nodes[i].delay = append(w.nodes[i].delay, math.Round(delay*between(rng, 0.5, 1.5)))
		}
	}
}

// settle makes servers so fast that they are busy for a share of the time.
func (w *world) settle(span float64, mixed bool) {
	rng := w.rng
	count, size := make([]float64, len(w.nodes)), make([]float64, len(w.nodes))
	for n, rows := range w.run(false) {
		for _, r := range rows {
			count[n]++
			size[n] += float64(w.packets[r.p].bytes)
		}
	}
	batch, together, jitter := pick(rng, 1, 1, 8, 32), rng.IntN(2) == 0, pick(rng, 0.0, 0.1, 0.3, 1)
	queues, room := pick(rng, 1, 1, 3), pick(rng, 0, 0, 256, 1024)
	w.style.scale = pick(rng, 1, float64(queues)) // rates of a queue, or of all
	shared := queues > 1 && rng.IntN(3) == 0
	if shared {
		w.style.scale = 1
	}
	links := rng.IntN(2) == 0 // all of the time goes by bytes
	clocks := pick(rng, 0.0, 0, 50*w.unit, 1e9)
	if w.style.noNext { // who sends to whom is told by time
		clocks = 0
	}
	for n := range w.nodes {
		s := &w.nodes[n]
		s.queues, s.batch, s.together, s.jitter, s.room = queues, batch, together, jitter, room
		s.clock = math.Round(clocks * between(rng, -1, 1))
		if s.kind == "source" {
			continue
		}
		busy := between(rng, 0.3, 0.75) * float64(queues)
		if s.shared = shared; shared {
			busy /= float64(queues)
		} else if queues > 1 {
			busy *= 0.6 // they are not equally busy
		}
		each := w.unit * busy
		if count[n] > 100 {
			each = span * busy / count[n]
		}
		each = min(each, 5*w.unit)
		mean := max(size[n], 1) / max(count[n], 1)
		switch {
		case mixed && links:
			s.perByte = each / mean
		case mixed:
			s.base, s.perByte = each/2, each/2/mean
		default:
			s.base = each
		}
	}
}

// drawProblem puts one problem into the middle of the run, where packets come.
func (w *world) drawProblem(end, gap float64, mixed bool) {
	rng := w.rng
	rows := w.run(false)
	var busy []int
	for n := range rows {
		if w.nodes[n].kind != "source" && len(rows[n]) > len(w.packets)/8 {
			busy = append(busy, n)
		}
	}
	if len(busy) == 0 {
		return
	}
	n := pick(rng, busy...)
	s := &w.nodes[n]
	each := s.base + 500*s.perByte
	t := &w.problem
	t.node, t.kind = n, pick(rng, "burst", "interrupt", "bug")
	t.from = math.Round(end * between(rng, 0.3, 0.7))
	switch t.kind {
	case "interrupt":
		t.to = t.from + math.Round(each*between(rng, 200, 1000))
	case "burst":
		f := w.packets[rows[n][rng.IntN(len(rows[n]))].p].flow
		src := w.flows[f].src
		for range 1 + rng.IntN(5) {
			x := w.addFlow(strings.Contains(w.flows[0].text, "2001"))
			w.flows[x].src, w.flows[x].hash = src, w.flows[f].hash
			t.flows = append(t.flows, x)
		}
		t.node = src
		for i := range 300 + rng.IntN(1200) {
			w.packets = append(w.packets, wpacket{flow: pick(rng, t.flows...), bytes: drawSize(rng, mixed), at: t.from + math.Round(float64(i)*each/10), noise: rng.ExpFloat64(), bad: true})
		}
	case "bug":
		f := w.packets[rows[n][rng.IntN(len(rows[n]))].p].flow
		x := w.addFlow(strings.Contains(w.flows[0].text, "2001"))
		w.flows[x].src, w.flows[x].hash = w.flows[f].src, w.flows[f].hash
		t.flows, t.slow = []int{x}, each*between(rng, 10, 30)
		at := t.from
		for range min(30+rng.IntN(100), 3+int(0.15*end/t.slow)) { // a problem, not the rule
			w.packets = append(w.packets, wpacket{flow: x, bytes: drawSize(rng, mixed), at: math.Round(at), noise: rng.ExpFloat64(), bad: true})
			at += each * 5 * rng.ExpFloat64()
		}
	}
}

func (w *world) String() string {
	s := &w.nodes[len(w.nodes)-1]
	return fmt.Sprintf("%s at %s; %d nodes, unit %.0f ns, batch %d together %v jitter %v queues %d room %d, base %.0f per byte %.2f, clock %.0f, delays %.0f, %d flows, %d packets, style %+v",
		w.problem.kind, w.nodes[w.problem.node].name, len(w.nodes), w.unit, s.batch, s.together, s.jitter, s.queues, s.room, s.base, s.perByte, s.clock, w.nodes[0].delay, len(w.flows), len(w.packets), w.style)
}

// ask runs the command on the world and returns how many of its victims were given the
// right cause first.
func (w *world) ask(t *testing.T, victims [][2]int) (right int, wrong []string) {
	t.Helper()
	var list bytes.Buffer
	for _, v := range victims {
		fmt.Fprintf(&list, `{"pkt":%d,"node":%s}`+"\n", w.packets[v[1]].id, quoted(w.nodes[v[0]].name))
	}
	file := filepath.Join(t.TempDir(), "victims.jsonl")
	if err := os.WriteFile(file, list.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	sum, err := Run(context.Background(), &out, []dataset.Input{{Name: "world", Reader: bytes.NewReader(w.write())}}, Options{Format: JSON, Method: Microscope, Victims: file, Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	if len(sum.Problems) > 0 || sum.Missing > 0 {
		t.Fatalf("%d missing, problems %v", sum.Missing, sum.Problems)
	}
	kind := "processing"
	if w.problem.kind == "burst" {
		kind = "traffic"
	}
	for line := range bytes.Lines(out.Bytes()) {
		var a struct {
			Victim struct{ Node string }
			Causes []struct {
				Node, Kind string
				Score      float64
				From, To   float64
			}
			Uncertainty struct{ Ambiguous bool }
		}
		if err := json.Unmarshal(line, &a); err != nil {
			t.Fatal(err)
		}
		if len(a.Causes) > 0 && a.Causes[0].Node == w.nodes[w.problem.node].name && a.Causes[0].Kind == kind {
			right++
		} else {
			wrong = append(wrong, fmt.Sprintf("%s %+v", a.Victim.Node, a.Causes[:min(3, len(a.Causes))]))
		}
	}
	return right, wrong
}

func quoted(s string) []byte {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return b
}

// TestWorlds: the command names the right cause first in data sets of any make.
func TestWorlds(t *testing.T) {
	right, all := map[string]int{}, map[string]int{}
	for seed := *firstWorld; seed < *firstWorld+uint64(*worlds); seed++ {
		w := newWorld(seed)
		if w.problem.kind == "" {
			continue
		}
		victims := w.victims(100)
		if len(victims) < 10 {
			continue
		}
		if *keepWorlds != "" {
			if err := os.WriteFile(filepath.Join(*keepWorlds, fmt.Sprintf("world%d.jsonl", seed)), w.write(), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		n, wrong := w.ask(t, victims)
		right[w.problem.kind] += n * 100 / len(victims)
		all[w.problem.kind] += 100
		if n*100 < 95*len(victims) {
			t.Logf("world %d: %d of %d right: %v\n   %s", seed, n, len(victims), w, wrong[0])
		}
	}
	hits, n := 0, 0
	for kind := range all {
		t.Logf("%s: %.1f %% of %d worlds", kind, 100*float64(right[kind])/float64(all[kind]), all[kind]/100)
		hits, n = hits+right[kind], n+all[kind]
	}
	if share := float64(hits) / float64(max(n, 1)); share < 0.95 || n < 100**worlds/2 {
		t.Errorf("%.1f %% right in %d worlds of %d, want at least 95 %% in most", 100*share, n/100, *worlds)
	}
}
