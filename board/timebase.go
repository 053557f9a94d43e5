package board

import (
	"math"
	"time"

	"bragi/gnss/timescale"
)

// How a PHC's time is told without asking it.
//
// Now and then PHC and CLOCK_MONOTONIC_RAW are read together. Without its
// frequency correction the PHC would run straight over RAW for some seconds: so
// what the corrections have added since is known and taken off, a straight line
// is laid through the last points (least squares, weight 1/width^2), and the
// corrections are put back on. The line follows a change of frequency at once
// and a step from the next cross timestamp on. A point that lies where neither
// crystals nor the sandwich can have brought it means that somebody else has set
// or steered the PHC: the line begins anew there.

const (
	trackPoints = 16
	// trackSpan is the least time over which a rate is better than the one known,
	// firstSpan that over which it is better than none.
	trackSpan = time.Second
	firstSpan = 100 * time.Millisecond
	// foreignNs is what two crystals of known rate may do in a second, unforeseen;
	// unknownNs while the rate is not known: 100 ppm each.
	foreignNs = 1000.0
	unknownNs = 200_000.0
	// stepSlackNs is how badly a driver may do a step of ours.
	stepSlackNs = 100_000.0
	// leastWidthNs keeps one lucky point from outweighing all the others.
	leastWidthNs = 20.0
)

type trackPoint struct {
	mono    timescale.Mono
	local   timescale.Local
	added   float64 // ns that corrections have added up to mono
	widthNs float64
}

// tracker makes the Timebase of a PHC. It is pure.
type tracker struct {
	points     []trackPoint
	correction float64        // ppb, in force since
	since      timescale.Mono // the latest change
	added      float64        // ns that corrections had added by then
	basePPB    float64        // the PHC's rate over RAW without correction
	baseKnown  bool
	line       Timebase
	seen       timescale.Mono // the latest observation; zero: none yet
	stepped    bool           // by us since then
	disturbed  Disturbance
}

// Disturbance is what something other than a PHC's own methods did to the clock
// since it was last put right: another program, a driver that began it anew when
// the link came up, a counter that stood still.
type Disturbance struct {
	// Ns is by how much the clock is off the line it ran on before, within +-
	// WidthNs; positive: ahead.
	Ns      int64
	WidthNs int64
	Count   int            // cross timestamps that showed it: one for a step, many for a clock that is steered or stands
	Last    timescale.Mono // the latest of them
}

// newTracker begins with the correction that the PHC has.
func newTracker(correction float64, now timescale.Mono) tracker {
	return tracker{correction: correction, since: now}
}

func (t *tracker) addedAt(m timescale.Mono) float64 {
	return t.added + t.correction*1e-9*float64(m.Sub(t.since))
}

// observe takes a cross timestamp in. foreign: it does not lie on the line.
func (t *tracker) observe(m timescale.Mono, local timescale.Local, widthNs int64) (foreign bool) {
	p := trackPoint{m, local, t.addedAt(m), max(leastWidthNs, float64(widthNs))}
	if !t.seen.IsZero() {
		age := m.Sub(t.seen)
		if age <= 0 {
			return false
		}
		unforeseen := foreignNs
		if !t.baseKnown {
			unforeseen = unknownNs
		}
		limit := p.widthNs + t.line.ErrorNs + unforeseen*max(1, age.Seconds())
		if t.stepped {
			limit += stepSlackNs
		}
		if off := float64(local.Sub(t.line.At(m))); math.Abs(off) > limit {
			foreign = true
			d := &t.disturbed
			d.Ns, d.WidthNs, d.Count, d.Last = d.Ns+int64(off), d.WidthNs+int64(p.widthNs+t.line.ErrorNs), d.Count+1, m
			t.points, t.baseKnown = t.points[:0], false // it may have been steered
		}
	}
	t.seen, t.stepped = m, false
	if len(t.points) == trackPoints {
		copy(t.points, t.points[1:])
		t.points = t.points[:trackPoints-1]
	}
	t.points = append(t.points, p)
	t.fit()
	return foreign
}

// fit lays the line.
func (t *tracker) fit() {
	last := t.points[len(t.points)-1]
	var w, wx, wy, wxx, wxy float64
	narrow := math.Inf(1)
	for _, p := range t.points {
		x, y := t.residual(p, last)
		k := 1 / (p.widthNs * p.widthNs)
		w, wx, wy, wxx, wxy = w+k, wx+k*x, wy+k*y, wxx+k*x*x, wxy+k*x*y
		narrow = min(narrow, p.widthNs)
	}
	span := firstSpan
	if t.baseKnown {
		span = trackSpan
	}
	if det := w*wxx - wx*wx; last.mono.Sub(t.points[0].mono) >= span && det > 0 {
		t.basePPB, t.baseKnown = (w*wxy-wx*wy)/det, true
	}
	offset := (wy - t.basePPB*wx) / w
	var sum float64
	for _, p := range t.points {
		x, y := t.residual(p, last)
		e := y - offset - t.basePPB*x
		sum += e * e / (p.widthNs * p.widthNs)
	}
	t.line = Timebase{
		Mono0: last.mono, Local0: last.local.Add(roundDuration(offset)),
		RatePPB: t.basePPB + t.correction,
		ErrorNs: narrow/2 + 3*math.Sqrt(sum/w),
	}
}

// residual is the point's place against last: seconds, and the nanoseconds that
// neither RAW nor the corrections explain.
func (t *tracker) residual(p, last trackPoint) (x, y float64) {
	d := p.mono.Sub(last.mono)
	return d.Seconds(), float64(p.local.Sub(last.local)-d) - (p.added - last.added)
}

// adjust says that the correction became ppb at m.
func (t *tracker) adjust(m timescale.Mono, ppb float64) {
	t.added, t.since = t.addedAt(m), m
	t.correction = ppb
	if !t.seen.IsZero() {
		t.line.Mono0, t.line.Local0 = m, t.line.At(m)
		t.line.RatePPB = t.basePPB + ppb
	}
}

// step says that the PHC was set deltaNs ahead.
func (t *tracker) step(deltaNs int64) {
	t.points, t.stepped = t.points[:0], true
	t.line.Local0 = t.line.Local0.Add(time.Duration(deltaNs))
}

// MonoAt is what CLOCK_MONOTONIC_RAW read when the served clock read l.
func (b Timebase) MonoAt(l timescale.Local) timescale.Mono {
	d := l.Sub(b.Local0)
	return b.Mono0.Add(d - roundDuration(float64(d)*b.RatePPB*1e-9/(1+b.RatePPB*1e-9)))
}
