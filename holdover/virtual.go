package holdover

import "math"

// virtual is the virtual holdovers: while LOCKED the model is frozen every ten
// minutes, carried forward on paper, and compared with the phase that was
// really there at horizons of five minutes to twelve hours. So the clock learns
// what its own forecasts are worth.
//
// For a filter that is right the difference between the carried-forward phase
// and the one of later has the variance P(forecast) - P(later): what the later
// one knows better. The ratio of the squared difference to that variance is 1
// on the average; ratio(H) is its root by horizon. The bound of a holdover is
// the model's own deviation times that ratio.
//
// Each horizon starts from what the shorter one has shown, the shortest from a
// cautious prior, and counts an overlapping holdover by the share of it that is
// new.
type virtual struct {
	ring  [virtualKept]model
	n     int
	half  bool // the newest was compared at five minutes
	table [len(horizons)]horizon

	adapting bool
	adapt    model // frozen for the process noise
}

// horizon is what virtual holdovers of one length have shown.
type horizon struct {
	Weight float64 `json:"weight"` // independent comparisons
	Ratios float64 `json:"ratios"` // sum of the squared ratios
	Errors float64 `json:"errors"` // sum of the squared errors, ns^2
}

var horizons = [...]float64{300, 600, 1800, 3600, 7200, 14400, 28800, 43200} // s

const (
	freezeEveryS  = 600.0
	virtualKept   = 74 // twelve hours and one
	virtualForget = 432.0
	priorRatio    = 1.6 // before anything was compared
	priorWeight   = 4.0
	carryWeight   = 10.0 // of the shorter horizon's ratio
	leastRatio    = 1.12
	adaptGain     = 0.02
	adaptMost     = 9.0  // one comparison counts at most as three deviations
	scaleLeast    = 0.95 // a day shows too little to believe that a piece is much better than its kind
	scaleMost     = 30.0
)

// observe freezes and compares as the time has come. The estimator must have
// taken a pulse just now.
func (v *virtual) observe(e *estimator) {
	v.adaptNoise(e)
	newest := &v.ring[(v.n+virtualKept-1)%virtualKept]
	if v.n > 0 && !v.half && e.t-newest.t >= horizons[0] {
		v.half = true
		v.compare(e, newest, 0)
	}
	if v.n > 0 && e.t-newest.t < freezeEveryS {
		return
	}
	for i := 1; i < len(horizons); i++ {
		for k := max(0, v.n-virtualKept); k < v.n; k++ {
			if m := &v.ring[k%virtualKept]; math.Abs(e.t-m.t-horizons[i]) < freezeEveryS/2 {
				v.compare(e, m, i)
				break
			}
		}
	}
	v.ring[v.n%virtualKept] = e.model
	v.n++
	v.half = false
}

// compare carries a frozen model to now and judges it.
func (v *virtual) compare(e *estimator, frozen *model, i int) {
	d, variance := v.judge(e, frozen)
	h := &v.table[i]
	// Forget over three days.
	keep := 1 - 1/virtualForget
	w := min(1, freezeEveryS/horizons[i])
	h.Weight = h.Weight*keep + w
	h.Ratios = h.Ratios*keep + w*min(d*d/variance, 16)
	h.Errors = h.Errors*keep + w*d*d
}

func (v *virtual) judge(e *estimator, frozen *model) (d, variance float64) {
	m := *frozen
	var k transition
	k.set(e.t-m.t, e.noise())
	m.predict(&k, e.w)
	p := m.p[sPhase][sPhase]
	return e.x[sPhase] - m.x[sPhase], max(p-e.p[sPhase][sPhase], p/10)
}

// adaptNoise brings the process noise to where forecasts over the kind's own
// time are as wrong as foretold.
func (v *virtual) adaptNoise(e *estimator) {
	if v.adapting && e.t-v.adapt.t < seconds(e.kind.adapt) {
		return
	}
	if v.adapting {
		d, variance := v.judge(e, &v.adapt)
		e.scale *= math.Exp(adaptGain / 2 * (min(d*d/variance, adaptMost) - 1))
		e.scale = min(max(e.scale, scaleLeast), scaleMost)
	}
	v.adapting, v.adapt = true, e.model
}

// ratio is how many of the model's own deviations a forecast over s seconds is
// wrong by, as a deviation.
func (v *virtual) ratio(s float64) float64 {
	if s <= horizons[0] {
		return v.ratioAt(0)
	}
	for i := 1; i < len(horizons); i++ {
		if s <= horizons[i] {
			a, b := v.ratioAt(i-1), v.ratioAt(i)
			return a + (b-a)*math.Log(s/horizons[i-1])/math.Log(horizons[i]/horizons[i-1])
		}
	}
	return v.ratioAt(len(horizons) - 1)
}

func (v *virtual) ratioAt(i int) float64 {
	square, weight := priorRatio*priorRatio, priorWeight
	for k := 0; k <= i; k++ {
		h := v.table[k]
		square = (weight*square + h.Ratios) / (weight + h.Weight)
		weight = min(weight+h.Weight, carryWeight)
	}
	return max(math.Sqrt(square), leastRatio)
}
