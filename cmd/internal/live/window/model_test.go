package window

import (
	"testing"

	"github.com/telltale-net/telltale/cmd/internal/live/livetest"
	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/collector/sequence"
)

const ms = livetest.MS

// model is a fabric and the account of its reports.
type model struct {
	*livetest.Model
	loss *sequence.Accounts
}

func newModel(t testing.TB, seed uint64) *model {
	t.Helper()
	m, err := livetest.New(seed)
	if err != nil {
		t.Fatal(err)
	}
	return &model{m, sequence.NewAccounts(sequence.Limits{Streams: 100, Bucket: 100 * ms, Buckets: 1200})}
}

// play gives the records to an analyzer through a sampler, Advance every 50 ms. shed,
// where not nil, says which batches are shed.
func (m *model) play(t testing.TB, cfg Config, rate int, shed func(at int64) bool) (*Analyzer, *Sampler, Results) {
	t.Helper()
	a, err := New(m.Fabric, cfg)
	if err != nil {
		t.Fatal(err)
	}
	s := NewSampler(rate, int64(a.Delay()))
	var all Results
	var b Batch
	next := m.Records[0].Received + 50*ms
	give := func() {
		b.Level, b.Holes = s.Level(), s.TakeHoles(b.Holes[:0])
		if shed != nil && shed(next) {
			b.Shed += uint64(len(b.Records))
			b.Records = b.Records[:0]
		}
		a.Observe(&b)
		b = Batch{Records: b.Records[:0], Holes: b.Holes[:0]}
		res := a.Advance(next, m.reportLoss)
		all.Events = append(all.Events, res.Events...)
		all.Windows = append(all.Windows, res.Windows...)
	}
	for i := range m.Records {
		r := &m.Records[i]
		for ; r.Received >= next; next += 50 * ms {
			give()
			if r.Received > next+10_000*ms {
				next = r.Received
			}
		}
		m.loss.Observe(r.Received, sequence.Key{Node: uint32(r.Node), Version: 2}, r.Seq)
		b.Offered++
		if s.Choose(r) {
			b.Records = append(b.Records, *r)
		}
	}
	give()
	res := a.Flush(m.reportLoss)
	all.Events = append(all.Events, res.Events...)
	all.Windows = append(all.Windows, res.Windows...)
	return a, s, all
}

func (m *model) reportLoss(node postcard.NodeID, from, to int64) sequence.Loss {
	return m.loss.Loss(uint32(node), from, to)
}
