package holdover

import (
	"math"
	"slices"
)

// estimator follows the oscillator itself: phase z (ns) and frequency y (ppb),
// the two-state clock model with white and random walk FM, and scalar updates
// in Joseph's form:
//
//	z' = z + y dt         Q = | w dt + q dt^3/3   q dt^2/2 |
//	y' = y                    | q dt^2/2          q dt     |
//
// The gate is on the innovation, five of its standard deviations, which grow
// with the covariance while nothing is accepted. The pulse noise R is robust:
// the square of 1.4826 times the median of the last innovations, less what the
// state itself was unsure of; until many were seen it leans on a prior. Rejected innovations count only when an accepted one follows
// soon, so that more noise opens the gate and a pulse that jumped does not.
type estimator struct {
	model
	valid   bool
	from    float64        // t of the start
	noiseNs float64        // sqrt(R)
	seen    [64]innovation // the last ones
	seenN   int
	pending []innovation // of the rejected run
	rejects int          // consecutive
}

// innovation is how far a pulse was from the prediction, |v| in ns, and the
// variance of the prediction in ns^2.
type innovation struct{ v, p float64 }

// model is the state and its covariance at t.
type model struct {
	t     float64 // s since the origin
	z, y  float64
	p     [2][2]float64
	walk  float64 // q, ppb^2 / s
	white float64 // w, ns^2 / s
}

const (
	gateSigmas   = 5
	noiseFirstNs = 30 // a navigation receiver's pulse until measured
	noiseLeastNs = 3
	noisePrior   = 32 // pulses that the first value weighs
	pendingLimit = 4  // a longer run of rejects is no noise
)

func newEstimator(b behaviour) estimator {
	return estimator{model: model{walk: square(b.walkPPB), white: square(b.whiteNs)}, noiseNs: noiseFirstNs,
		pending: make([]innovation, 0, pendingLimit)}
}

// start sets the state from a fit: z and y at t with their standard errors.
func (e *estimator) start(t, z, y, zErr, yErr, zyCov float64) {
	e.valid = true
	e.t, e.z, e.y, e.from = t, z, y, t
	e.p = [2][2]float64{{square(zErr), zyCov}, {zyCov, square(yErr)}}
	e.rejects = 0
	e.pending = e.pending[:0]
}

// at is the phase predicted to t and its standard deviation.
func (e model) at(t float64) (z, sigma float64) {
	e.predict(t)
	return e.z, math.Sqrt(max(e.p[0][0], 0))
}

func (e *model) predict(t float64) {
	dt := t - e.t
	if dt <= 0 {
		// A moment ago: the line without the noise.
		e.z += e.y * dt
		e.t = t
		return
	}
	p := e.p
	e.z += e.y * dt
	e.p[0][0] = p[0][0] + dt*(2*p[0][1]+dt*p[1][1]) + e.white*dt + e.walk*dt*dt*dt/3
	e.p[0][1] = p[0][1] + dt*p[1][1] + e.walk*dt*dt/2
	e.p[1][0] = e.p[0][1]
	e.p[1][1] = p[1][1] + e.walk*dt
	e.t = t
}

// converged tells that the covariance falls no further: several times
// sqrt(noise / walk) have passed, the time over which the filter averages.
func (e *estimator) converged() bool {
	return e.t-e.from > 5*math.Sqrt(e.noiseNs/math.Sqrt(e.walk))
}

// update takes a measured phase z with the standard deviation sigma that the
// board states. It reports whether the gate let it through.
func (e *estimator) update(t, z, sigma float64) bool {
	e.predict(t)
	r := square(max(e.noiseNs, sigma))
	v := z - e.z
	s := e.p[0][0] + r
	if math.Abs(v) > gateSigmas*math.Sqrt(s) {
		e.rejects++
		if len(e.pending) < cap(e.pending) {
			e.pending = append(e.pending, innovation{math.Abs(v), e.p[0][0]})
		}
		return false
	}
	if e.rejects > 0 && e.rejects <= pendingLimit {
		for _, p := range e.pending {
			e.learn(p)
		}
	}
	e.rejects, e.pending = 0, e.pending[:0]
	e.learn(innovation{math.Abs(v), e.p[0][0]})

	kz, ky := e.p[0][0]/s, e.p[1][0]/s
	e.z += kz * v
	e.y += ky * v
	// Joseph: (I - K H) P (I - K H)' + K R K'.
	p := e.p
	a := 1 - kz
	e.p[0][0] = a*a*p[0][0] + kz*kz*r
	e.p[0][1] = a*(p[0][1]-ky*p[0][0]) + kz*ky*r
	e.p[1][0] = e.p[0][1]
	e.p[1][1] = p[1][1] - 2*ky*p[0][1] + ky*ky*p[0][0] + ky*ky*r
	return true
}

// learn takes an innovation into the pulse noise.
func (e *estimator) learn(i innovation) {
	e.seen[e.seenN%len(e.seen)] = i
	e.seenN++
	n := min(e.seenN, len(e.seen))
	var sorted [len(e.seen)]float64
	var p float64
	for i, s := range e.seen[:n] {
		sorted[i] = s.v
		p += s.p / float64(n)
	}
	slices.Sort(sorted[:n])
	r := max(square(1.4826*sorted[n/2])-p, square(noiseLeastNs))
	prior := noisePrior / (noisePrior + float64(e.seenN))
	e.noiseNs = math.Sqrt(prior*square(noiseFirstNs) + (1-prior)*r)
}
