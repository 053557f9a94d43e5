package holdover

import "math"

// estimator follows the oscillator by its pulses (model.go).
//
// Three questions are one decision: is it the pulse, the oscillator, or the sky?
//
//   - What is white is the pulse's noise R. It is taken from second differences of
//     the pulses alone (scatter.go), which neither a step nor a drift touches.
//   - What has a mean is the oscillator. Innovations of a model that is right have
//     none; a mean over 8 or 64 pulses that chance does not make is a frequency that
//     moves, and the walk of the frequency grows until the filter follows
//     (agility). It grows at once and falls in some minutes.
//   - What jumps is the sky. The gate is on the innovation, five of its standard
//     deviations, which grow with the covariance while nothing is accepted.
//     Crystals are slow: their frequency does not step.
//
// The process noise is that of the level (oscillator.go), which virtual.go adapts.
type estimator struct {
	estimate
	told    Oscillator
	sharp   Oscillator // the best kind that the odds are not against (kinds.go); Auto: not known
	kind    behaviour  // at the level
	proven  bool       // it has shown for long enough that it behaves so
	blind   bool       // the thermometer is not to be trusted: its work is left to the noise
	rejects int        // consecutive
	calmNs  float64    // the pulses' noise before they became louder; 0: none yet
	loudAt  float64    // when they did, s since the origin
	step    transition
}

// estimate is what of the estimator outlives a process (saved.go).
type estimate struct {
	model
	valid   bool
	found   Oscillator // the kind that it turned out to be (kinds.go); Auto: none yet
	from    float64    // t of the start
	pulses  scatter
	quick   float64 // mean of the last 8 innovations, each over its deviation
	long    float64 // the same of the last 64
	agility float64 // variance that is added to the frequency's walk, ppb^2/s
}

const (
	gateSigmas    = 5
	blindFastC    = 0.05 // what the air does in minutes, where no thermometer tells of it
	quickPulses   = 8
	quickMost     = 1.6 // 6 deviations of such a mean
	longPulses    = 64
	longMost      = 0.4  // 4.5 deviations; a ramp of 20 s stays below
	longChance    = 0.18 // two deviations
	convergeS     = 600.0
	agilityGrows  = 1.3
	agilityKeeps  = 1 - 1.0/100
	agilityMost   = 30.0 // ppb per sqrt(s)
	agileMost     = 3.0
	noiseLouder   = 1.5
	agilityMargin = 2 // a walk of a ppb per sqrt(s) follows a drift of a ppb/s
)

func newEstimator(told Oscillator) estimator {
	e := estimator{told: told, blind: true, estimate: estimate{pulses: newScatter()}}
	e.setLevel(told.level())
	return e
}

// taken is the kind that the oscillator is taken for: what it turned out to be, else what
// was told.
func (e *estimator) taken() Oscillator {
	if e.found != Auto {
		return e.found
	}
	return e.told
}

// setLevel takes another level for the oscillator's.
func (e *estimator) setLevel(level float64) { e.level, e.kind = level, e.behaviourAs(level) }

// behaviourAs is the behaviour at a level. What its noise shows says little of what
// temperature does to it: there it counts as no better than the kind that it is taken
// for, and where nothing was told as half a kind worse.
func (e *estimator) behaviourAs(level float64) behaviour { return e.behaviourOf(level, e.taken()) }

// soberAs is the same where it is weighed what the pulses say: temperature does to it what
// it does to the best kind that the odds are not against.
func (e *estimator) soberAs(level float64) behaviour {
	return e.behaviourOf(level, max(e.taken(), e.sharp))
}

// soberLevel is the level at which the pulses are weighed.
func (e *estimator) soberLevel() float64 {
	if e.sharp > e.taken() {
		return max(e.level, e.sharp.level())
	}
	return e.level
}

func (e *estimator) behaviourOf(level float64, kind Oscillator) behaviour {
	warm := level
	if kind != Auto {
		warm = min(level, kind.level())
	}
	if e.told == Auto {
		warm = max(warm-0.5, 0)
	}
	b, k := behaviourAt(level), behaviourAt(warm)
	b.reachPPB, b.rushPPBs, b.tempcoPPB, b.blindPPB = k.reachPPB, k.rushPPBs, k.tempcoPPB, k.blindPPB
	return b
}

// could is the behaviour of the worst oscillator that this one may be: what was
// told is believed once it has shown.
func (e *estimator) could() behaviour {
	if e.proven {
		return e.kind
	}
	return behaviours[0]
}

// noise is what drives the states now.
func (e *estimator) noise() noise {
	n := e.calmNoise()
	n.walk += e.agility
	return n
}

// calmNoise is the noise without what the pulses of the last minutes added.
func (e *estimator) calmNoise() noise { return e.noiseOf(&e.kind, e.blind) }

// noiseOf is the noise of an oscillator that behaves like k; blind where no thermometer
// tells of the room.
func (e *estimator) noiseOf(k *behaviour, blind bool) noise {
	n := k.noise()
	n.pulse, n.common = square(e.pulses.scale), square(e.pulses.commonNs)
	if blind {
		n.fast += square(k.tempcoPPB * blindFastC)
		n.walk += square(k.blindPPB)
	}
	return n
}

