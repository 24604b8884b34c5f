package blame

import "math"

// Some noise is by flow, not by packet: a retransmission that nothing was lost for comes
// now and then, however long the flow. As a share of the noise it is so many packets a hop
// that every flow has besides its own.

// What is tried of it, and by how much it must be better than none.
var flowNoises = [...]float64{1e2, 1e3, 1e4, 1e5, 1e6, 1e7}

const flowNoiseOdds = 3

// spread sets how many packets' noise a flow has besides.
func (m *fit) spread(packets float64) {
	d := packets - m.besides
	for f := range m.hops {
		m.hops[f] += d / m.scale[f]
	}
	for i := range m.mix.rows {
		if r := &m.mix.rows[i]; !r.survive {
			r.hops += d / r.scale
		}
	}
	before := m.level()
	m.besides = packets
	m.noise *= before / m.level()
}

// crossed is Σ packets that arrived · links crossed, and what flows that lost none have besides.
func (m *fit) crossed() float64 { return m.hopped + m.besides*m.flows }

// level is how many times as much is lost to noise as without what flows have besides.
func (m *fit) level() float64 { return m.crossed() / math.Max(m.hopped, 1) }

// searchBesides looks whether noise by flow explains more, and if so searches again with it: it
// must need no more faults than noise by packet.
func (m *fit) searchBesides() {
	if m.equal || m.flows == 0 || m.hopped == 0 {
		return
	}
	found, back, faults := m.objective(), m.saved(), len(m.faults)
	best, most := 0.0, found+flowNoiseOdds
	for _, x := range flowNoises {
		m.spread(x)
		m.fitNoise()
		if j := m.objective(); j > most {
			best, most = x, j
		}
	}
	m.spread(0)
	back()
	if best == 0 {
		return
	}
	for len(m.faults) > 0 {
		m.remove(m.faults[0])
	}
	m.spread(best)
	m.searchOnce()
	if m.objective() < found+flowNoiseOdds || len(m.faults) > faults {
		m.spread(0)
		back()
	}
}

// noiseOf is the noise of a packet of a flow of so many that crosses links.
func (m *fit) noiseOf(links []int32, packets uint32) float64 {
	hops := m.besides / math.Max(float64(packets), 1)
	for _, l := range links {
		hops += m.own(l)
	}
	return m.noise * hops
}
