package holdover

import "testing"

// Where pulses have missed before, the next one is waited for longer: also while the
// receiver is silent and after a pulse that was not believed, but not against the
// receiver's own word, nor while one pulse after the other is not believed.
func TestOnlyADenialEndsThePatienceWithPulsesThatMiss(t *testing.T) {
	r := newRig(t, 3, OCXO, nil)
	r.run(120)
	r.pps.missing = 2 // shorter than what ends a lock
	r.run(20)
	r.pps.missing = 10
	r.run(8)
	now := mono(float64(r.second))
	for _, c := range []struct {
		what    string
		cond    Conditions
		rejects int
		waits   bool
	}{
		{"the receiver has the time", Conditions{HasTime: true}, 0, true},
		{"it is silent", Conditions{}, 0, true},
		{"a pulse was not believed", Conditions{HasTime: true}, rejectsShown - 1, true},
		{"pulses are not believed", Conditions{HasTime: true}, rejectsShown, false},
		{"it says that it has no time", Conditions{NoTime: true}, 0, false},
		{"nothing is to be followed", Conditions{HasTime: true, Lost: true}, 0, false},
		{"the operator wants holdover", Conditions{HasTime: true, Forced: true}, 0, false},
	} {
		r.clock.est.rejects = c.rejects
		if got := r.clock.Awaits(now, c.cond); got != c.waits {
			t.Errorf("%s: waits %t", c.what, got)
		}
	}
}
