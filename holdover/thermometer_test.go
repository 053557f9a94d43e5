package holdover

import (
	"math"
	"testing"

	"bragi/holdover/quality"
)

// A thermometer that dies, sticks or jumps does not move the clock, in lock or
// in holdover: it runs like a clock with a good thermometer up to what the
// oscillator does unseen, the estimate does not step, and the bound is wider.
func TestThermometerFails(t *testing.T) {
	for _, c := range []struct {
		name   string
		broken func(r *rig, c float64) float64
		wider  bool
	}{
		{"dies", func(*rig, float64) float64 { return math.NaN() }, true},
		{"reads 999 C", func(*rig, float64) float64 { return 999 }, true},
		{"jumps by 10 C", func(_ *rig, c float64) float64 { return c + 10 }, true},
		{"sticks", func(*rig, float64) float64 { return 30 }, true},
		{"flickers by 5 C", func(r *rig, c float64) float64 { return c + float64(5*(r.second%7/6)) }, false},
	} {
		const lock, away = 6 * 3600, 3600
		run := func(broken func(*rig, float64) float64) (*rig, float64) {
			r := newRig(t, 11, TCXOHi, nil)
			r.until(quality.Locked, 60)
			r.run(lock)
			if broken != nil {
				r.thermo = func(c float64) float64 { return broken(r, c) }
			}
			r.run(1800)
			if r.report.State != quality.Locked || r.max > 60 {
				t.Errorf("%s: %v, max %.0f ns in lock", c.name, r.report.State, r.max)
			}
			r.pps.cut, r.hasTime = true, false
			last, step := math.NaN(), 0.0
			r.run(10)
			for range away {
				r.run(1)
				if y := r.report.OscillatorPPB; !math.IsNaN(last) {
					step = max(step, math.Abs(y-last))
				}
				last = r.report.OscillatorPPB
			}
			// 2 C in a day and 0.3 C in 45 min of 1.5 ppb/C move less than that in a second.
			if step > 0.01 {
				t.Errorf("%s: the frequency that is held moved by %.3f ppb within a second", c.name, step)
			}
			r.invariants(1)
			return r, r.clock.unseen(mono(float64(r.second) + 0.99))
		}
		_, good := run(nil)
		r, bad := run(c.broken)
		if c.wider && bad < 1.2*good {
			t.Errorf("%s: bound %.0f ns, with a good thermometer %.0f", c.name, bad, good)
		}
		if r.outside > 0 {
			t.Errorf("%s: outside the bound for %d s", c.name, r.outside)
		}
	}
}

// With a day's swing of the temperature the coefficient is learned, and beside
// it what two lags make of one crystal adds up.
func TestTemperatureIsLearned(t *testing.T) {
	for _, kind := range []Oscillator{TCXO, TCXOHi, OCXO} {
		r := newRig(t, 4, kind, nil)
		r.until(quality.Locked, 60)
		r.run(86400)
		e := &r.clock.est
		got := e.x[sTempco1] + e.x[sTempco2]
		sigma := math.Sqrt(e.p[sTempco1][sTempco1] + e.p[sTempco2][sTempco2] + 2*e.p[sTempco1][sTempco2])
		if math.Abs(got-r.osc.tempco) > max(4*sigma, 0.02*r.osc.tempco) || sigma > 0.25*r.osc.tempco {
			t.Errorf("%v: %.4f +- %.4f ppb/C, truth %.4f", kind, got, sigma, r.osc.tempco)
		}
	}
}

// A thermometer that sticks while pulses come: what the oscillator then does
// untold is no noise of the pulses, and the clock follows them, inside its bound.
func TestThermometerSticksInLock(t *testing.T) {
	const stuck = 8 * 3600
	for seed := range uint64(4) {
		shown := 0.0
		o := trial{kind: TCXO, seed: seed, lockS: stuck + 2*3600, sensor: func(s int, c float64) float64 {
			if s < stuck {
				shown = c
			}
			return shown
		}}.run()
		if o.max > 150 || o.lies > 0 {
			t.Errorf("seed %d: worst %.0f ns in lock, outside the bound for %d s", seed, o.max, o.lies)
		}
	}
}
