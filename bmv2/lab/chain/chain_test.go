package chain

import (
	"math"
	"reflect"
	"slices"
	"testing"
	"time"
)

// small is a run of some ten thousand packets with everything switched on.
func small(tb testing.TB, seed uint64) Config {
	tb.Helper()
	c := Paper()
	c.Seed = seed
	c.Duration = 60 * time.Millisecond
	c.Sources = 1 + int(seed%3)
	c.Noise = Noisy()
	c.Traffic.Flows = 2000
	if seed%2 == 0 {
		c.Traffic.Sizes = []Size{{64, 7}, {570, 4}, {1500, 1}}
		for i := range c.Stages {
			c.Stages[i].PerByte = 0.0005
		}
	}
	m := PaperMix(2)
	m.Together = 3
	ps, err := c.Draw(m)
	if err != nil {
		tb.Fatal(err)
	}
	c.Problems = ps
	return c
}

func simulate(tb testing.TB, c Config) *Trace {
	tb.Helper()
	t, err := Simulate(c)
	if err != nil {
		tb.Fatal(err)
	}
	return t
}

// A packet is seen at every node of its way until it is lost, once, in order of time.
func TestConservation(t *testing.T) {
	for seed := range uint64(4) {
		tr := simulate(t, small(t, seed))
		seen := make([]int, len(tr.Flow))
		where := make([]map[uint32]int, len(tr.Nodes))
		for n := range tr.Logs {
			where[n] = map[uint32]int{}
			for i, p := range tr.Logs[n].Packet {
				seen[p]++
				where[n][p] = i
			}
			if len(where[n]) != tr.Logs[n].Len() {
				t.Fatalf("seed %d: %s saw a packet twice", seed, tr.Nodes[n].Name)
			}
		}
		lost := 0
		for p := range tr.Flow {
			way := tr.Path(uint32(p))
			last := int64(-1)
			count := 0
			for _, n := range way {
				i, ok := where[n][uint32(p)]
				if !ok {
					t.Fatalf("seed %d: packet %d did not come to %s", seed, p, tr.Nodes[n].Name)
				}
				count++
				l := &tr.Logs[n]
				if l.Arrive[i] < last {
					t.Fatalf("seed %d: packet %d came to %s before it left the node before", seed, p, tr.Nodes[n].Name)
				}
				if l.Depart[i] == Lost {
					lost++
					break
				}
				if l.Start[i] < l.Arrive[i] || l.Depart[i] < l.Start[i] {
					t.Fatalf("seed %d: packet %d at %s: %d, %d, %d", seed, p, tr.Nodes[n].Name, l.Arrive[i], l.Start[i], l.Depart[i])
				}
				last = l.Depart[i]
			}
			if seen[p] != count {
				t.Fatalf("seed %d: packet %d was seen %d times, on its way %d nodes", seed, p, seen[p], count)
			}
		}
		t.Logf("seed %d: %d packets, %d lost", seed, len(tr.Flow), lost)
	}
}

// Queues are first in, first out, bounded, and read in batches of one instant.
func TestFIFO(t *testing.T) {
	for seed := range uint64(4) {
		tr := simulate(t, small(t, seed))
		for n := range tr.Logs {
			l := &tr.Logs[n]
			var started []int64 // of what was not lost, in order of arrival
			lastDepart, batch, lastStart := int64(-1), 0, int64(-1)
			for i := range l.Packet {
				if i > 0 && l.Arrive[i] < l.Arrive[i-1] {
					t.Fatalf("seed %d: %s: row %d is not in order of arrival", seed, tr.Nodes[n].Name, i)
				}
				if tr.Nodes[n].IsSource() {
					continue
				}
				// Waiting here: those before whose service had not begun.
				k, _ := slices.BinarySearch(started, l.Arrive[i])
				waiting := len(started) - k
				if l.Depart[i] == Lost {
					if waiting < tr.Config.Queue {
						t.Fatalf("seed %d: %s lost row %d with %d waiting", seed, tr.Nodes[n].Name, i, waiting)
					}
					continue
				}
				if l.Depart[i] < lastDepart || l.Start[i] < lastStart {
					t.Fatalf("seed %d: %s: row %d overtook", seed, tr.Nodes[n].Name, i)
				}
				if l.Start[i] == lastStart {
					batch++
					if l.Depart[i] != lastDepart {
						t.Fatalf("seed %d: %s: row %d left alone", seed, tr.Nodes[n].Name, i)
					}
				} else {
					if l.Start[i] < lastDepart {
						t.Fatalf("seed %d: %s: row %d began while the server was busy", seed, tr.Nodes[n].Name, i)
					}
					batch = 1
				}
				if batch > tr.Config.Batch {
					t.Fatalf("seed %d: %s: batch of more than %d", seed, tr.Nodes[n].Name, tr.Config.Batch)
				}
				lastStart, lastDepart = l.Start[i], l.Depart[i]
				started = append(started, l.Start[i])
			}
		}
	}
}

