package analyzequeue

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// world is a network, its traffic and one problem, of another make than the simulator
// that the analyzers are evaluated on: any graph, any scale of time, servers of their
// own for the queues of a node, packets of any size, and records written in many ways.
type world struct {
	rng     *rand.Rand
	unit    float64 // ns that a typical packet is served
	nodes   []station
	flows   []wflow
	packets []wpacket
	problem trouble
	style   style
}

type station struct {
	name, kind    string
	next          []int
	delay         []float64 // to each of next
	base, perByte float64   // ns
	queues, batch int
	room          int // packets per queue; 0 = no bound
	together      bool
	shared        bool // one server for all queues, in turn
	jitter        float64
	clock         float64 // ahead of the others, ns
}

type wflow struct {
	text string
	src  int
	hash uint64
}

type wpacket struct {
	id    uint64
	flow  int
	bytes int
	at    float64
	noise float64
	bad   bool // of the problem
}

// trouble is what went wrong.
type trouble struct {
	kind     string // burst, interrupt, bug
	node     int
	from, to float64
	slow     float64 // ns that a bug takes more
	flows    []int
}

// style is how records are written.
type style struct {
	noStart, noRates, noNext, noFlow, float, spaces, shuffled, bytes bool
	scale                                                            float64 // of stated rates
}

// row is what happened to a packet at a station.
type row struct {
	p, queue              int
	arrive, start, depart float64 // depart < 0: lost
}

// run serves everything, with or without the problem; rows by station.
func (w *world) run(problem bool) [][]row {
	rows := make([][]row, len(w.nodes))
	in := make([][]row, len(w.nodes))
	for p := range w.packets {
		x := &w.packets[p]
		if x.bad && w.problem.kind == "burst" && !problem {
			continue
		}
		in[w.flows[x.flow].src] = append(in[w.flows[x.flow].src], row{p: p, arrive: x.at})
	}
	for n := range w.nodes { // a graph whose edges go from lower to higher
		s := &w.nodes[n]
		slices.SortStableFunc(in[n], func(a, b row) int { return cmp.Compare(a.arrive, b.arrive) })
		if s.kind == "source" {
			for _, r := range in[n] {
				rows[n] = append(rows[n], row{p: r.p, depart: r.arrive})
			}
		} else {
			by := make([][]row, s.queues)
			for _, r := range in[n] {
				r.queue = int(w.flows[w.packets[r.p].flow].hash>>40) % s.queues
				server := r.queue
				if s.shared {
					server = 0
				}
				by[server] = append(by[server], r)
			}
			for _, of := range by {
				w.serve(n, of, problem)
				rows[n] = append(rows[n], of...)
			}
		}
		if len(s.next) == 0 {
			continue
		}
		for _, r := range rows[n] {
			if r.depart >= 0 {
				k := int(w.flows[w.packets[r.p].flow].hash>>(1+n%32)) % len(s.next)
				in[s.next[k]] = append(in[s.next[k]], row{p: r.p, arrive: r.depart + s.delay[k]})
			}
		}
	}
	return rows
}

// serve is one server: it takes up to a batch of what waits in one queue after the other,
// one packet after the other.
func (w *world) serve(n int, rows []row, problem bool) {
	s := &w.nodes[n]
	stopped := problem && w.problem.kind == "interrupt" && w.problem.node == n
	free := 0.0
	queues := make([][]int, s.queues) // what waits
	left, turn := 0, 0
	for i := 0; i < len(rows) || left > 0; {
		if left == 0 {
			free = max(free, rows[i].arrive)
		}
		if stopped && free >= w.problem.from && free < w.problem.to {
			free = w.problem.to
		}
		for ; i < len(rows) && rows[i].arrive <= free; i++ {
			q := &queues[rows[i].queue]
			if s.room > 0 && len(*q) >= s.room {
				rows[i].start, rows[i].depart = -1, -1
				continue
			}
			*q = append(*q, i)
			left++
		}
		if left == 0 {
			continue
		}
		for turn = (turn + 1) % s.queues; len(queues[turn]) == 0; turn = (turn + 1) % s.queues {
		}
		batch := queues[turn][:min(s.batch, len(queues[turn]))]
		queues[turn] = queues[turn][len(batch):]
		left -= len(batch)
		start := free
		for _, k := range batch {
			r := &rows[k]
			x := &w.packets[r.p]
			need := (s.base + s.perByte*float64(x.bytes)) * (1 - s.jitter + s.jitter*x.noise)
			if problem && w.problem.kind == "bug" && w.problem.node == n && slices.Contains(w.problem.flows, x.flow) {
				need += w.problem.slow
			}
			r.start = start
			if !s.together {
				r.start = free
			}
			free += math.Round(need)
			r.depart = free
		}
		if s.together {
			for _, k := range batch {
				rows[k].depart = free
			}
		}
	}
}

