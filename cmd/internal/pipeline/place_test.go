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

// The place of the receiver that is followed is in the bound, whichever that is.
func TestThePlaceOfAnotherReferenceIsInTheBoundWhileItIsFollowed(t *testing.T) {
	p := newPair(t, twoReceivers(), sim.OCXO, 9)
	p.Until(2*time.Minute, "class 6", p.Class(6))
	p.Run(5 * time.Minute)
	p.Pipe.DoubtPlaceOf(1, 60)
	p.Run(time.Minute)
	before := p.Pipe.Look(p.Now).Report.BoundNs
	if before > 150 {
		t.Errorf("a place of a receiver that is not followed is in the bound, %.0f ns", before)
	}
	if err := p.Pipe.Switch(p.Now, "yard", false); err != nil {
		t.Fatal(err)
	}
	p.Run(10 * time.Second)
	if more := p.Pipe.Look(p.Now).Report.BoundNs - before; more < 180 {
		t.Errorf("60 m off, it is followed, and the bound is %.0f ns more", more)
	}
}
