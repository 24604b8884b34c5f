package flowsetout

import (
	"context"
	"fmt"
	"time"

	"github.com/telltale-net/telltale/collector/ipfix"
	"github.com/telltale-net/telltale/collector/ipfix/export"
)

// Flows sends flows over IPFIX for as long as a command runs, no faster than the settings
// allow.
type Flows struct {
	ctx      context.Context
	exporter *export.Exporter
	to       string
	stop     context.CancelFunc
	done     chan error
}

// OpenFlows begins to send; Close must be called.
func OpenFlows(ctx context.Context, cfg export.Config) (*Flows, error) {
	x, err := export.New(cfg, export.Deps{})
	if err != nil {
		return nil, err
	}
	f := &Flows{ctx: ctx, exporter: x, to: export.Redacted(cfg.To), done: make(chan error, 1)}
	ctx, f.stop = context.WithCancel(ctx)
	go func() { f.done <- x.Run(ctx) }()
	return f, nil
}

// Send sends a flow, and waits for room where there is none.
func (f *Flows) Send(x *ipfix.EpochFlow) error {
	for !f.exporter.Offer(x) {
		if err := f.wait(); err != nil {
			return err
		}
	}
	return nil
}

func (f *Flows) wait() error {
	select {
	case <-f.ctx.Done():
		return f.ctx.Err()
	case <-time.After(10 * time.Millisecond):
		return f.failed()
	}
}

// failed returns why flows were not sent.
func (f *Flows) failed() error {
	if s := f.exporter.Stats(); s.Exported.NotSent > 0 {
		why := s.Failure
		if why == "" {
			why = "the connection broke"
		}
		return fmt.Errorf("%d flows were not sent to %s: %s", s.Exported.NotSent, f.to, why)
	}
	return nil
}

// Close waits until all flows are sent, and returns how many were.
func (f *Flows) Close() (uint64, error) {
	var err error
	for err == nil && f.exporter.Pending() > 0 {
		err = f.wait()
	}
	f.stop()
	if failed := <-f.done; err == nil {
		err = failed
	}
	if err == nil {
		err = f.failed()
	}
	return f.exporter.Stats().Exported.Flows, err
}

// Abandon ends without waiting.
func (f *Flows) Abandon() {
	f.stop()
	<-f.done
}