// start sets the state from a fit: z and y at t with their standard errors. The
// other states are as the kind has them. y is the frequency at the warmth that there is
// now: whatever becomes known of the coefficients of temperature, it stays.
func (e *estimator) start(l line, w warmth) {
	k := e.kind
	e.valid = true
	e.model = model{t: l.t, w: w, level: e.level}
	e.from = l.t
	e.x[sPhase], e.x[sFreq] = l.z, l.y
	e.p[sPhase][sPhase], e.p[sFreq][sFreq] = square(l.zErr), square(l.yErr)
	e.add(sPhase, sFreq, l.zyCov)
	n := e.noise()
	for s, v := range map[int]float64{
		sFast: n.fast, sSlow: n.slow, sDrift: square(k.agePPBDay / dayS),
		sPulseSlow: square(pulseSlowNs), sPulseFast: n.common,
	} {
		e.p[s][s] = v
	}
	e.open(sTempco1, square(k.tempcoPPB), w.t1)
	e.open(sTempco2, square(k.tempcoPPB), w.t2)
	e.pulses.expect(l.noise)
	e.rejects, e.quick, e.long, e.agility = 0, 0, 0, 0
}

// advance carries the state to t without a pulse.
func (e *estimator) advance(t float64, w warmth) {
	if dt := t - e.t; dt > 0 {
		e.step.set(dt, e.noise())
		e.predict(&e.step, w)
	}
}

// converged tells that the covariance falls no further: several times
// sqrt(noise / walk) have passed, the time over which the filter averages.
func (e *estimator) converged() bool {
	return e.t-e.from > min(5*math.Sqrt(e.pulses.ns/e.kind.blindPPB), convergeS)
}

// update takes a measured phase z with the standard deviation sigma that the
// board states. It reports whether the gate let it through.
func (e *estimator) update(t, z, sigma float64, w warmth) bool {
	e.advance(t, w)
	if more := e.pulses.add(t, z, e.kind.differenceNs()); more > 0 {
		e.add(sPulseSlow, sPulseSlow, more*square(pulseSlowNs))
	}
	e.listen(t)
	r := square(max(e.pulses.ns, sigma))
	v, p := e.expect(t, z)
	s := math.Sqrt(p + r)
	if math.Abs(v) > gateSigmas*s {
		e.rejects++
		return false
	}
	e.rejects = 0
	e.follow(v/s, math.Sqrt(r))
	e.pulse(v, r)
	return true
}

// take takes a pulse of the last few s that is known to be good.
func (e *estimator) take(p point, w warmth) {
	e.advance(p.t, w)
	v, _ := e.expect(p.t, p.z)
	e.pulse(v, square(max(e.pulses.ns, p.sigma)))
}

// renew takes phase and frequency from a line, and keeps the rest.
func (e *estimator) renew(l line, w warmth) {
	e.advance(l.t, w)
	e.x[sFreq] += l.y - e.rate()
	e.x[sPhase] = l.z + l.y*(e.t-l.t)
	for _, s := range [...]int{sPhase, sFreq} {
		for i := range states {
			e.p[s][i], e.p[i][s] = 0, 0
		}
	}
	// The slow parts of the frequency are in the line's too.
	e.p[sPhase][sPhase] = square(l.zErr)
	e.p[sFreq][sFreq] = square(l.yErr) + square(e.kind.flickerPPB)
	e.add(sPhase, sFreq, l.zyCov)
	e.rejects, e.quick, e.long = 0, 0, 0
}

// follow takes an innovation, v deviations, into the means, and lets the frequency
// move as they ask: by what explains the mean, of pulses with the noise s ns, within
// the time of it.
func (e *estimator) follow(v, s float64) {
	v = clamp(v, 3)
	e.quick += (v - e.quick) / quickPulses
	e.long += (v - e.long) / longPulses
	e.agility *= agilityKeeps
	want := 0.0
	if math.Abs(e.quick) > quickMost {
		want = square(e.quick * s / quickPulses)
	}
	if math.Abs(e.long) > longMost && e.quick*e.long > square(longMost)/2 {
		want = max(want, square(e.long*s/longPulses))
	}
	if want > 0 {
		e.agility = min(max(e.agility*agilityGrows, want), square(min(e.could().rushPPBs*agilityMargin, agilityMost)))
	}
}

// listen notes when the pulses become louder: what was many deviations of a calm pulse is few
// of a noisy one.
func (e *estimator) listen(t float64) {
	switch louder := e.pulses.ns / e.calmNs; {
	case e.calmNs == 0 || louder < 1:
		e.calmNs = e.pulses.ns
	case louder > noiseLouder:
		e.calmNs, e.loudAt = e.pulses.ns, t
	}
}

// unlearn opens the coefficients of temperature again, about the frequency that there is
// now: an oscillator that warmed up beside its board has taught what its own warm-up does.
func (e *estimator) unlearn() {
	most := square(e.kind.tempcoPPB)
	e.open(sTempco1, max(most-e.p[sTempco1][sTempco1], 0), e.w.t1)
	e.open(sTempco2, max(most-e.p[sTempco2][sTempco2], 0), e.w.t2)
}

// agile tells that the pulses ask for more than the level's own walk.
func (e *estimator) agile() bool { return e.agility > agileMost*square(e.kind.blindPPB) }

// leansNs is what the pulses of the last minute say against the prediction, beyond chance, in
// ns, as long as the oscillator has not shown that it is of the kind that was told: noise may
// hide that it moves.
func (e *estimator) leansNs() float64 {
	if e.proven {
		return 0
	}
	mean := math.Abs(e.long)
	return max(min(mean, 2*(mean-longChance)), 0) * math.Hypot(e.pulses.ns, e.sigma())
}

// biased tells that the pulses are on one side of the prediction for too long.
func (e *estimator) biased() bool {
	return math.Abs(e.long) > longMost && !(e.loudAt > 0 && e.t-e.loudAt < 2*longPulses)
}
