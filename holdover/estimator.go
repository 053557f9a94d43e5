package holdover

import (
	"math"
	"slices"
)

// estimator follows the oscillator by its pulses (model.go).
//
// The gate is on the innovation, five of its standard deviations, which grow
// with the covariance while nothing is accepted. The pulse noise R is robust:
// it is changed until 1.4826 times the median of the last innovations, each over
// its deviation, is 1; until many were seen it leans on a prior. Rejected
// innovations count only when an accepted one follows soon, so that more noise
// opens the gate and a pulse that jumped does not.
//
// Innovations of a model that is right have no mean. One that lasts is no noise
// of the pulse, though R begins to follow it: it tells that the model is wrong
// (biased), and that is the thermometer more often than not.
//
// The process noise is the kind's times scale^2 (virtual.go adapts it).
type estimator struct {
	estimate
	kind    behaviour
	blind   bool         // the thermometer is not to be trusted: its work is left to the noise
	pending []innovation // of the rejected run
	rejects int          // consecutive
	step    transition
}

// estimate is what of the estimator outlives a process (saved.go).
type estimate struct {
	model
	valid      bool
	scale      float64 // of the process noise as a deviation
	from       float64 // t of the start
	noiseNs    float64 // sqrt(R)
	firstNs    float64 // the same before pulses have shown it
	seen       [64]innovation
	seenN      int
	seenTotal  int
	usualNs    float64 // the pulses' noise over a day
	pulseScale float64 // how many times larger it is now
	bias       float64 // mean of the innovations, each over its deviation and at most 1
}

// innovation is how far a pulse was from the prediction, |v| in ns, and the
// variance of the prediction in ns^2.
type innovation struct{ v, p float64 }

const (
	gateSigmas      = 5
	blindFastC      = 0.05 // what the air does in minutes, where no thermometer tells of it
	noiseFirstNs    = 30   // a navigation receiver's pulse until measured
	noiseLeastNs    = 3
	noisePrior      = 32 // pulses that the first value weighs
	noiseRecent     = 11
	usualAfter      = 900
	usualPulses     = 20_000 // looks at the spread, a day of them
	pulseScaleLeast = 2      // less may be chance
	pulseScaleMost  = 10
	noiseEvery      = 4 // pulses between two looks at the spread, once there are many
	biasPulses      = 64
	biasMost        = 0.4 // 6 deviations of the mean of white innovations; a ramp of 20 s stays below
	pendingLimit    = 4   // a longer run of rejects is no noise
)

func newEstimator(b behaviour) estimator {
	return estimator{
		estimate: estimate{scale: 1, pulseScale: 1, noiseNs: noiseFirstNs, firstNs: noiseFirstNs},
		kind:     b, blind: true, pending: make([]innovation, 0, pendingLimit),
	}
}

// noise is what drives the states now.
func (e *estimator) noise() noise {
	n := e.kind.noise(e.scale)
	n.pulse = square(e.pulseScale)
	if e.blind {
		n.fast += square(e.kind.tempcoPPB * e.scale * blindFastC)
		n.walk += square(e.kind.blindPPB * e.scale)
	}
	return n
}

// start sets the state from a fit: z and y at t with their standard errors. The
// other states are as the kind has them.
func (e *estimator) start(l line, w warmth) {
	k := e.kind
	e.valid = true
	e.model = model{t: l.t, w: w}
	e.from = l.t
	e.x[sPhase], e.x[sFreq] = l.z, l.y
	e.p[sPhase][sPhase], e.p[sFreq][sFreq] = square(l.zErr), square(l.yErr)
	e.add(sPhase, sFreq, l.zyCov)
	n := e.noise()
	for s, v := range map[int]float64{
		sFast: n.fast, sSlow: n.slow, sDrift: square(k.agePPBDay / dayS),
		sTempco1: square(k.tempcoPPB), sTempco2: square(k.tempcoPPB),
		sPulseSlow: square(pulseSlowNs), sPulseFast: square(pulseFastNs),
	} {
		e.p[s][s] = v
	}
	e.expectNoise(l.noise)
	e.rejects = 0
	e.pending = e.pending[:0]
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
	return e.t-e.from > 5*math.Sqrt(e.noiseNs/e.kind.blindPPB)
}

