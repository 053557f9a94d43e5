package pipeline_test

import (
	"testing"
	"time"

	"bragi/board/sim"
	"bragi/cmd/internal/virtual"
)

// What the antenna's place may be wrong by is in the bound, 3.3 ns a metre, at once; it
// goes as the clock follows the receiver, and not without one; a restart keeps it.
func TestTheBoundHoldsWhatThePlaceMayBeWrongBy(t *testing.T) {
	r := virtual.NewRig(t, virtual.Demo(), sim.Config{Oscillator: sim.OCXO, Seed: 3, StartOffset: time.Hour, TimeToFix: 3 * time.Second})
	r.Until(30*time.Second, "class 6", r.Class(6))
	r.Run(10 * time.Minute)
	bound := func() float64 { return r.Pipe.Look(r.Now).Report.BoundNs }
	before := bound()
	within := func(when string, low, high float64) {
		t.Helper()
		if more := bound() - before; more < low || more > high {
			t.Errorf("%s the bound is %.0f ns more, want %.0f to %.0f", when, more, low, high)
		}
	}
	r.Pipe.DoubtPlace(60)
	r.Run(time.Second)
	within("60 m off", 195, 210)
	if err := r.Restart(600 * time.Millisecond); err != nil {
		t.Fatal(err)
	}
	r.Run(5 * time.Second)
	within("after a restart", 190, 230)
	r.Pipe.DoubtPlace(60)
	r.Run(5 * time.Minute)
	within("five minutes later", 190, 215)
	r.Pipe.DoubtPlace(0)
	r.Run(time.Second)
	within("right after the survey", 190, 215)
	r.Run(30 * time.Minute)
	within("half an hour after the survey", -25, 25)
}
