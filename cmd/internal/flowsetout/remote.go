package flowsetout

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/VictoriaMetrics/VictoriaMetrics/lib/prompb"

	"github.com/telltale-net/telltale/collector/remotewrite"
)

// Remote sends metrics to a server for as long as a command runs.
type Remote struct {
	client *remotewrite.Client
	dir    string
	stop   context.CancelFunc
	done   chan error
}

// patience is how long a server may take nothing, in the end.
const patience = 15 * time.Second

// OpenRemote begins to send; Close or Abandon must be called. What waits is in a temporary
// folder; cfg needs no other.
func OpenRemote(ctx context.Context, cfg remotewrite.Config) (*Remote, error) {
	dir, err := os.MkdirTemp("", "telltale-remote-write-")
	if err != nil {
		return nil, fmt.Errorf("no folder for what waits to be sent: %w", err)
	}
	cfg.Dir, cfg.Drain = dir, 0
	r := &Remote{dir: dir, done: make(chan error, 1)}
	if r.client, err = remotewrite.Open(cfg, nil); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	ctx, r.stop = context.WithCancel(ctx)
	go func() { r.done <- r.client.Run(ctx) }()
	return r, nil
}

// Write is for History.Write.
func (r *Remote) Write(series []prompb.TimeSeries, metadata []prompb.MetricMetadata) error {
	return r.client.Send(series, metadata)
}

// Close waits until the server has taken all, or takes nothing any more, and returns how
// many samples it took. The error says what it did not take, and why.
func (r *Remote) Close() (samples uint64, err error) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	since, last := time.Now(), uint64(0)
	ended := false
	for !ended {
		s := r.client.Stats()
		if n := s.Requests + s.Rejected; n > last {
			since, last = time.Now(), n
		}
		if s.Queue.Records == 0 || time.Since(since) > patience {
			break
		}
		select {
		case err = <-r.done:
			ended = true
		case <-tick.C:
		}
	}
	s := r.client.Stats()
	r.stop()
	if !ended {
		err = <-r.done
	}
	if left := uint64(s.Queue.Samples) + s.RejectedSamples + uint64(s.Queue.DroppedSamples+s.Queue.RefusedSamples); left > 0 {
		why := s.Failure
		if why == "" {
			why = "it refused them"
		}
		err = errors.Join(err, fmt.Errorf("%s has not taken %d of %d samples: %s", r.client.Name(), left, left+s.Samples, why))
	}
	return s.Samples, errors.Join(err, os.RemoveAll(r.dir))
}

// Abandon ends at once.
func (r *Remote) Abandon() {
	r.stop()
	<-r.done
	os.RemoveAll(r.dir)
}
