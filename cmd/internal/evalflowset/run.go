package evalflowset

import (
	"cmp"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/telltale-net/telltale/analyzers/flowset/flowsettest"
)

// Config is what to run.
type Config struct {
	Experiment string // one of Experiments, or "all"
	Ks         []int  // pods of the fat trees
	Epochs     int    // of every point of accept
	LossEpochs int    // of the experiment with single losses
	Digests    int    // pairs of digests of every size and number of losses
	Windows    int    // of 100 ms, of every mixture of causes of loss
	FirstSeed  uint64
	Sizes      []int // flows per switch, for the memory and time they need
	Flows      int   // flows per switch of accept, cores and counts; memory goes with it
	Budget     int   // flows at switches that are decoded for a point of memory, if the point needs that many
	Memory     int64 // bytes that an epoch may take in this process; larger ones are left out, and named
	Workers    int   // 0 = one per processor
}

// Experiments returns their names.
func Experiments() []string {
	return []string{"memory", "accept", "time", "counts", "earlier", "losses", "digests", "causes"}
}

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
	Ks        []int   `json:"k"`
	FirstSeed uint64  `json:"first_seed"`
	Tables    []Table `json:"tables"`
}

// runner runs experiments.
type runner struct {
	ctx      context.Context
	cfg      Config
	clock    Clock
	progress func(done, total int)
	mu       sync.Mutex
	done     int
	total    int
}

// Run runs the experiments that cfg asks for.
func Run(ctx context.Context, cfg Config, clock Clock, progress func(done, total int)) (*Result, error) {
	cfg.Workers = cmp.Or(cfg.Workers, runtime.GOMAXPROCS(0))
	for _, k := range cfg.Ks {
		if k < 4 || k%2 != 0 || k > 32 {
			return nil, fmt.Errorf("cannot make a fat tree of %d pods: want an even number from 4 to 32", k)
		}
	}
	for _, n := range append([]int{cfg.Flows}, cfg.Sizes...) {
		if n < 100 || n > 5_000_000 {
			return nil, fmt.Errorf("got %d flows per switch, want 100 to 5,000,000", n)
		}
	}
	if len(cfg.Ks) == 0 || cfg.Epochs < 1 || cfg.LossEpochs < 1 || cfg.Digests < 1 || cfg.Windows < 1 || cfg.Budget < 1 {
		return nil, fmt.Errorf("got %d fat trees, %d epochs, %d with losses, %d digests, %d windows, a budget of %d: want at least 1 each", len(cfg.Ks), cfg.Epochs, cfg.LossEpochs, cfg.Digests, cfg.Windows, cfg.Budget)
	}
	if cfg.Experiment != "all" && !slices.Contains(Experiments(), cfg.Experiment) {
		return nil, fmt.Errorf("unknown experiment %q; want all or one of %v", cfg.Experiment, Experiments())
	}
	r := &runner{ctx: ctx, cfg: cfg, clock: clock, progress: progress}
	res := &Result{Ks: cfg.Ks, FirstSeed: cfg.FirstSeed}
	all := map[string]func() ([]Table, error){
		"memory": r.memory, "accept": r.accept, "time": r.time, "counts": r.counts, "earlier": r.earlier, "losses": r.losses, "digests": r.digests, "causes": r.causes,
	}
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
	r.mu.Lock()
	defer r.mu.Unlock()
	r.done++
	r.total = max(r.total, r.done)
	r.progress(r.done, r.total)
	return r.ctx.Err()
}

// expect announces pieces of work.
func (r *runner) expect(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.total += n
}

// trials runs fn for 0 to n-1, so many at a time, a step each, until one fails.
func (r *runner) trials(n, atOnce int, fn func(i int) error) error {
	var next atomic.Int64
	var wg sync.WaitGroup
	errs := make([]error, max(1, min(atOnce, n)))
	for w := range errs {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				if errs[w] = fn(i); errs[w] == nil {
					errs[w] = r.step()
				}
				if errs[w] != nil {
					next.Store(int64(n))
					return
				}
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// Bytes of a cell in a switch, and bits of filter per flow.
const (
	cellBytes  = 13 + 1 + 4 + 2
	filterBits = 24.8
	hashes     = 17
)

// aloneBits is the filter of a switch by itself, bits per flow: nobody helps to find flows
// that it hides, so there must be fewer than one in 1,000 epochs, a tenth of what may fail.
func aloneBits(flows int) float64 {
	return max(filterBits, math.Log(1000*float64(flows)/hashes)/(math.Ln2*math.Ln2))
}

// memoryOf returns the bytes of a table and its filter.
func memoryOf(cells, flows int) float64 {
	return float64(cells)*cellBytes + filterBits/8*float64(flows)
}

// cellsIn returns how many cells fit into memory beside the filter.
func cellsIn(bytes float64, flows int) int {
	return int((bytes - filterBits/8*float64(flows)) / cellBytes)
}

// slot is the length of an epoch for figures of bandwidth, seconds.
const slot = 0.010

// bandwidth returns the Mb/s at which a switch exports so many bytes an epoch.
func bandwidth(bytes float64) float64 { return 8 * bytes / slot / 1e6 }

// config is an epoch of so many flows per switch, in so many cells.
func (r *runner) config(k, flows, cells int, n uint64) flowsettest.Config {
	return flowsettest.Config{
		Tree: flowsettest.FatTree{K: k}, FlowsPerNode: flows, Seed: r.cfg.FirstSeed, Epoch: n,
		Cells: max(1, cells/3), CheckBytes: 2, FilterBits: uint64(filterBits * float64(flows)), FilterHashes: hashes,
	}
}

// Bytes that this process needs for a flow at a switch, about.
const (
	netBytes   = 230
	aloneBytes = 300
)

// fits reports whether so many flows at switches fit into memory, and how many GiB they need.
func (r *runner) fits(flows, bytes int) (ok bool, gib float64) {
	need := int64(flows) * int64(bytes)
	return need <= r.cfg.Memory, float64(need) / (1 << 30)
}

// atOnce returns how many epochs of so many flows at switches are decoded at once, and with
// how many threads each.
func (r *runner) atOnce(flows int) (epochs, workers int) {
	if ok, _ := r.fits(flows*r.cfg.Workers, netBytes); ok && flows < 1_000_000 {
		return r.cfg.Workers, 1
	}
	return 1, r.cfg.Workers
}

func sum(outcomes []flowsettest.Outcome) (o flowsettest.Outcome) {
	for _, x := range outcomes {
		o.Add(x)
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
