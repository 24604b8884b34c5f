package recordlog

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/telltale-net/telltale/collector/block"
	"github.com/telltale-net/telltale/collector/journal"
	"github.com/telltale-net/telltale/collector/ledger"
	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/collector/report/profile"
)

// Output says how to write.
type Output struct {
	JSON    bool // else for people
	Reasons *profile.Reasons
}

// blockLine is a block in the list.
type blockLine struct {
	Sequence       uint64  `json:"sequence"`
	Stored         string  `json:"stored"`
	FirstNS        int64   `json:"first_ns"` // of Received
	LastNS         int64   `json:"last_ns"`
	Records        int     `json:"records"`
	Bytes          int     `json:"bytes"`
	BytesPerRecord float64 `json:"bytes_per_record"`
	MaxQueue       uint32  `json:"max_queue"`
	MaxLatencyNS   uint32  `json:"max_latency_ns"`
	Drops          bool    `json:"drops"` // there are some
}

// List writes the blocks that may hold what the query wants.
func List(ctx context.Context, w io.Writer, j *journal.Journal, q *block.Query, out Output) (journal.ReadStats, error) {
	b := bufio.NewWriter(w)
	enc := json.NewEncoder(b)
	if !out.JSON {
		fmt.Fprintf(b, "%10s  %-27s %-27s %8s %9s %6s %9s %12s  %s\n", "block", "first received", "last received", "records", "bytes", "B/rec", "max queue", "max latency", "drops")
	}
	wanted := uint64(0)
	stats, err := j.List(ctx, q.From, q.To, func(e journal.Entry) error {
		h := &e.Header
		if !h.MayHold(q) {
			return nil
		}
		wanted += uint64(h.Records)
		l := blockLine{
			Sequence: e.Sequence, Stored: e.Stored.UTC().Format(time.RFC3339Nano), FirstNS: h.First, LastNS: h.Last,
			Records: h.Records, Bytes: e.Bytes, BytesPerRecord: float64(e.Bytes) / float64(h.Records),
			MaxQueue: h.MaxQueue, MaxLatencyNS: h.MaxLatency, Drops: h.Flags&postcard.Dropped != 0,
		}
		if out.JSON {
			return enc.Encode(&l)
		}
		drops := ""
		if l.Drops {
			drops = "drops"
		}
		_, err := fmt.Fprintf(b, "%10d  %-27s %-27s %8d %9d %6.2f %9d %12v  %s\n",
			l.Sequence, moment(l.FirstNS), moment(l.LastNS), l.Records, l.Bytes, l.BytesPerRecord, l.MaxQueue, time.Duration(l.MaxLatencyNS), drops)
		return err
	})
	stats.Wanted = wanted
	return stats, errors.Join(err, b.Flush())
}

func moment(ns int64) string { return time.Unix(0, ns).UTC().Format("2006-01-02T15:04:05.000000Z") }

// Cat writes the records that the query wants.
func Cat(ctx context.Context, w io.Writer, j *journal.Journal, q block.Query, out Output) (journal.ReadStats, error) {
	b := bufio.NewWriterSize(w, 1<<16)
	if !out.JSON {
		b.WriteString(tableHead)
	}
	stats, err := j.Read(ctx, q, func(records []postcard.Record) error {
		for i := range records {
			line := b.AvailableBuffer()
			if out.JSON {
				line = append(AppendJSON(line, &records[i], out.Reasons), '\n')
			} else {
				line = AppendRow(line, &records[i], out.Reasons)
			}
			if _, err := b.Write(line); err != nil {
				return err
			}
		}
		return nil
	})
	return stats, errors.Join(err, b.Flush())
}

// Stat is what the records of a log are, in all.
type Stat struct {
	Blocks         int            `json:"blocks"`
	Records        uint64         `json:"records"` // wanted
	Bytes          uint64         `json:"bytes"`   // of the blocks
	BytesPerRecord float64        `json:"bytes_per_record"`
	FirstNS        int64          `json:"first_ns"` // of Received
	LastNS         int64          `json:"last_ns"`
	Drops          uint64         `json:"drops"`
	Nodes          []NodeStat     `json:"nodes"`
	Reasons        []ReasonStat   `json:"drop_reasons"`
	Damaged        int            `json:"damaged_blocks"`
	Loss           ledger.Loss    `json:"loss"` // of reports
	seen           map[stream]int // index into Nodes
}

type stream struct {
	node postcard.NodeID
	hwID uint8
}

// NodeStat is the records of a node and subsystem.
type NodeStat struct {
	Node    uint32 `json:"node"`
	HwID    uint8  `json:"hw_id"`
	Records uint64 `json:"records"`
	Drops   uint64 `json:"drops"`
}

// ReasonStat is the drops of a reason.
type ReasonStat struct {
	Reason uint8  `json:"drop_reason"`
	Name   string `json:"name,omitempty"`
	Drops  uint64 `json:"drops"`
}

