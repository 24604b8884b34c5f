package evalflowset

import (
	"cmp"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strconv"
	"time"

	"github.com/telltale-net/telltale/analyzers/flowset"
	"github.com/telltale-net/telltale/analyzers/flowset/flowsettest"
)

// Config is what to run.
type Config struct {
	Experiment string // one of Experiments, or "all"
	K          int    // of the fat tree
	Epochs     int    // of every point
	LossEpochs int    // of the experiment with single losses
	FirstSeed  uint64
	Sizes      []int // flows per switch, for the memory they need
	Flows      int   // flows per switch of the experiment in 2.36 MB; memory goes with it
	Workers    int   // 0 = one per processor
}

// Experiments returns their names.
func Experiments() []string { return []string{"memory", "accept", "time", "losses", "digests"} }

// Clock tells wall time and processor time.
type Clock func() (wall time.Time, processor time.Duration)

// Table is figures of one experiment.
type Table struct {
	Experiment string     `json:"experiment"`
	Title      string     `json:"title"`
	Columns    []string   `json:"columns"`
	Rows       [][]string `json:"rows"`
	Lines      []Line     `json:"lines,omitempty"` // to be drawn
	Axis       string     `json:"axis,omitempty"`
}

// Line is figures along an axis.
type Line struct {
	Name string    `json:"name"`
	X    []float64 `json:"x"`
	Y    []float64 `json:"y"` // %
}

// Result is all figures.
type Result struct {
	K         int     `json:"k"`
	Epochs    int     `json:"epochs"`
	FirstSeed uint64  `json:"first_seed"`
	Tables    []Table `json:"tables"`
}

// runner runs experiments.
type runner struct {
	ctx      context.Context
	cfg      Config
	clock    Clock
	progress func(done, total int)
	done     int
	total    int
}

// Run runs the experiments that cfg asks for.
func Run(ctx context.Context, cfg Config, clock Clock, progress func(done, total int)) (*Result, error) {
	cfg.K = cmp.Or(cfg.K, 4)
	cfg.Workers = cmp.Or(cfg.Workers, runtime.GOMAXPROCS(0))
	if cfg.K < 4 || cfg.K%2 != 0 || cfg.K > 32 {
		return nil, fmt.Errorf("cannot make a fat tree of %d pods: want an even number from 4 to 32", cfg.K)
	}
	if cfg.Epochs < 1 || cfg.LossEpochs < 1 || cfg.Flows < 100 {
		return nil, fmt.Errorf("got %d epochs, %d with losses, %d flows: want at least 1, 1 and 100", cfg.Epochs, cfg.LossEpochs, cfg.Flows)
	}
	if cfg.Experiment != "all" && !slices.Contains(Experiments(), cfg.Experiment) {
		return nil, fmt.Errorf("unknown experiment %q; want all or one of %v", cfg.Experiment, Experiments())
	}
	r := &runner{ctx: ctx, cfg: cfg, clock: clock, progress: progress}
	res := &Result{K: cfg.K, Epochs: cfg.Epochs, FirstSeed: cfg.FirstSeed}
	all := map[string]func() ([]Table, error){"memory": r.memory, "accept": r.accept, "time": r.time, "losses": r.losses, "digests": r.digests}
	for _, name := range Experiments() {
		if cfg.Experiment != "all" && cfg.Experiment != name {
			continue
		}
		tables, err := all[name]()
		if err != nil {
			return nil, fmt.Errorf("cannot run experiment %s: %w", name, err)
		}
		res.Tables = append(res.Tables, tables...)
	}
	return res, nil
}

// step counts a piece of work that is done; the error is the context's.
func (r *runner) step() error {
	r.done++
	r.total = max(r.total, r.done)
	r.progress(r.done, r.total)
	return r.ctx.Err()
}

// Bytes of a cell in a switch, and bits of filter per flow.
const (
	cellBytes  = 13 + 1 + 4 + 2
	filterBits = 24.8
	hashes     = 17
)

// memoryOf returns the bytes of a table and its filter.
func memoryOf(cells, flows int) float64 {
	return float64(cells)*cellBytes + filterBits/8*float64(flows)
}

// cellsIn returns how many cells fit into memory beside the filter.
func cellsIn(bytes float64, flows int) int {
	return int((bytes - filterBits/8*float64(flows)) / cellBytes)
}

// epoch makes an epoch of so many flows per switch, in so many cells.
func (r *runner) epoch(flows, cells int, n uint64, losses int) (*flowsettest.Epoch, error) {
	return flowsettest.New(flowsettest.Config{
		Tree: flowsettest.FatTree{K: r.cfg.K}, FlowsPerNode: flows, Seed: r.cfg.FirstSeed, Epoch: n,
		Cells: max(1, cells/3), CheckBytes: 2, FilterBits: uint64(filterBits * float64(flows)), FilterHashes: hashes,
		Losses: losses, Workers: r.cfg.Workers,
	})
}

// outcome is how decoding fared.
type outcome struct{ flows, right, wrong, invented int64 }

func (o *outcome) add(p outcome) {
	o.flows += p.flows
	o.right += p.right
	o.wrong += p.wrong
	o.invented += p.invented
}

func (o *outcome) share() float64 { return 100 * float64(o.right) / float64(max(1, o.flows)) }

// judge compares with the truth.
func judge(e *flowsettest.Epoch, got []*flowset.Decoded) outcome {
	truth := make([]map[flowset.Key]int64, len(e.Tables))
	for i := range truth {
		truth[i] = make(map[flowset.Key]int64, got[i].Len())
	}
	var o outcome
	for i := range e.Flows {
		f := &e.Flows[i]
		for h, at := range f.Path {
			if f.Packets[h] > 0 {
				truth[at][f.Key] += f.Packets[h]
			}
		}
	}
	for i, d := range got {
		o.flows += int64(len(truth[i]))
		for x := range d.Len() {
			want, ok := truth[i][d.Key(x)]
			n, counted := d.Packets(x)
			switch {
			case !ok:
				o.invented++
			case counted && n == want:
				o.right++
			case counted:
				o.wrong++
			}
		}
	}
	return o
}

// WriteCSV writes all figures, one per line.
func (res *Result) WriteCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	_ = out.Write([]string{"experiment", "row", "column", "value"}) // errors stay until Flush
	for _, t := range res.Tables {
		for _, row := range t.Rows {
			for i := 1; i < len(row); i++ {
				_ = out.Write([]string{t.Experiment, row[0], t.Columns[i], row[i]})
			}
		}
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("cannot write figures: %w", err)
	}
	return nil
}

func number(x float64, digits int) string { return strconv.FormatFloat(x, 'f', digits, 64) }