func TestSameSeedSameTrace(t *testing.T) {
	a, b := simulate(t, small(t, 4)), simulate(t, small(t, 4))
	if !reflect.DeepEqual(a.Logs, b.Logs) {
		t.Fatal("the same seed made another run")
	}
	if !slices.Equal(a.Flow, b.Flow) || !reflect.DeepEqual(a.Truth(), b.Truth()) {
		t.Fatal("the same seed made other packets or another truth")
	}
	other := small(t, 4)
	other.Seed = 5
	other.Problems = nil
	if c := simulate(t, other); slices.Equal(a.Logs[0].Depart, c.Logs[0].Depart) {
		t.Fatal("another seed made the same traffic")
	}
}

// Without a problem, everything that left before it is as it was.
func TestRemovalLeavesThePast(t *testing.T) {
	for seed := range uint64(4) {
		tr := simulate(t, small(t, seed))
		for p := range tr.Config.Problems {
			r := *tr.run
			r.without = p
			logs := r.all()
			at := int64(tr.Config.Problems[p].At)
			changed := false
			for n := range logs {
				a, b := &tr.Logs[n], &logs[n]
				for i := 0; i < a.Len() && i < b.Len(); i++ {
					same := a.Packet[i] == b.Packet[i] && a.Arrive[i] == b.Arrive[i] && a.Start[i] == b.Start[i] && a.Depart[i] == b.Depart[i]
					if !same {
						changed = true
						if a.Arrive[i] < at && a.Depart[i] < at {
							t.Fatalf("seed %d: without problem %d at %d, %s differs in row %d, which left at %d", seed, p, at, tr.Nodes[n].Name, i, a.Depart[i])
						}
						break
					}
				}
			}
			if !changed {
				t.Errorf("seed %d: problem %d changed nothing", seed, p)
			}
		}
	}
}

// A part that is run again is as the whole run again.
func TestWindowIsTheWholeRun(t *testing.T) {
	for seed := range uint64(4) {
		tr := simulate(t, small(t, seed))
		for p := range tr.Config.Problems {
			r := *tr.run
			r.without = p
			logs := r.all()
			w := tr.without(p)
			for n := range logs {
				l := &w.logs[n]
				if l.Len() == 0 {
					continue
				}
				off := w.first[n]
				if !tr.Nodes[n].IsSource() && logs[n].Packet[off] != l.Packet[0] {
					t.Fatalf("seed %d, problem %d: %s begins with packet %d, want %d", seed, p, tr.Nodes[n].Name, l.Packet[0], logs[n].Packet[off])
				}
				for i := range l.Packet {
					a := &logs[n]
					k := off + i
					if l.Packet[i] != a.Packet[k] || l.Arrive[i] != a.Arrive[k] || (w.decided(n, i) && (l.Start[i] != a.Start[k] || l.Depart[i] != a.Depart[k])) {
						t.Fatalf("seed %d, problem %d: %s row %d: got packet %d %d %d %d, want %d %d %d %d", seed, p, tr.Nodes[n].Name, i,
							l.Packet[i], l.Arrive[i], l.Start[i], l.Depart[i], a.Packet[k], a.Arrive[k], a.Start[k], a.Depart[k])
					}
				}
				// After it, the run without the problem is the run with it.
				a, b := tr.Logs[n], logs[n]
				i, j := a.Len()-1, b.Len()-1
				for i >= 0 && j >= 0 && a.Arrive[i] > w.until && a.Start[i] > w.until {
					if a.Packet[i] != b.Packet[j] || a.Depart[i] != b.Depart[j] {
						t.Fatalf("seed %d, problem %d: %s differs after the window's end", seed, p, tr.Nodes[n].Name)
					}
					i, j = i-1, j-1
				}
			}
		}
	}
}

