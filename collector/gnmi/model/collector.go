package model

import (
	"github.com/telltale-net/telltale/collector"
	"github.com/telltale-net/telltale/collector/gnmi/tree"
	"github.com/telltale-net/telltale/collector/report"
)

// Log is the counts of the log behind a collector.
type Log struct {
	Stored, Shed, InFlight uint64 // records
	Alarm                  string // why it keeps none, "" while it does
}

// Collector returns telltale:/collector: the counts of a collector and its log (nil =
// there is none), its sockets, and every stream of reports with its loss.
func Collector(target string, s *collector.Snapshot, log *Log) Batch {
	b := Batch{}
	root := b.at(target, Telltale, tree.E("collector"))
	b.Below = []tree.Path{root.path}
	c := root.below(state)
	c.count("datagrams", s.Datagrams)
	c.count("bytes", s.Bytes)
	c.count("rejected", s.Rejected)
	c.count("trailing-bytes", s.Trailing)
	c.count("guessed", s.Guessed)
	c.set("lost", tree.Int(s.Sum.Lost))
	c.count("reports", s.Sum.Reports)
	c.count("records", s.Sum.Records)
	c.count("records-given", s.Given)
	c.count("shed", s.Sum.Shed)
	c.count("streams-evicted", s.Evicted)
	if log != nil {
		l := root.below(tree.E("log"), state)
		l.count("stored", log.Stored)
		l.count("shed", log.Shed)
		l.set("in-flight", tree.Uint(log.InFlight))
		if log.Alarm != "" {
			l.set("alarm", tree.Text(log.Alarm))
		}
	}
	for i, n := range s.Causes {
		name := report.Cause(i).Name()
		at := root.below(tree.E("causes"), tree.E("cause", "name", name), state)
		at.set("name", tree.Text(name))
		at.count("count", n)
	}
	for i := range s.Sockets {
		k := &s.Sockets[i]
		at := root.below(tree.E("sockets"), tree.E("socket", "index", decimal(i)), state)
		at.set("index", tree.Number(uint32(i)))
		at.set("address", tree.Text(k.Address))
		at.set("receive-buffer", tree.Uint(uint64(max(k.ReceiveBuffer, 0))))
		at.count("received", k.Received)
		if k.KernelCounts {
			at.count("kernel-drops", k.KernelDrops)
		}
		at.count("cut", k.Cut)
		at.count("errors", k.Errors)
	}
	for i := range s.Sources {
		k := &s.Sources[i]
		address := k.Source.String()
		at := root.below(tree.E("sources"), tree.E("source", "address", address, "node-id", decimal(k.Node),
			"hw-id", decimal(k.HwID), "version", decimal(k.Version)), state)
		at.set("address", tree.Text(address))
		at.set("node-id", tree.Number(k.Node))
		at.set("hw-id", tree.Number(uint32(k.HwID)))
		at.set("version", tree.Number(uint32(k.Version)))
		at.count("datagrams", k.Datagrams)
		at.set("lost", tree.Int(k.Lost))
		at.count("reports", k.Reports)
		at.count("skipped", k.Skipped)
		at.count("malformed", k.Malformed)
		at.count("records", k.Records)
		at.count("shed", k.Shed)
		at.set("last-heard", tree.Uint(uint64(max(k.Last, 0))))
	}
	return b
}
