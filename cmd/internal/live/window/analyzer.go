package window

import (
	"cmp"
	"fmt"
	"time"

	"github.com/telltale-net/telltale/analyzers"
	"github.com/telltale-net/telltale/analyzers/blame"
	"github.com/telltale-net/telltale/analyzers/blame/postcards"
	"github.com/telltale-net/telltale/analyzers/incident"
	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/collector/sequence"
	"github.com/telltale-net/telltale/topology"
)

// Config says how to analyse. The zero value of a field stands for its default.
type Config struct {
	Incident   incident.Config
	Blame      blame.Config
	Length     time.Duration // of a window; 1 s, at least 100 ms
	MaxRecords int           // that wait to be judged, some 200 bytes each; further ones are left out, and nobody is blamed then; 524 288
}

// settle is in which time all postcards of a packet come, for blame.
const settle = 100 * time.Millisecond

// joinWindow is incident's default for how long a packet's later hops are awaited.
const joinWindow = time.Second

func (c Config) withDefaults() Config {
	c.Length = cmp.Or(c.Length, time.Second)
	c.MaxRecords = cmp.Or(c.MaxRecords, 1<<19)
	c.Incident.Latency.JoinWindow = cmp.Or(c.Incident.Latency.JoinWindow, joinWindow)
	return c
}

// Batch is records that were taken, in the order in which they were received, and what
// was left out since the batch before.
type Batch struct {
	Records []postcard.Record
	Offered uint64 // records that there were, those of Records and Shed included; 0 = nothing happened
	Shed    uint64 // records that were taken and then given up
	Level   uint   // one packet in 2^Level was taken
	// Holes are the reports that are missing by their numbers, where that cannot be told
	// from Records, Level being above 0.
	Holes []postcards.Blind
}

// ReportLoss tells the loss of a node's reports between two times of the collector's
// clock (ns, both included).
type ReportLoss func(node postcard.NodeID, from, to int64) sequence.Loss

// Analyzer analyses one stream. It is not safe for concurrent use.
type Analyzer struct {
	cfg      Config
	net      *analyzers.Network
	incident *incident.Analyzer
	blame    *blamer

	begun   bool
	now     int64 // the latest time that Advance was called with, or a record was received at
	first   int64 // number of the oldest window that is not judged
	tallies map[int64]*tally
	asked   int64 // when report loss was asked for last
	torn    int64 // when records were shed, or came late, last
	late    uint64
	until   int64 // records received before come late: the windows they may belong to are judged
	judged  map[place]counts
	totals  []Loss
}

// tally is what went into a window.
type tally struct {
	offered, taken, shed uint64
	late                 uint64 // records taken that came after the window of their packets was judged
	level                uint
	dropped              map[place]uint64 // reported, on their way into a link
}

type place struct {
	node int32
	port uint16
}

// counts are those of a link when the latest window was judged, since the start.
type counts struct {
	sent, lost uint64
	total      int // index into totals
}

// New returns an analyzer of the fabric, which must not change afterwards.
func New(f topology.Fabric, cfg Config) (*Analyzer, error) {
	cfg = cfg.withDefaults()
	if cfg.Length < 100*time.Millisecond {
		return nil, fmt.Errorf("cannot analyse windows of %v, want at least 100ms", cfg.Length)
	}
	inc, err := incident.New(f, cfg.Incident)
	if err != nil {
		return nil, err
	}
	a := &Analyzer{cfg: cfg, net: inc.Network(), incident: inc, tallies: map[int64]*tally{}, judged: map[place]counts{}, asked: -1 << 62, torn: -1 << 62, until: -1 << 62}
	a.blame = newBlamer(a.net, cfg)
	return a, nil
}

// Delay is how long after its end a window is judged.
func (a *Analyzer) Delay() time.Duration { return a.cfg.Incident.Latency.JoinWindow }

// Late returns how many records came after a window that they may belong to was judged.
func (a *Analyzer) Late() uint64 { return a.late }

// Incident returns the analyzer of findings, to query. It belongs to the analyzer.
func (a *Analyzer) Incident() *incident.Analyzer { return a.incident }

// Totals returns the losses of links since the start, in the order in which the links
// were first used; estimates where packets were sampled. The slice is the caller's.
func (a *Analyzer) Totals() []Loss { return append([]Loss{}, a.totals...) }

