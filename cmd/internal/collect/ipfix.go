package collect

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/spf13/pflag"

	"github.com/telltale-net/telltale/analyzers/flowset/postcards"
	"github.com/telltale-net/telltale/cmd/internal/flowsetout"
	"github.com/telltale-net/telltale/collector/ipfix"
	"github.com/telltale-net/telltale/collector/ipfix/export"
	"github.com/telltale-net/telltale/collector/pipeline"
	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/topology"
)

// IPFIX are the settings of which IPFIX collector gets flows, and how.
type IPFIX struct {
	cfg         export.Config
	domain      uint
	enterprise  uint
	messageSize int
}

// Flags defines the settings.
func (i *IPFIX) Flags(fs *pflag.FlagSet) {
	d := export.DefaultConfig()
	c := &i.cfg
	*c = d
	fs.StringVar(&c.To, "ipfix", "", "IPFIX collector that flows are sent to, HOST:PORT for UDP, tcp://HOST:PORT or tls://HOST:PORT (empty = none)")
	maskUser(fs, "ipfix")
	fs.IntVar(&c.Rate, "ipfix-rate", d.Rate, "IPFIX messages a second, at most")
	fs.IntVar(&i.messageSize, "ipfix-message", d.Message.Length, "bytes of an IPFIX message, at most")
	fs.UintVar(&i.domain, "ipfix-domain", uint(d.Message.Domain), "IPFIX observation domain: this collector")
	fs.UintVar(&i.enterprise, "ipfix-enterprise", uint(d.Message.Enterprise), "private enterprise number of the elements that IANA has none for (the default is the one for documentation)")
	fs.StringVar(&c.CA, "ipfix-ca", "", "file with the authority of the IPFIX collector's certificate (default: the system's)")
	fs.StringVar(&c.Cert, "ipfix-cert", "", "file with our certificate for the IPFIX collector")
	fs.StringVar(&c.Key, "ipfix-key", "", "file with its key")
}

// Asked reports whether flows are to be sent.
func (i *IPFIX) Asked() bool { return i.cfg.To != "" }

// Config returns what the settings say, or what is wrong with them.
func (i *IPFIX) Config() (export.Config, error) {
	if i.domain > 1<<32-1 || i.enterprise > 1<<32-1 {
		return i.cfg, fmt.Errorf("ipfix-domain and ipfix-enterprise: got %d and %d, want 32 bits", i.domain, i.enterprise)
	}
	c := i.cfg
	c.Message.Domain, c.Message.Enterprise, c.Message.Length = uint32(i.domain), uint32(i.enterprise), i.messageSize
	return c, c.Check()
}

// ipfixSettings say which flows go to an IPFIX collector.
type ipfixSettings struct {
	IPFIX
	Epochs string
}

// What of the flows of epochs is sent.
const (
	epochsNone   = "none"
	epochsLosses = "losses"
	epochsAll    = "all"
)

func (i *ipfixSettings) Flags(fs *pflag.FlagSet) {
	d := export.DefaultConfig()
	i.IPFIX.Flags(fs)
	c := &i.cfg
	fs.IntVar(&c.Flows, "ipfix-flows", d.Flows, "flows at one time; beyond, one that was idle is sent early")
	fs.DurationVar(&c.Idle, "ipfix-idle", d.Idle, "a flow without packets for as long is sent")
	fs.DurationVar(&c.Active, "ipfix-active", d.Active, "a flow that goes on is sent so often")
	fs.DurationVar(&c.Templates, "ipfix-templates", d.Templates, "how often templates (UDP) and counts are sent")
	fs.StringVar(&i.Epochs, "ipfix-epochs", epochsLosses, "what is sent of each epoch (8.192 ms), where there is a topology: losses of flows that no switch has reported, all (every flow's packets at every node, too), or none")
}

func (i *ipfixSettings) Check(*pipeline.Config) error {
	if i.Epochs != epochsNone && i.Epochs != epochsLosses && i.Epochs != epochsAll {
		return fmt.Errorf("ipfix-epochs: got %q, want losses, all or none", i.Epochs)
	}
	if !i.Asked() {
		return nil
	}
	_, err := i.Config()
	return err
}

