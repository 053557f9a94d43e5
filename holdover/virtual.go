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

	adapt  model   // frozen for the level, over the kind's own time; t 0: none
	minute model   // the same over a minute
	mean   float64 // of the last comparisons, squared error over what was foretold
	few    float64 // the same of fewer
	worst  float64 // the same over a minute
	agile  float64 // share of the last minutes in which the pulses asked for agility
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
	adaptGain     = 0.01 // of the logarithm of the noise, by a comparison
	adaptBack     = 0.15 // the same on the way back to what was told
	adaptMost     = 9.0  // one comparison counts at most as three deviations
	adaptMean     = 16   // comparisons
	adaptFew      = 4    // comparisons. A mean of so few
	adaptFewFar   = 0.1  // below that: what made it worse than told is over (a warm-up)
	adaptFar      = 0.35 // a mean below is no chance: the oscillator is better by far,
	adaptStep     = 0.1  // and the noise falls by so much a comparison
	toldLeast     = 0.95 // of the told kind's noise: less needs that evidence
	minuteMean    = 8.0
	minuteProven  = 24.0
	agileShare    = 0.5 // of the last minutes
	minuteFar     = 3   // a mean above: it is worse,
	minuteStep    = 0.2 // by so much a minute
)

func newVirtual() virtual { return virtual{mean: 1, few: 1, worst: 1} }

// observe freezes and compares as the time has come. The estimator must have
// taken a pulse just now.
func (v *virtual) observe(e *estimator) {
	v.adaptLevel(e)
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

// forget drops the frozen states: between them and now is what is doubted.
func (v *virtual) forget() {
	v.n, v.half = 0, false
	v.adapt.t, v.minute.t = 0, 0
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

// judge is how far a frozen model is from where the estimator is now, and the
// variance that was foretold of that.
func (v *virtual) judge(e *estimator, frozen *model) (d, variance float64) {
	m := e.foretold(frozen)
	p := m.p[sPhase][sPhase]
	return e.x[sPhase] - m.x[sPhase], max(p-e.p[sPhase][sPhase], p/10)
}

// foretold is a frozen model carried to now, without pulses.
func (e *estimator) foretold(frozen *model) model {
	m := *frozen
	n := e.calmNoise()
	n.white -= e.kind.slowFlicker(e.t - m.t)
	var k transition
	k.set(e.t-m.t, n)
	m.predict(&k, e.w)
	return m
}

// adaptLevel brings the level to where forecasts are as wrong as foretold: over the
// kind's own time slowly, to the better faster when a row of them was far too good,
// and to the worse at once when those of a minute are far too bad, or when the pulses
// ask for more agility than the level has. Better than the kind that was told only a
// row of them can make it.
func (v *virtual) adaptLevel(e *estimator) {
	if v.minute.t > 0 && e.t-v.minute.t >= 60 {
		d, variance := v.judge(e, &v.minute)
		mean, agile := minuteMean, 0.0
		if e.agile() {
			agile = 1
		}
		if e.proven {
			mean = minuteProven // a room that changes is no other oscillator
		}
		v.worst += (min(d*d/variance, adaptMost) - v.worst) / mean
		v.agile += (agile - v.agile) / mean
		if v.worst > minuteFar || v.agile > agileShare {
			e.setLevel(worse(e.level, math.Exp(minuteStep)))
			v.mean, v.few, v.adapt.t = 1, 1, 0
		}
		v.minute.t = 0
	}
	if v.minute.t == 0 {
		v.minute = e.model
	}
	if v.adapt.t > 0 && e.t-v.adapt.t < seconds(e.kind.adapt) {
		return
	}
	if v.adapt.t > 0 {
		d, variance := v.judge(e, &v.adapt)
		r := min(d*d/variance, adaptMost)
		v.mean += (r - v.mean) / adaptMean
		v.few += (r - v.few) / adaptFew
		told := e.taken().level()
		if v.few < adaptFewFar && e.level < told {
			e.setLevel((e.level + told) / 2)
			v.few = 1
		} else if v.mean < adaptFar && !(e.blind && e.taken() != Auto && e.level >= told) {
			e.setLevel(worse(e.level, math.Exp(-adaptStep)))
		} else {
			gain, limit := adaptGain, worse(told, toldLeast)
			if e.level < told || told == 0 {
				gain = adaptBack
			}
			next := worse(e.level, math.Exp(gain*(r-1)))
			if e.level <= limit {
				next = min(next, limit)
			}
			if e.blind && e.taken() != Auto {
				next = min(next, max(e.level, told)) // a room that nobody sees hides what the oscillator does
			}
			e.setLevel(next)
		}
	}
	v.adapt = e.model
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
