package collect

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/pflag"

	"github.com/telltale-net/telltale/collector/ipfix/export"
	"github.com/telltale-net/telltale/collector/pipeline"
	"github.com/telltale-net/telltale/collector/postcard"
)

// ipfixSettings say which IPFIX collector gets the flows.
type ipfixSettings struct {
	cfg         export.Config
	domain      uint
	enterprise  uint
	messageSize int
}

func (i *ipfixSettings) Flags(fs *pflag.FlagSet) {
	d := export.DefaultConfig()
	c := &i.cfg
	*c = d
	fs.StringVar(&c.To, "ipfix", "", "IPFIX collector that flows are sent to, HOST:PORT for UDP, tcp://HOST:PORT or tls://HOST:PORT (empty = none)")
	fs.IntVar(&c.Flows, "ipfix-flows", d.Flows, "flows at one time; beyond, one that was idle is sent early")
	fs.DurationVar(&c.Idle, "ipfix-idle", d.Idle, "a flow without packets for as long is sent")
	fs.DurationVar(&c.Active, "ipfix-active", d.Active, "a flow that goes on is sent so often")
	fs.DurationVar(&c.Templates, "ipfix-templates", d.Templates, "how often templates (UDP) and counts are sent")
	fs.IntVar(&c.Rate, "ipfix-rate", d.Rate, "IPFIX messages a second, at most")
	fs.IntVar(&i.messageSize, "ipfix-message", d.Message.Length, "bytes of an IPFIX message, at most")
	fs.UintVar(&i.domain, "ipfix-domain", uint(d.Message.Domain), "IPFIX observation domain: this collector")
	fs.UintVar(&i.enterprise, "ipfix-enterprise", uint(d.Message.Enterprise), "private enterprise number of the elements that IANA has none for (the default is the one for documentation)")
	fs.StringVar(&c.CA, "ipfix-ca", "", "file with the authority of the IPFIX collector's certificate (default: the system's)")
	fs.StringVar(&c.Cert, "ipfix-cert", "", "file with our certificate for the IPFIX collector")
	fs.StringVar(&c.Key, "ipfix-key", "", "file with its key")
}

func (i *ipfixSettings) Check(*pipeline.Config) error {
	if i.cfg.To == "" {
		return nil
	}
	if i.domain > 1<<32-1 || i.enterprise > 1<<32-1 {
		return fmt.Errorf("ipfix-domain and ipfix-enterprise: got %d and %d, want 32 bits", i.domain, i.enterprise)
	}
	i.cfg.Message.Domain, i.cfg.Message.Enterprise, i.cfg.Message.Length = uint32(i.domain), uint32(i.enterprise), i.messageSize
	return i.cfg.Check()
}

func (i *ipfixSettings) Open(_ context.Context, s *source) (output, error) {
	if i.cfg.To == "" {
		return nil, nil
	}
	o := &ipfixOutput{relay: newRelay(64)}
	var err error
	o.exporter, err = export.New(i.cfg, export.Deps{Log: s.Log, Nodes: func() []export.Node { return nodesOf(s) }})
	return o, err
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

// ipfixOutput makes flows of records, at its own pace, and sends them.
type ipfixOutput struct {
	relay    *relay
	exporter *export.Exporter
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
	o.relay.run(ctx, o.exporter.Observe)
	stop()
	return <-sent
}

func (o *ipfixOutput) WriteMetrics(w io.Writer) error {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "# TYPE telltale_ipfix_records_shed_total counter\ntelltale_ipfix_records_shed_total %d\n", o.relay.shed.Load())
	if err := b.Flush(); err != nil {
		return err
	}
	return o.exporter.WriteMetrics(w)
}