// victims are packets, by station and number, that the problem alone delayed, and by how
// much, at most so many.
func (w *world) victims(most int) [][2]int {
	type stay struct{ ns, depart float64 }
	without := map[[2]int]stay{}
	for n, rows := range w.run(false) {
		for _, r := range rows {
			without[[2]int{n, r.p}] = stay{r.depart - r.arrive, r.depart}
		}
	}
	var all [][2]int
	for n, rows := range w.run(true) {
		each := w.nodes[n].base + 500*w.nodes[n].perByte
		full := 0.4 * float64(w.nodes[n].room) * each // a queue nearly full anyway loses by chance
		for _, r := range rows {
			x := &w.packets[r.p]
			before, ok := without[[2]int{n, r.p}]
			if w.nodes[n].kind == "source" || !ok || before.depart < 0 || x.bad && w.problem.kind == "burst" {
				continue
			}
			by := r.depart - r.arrive - before.ns
			if r.depart < 0 && before.ns < full || by >= 30*each && by >= 0.6*(r.depart-r.arrive) {
				all = append(all, [2]int{n, r.p})
			}
		}
	}
	w.rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all[:min(most, len(all))]
}

// write writes the data set.
func (w *world) write() []byte {
	type node struct {
		Name string   `json:"name"`
		Type string   `json:"type,omitempty"`
		Rate float64  `json:"rate_pps,omitempty"`
		Next []string `json:"next,omitempty"`
	}
	var head struct {
		Nodes []node `json:"nodes"`
	}
	mean := 0.0
	for i := range w.packets {
		mean += float64(w.packets[i].bytes) / float64(len(w.packets))
	}
	for _, s := range w.nodes {
		n := node{Name: s.name, Type: s.kind}
		if !w.style.noRates && s.kind != "source" {
			n.Rate = w.style.scale * 1e9 / (s.base + s.perByte*mean)
		}
		for _, k := range s.next {
			if !w.style.noNext {
				n.Next = append(n.Next, w.nodes[k].name)
			}
		}
		head.Nodes = append(head.Nodes, n)
	}
	first, err := json.Marshal(head)
	if err != nil {
		panic(err)
	}
	var lines [][]byte
	for n, rows := range w.run(true) {
		name, _ := json.Marshal(w.nodes[n].name)
		for _, r := range rows {
			lines = append(lines, w.line(name, &w.nodes[n], &r))
		}
	}
	if w.style.shuffled {
		w.rng.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
	}
	return bytes.Join(append([][]byte{first}, lines...), []byte("\n"))
}

func (w *world) line(name []byte, s *station, r *row) []byte {
	x := &w.packets[r.p]
	b := fmt.Appendf(nil, `{"node":%s,"pkt":%d`, name, x.id)
	if s.queues > 1 {
		b = fmt.Appendf(b, `,"queue":%d`, r.queue)
	}
	if !w.style.noFlow {
		b = fmt.Appendf(b, `,"flow":%s`, w.flows[x.flow].text)
	}
	if w.style.bytes {
		b = fmt.Appendf(b, `,"bytes":%d`, x.bytes)
	}
	stamp := func(what string, t float64) {
		if w.style.float {
			b = fmt.Appendf(b, `,%q:%.1f`, what, t+s.clock)
		} else {
			b = fmt.Appendf(b, `,%q:%d`, what, int64(t+s.clock))
		}
	}
	if s.kind != "source" {
		stamp("arrive", r.arrive)
		if !w.style.noStart && r.depart >= 0 {
			stamp("start", r.start)
		}
	}
	if r.depart >= 0 {
		stamp("depart", r.depart)
	}
	b = append(b, '}')
	if w.style.spaces {
		b = bytes.ReplaceAll(bytes.ReplaceAll(b, []byte(`":`), []byte(`": `)), []byte(`,"`), []byte(`, "`))
	}
	return b
}