func (i *ipfixSettings) Open(_ context.Context, s *source) (output, error) {
	if !i.Asked() {
		return nil, nil
	}
	cfg, err := i.Config()
	if err != nil {
		return nil, err
	}
	o := &ipfixOutput{relay: newRelay(64), topology: s.Topology}
	if o.exporter, err = export.New(cfg, export.Deps{Log: s.Log, Nodes: func() []export.Node { return nodesOf(s) }}); err != nil {
		return nil, err
	}
	if i.Epochs != epochsNone && s.FlowSets != nil {
		o.epochs = make(chan *postcards.Epoch, waitingEpochs)
		s.FlowSets.each(o.epoch, i.Epochs == epochsAll)
	}
	return o, nil
}

// nodesOf returns how many of each node's reports arrived, over all its streams.
func nodesOf(s *source) []export.Node {
	byNode := map[uint32]*export.Node{}
	var all []export.Node
	snapshot := s.Snapshot()
	for i := range snapshot.Collector.Sources {
		o := &snapshot.Collector.Sources[i]
		n := byNode[o.Node]
		if n == nil {
			n = &export.Node{ID: postcard.NodeID(o.Node)}
			byNode[o.Node] = n
		}
		n.Received += o.Datagrams
		n.Lost += uint64(max(o.Lost, 0))
	}
	for _, n := range byNode {
		all = append(all, *n)
	}
	slices.SortFunc(all, func(a, b export.Node) int { return int(int64(a.ID) - int64(b.ID)) })
	return all
}

// ipfixOutput makes flows of records, at its own pace, and sends them, and what becomes of
// flows in epochs.
type ipfixOutput struct {
	relay    *relay
	exporter *export.Exporter
	topology *topology.Index

	epochs chan *postcards.Epoch // nil = none are sent
	shed   atomic.Uint64         // epochs that were not
}

// waitingEpochs is how many epochs may wait to be sent.
const waitingEpochs = 256

// epoch takes an epoch; it does not wait.
func (o *ipfixOutput) epoch(e *postcards.Epoch) {
	if len(e.Flows)+len(e.Counts) == 0 {
		return
	}
	select {
	case o.epochs <- e:
	default:
		o.shed.Add(1)
	}
}

// offer gives the exporter what it has room for of an epoch.
func (o *ipfixOutput) offer(e *postcards.Epoch) {
	flowsetout.Records(e, o.topology, false, func(f *ipfix.EpochFlow) bool {
		if !o.exporter.Offer(f) {
			o.exporter.Refuse(1)
		}
		return true
	})
}

func (o *ipfixOutput) Name() string                    { return "ipfix" }
func (o *ipfixOutput) Observe(batch []postcard.Record) { o.relay.observe(batch) }
func (o *ipfixOutput) Ready() error                    { return o.exporter.Ready() }

// Run makes flows of all records that were handed over, and then sends those left.
func (o *ipfixOutput) Run(ctx context.Context) error {
	sending, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	sent := make(chan error, 1)
	go func() { sent <- o.exporter.Run(sending) }()
	var epochs sync.WaitGroup
	epochs.Go(func() {
		for {
			select {
			case e := <-o.epochs:
				o.offer(e)
			case <-ctx.Done(): // the analysis has ended before
				for len(o.epochs) > 0 {
					o.offer(<-o.epochs)
				}
				return
			}
		}
	})
	o.relay.run(ctx, o.exporter.Observe)
	epochs.Wait()
	stop()
	return <-sent
}

func (o *ipfixOutput) WriteMetrics(w io.Writer) error {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "# TYPE telltale_ipfix_records_shed_total counter\ntelltale_ipfix_records_shed_total %d\n", o.relay.shed.Load())
	fmt.Fprintf(b, "# TYPE telltale_ipfix_epochs_shed_total counter\ntelltale_ipfix_epochs_shed_total %d\n", o.shed.Load())
	if err := b.Flush(); err != nil {
		return err
	}
	return o.exporter.WriteMetrics(w)
}
