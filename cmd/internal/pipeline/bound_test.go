package pipeline_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"bragi/board/sim"
	"bragi/holdover/quality"
)

// Two receivers differ, in every way that a knob makes, and agree again. At each tick class
// 6 and class 7 go with a bound inside the spec, the accuracy holds that bound, and the
// state is that of the class. The class does not flap at the edge.
func TestAfterADisputeTheClassAndTheBoundAreOneFact(t *testing.T) {
	lies := map[string][2]sim.Lie{
		"one 1.2 us late":           {{LateNs: 1200}, {}},
		"one 1.7 us late":           {{LateNs: 1700}, {}},
		"both apart, by 1 us each":  {{LateNs: 1000}, {LateNs: -1000}},
		"both apart, by 1.7 and 1":  {{LateNs: 1700}, {LateNs: -1000}},
		"one runs away by 1 ns/s":   {{DriftNs: 1}, {}},
		"both run away by 4 ns/s":   {{DriftNs: 4}, {DriftNs: -4}},
		"one is another second":     {{AheadS: 1}, {}},
		"both 20 us late":           {{LateNs: 20_000}, {LateNs: 20_000}},
		"both late, one by another": {{LateNs: 20_000}, {LateNs: 21_000}},
	}
	for _, kind := range []sim.Kind{sim.XO, sim.OCXO} {
		for name, lie := range lies {
			for _, ordered := range []string{"", "yard"} {
				t.Run(fmt.Sprintf("%v, %s, ordered %q", kind, name, ordered), func(t *testing.T) {
					t.Parallel()
					p := newPair(t, twoReceivers(), kind, 5)
					p.Until(4*time.Minute, "class 6", p.Class(6))
					p.Run(3 * time.Minute)
					changes, class := 0, p.Said.ClockClass
					p.Watch = func() {
						look := p.Pipe.Look(p.Now)
						a, bound := look.Announcement, look.Report.BoundNs
						if a.ClockClass <= 7 && !(bound <= 1500) || (a.ClockClass == 6) != (look.Report.State == quality.Locked) {
							t.Fatalf("class %d in %v with a bound of %.0f ns, %v", a.ClockClass, look.Report.State, bound, look.Report.Why)
						}
						if holds := quality.AccuracyLimitNs(a.ClockAccuracy); holds < bound+look.EgressNs {
							t.Fatalf("accuracy %#x with a bound of %.0f ns", a.ClockAccuracy, bound)
						}
						if a.ClockClass != class {
							changes, class = changes+1, a.ClockClass
						}
					}
					p.Board.Lie(lie[0])
					p.yard.Lie(lie[1])
					p.Run(2 * time.Minute)
					if ordered != "" {
						if err := p.Pipe.Switch(p.Now, ordered, true); err != nil {
							t.Fatal(err)
						}
					}
					p.Run(8 * time.Minute)
					p.Board.Lie(sim.Lie{})
					p.yard.Lie(sim.Lie{})
					p.Run(15 * time.Minute)
					if changes > 8 {
						t.Errorf("the class changed %d times: %v", changes, p.Walk)
					}
				})
			}
		}
	}
}

// What was taken over of a difference is in the bound: class 6 ends where that leaves the
// spec, and comes back once, when it is let in.
func TestADifferenceTakenOverEndsClass6OnceAndNotMore(t *testing.T) {
	for _, late := range []float64{1300, 1450, 1600, 3000} {
		cfg := twoReceivers()
		cfg.LimitNs = 10_000 // they are both believed
		cfg.References[1].UncertaintyNs = 0
		p := newPair(t, cfg, sim.OCXO, 7)
		p.yard.Lie(sim.Lie{LateNs: late})
		p.Run(10 * time.Minute)
		p.Walk = nil
		if err := p.Pipe.Switch(p.Now, "yard", true); err != nil {
			t.Fatal(err)
		}
		p.Run(20 * time.Minute)
		if len(p.Walk) > 3 {
			t.Errorf("%.0f ns late: classes %v", late, p.Walk)
		}
		if e := math.Abs(p.TrueErrorNs() + late); e > 100 {
			t.Errorf("%.0f ns late: %.0f ns from yard's time", late, e)
		}
	}
}
