package simulate

import (
	"errors"
	"math"

	"bragi/holdover"
	"bragi/holdover/quality"
)

// Trace is what was seen at the tick of each second.
type Trace struct {
	ErrorNs []float64 // true error of the served clock
	BoundNs []float64 // the bound it claimed; NaN before it knew one
	Class   []uint8   // clockClass announced, 0: not served
	State   []quality.State
	Off     []bool // no power
	// Loss is the second at which the reference first went, -1: never.
	Loss   int
	SpecNs float64
}

// Run simulates, and returns the judgement and what it was made from.
func Run(o Options) (*Result, *Trace, error) {
	if o.Scenario == nil {
		return nil, nil, errors.New("simulate: no scenario")
	}
	p, err := newSimulated(&o)
	if err != nil {
		return nil, nil, err
	}
	return run(&o, p)
}

// Replay lets the servo steer a recorded oscillator: x is its phase against a
// pulse, in ns, one point a second. The truth is the record itself.
func Replay(o Options, x []float64) (*Result, *Trace, error) {
	if o.Scenario == nil {
		return nil, nil, errors.New("simulate: no scenario")
	}
	o.NoThermometer = true
	return run(&o, &recorded{x: x, sky: true, quantum: o.QuantumPPB, at: mono0})
}

func run(o *Options, p plant) (*Result, *Trace, error) {
	w, err := newWorld(o, p)
	if err != nil {
		return nil, nil, err
	}
	n := int(o.Scenario.Duration.Seconds())
	t := &Trace{ErrorNs: make([]float64, 0, n), BoundNs: make([]float64, 0, n), Class: make([]uint8, 0, n),
		State: make([]quality.State, 0, n), Off: make([]bool, 0, n), Loss: -1}
	t.SpecNs = float64(holdover.DefaultConfig().Spec)
	loss := -1
	if at, ok := o.Scenario.loss(); ok {
		loss = max(int(at.Seconds()), 1)
	}
	r := &Result{Seed: o.Seed, Oscillator: o.Oscillator.String(), Scenario: o.Scenario.Name, TimeToLockS: nan}
	r.ForecastS, r.Class7S, r.ForecastP50S, r.ForecastP95S = nan, nan, nan, nan
	for i := 1; i <= n; i++ {
		if i == loss {
			before := w.Report
			if before.EverLocked {
				t.Loss = len(t.ErrorNs)
				r.ForecastS, r.Class7S = Number(round(before.ForecastS, 1)), Number(round(before.Class7S, 1))
				r.ForecastP50S, r.ForecastP95S = Number(round(before.ForecastP50S, 1)), Number(round(before.ForecastP95S, 1))
			}
		}
		if err := w.second(i); err != nil {
			return nil, nil, err
		}
		w.look(t, r, i)
	}
	r.Steps, r.FirstSteps, r.MaxPPBPerS = w.steps, w.first, round(w.changes.most, 4)
	r.judge(t)
	return r, t, nil
}

func (w *world) look(t *Trace, r *Result, i int) {
	t.Off = append(t.Off, i < w.off)
	if i < w.off {
		t.ErrorNs, t.BoundNs = append(t.ErrorNs, math.NaN()), append(t.BoundNs, math.NaN())
		t.Class, t.State = append(t.Class, 0), append(t.State, quality.Freerun)
		return
	}
	s, said := w.Report, w.Said
	class := uint8(0)
	if said.Serve {
		class = said.ClockClass
	}
	if s.State == quality.Locked && !w.locked {
		w.locked = true
		if math.IsNaN(float64(r.TimeToLockS)) {
			r.TimeToLockS = Number(i)
		}
	}
	errorNs := w.plant.errorNs(w.Now)
	t.ErrorNs, t.BoundNs = append(t.ErrorNs, errorNs), append(t.BoundNs, s.BoundNs)
	if w.o.Look != nil {
		w.o.Look(i, s, said, errorNs)
	}
	t.Class, t.State = append(t.Class, class), append(t.State, s.State)
}
