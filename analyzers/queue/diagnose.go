package queue

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/telltale-net/telltale/analyzers/queue/diagnosis"
)

// task is a stretch of aligned time and the victims in it.
type task struct {
	from, to int64
	victims  []int // of the list given
}

// located is a victim's row.
type located struct {
	queue, row int
	from       int64 // where its causes may begin, aligned
	end        int64 // when it had left, aligned
}

// Diagnose returns the causes of each victim, in the order given. A victim that the
// trace has no record of has none, and all of its wait is unexplained. The result does
// not depend on the number of workers; at least one works. The error is the context's.
func (a *Analyzer) Diagnose(ctx context.Context, victims []diagnosis.Victim, workers int) ([]diagnosis.Diagnosis, error) {
	if a.joined != nil {
		out, err := a.joined.Diagnose(ctx, a.commonly(victims), workers)
		for i := range out {
			out[i].Victim = victims[i]
		}
		return out, err
	}
	out := make([]diagnosis.Diagnosis, len(victims))
	at := make([]located, len(victims))
	for i := range victims {
		out[i] = diagnosis.Diagnosis{Victim: victims[i], Uncertainty: diagnosis.Uncertainty{Unexplained: 1}}
	}
	tasks := a.tasks(victims, at)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range max(1, workers) {
		wg.Go(func() {
			for ctx.Err() == nil {
				k := int(next.Add(1)) - 1
				if k >= len(tasks) {
					return
				}
				a.diagnose(&tasks[k], at, out)
			}
		})
	}
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("cannot diagnose %d victims: %w", len(victims), err)
	}
	return out, nil
}

// tasks locates the victims and groups those whose causes may be the same.
func (a *Analyzer) tasks(victims []diagnosis.Victim, at []located) []task {
	order := make([]int, 0, len(victims))
	for i := range victims {
		q, row, ok := a.row(&victims[i])
		if !ok || a.t.Network.Nodes[victims[i].Node].IsSource() {
			at[i].queue = -1
			continue
		}
		at[i] = located{queue: q, row: row, end: a.left(q, row) - a.shift[victims[i].Node]}
		order = append(order, i)
	}
	slices.SortFunc(order, func(x, y int) int {
		return cmp.Or(cmp.Compare(victims[x].Arrive-a.shift[victims[x].Node], victims[y].Arrive-a.shift[victims[y].Node]), cmp.Compare(x, y))
	})
	memo := newHorizons(a)
	for _, i := range order {
		at[i].from = memo.from(at[i].queue, at[i].row)
	}
	slices.SortStableFunc(order, func(x, y int) int { return cmp.Compare(at[x].from, at[y].from) })
	var tasks []task
	for _, i := range order {
		k := len(tasks) - 1
		if k < 0 || at[i].from > tasks[k].to || at[i].end-tasks[k].from > int64(a.cfg.Span) && len(tasks[k].victims) > 0 && at[i].end > tasks[k].to {
			tasks = append(tasks, task{from: at[i].from, to: at[i].end})
			k++
		}
		tasks[k].to = max(tasks[k].to, at[i].end)
		tasks[k].victims = append(tasks[k].victims, i)
	}
	return tasks
}

// left returns when a row's packet had left, or would have, had it not been lost.
func (a *Analyzer) left(queue, row int) int64 {
	q := &a.t.Queues[queue]
	for i := row; i >= 0 && row-i < 4096; i-- {
		if !q.Lost(i) {
			return max(q.Depart(i), q.Arrive[row])
		}
	}
	return q.Arrive[row]
}

// horizons finds how far back the causes of victims may lie, remembering what it found.
type horizons struct {
	a     *Analyzer
	start []int64 // by queue: the last period found, aligned …
	upto  []int64 // … and the last time known to be in it
}

func newHorizons(a *Analyzer) *horizons {
	n := len(a.t.Queues)
	return &horizons{a: a, start: slices.Repeat([]int64{notFirst}, n), upto: slices.Repeat([]int64{notFirst}, n)}
}

// from returns an aligned time. It follows the queuing periods up the graph: the victim's own, those of all nodes
// upstream that it began in, and so on.
func (h *horizons) from(queue, row int) int64 {
	a := h.a
	q := &a.t.Queues[queue]
	t := q.Arrive[row] - a.shift[q.Node]
	limit := t - int64(a.cfg.Lookback)
	t = h.period(queue, t, limit)
	up := a.up[q.Node]
	for range len(up) + 1 {
		earliest := t
		for _, m := range up {
			first := int(a.t.FirstOf(m))
			for k := range a.t.Of(m) {
				earliest = min(earliest, h.period(first+k, t, limit))
			}
		}
		if earliest == t {
			break
		}
		t = earliest
	}
	return max(t-a.slack, limit)
}

func (h *horizons) period(queue int, t, limit int64) int64 {
	if h.start[queue] <= t && t <= h.upto[queue] {
		return max(h.start[queue], limit)
	}
	shift := h.a.shift[h.a.t.Queues[queue].Node]
	s := h.a.periodStart(queue, t+shift, limit+shift) - shift
	if s < t {
		h.start[queue], h.upto[queue] = s, t
	}
	return s
}

// diagnose diagnoses the victims of a task.
func (a *Analyzer) diagnose(t *task, at []located, out []diagnosis.Diagnosis) {
	r := a.cut(t.from, t.to)
	if a.cfg.Method == Plain {
		m := &microscope{r: r}
		for _, i := range t.victims {
			li := r.byQueue[at[i].queue]
			m.explain(int(li), at[i].row-r.lanes[li].first, &out[i])
		}
		return
	}
	r.gather()
	c := r.compare(t.victims, at)
	for k, i := range t.victims {
		c.conclude(k, &out[i])
	}
}
