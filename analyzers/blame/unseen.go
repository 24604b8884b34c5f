package blame

import "math"

// Where only flows with losses are known, what the others carried is not: it is taken to be the
// same for every link, and as much as the rest of the model makes of it. Of each flow's losses
// the first is why the flow is known at all, and says how much there must have been that lost
// nothing; the others tell, among the flow's own packets, how often packets are lost. With K
// losses of N flows, of which S_c packets arrived over column c at a rate Θ_c, all rates are to
// be (K−N)/Σ S_c·Θ_c times what they are, and the packets that nobody saw as many times fewer.

// unseenOnce is how many times as many losses as the worst link had packets a link carried, where
// no flow lost two.
const unseenOnce = 1000

// What is done about it.
const (
	unseenTries = 4
	unseenClose = 1.5 // times as many packets as there should be are few enough
)

// equalTraffic takes every link to have carried the same, so much that all losses are rare:
// what remains without denominators is which links have more losses than most.
func (m *fit) equalTraffic() {
	m.equal = true
	lost := make([]float64, m.links)
	most, from := 0.0, int32(0)
	for f, to := range m.end {
		for _, x := range m.cols[from:to] {
			if c, _ := x.of(); int(c) < m.links {
				lost[c] += m.lost[f]
				most = max(most, lost[c])
			}
		}
		from = to
	}
	m.mostUnseen = unseenOnce * most
	m.see(m.mostUnseen)
}

// see takes every link to have carried so many packets that nobody saw.
func (m *fit) see(packets float64) {
	d := packets - m.unseen
	m.unseen = packets
	for c := range m.links {
		m.survivors[c] += d
		m.hopped += d * m.own(int32(c))
		for _, n := range m.ends[c] {
			if n >= 0 && m.links+int(n) < len(m.theta) {
				m.survivors[m.links+int(n)] += d / 2 // a packet takes two of its links
			}
		}
	}
}

// times is (K−N)/Σ S_c·Θ_c, 0 where no flow lost several packets.
func (m *fit) times() float64 {
	several, expected := 0.0, 0.0
	for _, k := range m.lost {
		several += max(0, k-1)
	}
	for c := range m.links {
		expected += (m.survivors[c] - m.unseen) * (m.noise*m.own(int32(c)) + m.theta[c])
		for _, n := range m.ends[c] {
			if d := m.links + int(n); n >= 0 && d < len(m.theta) {
				expected -= m.unseen / 2 * m.theta[d]
			}
		}
	}
	for d := m.links; d < len(m.theta); d++ {
		expected += m.survivors[d] * m.theta[d]
	}
	if expected <= 0 {
		return 0
	}
	return several / expected
}

// searchUnseen searches again until there are as many packets that nobody saw as there should be:
// once from the faults found, once from none.
func (m *fit) searchUnseen() {
	known := 0.0 // flows
	for _, k := range m.lost {
		known += min(k, 1)
	}
	worth := func() float64 { return m.objective() + known*math.Log(m.unseen) }
	m.balance()
	m.searchUneven()
	found, back, unseen, shape := worth(), m.saved(), m.unseen, m.uneven.shape
	m.clear()
	m.settle()
	if times := m.times(); times > 0 {
		m.see(min(m.unseen/times, m.mostUnseen))
		m.searchOnce()
		m.balance()
		m.searchUneven()
		if worth() > found {
			return
		}
		m.clear()
	}
	m.see(unseen)
	m.roughen(shape)
	back()
}

// clear takes all faults out.
func (m *fit) clear() {
	for len(m.faults) > 0 {
		m.remove(m.faults[0])
	}
	m.roughen(0)
}

// balance searches until it has as many unseen packets as it finds that there must be.
func (m *fit) balance() {
	for range unseenTries {
		times := m.times()
		if times < unseenClose && (times > 1/unseenClose || m.unseen >= m.mostUnseen) {
			return
		}
		m.clear()
		m.see(min(m.unseen/max(times, 0.01), m.mostUnseen))
		m.searchOnce()
	}
}
