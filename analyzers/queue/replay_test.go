package queue

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/telltale-net/telltale/analyzers/queue/records"
)

// randomTrace makes a small chain of queues by the rules of the model: batches, stalls,
// slow flows, bursts, losses, overtaking between paths.
func randomTrace(t *testing.T, rng *rand.Rand) *records.Trace {
	t.Helper()
	net, err := records.NewNetwork([]records.NodeSpec{
		{Name: "s", Type: records.Source, Next: []string{"a", "b"}},
		{Name: "a", RatePPS: 1e6, Next: []string{"c", "d"}},
		{Name: "b", RatePPS: 1e6, Next: []string{"c", "d"}},
		{Name: "c", RatePPS: 1e6, Next: []string{"d"}},
		{Name: "d", RatePPS: 1e6},
	})
	if err != nil {
		t.Fatal(err)
	}
	b := records.NewBuilder(net, 0)
	var flows []records.FlowID
	for i := range 40 {
		flows = append(flows, b.Flow(records.Flow{SrcPort: uint16(i), DstPort: 1}))
	}
	type packet struct {
		id   uint64
		flow records.FlowID
		at   int64
	}
	batch := []int{1, 1, 4, 32}[rng.IntN(4)]
	room := []int{1 << 30, 24}[rng.IntN(2)]
	slow := flows[0]
	arrivals := make([][]packet, 5)
	at := int64(1_000_000)
	for id := range uint64(2500) {
		at += int64(rng.ExpFloat64() * 800)
		p := packet{id, flows[rng.IntN(len(flows))], at}
		if at > 1_500_000 && at < 1_550_000 && rng.IntN(2) == 0 {
			p.flow, at = flows[7], at-700 // a burst
		}
		arrivals[0] = append(arrivals[0], p)
	}
	for node := range arrivals {
		in := arrivals[node]
		slices.SortStableFunc(in, func(x, y packet) int { return int(x.at - y.at) })
		free, i := int64(0), 0
		var waiting []packet
		send := func(p packet, left int64) {
			n := &net.Nodes[node]
			if len(n.Next) > 0 {
				to := n.Next[int(p.flow)%len(n.Next)]
				p.at = left + 500 + int64(to)*50
				arrivals[to] = append(arrivals[to], p)
			}
		}
		for i < len(in) || len(waiting) > 0 {
			if node == 0 {
				r := records.Record{Packet: in[i].id, Flow: in[i].flow, Arrive: records.Absent, Start: records.Absent, Depart: in[i].at}
				if err := b.Add(r); err != nil {
					t.Fatal(err)
				}
				send(in[i], in[i].at)
				i++
				continue
			}
			begin := free
			if len(waiting) == 0 {
				begin = max(begin, in[i].at)
			}
			if rng.IntN(200) == 0 {
				begin += rng.Int64N(60_000) // a stall
			}
			for ; i < len(in) && in[i].at <= begin; i++ {
				if len(waiting) >= room {
					if err := b.Add(records.Record{Packet: in[i].id, Flow: in[i].flow, Node: int32(node), Arrive: in[i].at, Start: records.Absent, Depart: records.Absent}); err != nil {
						t.Fatal(err)
					}
					continue
				}
				waiting = append(waiting, in[i])
			}
			take := waiting[:min(batch, len(waiting))]
			waiting = waiting[len(take):]
			end := begin
			for _, p := range take {
				end += 900 + rng.Int64N(200)
				if node == 2 && p.flow == slow {
					end += 15_000
				}
			}
			for _, p := range take {
				if err := b.Add(records.Record{Packet: p.id, Flow: p.flow, Node: int32(node), Arrive: p.at, Start: begin, Depart: end}); err != nil {
					t.Fatal(err)
				}
				send(p, end)
			}
			free = end
		}
	}
	return b.Trace()
}

