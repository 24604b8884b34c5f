package blame

import (
	"math"
	"slices"
)

// answer puts the posterior into words.
func (t *Tracker) answer(s *Set, m *fit) Result {
	v := tally(s)
	res := Result{Method: "likelihood", Noise: round(m.noise * m.level()), Carried: t.losing(), Shed: t.shed, EqualTraffic: m.equal}
	suspects := m.posterior()
	byCol := make([]*suspect, len(m.theta))
	for i := range suspects {
		x := &suspects[i]
		byCol[x.col] = x
		if share := m.gone[x.col] / m.sent[x.col]; share > 0 && share < 1 {
			x.theta = min(x.theta, -math.Log1p(-share)) // where all flows lose, only an upper bound is known
		}
	}
	bad := map[int32]bool{} // by themselves
	for i := range suspects {
		x := &suspects[i]
		if int(x.col) >= m.links {
			if v := verdict(t.withLinks(byCol, m, x)); v != Good {
				res.Devices = append(res.Devices, DeviceResult{t.links.nodes[int(x.col)-m.links], v, round(x.logOdds), round(x.probability), round(loss(x.theta))})
			}
			continue
		}
		p := x.probability
		r := LinkResult{Link: t.links.Name(x.col), Score: round(x.logOdds), Votes: round(v.votes[x.col]), LossRate: round(loss(x.theta))}
		if d := t.device(byCol, m, x.col); d != nil && d.probability > x.probability && d.probability >= 0.5 {
			p = x.orDevice(d)
			r.Device, r.Score, r.LossRate = t.links.nodes[int(d.col)-m.links], round(d.logOdds), round(loss(d.theta))
		}
		if r.Verdict = verdict(p); r.Verdict == Bad && r.Device == "" {
			bad[x.col] = true
		}
		p = round(p)
		r.Probability = &p
		res.Links = append(res.Links, r)
	}
	res.RiskGroups = t.riskGroups(m, bad)
	sortLinks(res.Links)
	slices.SortFunc(res.Devices, func(a, b DeviceResult) int {
		if a.Probability != b.Probability {
			if a.Probability > b.Probability {
				return -1
			}
			return 1
		}
		if a.Device < b.Device {
			return -1
		}
		return 1
	})
	var buf []crossing
	var noise []guess
	doubt := s.uncertain.walk()
	for _, i := range v.flows {
		buf = t.columns(buf[:0], s.Path(i))
		if x := doubt(i); x != nil {
			res.Flows = append(res.Flows, t.doubtfulFlow(s, m, byCol, i, buf, x))
			continue
		}
		if s.doubted[int32(i)] {
			buf = buf[:0] // what is known of its path did not come into the model
		}
		r, link, p := t.flow(s, m, byCol, &v, i, buf)
		if r.Cause == CauseNoise && link >= 0 {
			noise = append(noise, guess{len(res.Flows), s.Path(i), link, p})
		}
		res.Flows = append(res.Flows, r)
	}
	s.kinds(&res)
	t.guesses(m, res.Flows, noise)
	return res
}

// device returns the likelier of the devices at the ends of a link, nil for none.
func (t *Tracker) device(byCol []*suspect, m *fit, link int32) *suspect {
	var best *suspect
	for _, n := range t.links.ends[link] {
		if n < 0 || m.links+int(n) >= len(byCol) {
			continue
		}
		if x := byCol[m.links+int(n)]; x != nil && (best == nil || x.probability > best.probability) {
			best = x
		}
	}
	return best
}

// orDevice is the probability that a link is at fault by itself or because a device is: these exclude
// each other, as causes of the same losses.
func (x *suspect) orDevice(d *suspect) float64 {
	return min(1, max(x.either, x.probability+d.probability))
}

// withLinks is the probability of a device, and where that is more than one half, that of the link
// of it that is likeliest at fault, with it or by itself.
func (t *Tracker) withLinks(byCol []*suspect, m *fit, d *suspect) float64 {
	if d.probability < 0.5 {
		return d.probability
	}
	most := d.probability
	for _, l := range m.sharing.links[int(d.col)-m.links] {
		if x := byCol[l]; x != nil {
			most = max(most, x.orDevice(d))
		}
	}
	return most
}

func verdict(p float64) Verdict {
	switch {
	case p >= LeastBad:
		return Bad
	case p >= leastCause:
		return Unknown
	}
	return Good
}

