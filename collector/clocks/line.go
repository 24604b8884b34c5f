package clocks

import "math"

// line is the difference of two clocks, to − from, over time on from's clock.
type line struct {
	origin int64   // ns: the middle of the window
	reach  int64   // ns: half its length
	offset float64 // ns, at origin
	drift  float64 // s/s
	// The largest error at the window's ends; in between it is at most what lies on the
	// straight line between them, since it is convex: the largest of many straight ones.
	start, end float64 // ns
	wobble     float64 // s/s, largest error of drift: what an end's error grows by beyond it
}

// reverse is the same seen from the other end.
func (l line) reverse() line {
	l.origin += int64(math.Round(l.offset))
	l.offset, l.drift = -l.offset, -l.drift
	return l
}

// fit returns the line farthest from the bounds of both directions. there are delays
// from → to on from's clock, back those to → from on to's clock. ok is false when none
// fits, by no more than slack (ns): clocks tick in steps.
func fit(there, back []point, maxDrift, slack float64) (l line, ok bool) {
	// The clock of `to` is turned into that of `from` with the difference seen first: an
	// error of it shifts a point in time by so much, and matters only by the drift.
	shift := there[0].delay
	first := min(there[0].at, back[0].at-shift)
	last := max(there[len(there)-1].at, back[len(back)-1].at-shift)
	l.reach = (last - first) / 2
	l.origin = first + l.reach
	room := func(drift float64, origin int64) (upper, lower float64) {
		upper, lower = math.Inf(1), math.Inf(-1)
		for _, p := range there {
			upper = min(upper, float64(p.delay)-drift*float64(p.at-origin))
		}
		for _, p := range back {
			lower = max(lower, -float64(p.delay)-drift*float64(p.at-shift-origin))
		}
		return upper, lower
	}
	margin := func(drift float64) float64 { u, v := room(drift, l.origin); return u - v }
	l.drift = peak(margin, -maxDrift, maxDrift)
	upper, lower := room(l.drift, l.origin)
	if upper-lower < -slack {
		return l, false
	}
	l.offset = (upper + lower) / 2
	low, high := edge(margin, l.drift, -maxDrift), edge(margin, l.drift, maxDrift)
	l.wobble = max(high-l.drift, l.drift-low)
	// error returns how far the highest and the lowest of all lines that fit are from the
	// chosen one at a time.
	errorAt := func(t int64) float64 {
		highest, _ := room(peak(func(d float64) float64 { u, _ := room(d, t); return u }, low, high), t)
		_, lowest := room(peak(func(d float64) float64 { _, v := room(d, t); return -v }, low, high), t)
		here := l.offset + l.drift*float64(t-l.origin)
		return max(highest-here, here-lowest, 0) + slack/2
	}
	l.start, l.end = errorAt(first), errorAt(last)
	return l, true
}

// peak returns where the concave f is largest between a and b.
func peak(f func(float64) float64, a, b float64) float64 {
	for range 60 {
		third := (b - a) / 3
		if f(a+third) < f(b-third) {
			a += third
		} else {
			b -= third
		}
	}
	return (a + b) / 2
}

// edge returns where the concave f, not negative at a, becomes negative towards b, or b.
func edge(f func(float64) float64, a, b float64) float64 {
	if f(b) >= 0 {
		return b
	}
	for range 60 {
		if m := (a + b) / 2; f(m) >= 0 {
			a = m
		} else {
			b = m
		}
	}
	return a
}
