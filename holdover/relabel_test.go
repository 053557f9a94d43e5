package holdover

import (
	"math"
	"slices"
	"testing"

	"bragi/holdover/quality"
)

// The seconds were another ones than was thought: the clock goes out of spec, is stepped
// once, with what is known of the oscillator, and locks again within half a minute.
// At no moment is the bound too small.
func TestARelabelledClockIsSteppedOutOfSpec(t *testing.T) {
	for _, k := range []Oscillator{XO, TCXO, OCXO, Rubidium} {
		for _, seconds := range []int64{2, -3, 3600} {
			r := newRig(t, 4, k, nil)
			r.served = true
			r.until(quality.Locked, 2000)
			r.run(1800)
			steps := r.steps
			r.distrust = ReasonTimeFault
			r.run(60)
			r.distrust = ReasonNone
			r.whole += seconds * 1e9 // the truth that comes to light
			r.clock.Relabelled(mono(float64(r.second)+0.99), seconds)
			r.states, r.at = nil, nil
			if n := r.until(quality.Locked, 120); n > 30 {
				t.Errorf("%v, %+d s: locked after %d s", k, seconds, n)
			}
			if slices.Contains(r.states, quality.HoldoverSpec) || r.states[0] != quality.HoldoverNoSpec {
				t.Errorf("%v, %+d s: states %v", k, seconds, r.states)
			}
			if e := math.Abs(r.trueError()); e > 1000 || r.steps != steps+1 {
				t.Errorf("%v, %+d s: %.0f ns off after %d steps", k, seconds, e, r.steps-steps)
			}
			if r.outside > 0 {
				t.Errorf("%v, %+d s: outside the bound for %d s", k, seconds, r.outside)
			}
		}
	}
}
