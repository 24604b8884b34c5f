package chain

import (
	"math"
	"math/rand/v2"
	"slices"
)

// offered is what the sources send, by packet number: the base traffic in the order of
// time, then the packets of each problem.
type offered struct {
	flows  []Flow
	paths  []path
	flow   []uint32 // by packet
	depart []int64  // by packet, from its source
	size   []uint16 // by packet; nil = all 64 bytes
	base   int      // packets of the base traffic
	first  []uint32 // problem i owns packets first[i]…first[i+1]−1
}

// slot is where one flow after the other sends from.
type slot struct {
	flow uint32
	left int32
}

func newOffered(c *Config, g *graph) *offered {
	o := &offered{}
	rng := stream(c.Seed, saltTraffic, 0)
	o.baseTraffic(c, rng)
	for i := range c.Problems {
		o.first = append(o.first, uint32(len(o.flow)))
		o.inject(c, &c.Problems[i], i)
	}
	o.first = append(o.first, uint32(len(o.flow)))
	o.paths = make([]path, len(o.flows))
	for i := range o.flows {
		o.paths[i] = g.path(&o.flows[i])
	}
	if len(c.Traffic.Sizes) > 0 {
		o.drawSizes(c)
	}
	return o
}

func (o *offered) baseTraffic(c *Config, rng *rand.Rand) {
	t := &c.Traffic
	weights := make([]float64, t.Flows)
	sum := 0.0
	for i := range weights {
		weights[i] = math.Pow(float64(i)+20, -t.Zipf)
		sum += weights[i]
	}
	which := newAlias(weights)
	slots := make([]slot, t.Flows)
	trains := trainLengths(c.Noise.Trains)
	mean := 0.0
	for _, l := range trains {
		mean += float64(l) / float64(len(trains))
	}
	want := int(c.Rate*c.Duration.Seconds()*1.01) + 1024
	o.flow = make([]uint32, 0, want)
	o.depart = make([]int64, 0, want)
	end := float64(c.Duration)
	gap, line := 1e9*mean/c.Rate, int64(1e9/t.LineRate)
	for at := rng.ExpFloat64() * gap; at < end; at += rng.ExpFloat64() * gap {
		k := which.draw(rng)
		s := &slots[k]
		n := trains[rng.IntN(len(trains))]
		for i := range int64(n) {
			when := int64(at) + i*line
			if when >= int64(c.Duration) {
				break
			}
			if s.left == 0 {
				// A flow is there for about a fifth of a second at least.
				low := 1 + 0.2*c.Rate*weights[k]/sum
				s.left = int32(pareto(rng.Float64(), low, 1e6, 1.3))
				s.flow = uint32(len(o.flows))
				o.flows = append(o.flows, drawFlow(rng))
			}
			s.left--
			o.flow = append(o.flow, s.flow)
			o.depart = append(o.depart, when)
		}
	}
	o.base = len(o.flow)
	if len(trains) > 1 {
		o.sort()
	}
}

// sort restores the order of time, which trains that overlap disturb by a few places.
func (o *offered) sort() {
	for i := 1; i < len(o.depart); i++ {
		d, f, j := o.depart[i], o.flow[i], i
		for ; j > 0 && o.depart[j-1] > d; j-- {
			o.depart[j], o.flow[j] = o.depart[j-1], o.flow[j-1]
		}
		o.depart[j], o.flow[j] = d, f
	}
}

// trainLengths returns quantiles of the length of trains.
func trainLengths(most int) []int {
	if most <= 1 {
		return []int{1}
	}
	q := make([]int, quantiles)
	for i := range q {
		q[i] = int(pareto((float64(i)+0.5)/quantiles, 1, float64(most), 1.3))
	}
	return q
}

// drawFlow draws a five-tuple as a backbone carries them: networks and services of very
// different popularity, both directions.
func drawFlow(rng *rand.Rand) Flow {
	client := network(rng, 0x0b000000, 4096)
	server := network(rng, 0x80000000, 2048)
	f := Flow{Src: client, Dst: server, SrcPort: uint16(1024 + rng.IntN(64512)), Proto: 6}
	switch x := rng.IntN(100); {
	case x < 36:
		f.DstPort = 443
	case x < 50:
		f.DstPort = 80
	case x < 53:
		f.DstPort = 8080
	case x < 58:
		f.DstPort, f.Proto = 443, 17
	case x < 66:
		f.DstPort, f.Proto = 53, 17
	case x < 68:
		f.DstPort, f.Proto = 123, 17
	case x < 75:
		f.DstPort = []uint16{22, 25, 110, 143, 445, 993, 1935, 3389}[rng.IntN(8)]
	case x < 77:
		f.SrcPort, f.Proto = 0, 1
	case x < 88:
		f.DstPort = uint16(1024 + rng.IntN(64512))
	default:
		f.DstPort, f.Proto = uint16(1024+rng.IntN(64512)), 17
	}
	if rng.IntN(2) == 0 {
		f.Src, f.Dst, f.SrcPort, f.DstPort = f.Dst, f.Src, f.DstPort, f.SrcPort
	}
	return f
}

// network draws an address in one of n /16 networks from base on, the first ones more
// often, hosts with low numbers more often too.
func network(rng *rand.Rand, base uint32, n int) uint32 {
	k := uint32(math.Pow(float64(n), rng.Float64())) - 1
	host := uint32(math.Pow(1<<16, rng.Float64()))
	// Spread popular networks over the space: an odd factor permutes the numbers.
	return base + ((k*0x6d5)&uint32(n-1))<<16 + host&0xffff
}

func (o *offered) drawSizes(c *Config) {
	total := 0
	for _, s := range c.Traffic.Sizes {
		total += s.Weight
	}
	o.size = make([]uint16, len(o.flow))
	for i := range o.size {
		x := int(mix(c.Seed, saltSize, uint64(i)) % uint64(total))
		for _, s := range c.Traffic.Sizes {
			if x -= s.Weight; x < 0 {
				o.size[i] = s.Bytes
				break
			}
		}
	}
}

// inject adds the packets of problem i.
func (o *offered) inject(c *Config, p *Problem, i int) {
	if len(p.Flows) == 0 {
		return
	}
	ids := make([]uint32, len(p.Flows))
	for k := range p.Flows {
		ids[k] = uint32(len(o.flows))
		o.flows = append(o.flows, p.Flows[k])
	}
	rng := stream(c.Seed, saltProblem, uint64(i))
	at := float64(p.At)
	times := make([]int64, p.Packets)
	for k := range times {
		times[k] = int64(at)
		if p.Kind == Burst {
			at += 1e9 / c.Traffic.LineRate
		} else {
			at += rng.ExpFloat64() * float64(p.Gap)
		}
	}
	slices.Sort(times)
	for _, t := range times {
		o.depart = append(o.depart, t)
		o.flow = append(o.flow, ids[rng.IntN(len(ids))])
	}
}