// slowReplay runs the whole region from its first row to its last without the removed
// candidates, a packet at a time, and returns how long each row stays.
func slowReplay(r *region, removed []bool) [][]int64 {
	arr, stay := make([][]int64, len(r.lanes)), make([][]int64, len(r.lanes))
	for i := range r.lanes {
		arr[i] = slices.Clone(r.lanes[i].arr)
		stay[i] = make([]int64, r.lanes[i].n)
	}
	for i := range r.lanes {
		l := &r.lanes[i]
		leave := func(row int, end int64) {
			stay[i][row] = end - arr[i][row]
			if next := l.next[row]; next >= 0 {
				arr[l.to[row]][next] = end + l.travel[row]
			}
		}
		if l.source {
			continue
		}
		lifted := func(d *down) bool { return d.cand >= 0 && removed[d.cand] }
		order := make([]int, l.n)
		for row := range order {
			order[row] = row
		}
		slices.SortStableFunc(order, func(x, y int) int {
			if arr[i][x] != arr[i][y] {
				return int(arr[i][x] - arr[i][y])
			}
			return x - y
		})
		free := l.free
		var waiting, ghosts []int
		for k := 0; k < len(order) || len(waiting) > 0; {
			begin := free
			if len(waiting) == 0 {
				begin = max(begin, arr[i][order[k]])
			}
			for d := range l.downs {
				if x := &l.downs[d]; x.from <= begin && x.to > begin && !lifted(x) {
					begin = x.to
				}
			}
			for ; k < len(order) && arr[i][order[k]] <= begin; k++ {
				row := order[k]
				gone := l.burst[row] >= 0 && removed[l.burst[row]]
				if l.lost(row) && !gone {
					gone = len(waiting) >= int(l.full[int32(row)])
				}
				if gone {
					ghosts = append(ghosts, row, len(waiting))
				} else {
					waiting = append(waiting, row)
				}
			}
			take := waiting[:min(len(waiting), l.s.Batch)]
			end := begin
			for _, row := range take {
				end += l.work[row]
				if c := l.slow[row]; c >= 0 && !removed[c] {
					end += l.extra[row]
				}
			}
			for d := range l.downs {
				if x := &l.downs[d]; x.from > begin && x.from < end && !lifted(x) {
					end += x.to - x.from
				}
			}
			met := end
			if len(take) == 0 {
				met = begin + int64(l.s.Norm)
			} else {
				free = end
			}
			for _, row := range take {
				leave(row, end)
			}
			waiting = waiting[len(take):]
			var left []int
			for g := 0; g < len(ghosts); g += 2 {
				if ghosts[g+1] <= len(take) {
					leave(ghosts[g], met)
				} else {
					left = append(left, ghosts[g], ghosts[g+1]-len(take))
				}
			}
			ghosts = left
		}
	}
	return stay
}

// TestReplayAgainstSlow holds the replay of what differs against one of everything, for
// single candidates and for many at once.
func TestReplayAgainstSlow(t *testing.T) {
	differ := 0
	for seed := range uint64(24) {
		rng := rand.New(rand.NewPCG(seed, 9))
		tr := randomTrace(t, rng)
		a := New(tr, Config{MaxCandidates: 24})
		from, to := tr.Span()
		r := a.cut(from+rng.Int64N((to-from)/3), to-rng.Int64N((to-from)/3))
		r.gather()
		p := newReplay(r)
		check := func(what string) {
			p.run()
			for i, want := range slowReplay(r, p.removed) {
				if r.lanes[i].source {
					continue
				}
				for row := range want {
					if got := p.stay(i, row); got != want[row] {
						l := &r.lanes[i]
						for k := max(0, row-12); k < min(l.n, row+6); k++ {
							t.Log(k, l.arr[k], p.lanes[i].arr[k], l.dep[k], p.lanes[i].dep[k], p.lanes[i].stamp[k] == p.epoch, "want dep", want[k]+l.arr[k], "lost", l.lost(k), "burst", l.burst[k], l.idle[k], l.work[k], l.extra[k], l.full[int32(k)])
						}
						t.Log(p.removed, l.downs, l.s.Batch)
						t.Fatalf("seed %d, %s: row %d of lane %d stays %d, want %d (was %d)", seed, what, row, i, got, want[row], r.lanes[i].dep[row]-r.lanes[i].arr[row])
					}
					if want[row] != r.lanes[i].dep[row]-r.lanes[i].arr[row] {
						differ++
					}
				}
			}
		}
		check("nothing removed")
		for id := range r.cands {
			p.removed[id] = true
			check("one removed")
			p.removed[id] = false
		}
		for range 5 {
			for id := range p.removed {
				p.removed[id] = rng.IntN(2) == 0
			}
			check("some removed")
		}
	}
	if differ == 0 {
		t.Fatal("no replay differed from the facts: the test tests nothing")
	}
}
