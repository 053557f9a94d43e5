package sim

import "math"

// Climate is the air around the board: a day's swing, the cycle of an air
// conditioner, and a slow random part.
type Climate struct {
	MeanC    float64
	DiurnalC float64 // amplitude of the day's sine
	CycleC   float64 // amplitude of the air conditioner's sine
	CycleS   float64 // its period
	RandomC  float64 // deviation of the random part
	RandomS  float64 // its time constant
}

// DefaultClimate is a cabinet indoors: 2 C over the day, 0.3 C every 45
// minutes, 0.3 C at random.
func DefaultClimate() Climate {
	return Climate{MeanC: 30, DiurnalC: 2, CycleC: 0.3, CycleS: 45 * 60, RandomC: 0.3, RandomS: 1800}
}

// SensorStepC is the step of the thermometer (TMP102, LM75 class).
const SensorStepC = 0.0625

type air struct {
	climate              Climate
	rng                  *generator
	dayPhase, cyclePhase float64
	cell                 int64
	random, keep, kick   float64
	nowC                 float64
	addedC               float64 // by Board.Heat
}

func newAir(c Climate, seed uint64) *air {
	a := &air{climate: c, rng: stream(seed, streamAir)}
	a.dayPhase = 2 * math.Pi * a.rng.Float64()
	a.cyclePhase = 2 * math.Pi * a.rng.Float64()
	a.random = c.RandomC * a.rng.NormFloat64()
	if c.RandomS > 0 {
		a.keep = math.Exp(-gridS / c.RandomS)
		a.kick = c.RandomC * math.Sqrt(1-a.keep*a.keep)
	}
	a.nowC = a.at(0)
	return a
}

func (a *air) at(t float64) float64 {
	c := a.climate
	temp := c.MeanC + a.addedC + a.random + c.DiurnalC*math.Sin(2*math.Pi*t/dayS+a.dayPhase)
	if c.CycleS > 0 {
		temp += c.CycleC * math.Sin(2*math.Pi*t/c.CycleS+a.cyclePhase)
	}
	return temp
}

func (a *air) next() float64 {
	a.nowC = a.at(float64(a.cell) * gridS)
	a.random = a.keep*a.random + a.kick*a.rng.NormFloat64()
	a.cell++
	return a.nowC
}

// sensorC is what the thermometer shows of a temperature.
func sensorC(c float64) float64 { return math.Round(c/SensorStepC) * SensorStepC }
