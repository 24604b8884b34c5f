package gnmi_test

import (
	"context"
	"fmt"
	"net"

	"github.com/telltale-net/telltale/collector"
	"github.com/telltale-net/telltale/collector/aggregate"
	"github.com/telltale-net/telltale/collector/gnmi"
	"github.com/telltale-net/telltale/collector/gnmi/model"
	"github.com/telltale-net/telltale/collector/gnmi/tree"
	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/p4src"
)

// A collector's counts and postcards, on the way to whoever subscribes.
func Example() {
	data := tree.New(model.Schema(), tree.Limits{Leaves: 1_000_000, Subscribers: 100, Backlog: 100_000})
	server, err := gnmi.New(gnmi.Config{Models: model.Models()}, data)
	if err != nil {
		fmt.Println(err)
		return
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan error)
	go func() { ran <- server.Run(ctx, listener) }()

	// Every second or so, with the collector's own counts and the records of its sink:
	now := int64(1)
	table := aggregate.New(aggregate.DefaultLimits())
	table.Observe([]postcard.Record{{Node: 7, OutPort: 2}})
	sums := model.Sums(table)
	for _, batch := range []model.Batch{
		model.Collector("telltale", &collector.Snapshot{Datagrams: 1}, nil),
		sums.Batch("telltale", p4src.DropReasonName),
	} {
		if err := batch.Apply(data, now); err != nil {
			fmt.Println(err)
		}
	}
	for _, s := range data.Select(tree.Path{Target: "telltale", Origin: model.Telltale, Elems: []tree.Elem{tree.E("nodes"), tree.E(tree.Deep), tree.E("postcards")}}) {
		fmt.Println(s.Unit.Path, s.Leaves[0].Value.String())
	}
	cancel()
	if err := <-ran; err != nil {
		fmt.Println(err)
	}
	// Output:
	// telltale telltale:/nodes/node[id=7]/ports/port[number=2]/queues/queue[number=0]/state/postcards 1
}
