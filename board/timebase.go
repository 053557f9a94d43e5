package board

import (
	"math"
	"slices"
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
//
// How far points usually lie from the line that foresaw them is measured: crystals
// wander by parts in 1e9 a second, so that within a quarter of a second a jump of
// hundreds of nanoseconds stands out from the noise of the sandwiches, whose
// width says the worst only.

const (
	trackPoints = 32
	// firstSpan is the least time over which a rate is better than none. From then
	// on one is taken that comes of as long a time as the one known, or of trackSpan.
	firstSpan = 100 * time.Millisecond
	trackSpan = 4 * time.Second
	// foreignNs is what two crystals of known rate may do in a second, unforeseen;
	// unknownNs while the rate is not known: 100 ppm each.
	foreignNs = 1000.0
	unknownNs = 200_000.0
	// wanderPPB is what crystals may do in a second, unforeseen, while the noise is
	// known too; noiseFactor is how much more than the worst of the latest points
	// is no noise any more; noisePoints is how many of them make it known.
	wanderPPB   = 800.0
	noiseFactor = 3.0
	noisePoints = 12
	// carriedPPB is what the crystal's rate may be off while the line is carried on
	// through a disturbance; after doubtedReadings that did not fit it is measured
	// anew.
	carriedPPB      = 20.0
	doubtedReadings = 120
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
	baseSpan   time.Duration // of the readings that gave it
	line       Timebase
	seen       timescale.Mono // the latest observation; zero: none yet
	stepped    bool           // by us since then
	noise      []float64      // how far the latest points were off the line, ns
	disturbed  Disturbance

	disturbedAt timescale.Mono // the last reading before it
	disturbedNs float64        // the line's error then
	inARow      int            // readings that did not fit
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
	// Steered: another program has set the frequency.
	Steered bool
}

// newTracker begins with the correction that the PHC has.
func newTracker(correction float64, now timescale.Mono) tracker {
	return tracker{correction: correction, since: now}
}

func (t *tracker) addedAt(m timescale.Mono) float64 {
	return t.added + t.correction*1e-9*float64(m.Sub(t.since))
}

// off is how far a cross timestamp lies from the line, and how far it may.
func (t *tracker) off(m timescale.Mono, local timescale.Local, widthNs int64) (ns, limit float64) {
	age := m.Sub(t.seen).Seconds()
	ns = float64(local.Sub(t.line.At(m)))
	limit = max(leastWidthNs, float64(widthNs)) + t.line.ErrorNs
	switch {
	case !t.baseKnown:
		limit += unknownNs * max(1, age)
	case len(t.noise) < noisePoints:
		limit += foreignNs * max(1, age)
	default:
		usual := wanderPPB*max(refreshEvery.Seconds(), age) + noiseFactor*slices.Max(t.noise)
		limit = min(limit+foreignNs*max(1, age), usual)
	}
	if t.stepped {
		limit += stepSlackNs
	}
	return ns, limit
}

// fits tells whether a cross timestamp lies where it may.
func (t *tracker) fits(x Cross) bool {
	if t.seen.IsZero() {
		return true
	}
	ns, limit := t.off(x.Mono, x.Local, x.WidthNs)
	return math.Abs(ns) <= limit
}

// noiseNs is the worst of the latest points that lay where they may.
func (t *tracker) noiseNs() float64 {
	if len(t.noise) == 0 {
		return 0
	}
	return slices.Max(t.noise)
}

// observe takes a cross timestamp in. foreign: it does not lie on the line, or
// meddled says that it cannot.
func (t *tracker) observe(m timescale.Mono, local timescale.Local, widthNs int64, meddled bool) (foreign bool) {
	p := trackPoint{m, local, t.addedAt(m), max(leastWidthNs, float64(widthNs))}
	if !t.seen.IsZero() {
		if m.Sub(t.seen) <= 0 {
			return false
		}
		off, limit := t.off(m, local, widthNs)
		foreign = meddled || math.Abs(off) > limit
		switch {
		case foreign:
			t.disturb(m, off, p.widthNs)
		case t.baseKnown && !t.stepped:
			if len(t.noise) == trackPoints {
				copy(t.noise, t.noise[1:])
				t.noise = t.noise[:trackPoints-1]
			}
			t.noise = append(t.noise, math.Abs(off))
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

// disturb notes that the PHC lies off the line. The crystal's own rate is still
// what it was: it is doubted only when readings go on not to fit.
func (t *tracker) disturb(m timescale.Mono, off, widthNs float64) {
	d := &t.disturbed
	if d.Count == 0 {
		t.disturbedAt, t.disturbedNs = t.seen, t.line.ErrorNs
	}
	if m.Sub(d.Last) > 4*refreshEvery {
		t.inARow = 0
	}
	t.inARow++
	d.Ns, d.Count, d.Last = d.Ns+int64(off), d.Count+1, m
	// The sandwiches' widths say the worst; what the two ends of the disturbance
	// were read to is the noise, since the way of reading stayed the same.
	ends := t.disturbedNs + widthNs
	if len(t.noise) >= noisePoints {
		ends = min(ends, 2*noiseFactor*max(leastWidthNs/2, t.noiseNs()))
	}
	d.WidthNs = int64(ends + carriedPPB*m.Sub(t.disturbedAt).Seconds())
	t.points = t.points[:0]
	if t.inARow > doubtedReadings {
		t.baseKnown, t.baseSpan, t.noise = false, 0, t.noise[:0]
	}
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
	span := last.mono.Sub(t.points[0].mono)
	if det := w*wxx - wx*wx; span >= max(firstSpan, min(t.baseSpan, trackSpan)) && det > 0 {
		t.basePPB, t.baseKnown, t.baseSpan = (w*wxy-wx*wy)/det, true, span
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

// restart says that the PHC is another one, or began anew: it was set to the
// line, whose rate is the best guess there is.
func (t *tracker) restart(m timescale.Mono) {
	at := t.line.At(m)
	t.line.Mono0, t.line.Local0 = m, at
	t.points, t.noise, t.baseKnown, t.baseSpan = t.points[:0], t.noise[:0], false, 0
	t.seen, t.stepped = timescale.Mono{}, false
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

func roundDuration(ns float64) time.Duration { return time.Duration(math.Round(ns)) }
