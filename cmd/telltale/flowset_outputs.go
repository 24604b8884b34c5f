package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/telltale-net/telltale/analyzers"
	"github.com/telltale-net/telltale/analyzers/flowset"
	"github.com/telltale-net/telltale/analyzers/flowset/loss"
	"github.com/telltale-net/telltale/analyzers/flowset/postcards"
	"github.com/telltale-net/telltale/cmd/internal/analyzeflowset"
	"github.com/telltale-net/telltale/cmd/internal/collect"
	"github.com/telltale-net/telltale/cmd/internal/flowsetout"
	"github.com/telltale-net/telltale/cmd/internal/recordlog"
	"github.com/telltale-net/telltale/collector/ipfix"
	"github.com/telltale-net/telltale/topology"
)

// prometheus is the format of metrics to import.
const prometheus = "prometheus"

// flowOutputs say where the results of flow sets are sent to, instead of being shown.
type flowOutputs struct {
	ipfix       collect.IPFIX
	remote      collect.RemoteWrite
	step        time.Duration
	zero        string
	epochLength time.Duration
}

func (o *flowOutputs) ipfixFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	o.ipfix.Flags(f)
	f.StringVar(&o.zero, "epoch-zero", "0", "of files that are sent: when epoch 0 began: RFC 3339, ns since 1970, or how long ago")
	f.DurationVar(&o.epochLength, "epoch-length", 0, "of files that are sent: how long an epoch lasts")
}

func (o *flowOutputs) metricsFlags(cmd *cobra.Command) {
	o.remote.Flags(cmd.Flags())
	cmd.Flags().DurationVar(&o.step, "step", 15*time.Second, "of metrics: time from one sample to the next")
}

// sending is results on their way out.
type sending struct {
	ix     *topology.Index
	clock  flowsetout.Clock
	ipfix  *flowsetout.Flows
	remote *flowsetout.Remote
	past   *flowsetout.History
	say    func(format string, args ...any)
	others int // flows that are no five-tuples
}

// open opens what is asked for; nil where nothing is. files says that epochs have numbers
// only. text asks for metrics as text. What show leaves out cannot be left out here.
func (o *flowOutputs) open(cmd *cobra.Command, net *analyzers.Network, files, text bool, show *analyzeflowset.Filter) (*sending, error) {
	if !o.ipfix.Asked() && !o.remote.Asked() && !text {
		return nil, nil
	}
	if len(show.Prefixes)+len(show.Nodes) > 0 || show.Epoch >= 0 || show.Limit > 0 {
		return nil, errors.New("--prefix, --at, --epoch and --limit are for what is shown; what is sent is all")
	}
	s := &sending{say: func(format string, args ...any) { fmt.Fprintf(cmd.ErrOrStderr(), format, args...) }}
	if net != nil {
		s.ix = net.Index
	}
	var err error
	if files {
		s.clock.Length = o.epochLength
		if s.clock.Zero, err = recordlog.Instant(o.zero, time.Now()); err != nil {
			return nil, fmt.Errorf("--epoch-zero: %w", err)
		}
		if err := s.clock.Check(); err != nil {
			return nil, fmt.Errorf("--epoch-length and --epoch-zero: %w", err)
		}
	}
	if o.remote.Asked() || text {
		if o.step < time.Millisecond {
			return nil, fmt.Errorf("--step: got %v, want 1ms or more", o.step)
		}
		s.past = &flowsetout.History{Step: o.step, DataSet: files, Write: flowsetout.WriteText(cmd.OutOrStdout())}
		if s.past.Labels, err = o.remote.Labels(); err != nil {
			return nil, err
		}
	}
	if o.remote.Asked() {
		cfg, err := o.remote.Config()
		if err != nil {
			return nil, err
		}
		if s.remote, err = flowsetout.OpenRemote(cmd.Context(), cfg); err != nil {
			return nil, err
		}
		s.past.Write = s.remote.Write
	}
	if o.ipfix.Asked() {
		cfg, err := o.ipfix.Config()
		if err == nil {
			s.ipfix, err = flowsetout.OpenFlows(cmd.Context(), cfg)
		}
		if err != nil {
			s.abandon()
			return nil, err
		}
	}
	return s, nil
}

// epoch sends what is known of an epoch; others counts its flows that are no five-tuples.
func (s *sending) epoch(e *postcards.Epoch, others int) error {
	if s.past != nil {
		if err := s.past.Add(e); err != nil {
			return err
		}
	}
	if s.ipfix == nil {
		return nil
	}
	s.others += others
	var err error
	flowsetout.Records(e, s.ix, true, func(f *ipfix.EpochFlow) bool {
		err = s.ipfix.Send(f)
		return err == nil
	})
	return err
}

// flows sends how many packets of every flow every node saw.
func (s *sending) flows(all []*flowset.Decoded) error {
	for _, d := range all {
		e, others := flowsetout.FromDataSet(&loss.Epoch{Epoch: d.Epoch}, d.Coverage, []*flowset.Decoded{d}, s.clock)
		if err := s.epoch(e, others); err != nil {
			return err
		}
	}
	return s.close(postcards.Stats{})
}

// losses sends the loss maps of decoded flow sets.
func (s *sending) losses(all []*flowset.Decoded, m *loss.Map) error {
	err := analyzeflowset.EachEpoch(all, m, func(l *loss.Epoch, c flowset.Coverage, _ []*flowset.Decoded) error {
		return s.epoch(flowsetout.FromDataSet(l, c, nil, s.clock))
	})
	if err != nil {
		return err
	}
	return s.close(postcards.Stats{})
}

// close sends what is left and says how much was sent. A nil sending does nothing.
func (s *sending) close(stats postcards.Stats) error {
	if s == nil {
		return nil
	}
	var errs []error
	if s.past != nil {
		errs = append(errs, s.past.Close(stats))
	}
	if s.remote != nil {
		n, err := s.remote.Close()
		errs = append(errs, err)
		s.say("%d samples sent by remote write\n", n)
	}
	if s.ipfix != nil {
		n, err := s.ipfix.Close()
		errs = append(errs, err)
		s.say("%d flow records sent over IPFIX\n", n)
		if s.others > 0 {
			s.say("%d flows whose keys are no five-tuples were not sent\n", s.others)
		}
	}
	s.remote, s.ipfix, s.past = nil, nil, nil
	return errors.Join(errs...)
}

// abandon ends what close has not: the command failed before.
func (s *sending) abandon() {
	if s == nil {
		return
	}
	if s.remote != nil {
		s.remote.Abandon()
	}
	if s.ipfix != nil {
		s.ipfix.Abandon()
	}
}
