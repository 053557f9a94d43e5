package pipeline_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"bragi/board/sim"
	"bragi/cmd/internal/virtual"
	"bragi/holdover"
	"bragi/holdover/quality"
)

// A step is refused, with the reason, where there is nothing to step, nothing to step
// to, or class 7 to keep.
func TestAStepIsRefusedWhereThereIsNone(t *testing.T) {
	refused := func(r *virtual.Rig, want string) {
		t.Helper()
		steps := r.Steps
		if _, err := r.Pipe.StepClock(r.Now); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %q", r.Report.State, err, want)
		}
		r.Run(5 * time.Second)
		if r.Steps != steps {
			t.Errorf("%v: it stepped all the same", r.Report.State)
		}
	}
	r := virtual.NewRig(t, virtual.Demo(), sim.Config{Oscillator: sim.OCXO, Seed: 3, TimeToFix: 3 * time.Second, AntennaCut: true})
	r.Run(10 * time.Second)
	refused(r, "no pulse that is believed, to step to: no time from the receiver")
	r.Board.SetAntenna(true)
	r.Until(time.Minute, "class 6", r.Class(6))
	r.Run(time.Minute)
	refused(r, "the clock is locked")
	r.Board.SetAntenna(false)
	r.Until(10*time.Second, "class 7", r.Class(7))
	refused(r, "no pulse that is believed, to step to: error bound inside the spec")
	r.Board.SetAntenna(true)
	r.Until(10*time.Second, "relocking", func() bool { return r.Report.State == quality.Relocking })
	refused(r, "in spec")

	r = outage(t, holdover.ReturnStep)
	r.Board.SetAntenna(false)
	r.Until(3*time.Minute, "class 52", r.Class(52))
	r.Board.SetAntenna(true)
	r.Until(time.Minute, "relocking", func() bool { return r.Report.State == quality.Relocking })
	refused(r, "not worth a step")
}

// What a step would do is told without a step, and is what the step does.
func TestAStepDoesWhatItsPlanSays(t *testing.T) {
	for name, r := range map[string]*virtual.Rig{"after an outage": outage(t, holdover.ReturnSlew), "after a free run": freeRun(t, holdover.AcquireSlew)} {
		steps := r.Steps
		plan, err := r.Pipe.PlanStep(r.Now)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if off := math.Abs(plan.ErrorNs - r.TrueErrorNs()); off > 2000 || !(plan.SlewS > 600) {
			t.Errorf("%s: %+v, truly %.0f ns", name, plan, r.TrueErrorNs())
		}
		r.Run(3 * time.Second)
		if r.Steps != steps {
			t.Errorf("%s: the plan alone stepped", name)
		}
		if _, err := r.Pipe.StepClock(r.Now); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		r.Until(90*time.Second, name+": class 6", r.Class(6))
		if e := math.Abs(r.TrueErrorNs()); e > 1000 || r.Steps != steps+1 {
			t.Errorf("%s: %.0f ns off after %d steps", name, e, r.Steps-steps)
		}
	}
}
