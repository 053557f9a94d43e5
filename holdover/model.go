package holdover

import "math"

// The oscillator's own phase z, and what moves it, is a linear system driven by
// white noise. Its states:
//
//	z   phase, ns                      z' = y + f1 + f2 + c1 T1 + c2 T2 + white FM
//	y   frequency, ppb                 y' = d + random walk FM
//	f1  frequency, minutes             f' = -f/tau + white: two Gauss-Markov processes stand
//	f2  frequency, hours               for the flicker floor between white and walk
//	d   drift (ageing), ppb/s          constant
//	c1  ppb per C of T1                constant; T1, T2: the thermometer less its first
//	c2  ppb per C of T2                reading, through lags of 60 s and 600 s: the crystal
//	g1  slow error of the pulse, ns    follows the air late, and by how much is not known
//	g2  quick error of the pulse, ns   Gauss-Markov, as f
//
// A pulse measures z + g1 + g2 + white noise of variance R. g1 is the daily
// wander of a receiver (10 ns, 7200 s), g2 is what a quarter of a minute of pulses
// has in common (multipath, sawtooth beats; 16 s, and as large as scatter.go measures
// it): without them the filter would believe an average of pulses more than it is
// worth, and its innovations would not be white.
//
// The noise of the phase between two instants dt apart is exact for each part:
// q dt^3/3, q dt^2/2, q dt for a walk of q; with k = exp(-dt/tau) for a
// Gauss-Markov process of deviation s and its integral
//
//	var f = s^2 (1 - k^2),  cov = s^2 tau (1 - k)^2,  var of the integral = 2 s^2 tau (dt - 2 tau (1 - k) + tau (1 - k^2)/2)
//
// Sources: Brown and Hwang, Introduction to Random Signals and Applied Kalman
// Filtering (Gauss-Markov processes, the two-state clock, sequential scalar
// updates, Joseph's form); Zucca and Tavella 2005, doi 10.1109/TUFFC.2005.1406554
// (the clock model and its covariance); Barnes and Allan 1966 (flicker FM as a
// sum of first-order processes).
const (
	sPhase = iota
	sFreq
	sFast
	sSlow
	sDrift
	sTempco1
	sTempco2
	sPulseSlow
	sPulseFast
	states
)

const (
	flickerFastS = 512.0 // the octaves 256 to 1024 s
	flickerSlowS = 8192.0
	pulseSlowNs  = 10.0
	pulseSlowS   = 7200.0
	pulseFastS   = 16.0
	lag1S        = 60.0
	lag2S        = 600.0
	dayS         = 86400.0
)

// noise is what drives the states, by its variance: per s for white FM
// (ns^2/s) and the walks (ppb^2/s, (ppb/C)^2/s), stationary for the flicker.
// pulse is how many times larger than usual the pulse's own variances are.
type noise struct{ white, walk, fast, slow, tempco, pulse, common float64 }

// transition is what happens to the states in dt, temperature apart.
type transition struct {
	of                   noise
	dt                   float64
	fast, slow           float64 // what is left of f1, f2 after dt
	fastZ, slowZ         float64 // phase that a ppb of f1, f2 makes
	pulseSlow, pulseFast float64
	qz, qy, qzy          float64
	qFast, qFastZ        float64
	qSlow, qSlowZ        float64
	qPulseSlow           float64
	qPulseFast           float64
	qTempco              float64
}

// gaussMarkov is a process of deviation s and time constant tau over dt: what
// is left, its integral per unit, and the variances of what comes new.
func gaussMarkov(variance, tau, dt float64) (keep, integral, q, qz, qzz float64) {
	keep = math.Exp(-dt / tau)
	left := 1 - keep
	integral = tau * left
	q = variance * (1 - keep*keep)
	qz = variance * tau * left * left
	if dt < 1e-3*tau {
		qzz = 2 * variance / tau * dt * dt * dt / 3
	} else {
		qzz = 2 * variance * tau * (dt - 2*tau*left + tau*(1-keep*keep)/2)
	}
	return keep, integral, q, qz, max(qzz, 0)
}