// Mean waits of single packets served in constant time are those of the M/D/1 queue.
func TestMD1(t *testing.T) {
	for _, load := range []float64{0.3, 0.6, 0.8} {
		c := Config{
			Seed: 7, Duration: 2 * time.Second, Rate: load * 250e3, Sources: 1,
			Stages: []Stage{{Type: "nf", Nodes: 1, Rate: 250e3}},
			Queue:  1 << 16, Batch: 1,
			Traffic: Traffic{Flows: 1000, Zipf: 1, LineRate: 14.88e6},
		}
		tr := simulate(t, c)
		l := &tr.Logs[1]
		sum := 0.0
		for i := range l.Packet {
			sum += float64(l.Start[i] - l.Arrive[i])
		}
		got := sum / float64(l.Len())
		rho := float64(l.Len()) / c.Duration.Seconds() / 250e3
		want := 4000 * rho / (2 * (1 - rho))
		t.Logf("load %.3f: mean wait %.1f ns, theory %.1f ns", rho, got, want)
		if math.Abs(got-want) > 0.04*want {
			t.Errorf("load %.3f: mean wait of %.1f ns, want %.1f ns", rho, got, want)
		}
	}
}

// The traffic is what the configuration says, and flows are as unequal as in a backbone.
func TestTraffic(t *testing.T) {
	for _, trains := range []int{0, 64} {
		c := Paper()
		c.Duration = 500 * time.Millisecond
		c.Noise.Trains = trains
		tr := simulate(t, c)
		want := c.Rate * c.Duration.Seconds()
		if got := float64(len(tr.Flow)); math.Abs(got-want) > 0.02*want {
			t.Errorf("trains of %d: %v packets, want %v", trains, got, want)
		}
		count := make([]int, len(tr.Flows))
		for _, f := range tr.Flow {
			count[f]++
		}
		slices.Sort(count)
		slices.Reverse(count)
		top := 0
		for _, n := range count[:len(count)/100] {
			top += n
		}
		t.Logf("trains of %d: %d flows, the largest %d packets, a hundredth of the flows has %.2f of the packets, median %d", trains, len(count), count[0], float64(top)/want, count[len(count)/2])
		if share := float64(top) / want; share < 0.15 || share > 0.6 {
			t.Errorf("trains of %d: a hundredth of the flows has %.2f of the packets, want 0.15 to 0.6", trains, share)
		}
	}
}

func TestShortIDs(t *testing.T) {
	tr := simulate(t, small(t, 3)) // one source
	ids := tr.ShortIDs()
	last := map[[2]uint32]uint16{}
	for i := range tr.Logs[0].Packet {
		p := tr.Logs[0].Packet[i]
		f := tr.Flows[tr.Flow[p]]
		pair := [2]uint32{f.Src, f.Dst}
		if prev, ok := last[pair]; ok && ids[p] != prev+1 {
			t.Fatalf("packet %d has id %d, the one before had %d", p, ids[p], prev)
		}
		last[pair] = ids[p]
	}
}

func TestDegrade(t *testing.T) {
	tr := simulate(t, small(t, 2))
	d := Degradation{Loss: 0.1, Duplicate: 0.01, Reorder: 0.01, Clock: 20 * time.Microsecond}
	logs, err := tr.Degrade(d, 1)
	if err != nil {
		t.Fatal(err)
	}
	for n := range logs {
		a, b := &tr.Logs[n], &logs[n]
		if share := float64(b.Len()) / float64(a.Len()); math.Abs(share-0.9*1.01) > 0.03 {
			t.Errorf("%s: %.3f of the records are left, want %.3f", tr.Nodes[n].Name, share, 0.9*1.01)
		}
		times := map[uint32]int64{}
		for i, p := range a.Packet {
			times[p] = a.Arrive[i]
		}
		off := b.Arrive[0] - times[b.Packet[0]]
		if off > int64(d.Clock) || off < -int64(d.Clock) {
			t.Errorf("%s: the clock is off by %d ns, want at most %v", tr.Nodes[n].Name, off, d.Clock)
		}
		for i, p := range b.Packet {
			if b.Arrive[i]-times[p] != off {
				t.Fatalf("%s: the clock is off by %d ns and by %d ns", tr.Nodes[n].Name, off, b.Arrive[i]-times[p])
			}
		}
	}
	same, err := tr.Degrade(Degradation{}, 1)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(tr.Logs, same) {
		t.Error("nothing was to be degraded, and the logs differ")
	}
	if _, err := tr.Degrade(Degradation{Loss: 1.5}, 1); err == nil {
		t.Error("a loss of 1.5 was accepted")
	}
}

func BenchmarkSimulate(b *testing.B) {
	c := Paper()
	c.Duration = time.Second
	c.Noise = Noisy()
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		tr := simulate(b, c)
		n = 0
		for i := range tr.Logs {
			n += tr.Logs[i].Len()
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/record")
}