// update takes a measured phase z with the standard deviation sigma that the
// board states. It reports whether the gate let it through.
func (e *estimator) update(t, z, sigma float64, w warmth) bool {
	e.advance(t, w)
	r := square(max(e.noiseNs, sigma))
	v, p := e.expect(t, z)
	if math.Abs(v) > gateSigmas*math.Sqrt(p+r) {
		e.rejects++
		if len(e.pending) < cap(e.pending) {
			e.pending = append(e.pending, innovation{math.Abs(v), p})
		}
		return false
	}
	if e.rejects > 0 && e.rejects <= pendingLimit {
		for _, q := range e.pending {
			e.learn(q)
		}
	}
	e.rejects, e.pending = 0, e.pending[:0]
	e.bias += (max(-1, min(v/math.Sqrt(p+r), 1)) - e.bias) / biasPulses
	e.learn(innovation{math.Abs(v), p})
	e.pulse(v, r)
	return true
}

// biased tells that the pulses have been on one side of the prediction for too
// long, and begins to look anew.
func (e *estimator) biased() bool {
	if math.Abs(e.bias) < biasMost {
		return false
	}
	e.bias = 0
	return true
}

// expectNoise takes it that pulses have at least the noise ns, until they show
// another one.
func (e *estimator) expectNoise(ns float64) {
	if ns > e.noiseNs {
		e.firstNs, e.seenN = ns, 0
		e.setNoise(ns)
	}
}

// setNoise takes ns for the pulses' noise. A receiver whose pulse is noisier
// than it uses to be may be off slowly by as many times more.
func (e *estimator) setNoise(ns float64) {
	e.noiseNs = ns
	if e.seenTotal < usualAfter {
		e.usualNs = ns
		return
	}
	e.usualNs += (ns - e.usualNs) / usualPulses
	scale := min(ns/e.usualNs, pulseScaleMost)
	if scale < pulseScaleLeast {
		scale = 1
	}
	if scale > 1.25*e.pulseScale {
		more := square(scale) - square(e.pulseScale)
		e.add(sPulseSlow, sPulseSlow, more*square(pulseSlowNs))
		e.add(sPulseFast, sPulseFast, more*square(pulseFastNs))
		e.pulseScale = scale
	} else if scale < 0.8*e.pulseScale {
		e.pulseScale = scale
	}
}

// learn takes an innovation into the pulse noise.
func (e *estimator) learn(i innovation) {
	e.seen[e.seenN%len(e.seen)] = i
	e.seenN++
	e.seenTotal++
	if e.seenN > 2*len(e.seen) && e.seenN%noiseEvery != 0 {
		return
	}
	n := min(e.seenN, len(e.seen))
	var sorted [len(e.seen)]float64
	r := square(e.noiseNs)
	for i, s := range e.seen[:n] {
		sorted[i] = s.v / math.Sqrt(s.p+r)
	}
	slices.Sort(sorted[:n])
	spread := 1.4826 * sorted[n/2]
	if n > 2*noiseRecent {
		// More noise is believed sooner than less.
		for i := range noiseRecent {
			s := e.seen[(e.seenN-1-i)%len(e.seen)]
			sorted[i] = s.v / math.Sqrt(s.p+r)
		}
		slices.Sort(sorted[:noiseRecent])
		if recent := 1.4826 * sorted[noiseRecent/2]; recent > 2 {
			spread = max(spread, recent)
		}
	}
	r = max(r*square(spread), square(noiseLeastNs))
	prior := noisePrior / (noisePrior + float64(e.seenN))
	e.setNoise(math.Sqrt(prior*square(e.firstNs) + (1-prior)*r))
}