func loss(theta float64) float64 { return -math.Expm1(-theta) }

// LeastBad is the probability from which a suspect is called bad. In one of some thousand healthy
// epochs the losses of three flows meet at one link by chance, and are as likely a fault as
// such a probability says; who is sent to mend a link may expect that it is nearly always broken.
const LeastBad = 0.95

// leastCause is the probability from which a suspect is named as the cause of a loss, rather
// than noise: of a link that is not called good. To name one that may be at fault is of
// more use than to call its losses noise.
const leastCause = 0.05

// flow returns the cause of the loss of flow i, which crosses cols: of what loses packets
// on the path, each suspect has the share of its expected rate. It also returns the
// likeliest suspect, if that is a link (else -1), and its probability.
func (t *Tracker) flow(s *Set, m *fit, byCol []*suspect, v *ballot, i int, path []crossing) (r FlowResult, likeliest int32, probability float64) {
	r = FlowResult{Flow: s.Name(i), Cause: CauseUnknown}
	if len(path) == 0 {
		return r, -1, 0
	}
	// What comes first on the path takes its share of all packets, the next one of the rest.
	some, rate, left := 0.0, 0.0, 1.0
	cols := make([]int32, len(path))
	for i, x := range path {
		c, part := x.of()
		cols[i] = c
		some += byCol[c].probability
		byCol[c].share = left * byCol[c].probability * loss(part*byCol[c].theta)
		rate += byCol[c].share
		if int(c) < m.links {
			left -= byCol[c].share
		}
	}
	noise := noiseShare(some, rate, m.noiseOf(s.Path(i), s.packets[i]))
	best, most := int32(-1), 0.0
	for _, c := range cols {
		if p := byCol[c].share; p > most {
			best, most = c, p
		}
	}
	if best >= 0 && int(best) < m.links {
		best = m.evenly(byCol, v, cols, best)
	}
	if best >= 0 {
		most = (1 - noise) * byCol[best].share / rate
	}
	r.judge(most, noise)
	switch {
	case most < leastCause:
	case int(best) < m.links:
		r.Cause = t.links.Name(best)
	default:
		r.Device = t.links.nodes[int(best)-m.links]
		r.Cause = t.links.Name(t.reaching(s.Path(i), best-int32(m.links)))
	}
	if int(best) >= m.links {
		return r, -1, 0
	}
	return r, best, most
}

// judge says how probable the cause is, given the probabilities of the likeliest suspect
// and of noise, and that it is noise where that is to be said.
func (r *FlowResult) judge(most, noise float64) {
	p := round(max(most, noise))
	switch {
	case most >= leastCause:
		p = round(most)
		if noise > most {
			r.Noise = round(noise)
		}
	case noise >= most:
		r.Cause = CauseNoise
	}
	r.Probability = &p
}

// evenly returns the cause of a flow's loss where the rates of two faults on its path
// differ by no more than the error they are known with: which one it was nobody can tell
// from the rates, and the one that more flows with losses cross is named, as 007 does.
func (m *fit) evenly(byCol []*suspect, v *ballot, cols []int32, best int32) int32 {
	top := byCol[best]
	for _, c := range cols {
		x := byCol[c]
		if int(c) >= m.links || x.probability < 0.5 || v.votes[c] <= v.votes[best] {
			continue
		}
		off := math.Abs(math.Log(top.share / x.share))
		if off < math.Sqrt(1/max(top.theta*m.sent[top.col], 1)+1/max(x.theta*m.sent[c], 1)) {
			best = c
		}
	}
	return best
}

// noiseShare is the probability that a loss is noise, where suspects on the path add up to a
// probability some, and to the expected rate: suspects for the same losses exclude each
// other, so that up to 1 their probabilities add up to that of a fault.
func noiseShare(some, rate, noise float64) float64 {
	if rate <= 0 {
		return 1
	}
	some = min(some, 1)
	return 1 - some + some*noise/(noise+rate/some)
}

// reaching returns the link of a path by which packets reach a device, else the one by
// which they leave it.
func (t *Tracker) reaching(path []int32, node int32) int32 {
	at := path[0]
	for _, l := range path {
		if t.links.ends[l][1] == node {
			return l
		}
		if t.links.ends[l][0] == node {
			at = l
		}
	}
	return at
}