// set prepares for dt, unless that was done.
func (k *transition) set(dt float64, n noise) {
	if k.of == n && math.Abs(dt-k.dt) <= 1e-4*dt && k.dt > 0 {
		k.fastZ, k.slowZ = k.fastZ*dt/k.dt, k.slowZ*dt/k.dt
		k.dt = dt
		return
	}
	k.of, k.dt = n, dt
	var fast, slow float64
	k.fast, k.fastZ, k.qFast, k.qFastZ, fast = gaussMarkov(n.fast, flickerFastS, dt)
	k.slow, k.slowZ, k.qSlow, k.qSlowZ, slow = gaussMarkov(n.slow, flickerSlowS, dt)
	k.pulseSlow, _, k.qPulseSlow, _, _ = gaussMarkov(n.pulse*pulseSlowNs*pulseSlowNs, pulseSlowS, dt)
	k.pulseFast, _, k.qPulseFast, _, _ = gaussMarkov(n.common, pulseFastS, dt)
	k.qz = n.white*dt + n.walk*dt*dt*dt/3 + fast + slow
	k.qzy, k.qy = n.walk*dt*dt/2, n.walk*dt
	k.qTempco = n.tempco * dt
}

// warmth is the integrals of T1 and T2 since the first reading, in C s, and
// their values now, in C.
type warmth struct{ s1, s2, t1, t2 float64 }

// model is the states and their covariance at t (s since the origin). p is
// symmetric; both halves are kept.
type model struct {
	t     float64
	x     [states]float64
	p     [states][states]float64
	w     warmth  // at t
	level float64 // of the oscillator's behaviour, as it was known then
}

// rate is the frequency of the oscillator at t, in ppb.
func (m *model) rate() float64 {
	return m.x[sFreq] + m.x[sFast] + m.x[sSlow] + m.x[sTempco1]*m.w.t1 + m.x[sTempco2]*m.w.t2
}

// phase is z near t, by the line.
func (m *model) phase(t float64) float64 { return m.x[sPhase] + m.rate()*(t-m.t) }

// sigma is the standard deviation of z.
func (m *model) sigma() float64 { return math.Sqrt(max(m.p[sPhase][sPhase], 0)) }

// rateSigma is the standard deviation of the frequency.
func (m *model) rateSigma() float64 {
	h := [...]float64{sFreq: 1, sFast: 1, sSlow: 1, sTempco1: m.w.t1, sTempco2: m.w.t2}
	v := 0.0
	for i, a := range h {
		for j, b := range h {
			v += a * b * m.p[i][j]
		}
	}
	return math.Sqrt(max(v, 0))
}

// predict carries the model over k.dt, in which the thermometer went to w.
func (m *model) predict(k *transition, w warmth) {
	dt := k.dt
	row := [sPulseSlow]float64{1, dt, k.fastZ, k.slowZ, dt * dt / 2, w.s1 - m.w.s1, w.s2 - m.w.s2}
	x := &m.x
	z := 0.0
	for i, a := range row {
		z += a * x[i]
	}
	// b = P F' of the phase's row.
	var b [states]float64
	for i := range b {
		p := &m.p[i]
		b[i] = row[0]*p[0] + row[1]*p[1] + row[2]*p[2] + row[3]*p[3] + row[4]*p[4] + row[5]*p[5] + row[6]*p[6]
	}
	zz := 0.0
	for i, a := range row {
		zz += a * b[i]
	}
	// The frequency's row: y + dt d.
	var f [states]float64
	for i := range f {
		f[i] = m.p[sFreq][i] + dt*m.p[sDrift][i]
	}
	yy := f[sFreq] + dt*f[sDrift]
	zy := b[sFreq] + dt*b[sDrift]
	keep := [states]float64{1, 1, k.fast, k.slow, 1, 1, 1, k.pulseSlow, k.pulseFast}
	for i := sFast; i < states; i++ {
		for j := i; j < states; j++ {
			v := keep[i] * keep[j] * m.p[i][j]
			m.p[i][j], m.p[j][i] = v, v
		}
		v := keep[i] * b[i]
		m.p[sPhase][i], m.p[i][sPhase] = v, v
		v = keep[i] * f[i]
		m.p[sFreq][i], m.p[i][sFreq] = v, v
	}
	m.p[sPhase][sPhase] = zz + k.qz
	m.p[sFreq][sFreq] = yy + k.qy
	m.p[sPhase][sFreq] = zy + k.qzy
	m.p[sFreq][sPhase] = m.p[sPhase][sFreq]
	m.add(sFast, sFast, k.qFast)
	m.add(sSlow, sSlow, k.qSlow)
	m.add(sPhase, sFast, k.qFastZ)
	m.add(sPhase, sSlow, k.qSlowZ)
	m.add(sPulseSlow, sPulseSlow, k.qPulseSlow)
	m.add(sPulseFast, sPulseFast, k.qPulseFast)
	m.add(sTempco1, sTempco1, k.qTempco)
	m.add(sTempco2, sTempco2, k.qTempco)

	x[sPhase] = z
	x[sFreq] += dt * x[sDrift]
	x[sFast] *= k.fast
	x[sSlow] *= k.slow
	x[sPulseSlow] *= k.pulseSlow
	x[sPulseFast] *= k.pulseFast
	m.t += dt
	m.w = w
}

