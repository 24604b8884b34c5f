package collect

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/VictoriaMetrics/VictoriaMetrics/lib/prompb"
	"github.com/spf13/pflag"

	"github.com/telltale-net/telltale/collector/aggregate"
	"github.com/telltale-net/telltale/collector/metricstore"
	"github.com/telltale-net/telltale/collector/pipeline"
	"github.com/telltale-net/telltale/collector/remotewrite"
)

// metricsSettings say where the metrics are kept, and where they are sent to.
type metricsSettings struct {
	Interval  time.Duration
	Labels    []string
	Queues    int
	Tenants   int
	Store     string
	Retention time.Duration
	Memory    int64

	URLs       []string
	Queue      string
	QueueBytes int64
	remoteSettings

	data    string // folder that others are below; set by Check, as is:
	reserve int64
}

func (m *metricsSettings) Flags(fs *pflag.FlagSet) {
	s, r := metricstore.DefaultConfig(), remotewrite.DefaultConfig()
	fs.DurationVar(&m.Interval, "metrics-interval", 15*time.Second, "how often the metrics are kept and sent")
	labelFlag(fs, &m.Labels)
	l := aggregate.DefaultLimits()
	fs.IntVar(&m.Queues, "metrics-queues", l.Queues, "output queues that are summed up; of others is counted how many records there were")
	fs.IntVar(&m.Tenants, "metrics-tenants", l.Tenants, "VNIs that are summed up; of others is counted how many records there were")
	fs.StringVar(&m.Store, "metrics-store", "metrics", "folder of the metrics that PromQL and vmui below --http look at, below --data where not absolute (empty = none are kept)")
	fs.DurationVar(&m.Retention, "metrics-retention", s.Retention, "older metrics go")
	fs.Int64Var(&m.Memory, "metrics-memory", s.Memory, "bytes that the caches of the metrics may have")
	fs.StringArrayVar(&m.URLs, "remote-write", nil, "URL that the metrics are sent to by Prometheus remote write (repeatable)")
	fs.StringVar(&m.Queue, "remote-write-queue", "remote-write", "folder of what waits to be sent, below --data where not absolute")
	fs.Int64Var(&m.QueueBytes, "remote-write-queue-bytes", r.Bytes, "bytes that may wait for each URL; the oldest go beyond")
	m.remoteSettings.Flags(fs)
	maskURLs(fs, "remote-write")
}

func (m *metricsSettings) Check(c *pipeline.Config) error {
	m.data, m.reserve = c.Journal.Dir, c.Journal.Reserve
	var errs []error
	if m.Interval < 100*time.Millisecond || m.Interval > time.Hour {
		errs = append(errs, fmt.Errorf("metrics-interval: got %v, want 100ms to 1h", m.Interval))
	}
	if m.Queues < 1 || m.Queues > 1<<20 || m.Tenants < 1 || m.Tenants > 1<<20 {
		errs = append(errs, fmt.Errorf("metrics-queues and metrics-tenants: got %d and %d, want 1 to %d", m.Queues, m.Tenants, 1<<20))
	}
	if _, err := m.labels(); err != nil {
		errs = append(errs, err)
	}
	if cfg, ok := m.store(); ok {
		errs = append(errs, cfg.Check())
	}
	seen := map[string]bool{}
	for i, u := range m.URLs {
		if seen[u] {
			errs = append(errs, fmt.Errorf("remote-write: the URL number %d has been named before", i+1))
		}
		seen[u] = true
		cfg := m.remote(u)
		if err := cfg.Check(); err != nil {
			errs = append(errs, fmt.Errorf("remote-write: %w", err))
		}
	}
	return errors.Join(errs...)
}

// below returns a folder below --data; empty where there is none.
func (m *metricsSettings) below(dir string) string {
	switch {
	case dir == "" || filepath.IsAbs(dir):
		return dir
	case m.data == "":
		return ""
	}
	return filepath.Join(m.data, dir)
}

// store returns the configuration of the store; false = none is asked for, or the log
// is not in a folder and no folder of the store's own is named.
func (m *metricsSettings) store() (metricstore.Config, bool) {
	c := metricstore.DefaultConfig()
	c.Dir, c.Retention, c.Memory, c.Reserve = m.below(m.Store), m.Retention, m.Memory, m.reserve
	return c, c.Dir != ""
}

// remote returns the configuration for a URL, whose queue has a folder of its own.
func (m *metricsSettings) remote(u string) remotewrite.Config {
	c := m.remoteSettings.config(u)
	c.Bytes = m.QueueBytes
	if dir := m.below(m.Queue); dir != "" {
		sum := sha256.Sum256([]byte(u))
		c.Dir = filepath.Join(dir, hex.EncodeToString(sum[:6]))
	}
	return c
}

func (m *metricsSettings) labels() ([]prompb.Label, error) { return labelsOf(m.Labels) }

func (m *metricsSettings) Open(_ context.Context, s *source) (_ output, err error) {
	s.Sums.limit(aggregate.Limits{Queues: m.Queues, Tenants: m.Tenants})
	o := &metricsOutput{interval: m.Interval, from: s}
	o.names.Topology, o.names.Reason = s.Topology, reasonName
	if o.labels, err = m.labels(); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			o.Close()
		}
	}()
	if cfg, ok := m.store(); ok {
		o.store, err = metricstore.Open(cfg, s.Log)
		if errors.Is(err, metricstore.ErrNoRoom) { // reports are collected all the same
			s.Log.Error("no metrics are kept until the next start", "error", err)
			o.failed, err = err, nil
		}
		if err != nil {
			return nil, err
		}
	} else if m.Store != "" {
		s.Log.Warn("no metrics are kept: the log is not in a folder, and --metrics-store names no folder of its own", slog.String("metrics-store", m.Store))
	}
	for _, u := range m.URLs {
		c, err := remotewrite.Open(m.remote(u), s.Log)
		if err != nil {
			return nil, err
		}
		o.clients = append(o.clients, c)
	}
	return o, nil
}