// Count returns what the records that the query wants are.
func Count(ctx context.Context, j *journal.Journal, q block.Query, reasons *profile.Reasons) (Stat, journal.ReadStats, error) {
	s := Stat{seen: map[stream]int{}}
	byReason := map[uint8]uint64{}
	stats, err := j.Read(ctx, q, func(records []postcard.Record) error {
		for i := range records {
			s.add(&records[i], byReason)
		}
		return nil
	})
	var failed error
	s.Loss, failed = LedgerOf(j).Loss(ctx, &q)
	err = errors.Join(err, failed)
	s.Blocks, s.Bytes, s.Damaged = stats.Blocks, stats.Bytes, stats.Damaged
	if stats.Records > 0 {
		s.BytesPerRecord = float64(stats.Bytes) / float64(stats.Records)
	}
	slices.SortFunc(s.Nodes, func(a, b NodeStat) int { return cmp.Or(cmp.Compare(a.Node, b.Node), cmp.Compare(a.HwID, b.HwID)) })
	for _, reason := range slices.Sorted(maps.Keys(byReason)) {
		s.Reasons = append(s.Reasons, ReasonStat{reason, reasons.Name(reason), byReason[reason]})
	}
	slices.SortStableFunc(s.Reasons, func(a, b ReasonStat) int { return cmp.Compare(b.Drops, a.Drops) })
	return s, stats, err
}

func (s *Stat) add(r *postcard.Record, byReason map[uint8]uint64) {
	if s.Records == 0 || r.Received < s.FirstNS {
		s.FirstNS = r.Received
	}
	if s.Records == 0 || r.Received > s.LastNS {
		s.LastNS = r.Received
	}
	s.Records++
	key := stream{r.Node, r.HwID}
	i, ok := s.seen[key]
	if !ok {
		i = len(s.Nodes)
		s.Nodes = append(s.Nodes, NodeStat{Node: uint32(r.Node), HwID: r.HwID})
		s.seen[key] = i
	}
	s.Nodes[i].Records++
	if r.Lost() {
		s.Drops++
		s.Nodes[i].Drops++
		if r.Has&postcard.HasDropReason != 0 {
			byReason[r.DropReason]++
		}
	}
}

// Write writes the counts for people.
func (s *Stat) Write(w io.Writer) error {
	const most = 20
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "%d records in %d blocks, %d bytes, %.2f bytes per record\n", s.Records, s.Blocks, s.Bytes, s.BytesPerRecord)
	if s.Records > 0 {
		fmt.Fprintf(b, "received from %s to %s (%v)\n", moment(s.FirstNS), moment(s.LastNS), time.Duration(s.LastNS-s.FirstNS))
	}
	fmt.Fprintf(b, "%d drops\n", s.Drops)
	for i := range s.Reasons {
		if i == most {
			fmt.Fprintf(b, "  and %d more reasons\n", len(s.Reasons)-most)
			break
		}
		r := &s.Reasons[i]
		fmt.Fprintf(b, "  reason %d %s: %d\n", r.Reason, cmp.Or(r.Name, "(no name)"), r.Drops)
	}
	fmt.Fprintf(b, "%d nodes and subsystems\n", len(s.Nodes))
	for i := range s.Nodes {
		if i == most {
			fmt.Fprintf(b, "  and %d more (--format json has them)\n", len(s.Nodes)-most)
			break
		}
		n := &s.Nodes[i]
		fmt.Fprintf(b, "  node %d hw_id %d: %d records, %d drops\n", n.Node, n.HwID, n.Records, n.Drops)
	}
	fmt.Fprintln(b, &s.Loss)
	for i, left := 0, most; i < len(s.Loss.Streams); i++ {
		l := &s.Loss.Streams[i]
		if l.Lost == 0 && l.Malformed == 0 && l.Shed == 0 {
			continue
		}
		if left--; left < 0 {
			fmt.Fprintln(b, "  and more (--format json has them)")
			break
		}
		fmt.Fprintf(b, "  %s node %d hw_id %d: %d of %d datagrams lost (%.3g %%), %d reports malformed, %d records shed\n",
			l.Source, l.Node, l.HwID, l.Lost, uint64(l.Lost)+l.Received, 100*l.Part, l.Malformed, l.Shed)
	}
	return b.Flush()
}

// Note says what a reading took, and what it could not read.
func Note(s *journal.ReadStats) string {
	text := fmt.Sprintf("%d blocks looked at, %d opened, %d records read, %d wanted", s.Blocks, s.Opened, s.Records, s.Wanted)
	if s.Damaged > 0 {
		text += fmt.Sprintf("; %d blocks are damaged and left out, the first: %v", s.Damaged, s.Damage)
	}
	return text
}