func (m *model) add(i, j int, v float64) {
	m.p[i][j] += v
	if i != j {
		m.p[j][i] += v
	}
}

// addRate adds a variance of the frequency, in ppb^2, that was there for the last s seconds.
func (m *model) addRate(v, s float64) {
	m.add(sFreq, sFreq, v)
	m.add(sPhase, sFreq, v*s)
	m.add(sPhase, sPhase, v*s*s)
}

// open adds v to the variance of a coefficient of temperature, about the frequency that
// there is now: warmC is what the coefficient stands for at the moment, in C.
func (m *model) open(coefficient int, v, warmC float64) {
	m.add(coefficient, coefficient, v)
	m.add(sFreq, coefficient, -v*warmC)
	m.add(sFreq, sFreq, v*square(warmC))
}

// expect is the prediction's error of a measured z (ns) and its variance
// without the pulse's white noise.
func (m *model) expect(t, z float64) (v, variance float64) {
	v = z - m.phase(t) - m.x[sPulseSlow] - m.x[sPulseFast]
	p := &m.p
	variance = p[sPhase][sPhase] + p[sPulseSlow][sPulseSlow] + p[sPulseFast][sPulseFast] +
		2*(p[sPhase][sPulseSlow]+p[sPhase][sPulseFast]+p[sPulseSlow][sPulseFast])
	return v, max(variance, 0)
}

// pulse takes a measurement of z + g1 + g2 that is v from the prediction, of
// variance r.
func (m *model) pulse(v, r float64) {
	var b [states]float64
	for i := range b {
		b[i] = m.p[i][sPhase] + m.p[i][sPulseSlow] + m.p[i][sPulseFast]
	}
	m.correct(&b, b[sPhase]+b[sPulseSlow]+b[sPulseFast]+r, v)
}

// know takes a measurement of one state, of variance r.
func (m *model) know(state int, value, r float64) {
	b := m.p[state]
	m.correct(&b, b[state]+r, value-m.x[state])
}

// correct is a scalar update: b = P H', s the innovation's variance, v the
// innovation. The covariance is Joseph's (I - K H) P (I - K H)' + K R K',
// multiplied out: P - K b' - b K' + K s K'.
func (m *model) correct(b *[states]float64, s, v float64) {
	if !(s > 0) {
		return
	}
	var k [states]float64
	for i := range k {
		k[i] = b[i] / s
		m.x[i] += k[i] * v
	}
	for i := range k {
		for j := i; j < states; j++ {
			p := m.p[i][j] - k[i]*b[j] - b[i]*k[j] + k[i]*s*k[j]
			m.p[i][j], m.p[j][i] = p, p
		}
		m.p[i][i] = max(m.p[i][i], 0)
	}
}
