package ledger

import (
	"errors"
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/collector/sequence"
)

var sameAddr = cmp.Comparer(func(a, b netip.Addr) bool { return a == b })

func key(n int) sequence.Key {
	a := netip.AddrFrom4([4]byte{10, 0, 0, byte(n % 5)})
	if n%3 == 0 {
		a = netip.AddrFrom16([16]byte{0x20, 1, 15: byte(n)})
	}
	return sequence.Key{Source: a, Node: uint32(n), HwID: uint8(n % 4), Version: 2}
}

// state is what a collector says whose accounts have room for so many streams.
func state(a *sequence.Accounts) State {
	s := State{Sources: a.Sources(nil)}
	_, s.Sum = a.Evicted()
	for i := range s.Sources {
		s.Sum.Add(&s.Sources[i].Totals)
	}
	return s
}

// TestPagesAddUp sends random datagrams through accounts, makes pages at random moments,
// some of which are not kept, and holds their sum against the accounts' totals.
func TestPagesAddUp(t *testing.T) {
	for seed := range uint64(50) {
		rng := rand.New(rand.NewPCG(seed, 4))
		room := []int{4, 1000}[rng.IntN(2)] // with four, streams are forgotten
		a := sequence.NewAccounts(sequence.Limits{Streams: room, Bucket: 1e9, Buckets: 10})
		book := NewBook(0)
		sum := NewSum(0, 0)
		kernel := uint64(0)
		next := map[int]uint32{}
		now := int64(0)
		for now < 100_000 {
			now += int64(rng.IntN(50)) + 1
			n := rng.IntN(12)
			next[n] += 1 + uint32(rng.IntN(20)/19*rng.IntN(5))
			seq := next[n] - uint32(rng.IntN(30)/29)
			_, totals := a.Observe(now, key(n), seq)
			totals.Reports += 3
			totals.Records += 4
			totals.Malformed += uint64(rng.IntN(2))
			kernel += uint64(rng.IntN(2))
			if rng.IntN(100) == 0 || now >= 100_000 {
				s := state(a)
				s.Kernel = kernel
				p := book.Page(now, s)
				if rng.IntN(4) == 0 && now < 100_000 {
					continue // not kept
				}
				b, err := p.Append(nil)
				if err != nil {
					t.Fatal(err)
				}
				back, err := Read(b)
				if err != nil {
					t.Fatal(err)
				}
				if len(p.Lines) == 0 {
					p.Lines = back.Lines
				}
				if d := cmp.Diff(p, back, sameAddr); d != "" {
					t.Fatalf("a page changed on the wire (-want +got):\n%s", d)
				}
				sum.Add(&back)
				book.Kept()
			}
		}
		got := sum.Loss()
		s := state(a)
		want := between(&s.Sum, &sequence.Totals{})
		if room > 12 && got.Total != want || got.Total.Reports != want.Reports || got.Total.Records != want.Records || got.Total.Malformed != want.Malformed {
			t.Errorf("seed %d, room for %d: got %+v, want %+v", seed, room, got.Total, want)
		}
		if got.Kernel != kernel || got.Uncovered != 0 || got.From != 0 || got.To < 100_000 {
			t.Errorf("seed %d: got %d dropped by the kernel of %d, window %d to %d, %d uncovered", seed, got.Kernel, kernel, got.From, got.To, got.Uncovered)
		}
	}
}

func page(from, to int64, node int, received uint64, lost int64) *Page {
	return &Page{From: from, To: to, Lines: []Line{{key(node), Counts{Received: received, Lost: lost}}}}
}

func TestWindow(t *testing.T) {
	pages := []*Page{page(30, 40, 2, 10, 0), page(10, 20, 1, 90, 10), page(20, 30, 1, 80, -5), page(60, 70, 1, 1, 1)}
	for _, c := range []struct {
		from, to         int64
		nodes            []postcard.NodeID
		received         uint64
		lost, uncovered  int64
		wantFrom, wantTo int64
	}{
		{0, 0, nil, 181, 6, 20, 10, 70},
		{12, 18, nil, 90, 10, 0, 12, 18},
		{10, 30, nil, 170, 5, 0, 10, 30},
		{20, 30, nil, 80, 0, 0, 20, 30}, // the late ones belong to a page before
		{0, 45, []postcard.NodeID{2}, 10, 0, 5, 10, 45},
		{5, 65, []postcard.NodeID{1}, 171, 6, 25, 5, 65},
		{100, 200, nil, 0, 0, 100, 100, 200},
	} {
		s := NewSum(c.from, c.to, c.nodes...)
		for _, p := range pages {
			s.Add(p)
		}
		l := s.Loss()
		if l.Total.Received != c.received || l.Total.Lost != c.lost || l.Uncovered != c.uncovered || l.From != c.wantFrom || l.To != c.wantTo {
			t.Errorf("%d to %d of %v: got %+v", c.from, c.to, c.nodes, l)
		}
		if l.String() == "" {
			t.Error("got no words")
		}
	}
	s := NewSum(10, 20)
	s.Add(pages[1])
	l := s.Loss()
	if got := l.Shares()[1]; got != 0.1 {
		t.Errorf("share of node 1: got %v, want 0.1", got)
	}
}

func TestBadPages(t *testing.T) {
	good, err := page(1, 2, 3, 4, 5).Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range good {
		bad := append([]byte(nil), good...)
		bad[i] ^= 0x10
		var e *Error
		if _, err := Read(bad); !errors.As(err, &e) || e.Error() == "" {
			t.Errorf("byte %d changed: got %v, want an *Error", i, err)
		}
		if _, err := Read(good[:i]); err == nil {
			t.Errorf("cut to %d bytes: got no error", i)
		}
	}
}

func FuzzRead(f *testing.F) {
	good, err := page(1, 2, 3, 4, 5).Append(nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := Read(seal(data))
		if err != nil {
			return
		}
		b, err := p.Append(nil)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Read(b)
		if err != nil {
			t.Fatalf("a page that could be read, and was written again: %v", err)
		}
		if d := cmp.Diff(p, again, sameAddr); d != "" {
			t.Fatalf("(-first +second):\n%s", d)
		}
	})
}
