package window

import (
	"fmt"
	"math"

	"github.com/telltale-net/telltale/analyzers/queue/records"
)

// DefaultLength is the length of a window in nanoseconds.
const DefaultLength = 10_000_000

// maxStates bounds nodes × windows; each takes Variables × 8 bytes.
const maxStates = 1 << 22

// The variables of a node in a window.
const (
	In = iota
	Out
	Busy
	Queue
	QueueMax
	Drops
	Variables
)

// State is the variables of a node in a window.
type State [Variables]float64

// States is all nodes' variables in all windows. Immutable, safe for concurrent use.
type States struct {
	Network *records.Network
	Length  int64 // ns
	Windows int

	from  int64
	state [][]State // by node, window
	sum   []State   // by node
	sq    []State   // by node: sum of squares of the distance to mean
	mean  []State
}

// New computes the variables of every node of the trace in windows of length ns, 0 =
// DefaultLength, the first of which begins with the first record. It is an error if the
// trace spans more windows than fit in memory.
func New(t *records.Trace, length int64) (*States, error) {
	if length == 0 {
		length = DefaultLength
	}
	if length < 0 {
		return nil, fmt.Errorf("length of windows: got %d ns, want more than 0", length)
	}
	from, to := t.Span()
	n := uint64(to-from)/uint64(length) + 1
	if nodes := uint64(len(t.Network.Nodes)); n > maxStates/nodes {
		return nil, fmt.Errorf("cannot cut a trace of %.3g s into windows of %d ns: got %d windows of %d nodes, want at most %d together",
			float64(to-from)/1e9, length, n, nodes, maxStates)
	}
	s := &States{Network: t.Network, Length: length, Windows: int(n), from: from}
	for node := range t.Network.Nodes {
		state := make([]State, n+1)
		for i := range t.Of(int32(node)) {
			s.add(state, &t.Of(int32(node))[i])
		}
		s.state = append(s.state, state[:n])
	}
	s.moments()
	return s, nil
}

// add adds one queue's records to its node's states, of which there is one to spare.
func (s *States) add(state []State, q *records.Queue) {
	left, end := 0, int64(math.MinInt64) // started so far; end of what was being served
	depth := 0                           // not lost, arrived so far
	waiting := make([]float64, len(state)+1)
	serving := make([]float64, len(state)+1)
	for i, at := range q.Arrive {
		w := &state[s.Window(at)]
		w[In]++
		if q.Lost(i) {
			w[Drops]++
			continue
		}
		for left < q.Departures() && begun(q, q.ByDepart(left)) <= at {
			left++
		}
		w[QueueMax] = max(w[QueueMax], float64(depth-left))
		depth++
	}
	for k := range q.Departures() {
		i := q.ByDepart(k)
		depart := q.Depart(i)
		state[s.Window(depart)][Out]++
		start := q.Start(i)
		if start == records.Absent {
			start = q.Arrive[i]
		}
		if from := max(start, end); from < depart {
			s.spread(state, serving, Busy, from, depart)
			end = depart
		}
		s.spread(state, waiting, Queue, q.Arrive[i], begun(q, i))
	}
	w, b := 0.0, 0.0
	for i := range state {
		w += waiting[i]
		b += serving[i]
		state[i][Queue] += w
		state[i][Busy] += b
	}
}

// begun returns when a record stopped waiting.
func begun(q *records.Queue, i int) int64 {
	if start := q.Start(i); start != records.Absent {
		return start
	}
	return q.Depart(i)
}

// spread adds to variable v the share of each window that lies in [from, to); windows
// that lie in it wholly are noted in steps, whose sums belong to them.
func (s *States) spread(state []State, steps []float64, v int, from, to int64) {
	if from >= to {
		return
	}
	a, b := s.Window(from), s.Window(to)
	inv := 1 / float64(s.Length)
	if a == b {
		state[a][v] += float64(to-from) * inv
		return
	}
	state[a][v] += float64(s.from+int64(a+1)*s.Length-from) * inv
	state[b][v] += float64(to-s.from-int64(b)*s.Length) * inv
	steps[a+1]++
	steps[b]--
}

// Window returns the window of an instant, the nearest where it is outside of the trace.
func (s *States) Window(at int64) int {
	if at <= s.from {
		return 0
	}
	return int(min(uint64(at-s.from)/uint64(s.Length), uint64(s.Windows-1)))
}

// At returns the variables of a node in a window.
func (s *States) At(node int32, w int) *State { return &s.state[node][w] }

func (s *States) moments() {
	s.sum, s.mean, s.sq = make([]State, len(s.state)), make([]State, len(s.state)), make([]State, len(s.state))
	for node, state := range s.state {
		for v := range Variables {
			for w := range state {
				s.sum[node][v] += state[w][v]
			}
			s.mean[node][v] = s.sum[node][v] / float64(len(state))
			for w := range state {
				d := state[w][v] - s.mean[node][v]
				s.sq[node][v] += d * d
			}
		}
	}
}

// Z returns by how many standard deviations of the other windows the variable differs
// from their mean: 0 with fewer than two other windows, +Inf where it never differs
// elsewhere.
func (s *States) Z(node int32, w, v int) float64 {
	n := float64(s.Windows - 1)
	if n < 2 {
		return 0
	}
	x := s.state[node][w][v]
	mean := (s.sum[node][v] - x) / n
	d := x - s.mean[node][v]
	// Without x, the squares lose its own and what moved the mean.
	variance := max(0, s.sq[node][v]-d*d*(n+1)/n) / n
	switch scale := 1e-9 * (1 + math.Abs(mean)); {
	case math.Abs(x-mean) <= scale:
		return 0
	case variance <= scale*scale:
		return math.Inf(1)
	}
	return math.Abs(x-mean) / math.Sqrt(variance)
}

// Abnormality returns the variables' abnormalities, 0…1.
func (s *States) Abnormality(node int32, w int) (a State) {
	for v := range Variables {
		a[v] = math.Erf(s.Z(node, w, v) / math.Sqrt2)
	}
	return a
}