// Observe adds a batch. Results come of Advance only.
func (a *Analyzer) Observe(b *Batch) {
	a.incident.SetSampling(b.Level)
	late := uint64(0)
	for i := range b.Records {
		r := &b.Records[i]
		a.seen(r.Received)
		if r.Received < a.until {
			late++
		}
		a.incident.Observe(r)
		a.blame.observe(r)
		if r.Lost() {
			a.drop(r)
		}
	}
	a.blame.missing(b.Holes, b.Level, a.now)
	if !a.begun || b.Offered == 0 {
		return
	}
	t := a.tally(a.now / int64(a.cfg.Length))
	t.offered += b.Offered
	t.taken += uint64(len(b.Records))
	t.shed += b.Shed
	t.late += late
	t.level = b.Level
	if b.Shed > 0 || late > 0 {
		a.torn = a.now
	}
	a.late += late
}

// drop counts a packet that a switch reports to have dropped instead of sending it over a
// link.
func (a *Analyzer) drop(r *postcard.Record) {
	node := a.net.ByID(r.Node)
	if r.Has&postcard.HasPorts == 0 || a.net.PortAt(node, r.OutPort).Kind != analyzers.ToSwitch {
		return
	}
	t := a.tally(r.Received / int64(a.cfg.Length))
	if t.dropped == nil {
		t.dropped = map[place]uint64{}
	}
	t.dropped[place{node, uint16(r.OutPort)}]++
}

// seen moves the time to that of a record.
func (a *Analyzer) seen(at int64) {
	if !a.begun {
		a.begun, a.now = true, at
		a.first = at / int64(a.cfg.Length)
	}
	a.now = max(a.now, at)
}

// tally returns that of a window which is not judged yet.
func (a *Analyzer) tally(window int64) *tally {
	window = max(window, a.first)
	t := a.tallies[window]
	if t == nil {
		t = &tally{}
		a.tallies[window] = t
	}
	return t
}

// lossSpan is over how long the report loss of findings is taken, and how often.
const lossSpan = int64(time.Second)

// Advance moves the time to now (the collector's clock, ns), or to the latest record,
// whichever is later, and returns what that brings. loss, where not nil, is asked at most once a second and window for every node.
func (a *Analyzer) Advance(now int64, loss ReportLoss) Results {
	var res Results
	if !a.begun {
		return res
	}
	a.now = max(a.now, now)
	if a.now-a.asked >= lossSpan {
		a.asked = a.now
		for _, l := range a.reports(loss, a.now-lossSpan, a.now) {
			a.incident.SetReportLoss(l.id, l.Share)
		}
	}
	length, late := int64(a.cfg.Length), int64(a.Delay())
	for last := (a.now - late) / length; a.first < last; {
		if a.tallies[a.first] == nil {
			a.skip(last)
			continue
		}
		res.Events = append(res.Events, a.incident.Advance((a.first+1)*length+late)...) // so that links are counted up to there
		res.Windows = append(res.Windows, a.judge(loss))
	}
	res.Events = append(res.Events, a.incident.Advance(a.now)...)
	return res
}

// Flush moves the time on until all that was observed is judged.
func (a *Analyzer) Flush(loss ReportLoss) Results {
	if !a.begun {
		return Results{}
	}
	return a.Advance((a.now/int64(a.cfg.Length)+1)*int64(a.cfg.Length)+int64(a.Delay()), loss)
}

// skip goes on to the oldest window with records, or to last.
func (a *Analyzer) skip(last int64) {
	for k := range a.tallies {
		last = min(last, k)
	}
	a.first = last
}

// nodeLoss is a NodeLoss of a node by its id.
type nodeLoss struct {
	NodeLoss
	id postcard.NodeID
}

// reports returns the report loss of all switches in a span.
func (a *Analyzer) reports(loss ReportLoss, from, to int64) []nodeLoss {
	shed := a.shedShare(from, to)
	out := make([]nodeLoss, 0, len(a.net.Nodes))
	for i := range a.net.Nodes {
		n := &a.net.Nodes[i]
		if n.Role == topology.Collector {
			continue
		}
		l := nodeLoss{NodeLoss: NodeLoss{Node: n.Name}, id: postcard.NodeID(n.ID)}
		if loss != nil {
			x := loss(l.id, from, to)
			l.Arrived, l.Lost, l.Partial, l.Share = x.Received, x.Lost, x.Partial, x.Fraction()
		}
		l.Share += (1 - l.Share) * shed
		out = append(out, l)
	}
	return out
}

// shedShare is the share of the records taken in a span that were shed, or came too late.
func (a *Analyzer) shedShare(from, to int64) float64 {
	var shed, taken uint64
	length := int64(a.cfg.Length)
	for k, t := range a.tallies {
		if (k+1)*length > from && k*length <= to {
			shed += t.shed + t.late
			taken += t.taken - t.late
		}
	}
	if shed == 0 {
		return 0
	}
	return float64(shed) / float64(shed+taken)
}
