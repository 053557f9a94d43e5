package holdover

import "math"

// motion is the oscillator's frequency of the last two minutes.
type motion struct {
	ring             [13]moved
	n                int
	tempco1, tempco2 float64 // ppb per C, as they are known now
}

// moved is a frequency and its deviation, ppb, at t, s since the origin, and the
// thermometer then.
type moved struct {
	t, y, sigma float64
	w           warmth
}

const motionEveryS = 9.5

func (m *motion) reset() { m.n = 0 }

func (m *motion) add(e *estimator) {
	if m.n == 0 || e.t-m.ring[(m.n-1)%len(m.ring)].t >= motionEveryS {
		m.ring[m.n%len(m.ring)] = moved{e.t, e.rate(), e.rateSigma(), e.w}
		m.tempco1, m.tempco2 = e.x[sTempco1], e.x[sTempco2]
		m.n++
	}
}

// drift is how fast the frequency moves that no thermometer explains, in ppb/s,
// positive; 0 for what may be chance.
func (m *motion) drift() float64 {
	unexplained, _ := m.drifts()
	return unexplained
}

// drifts is drift, and the same of the whole frequency.
func (m *motion) drifts() (unexplained, whole float64) {
	if m.n < 4 {
		return 0, 0
	}
	a, b := m.ring[max(m.n-len(m.ring), 0)%len(m.ring)], m.ring[(m.n-1)%len(m.ring)]
	chance, d := 4*math.Hypot(a.sigma, b.sigma), b.y-a.y
	if math.Abs(d) > chance {
		whole = math.Abs(d) / (b.t - a.t)
	}
	if d -= m.tempco1*(b.w.t1-a.w.t1) + m.tempco2*(b.w.t2-a.w.t2); math.Abs(d) > chance {
		unexplained = math.Abs(d) / (b.t - a.t)
	}
	return unexplained, whole
}
