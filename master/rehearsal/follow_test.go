package rehearsal

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"bragi/gnss/timescale"
)

// A hardware clock that is a day off and 40 ppm fast is stepped once and then kept within
// 100 ns of the client's clock, also while that changes its rate or its master is gone.
func TestAHardwareClockFollowsTheClientsClock(t *testing.T) {
	const own = 40_000.0 // ppb
	noise := rand.New(rand.NewPCG(1, 2))
	client := clock{set: true, mono: start, ns: 1_700_000_000_000_000_000, ppb: -250}
	hardware := clock{set: true, mono: start, ns: client.ns - 86_400_000_000_000, ppb: own}
	var f Follower
	worst := int64(0)
	for i := range 1200 {
		now := at(time.Duration(i) * time.Second / 4)
		state := FreqLocked
		if i >= 40 {
			state = PhaseAligned
		}
		if i >= 800 {
			state = Holdover
		}
		if i%40 == 0 {
			client.turn(now, client.ppb+20*noise.NormFloat64(), 0)
		}
		o, ok := f.Decide(now, state, hardware.at(now)+int64(10*noise.NormFloat64()), client.at(now), own+3*noise.NormFloat64(), client.ppb)
		switch {
		case i < 40 && ok:
			t.Fatal("it is steered before the client is in phase")
		case o.StepNs != 0:
			hardware.turn(now, hardware.ppb, o.StepNs+50_000) // a driver's steps are not exact
		case ok:
			hardware.turn(now, own+o.PPB, 0)
		}
		if off := hardware.at(now) - client.at(now); i > 160 {
			worst = max(worst, off, -off)
		}
	}
	if r := f.Report("/dev/ptp9", 1); r.Steps != 1 || worst > 100 || r.Ahead.N == 0 {
		t.Errorf("worst %d ns, %+v", worst, r)
	}
}

// A correction is bounded, whatever is measured, and there is one decision a second.
func TestAHardwareClockIsNotDrivenBeyondItsLimits(t *testing.T) {
	var f Follower
	decisions := 0
	for i := range 100 {
		now := timescale.MonoFromNs(start.Ns() + int64(i)*int64(time.Second/10))
		if o, ok := f.Decide(now, PhaseAligned, 900_000, 0, 400_000, -400_000); ok {
			decisions++
			if math.Abs(o.PPB) > maxPPB || o.StepNs != 0 {
				t.Fatalf("%+v", o)
			}
		}
	}
	if decisions != 10 {
		t.Errorf("%d decisions in 10 s", decisions)
	}
}
