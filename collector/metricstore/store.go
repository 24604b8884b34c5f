package metricstore

import (
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/VictoriaMetrics/VictoriaMetrics/app/vmselect"
	"github.com/VictoriaMetrics/VictoriaMetrics/app/vmselect/promql"
	"github.com/VictoriaMetrics/VictoriaMetrics/app/vmstorage"
	"github.com/VictoriaMetrics/VictoriaMetrics/lib/fs"
	"github.com/VictoriaMetrics/VictoriaMetrics/lib/logger"
	"github.com/VictoriaMetrics/VictoriaMetrics/lib/prompb"
	"github.com/VictoriaMetrics/VictoriaMetrics/lib/storage"
	"github.com/VictoriaMetrics/VictoriaMetrics/lib/storage/metricsmetadata"

	_ "github.com/telltale-net/telltale/collector/metricstore/hush" // before the imports above log
)

// Store is the store of this process. It is safe for concurrent use.
type Store struct {
	open sync.RWMutex // held for reading while VictoriaMetrics is used
	gone bool         // closed

	mu     sync.Mutex
	stats  Stats
	rows   []storage.MetricRow
	labels []prompb.Label
	names  []byte
}

// Stats are the counts since the store was opened.
type Stats struct {
	Samples  uint64 // added
	Refused  uint64 // samples not added, for want of room on the disk
	Unusable uint64 // samples of series without labels
}

// here holds a token while no store is open: VictoriaMetrics has its own in package
// variables.
var here = func() chan struct{} {
	c := make(chan struct{}, 1)
	c <- struct{}{}
	return c
}()

// The errors of Open that say what to do.
var (
	ErrSecond = errors.New("this process has a metrics store already")
	ErrNoRoom = errors.New("no room left on its disk")
)

// opening is how many bytes must be free for a store to be opened. With less than
// Config.Reserve it opens, and takes nothing.
const opening = 8 << 20

// Open opens the store of a folder, which it makes if there is none. log, which may be
// nil, takes what VictoriaMetrics has to say when something fails. Other flags of
// VictoriaMetrics than those that the configuration is about keep their defaults.
func Open(cfg Config, log *slog.Logger) (_ *Store, err error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	select {
	case <-here:
	default:
		return nil, ErrSecond
	}
	defer func() {
		if err != nil {
			here <- struct{}{}
			err = fmt.Errorf("cannot open the metrics store in %s: %w", cfg.Dir, err)
		}
	}()
	if err := foresee(&cfg); err != nil {
		return nil, err
	}
	if err := set(cfg.flags()); err != nil {
		return nil, err
	}
	logger.SetOutputForTests(&passOn{log})
	return &Store{}, start()
}

// start starts VictoriaMetrics. It panics where it cannot, which is an error to us.
func start() (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("VictoriaMetrics: %v", r)
		}
	}()
	storage.SetDataFlushInterval(5 * time.Second) // what a kill loses at most
	vmstorage.Init(promql.ResetRollupResultCacheIfNeeded)
	vmselect.Init()
	return nil
}

// set sets flags, which count as parsed from then on: VictoriaMetrics insists.
func set(flags map[string]string) error {
	if !flag.Parsed() {
		if err := flag.CommandLine.Parse(nil); err != nil {
			return err
		}
	}
	for name, value := range flags {
		if err := flag.Set(name, value); err != nil {
			return fmt.Errorf("VictoriaMetrics does not take -%s=%s: %w", name, value, err)
		}
	}
	return nil
}

// foresee looks for what would make VictoriaMetrics end the process.
func foresee(cfg *Config) error {
	if err := os.MkdirAll(cfg.Dir, 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(cfg.Dir, "probe")
	if err == nil {
		err = errors.Join(f.Close(), os.Remove(f.Name()))
	}
	if errors.Is(err, syscall.ENOSPC) {
		return fmt.Errorf("%w: %w", ErrNoRoom, err)
	}
	if err != nil {
		return err
	}
	if err := unlocked(filepath.Join(cfg.Dir, fs.FlockFilename)); err != nil {
		return err
	}
	if free := fs.MustGetFreeSpace(cfg.Dir); free < opening {
		return fmt.Errorf("%w: %d bytes are free, want %d", ErrNoRoom, free, opening)
	}
	return nil
}

// Write adds samples, and what is known about families. Series must have labels sorted
// by name, the metric's as __name__ among them. The error says that nothing was added
// because the disk is full, which is counted.
func (s *Store) Write(series []prompb.TimeSeries, metadata []prompb.MetricMetadata) error {
	s.open.RLock()
	defer s.open.RUnlock()
	if s.gone {
		return errors.New("the metrics store is closed")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rows, s.names = s.rows[:0], s.names[:0]
	for i := range series {
		if len(series[i].Labels) == 0 {
			s.stats.Unusable += uint64(len(series[i].Samples))
			continue
		}
		start := len(s.names)
		s.labels = append(s.labels[:0], series[i].Labels...) // which are written to
		s.names = storage.MarshalMetricNameRaw(s.names, s.labels)
		name := s.names[start:len(s.names):len(s.names)]
		for _, v := range series[i].Samples {
			s.rows = append(s.rows, storage.MetricRow{MetricNameRaw: name, Timestamp: v.Timestamp, Value: v.Value})
		}
	}
	if err := vmstorage.AddRows(s.rows); err != nil {
		s.stats.Refused += uint64(len(s.rows))
		return fmt.Errorf("metrics store: %d samples: %w", len(s.rows), err)
	}
	s.stats.Samples += uint64(len(s.rows))
	if len(metadata) == 0 {
		return nil
	}
	families := make([]metricsmetadata.Row, len(metadata))
	for i, m := range metadata {
		families[i] = metricsmetadata.Row{MetricFamilyName: []byte(m.MetricFamilyName), Type: m.Type, Help: []byte(m.Help), Unit: []byte(m.Unit)}
	}
	if err := vmstorage.AddMetadataRows(families); err != nil {
		return fmt.Errorf("metrics store: %d families: %w", len(families), err)
	}
	return nil
}

// Stats returns the counts.
func (s *Store) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stats
}

// Ready returns nil, or why nothing is added.
func (s *Store) Ready() error {
	s.open.RLock()
	defer s.open.RUnlock()
	switch {
	case s.gone:
		return errors.New("the metrics store is closed")
	case vmstorage.Storage.IsReadOnly():
		return errors.New("no room left on the disk of the metrics store")
	}
	return nil
}

// Flush makes what was added visible to queries, which it becomes by itself within
// seconds.
func (s *Store) Flush() {
	s.open.RLock()
	defer s.open.RUnlock()
	if !s.gone {
		vmstorage.Storage.DebugFlush()
	}
}

// Close waits for queries to end, and writes what is not on the disk. Another store may
// be opened then.
func (s *Store) Close() {
	s.open.Lock()
	defer s.open.Unlock()
	if s.gone {
		return
	}
	s.gone = true
	vmstorage.Stop()
	vmselect.Stop()
	here <- struct{}{}
}

// passOn gives lines of VictoriaMetrics' logger to another: level, place and message,
// separated by tabs.
type passOn struct{ log *slog.Logger }

func (p *passOn) Write(line []byte) (int, error) {
	parts := strings.SplitN(strings.TrimSpace(string(line)), "\t", 3)
	if len(parts) == 3 {
		p.log.Error("VictoriaMetrics: "+parts[2], "level", parts[0], "at", parts[1])
	} else {
		p.log.Error("VictoriaMetrics: " + strings.Join(parts, " "))
	}
	return len(line), nil
}
