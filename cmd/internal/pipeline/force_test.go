package pipeline_test

import (
	"strings"
	"testing"
	"time"

	"bragi/board/sim"
	"bragi/cmd/internal/alarms"
	"bragi/cmd/internal/virtual"
	"bragi/holdover"
	"bragi/holdover/quality"
)

func force(t *testing.T, r *virtual.Rig) {
	t.Helper()
	if err := r.Pipe.ForceHoldover(r.Now); err != nil {
		t.Fatal(err)
	}
}

func release(t *testing.T, r *virtual.Rig) {
	t.Helper()
	if err := r.Pipe.ReleaseHoldover(r.Now); err != nil {
		t.Fatal(err)
	}
}

// locked is a rig that has learned its oscillator.
func locked(t *testing.T) *virtual.Rig {
	t.Helper()
	r := virtual.NewRig(t, virtual.Demo(), sim.Config{Oscillator: sim.OCXO, Seed: 3, TimeToFix: 3 * time.Second, StartOffset: -10 * time.Second})
	r.Until(40*time.Second, "class 6", r.Class(6))
	r.Run(time.Minute)
	return r
}

// A forced holdover uses no pulse, however good: class 7, then 52 as the bound grows.
// A reload and restarts do not end it; its release is the way back of any holdover.
func TestAForcedHoldoverUsesNoPulseUntilItIsReleased(t *testing.T) {
	r := locked(t)
	steps, used := r.Steps, r.Report.Accepted
	force(t, r)
	r.Until(time.Second, "class 7", r.Class(7))
	r.Run(5 * time.Second)
	report := r.Report
	if report.State != quality.HoldoverSpec || report.Accepted > used+1 || !alarmed(r, alarms.HoldoverForced) {
		t.Errorf("%v with %d pulses used, %d before, alarms %v", report.State, report.Accepted, used, r.Pipe.Look(r.Now).Troubles)
	}
	if why := report.Why; len(why) < 2 || why[1] != holdover.ReasonForced {
		t.Errorf("why: %v", why)
	}
	bound := report.BoundNs
	for range 3 {
		r.Run(3 * time.Second)
		if err := r.Restart(700 * time.Millisecond); err != nil {
			t.Fatal(err)
		}
	}
	reconfigured(r, func(c *holdover.Config) { c.Spec, c.MaxHoldover = 500*time.Nanosecond, 24*time.Hour })
	r.Until(time.Hour, "class 52", r.Class(52))
	report = r.Report
	if report.Accepted > used+1 || !(report.BoundNs > bound) || report.Why[0] != holdover.ReasonOutOfSpec || !alarmed(r, alarms.HoldoverForced) {
		t.Errorf("in the end %d pulses used, bound %.0f ns, %.0f at first: %v", report.Accepted, report.BoundNs, bound, report.Why)
	}
	release(t, r)
	r.Until(10*time.Second, "relocking", func() bool { return r.Report.State == quality.Relocking })
	r.Until(10*time.Minute, "class 6", r.Class(6))
	if r.Steps != steps || alarmed(r, alarms.HoldoverForced) {
		t.Errorf("%d steps, alarms %v", r.Steps-steps, r.Pipe.Look(r.Now).Troubles)
	}
}

// A pulse that goes wrong meanwhile moves nothing: neither the clock nor its bound.
func TestAFalsePulseMovesNothingInAForcedHoldover(t *testing.T) {
	r := locked(t)
	force(t, r)
	r.Run(10 * time.Second)
	bound := r.Report.BoundNs
	r.Board.PHC().Step(r.Now, 100_000) // pulses look early
	r.Run(5 * time.Second)
	if got := r.Report; got.BoundNs > 2*bound || got.State != quality.HoldoverSpec {
		t.Errorf("bound %.0f ns, %.0f before; %v", got.BoundNs, bound, got.State)
	}
}

func TestHoldoverIsForcedAndReleasedOnlyWhereThatMakesSense(t *testing.T) {
	refused := func(err error, want string) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "(fix: ") {
			t.Errorf("%v, want %q and a fix", err, want)
		}
	}
	r := virtual.NewRig(t, virtual.Demo(), sim.Config{Oscillator: sim.OCXO, Seed: 3, TimeToFix: 3 * time.Second})
	r.Run(time.Second)
	refused(r.Pipe.ForceHoldover(r.Now), "never locked")
	r.Until(time.Minute, "class 6", r.Class(6))
	r.Run(time.Minute)
	refused(r.Pipe.ReleaseHoldover(r.Now), "holdover is not forced")
	r.Board.SetAntenna(false)
	r.Until(10*time.Second, "class 7", r.Class(7))
	refused(r.Pipe.ReleaseHoldover(r.Now), "nobody forced this holdover: error bound inside the spec")
	force(t, r)
	force(t, r) // once more is the same
	r.Board.SetAntenna(true)
	r.Run(20 * time.Second)
	_, err := r.Pipe.AcceptReceiver(r.Now)
	refused(err, "holdover is forced")
	_, err = r.Pipe.StepClock(r.Now)
	refused(err, "holdover is forced")
	release(t, r)
	r.Until(time.Minute, "class 6", r.Class(6))
}

// After a release the clock comes back at once and blames nobody: neither receiver nor
// antenna was wrong. If the reference fails meanwhile, it is an outage like any other.
func TestAReleasedHoldoverBlamesNoAntenna(t *testing.T) {
	r := locked(t)
	set, moment := alarms.NewSet(), time.Unix(0, 0)
	for range 3 {
		force(t, r)
		r.Run(10 * time.Second)
		release(t, r)
		for range 240 {
			r.Run(time.Second / 4)
			moment = moment.Add(time.Second / 4)
			set.Update(moment, r.Pipe.Look(r.Now).Troubles)
			for _, a := range set.Active() {
				if a.Code != string(alarms.HoldoverEnding) && strings.Contains(a.Code+a.Fix, "CLOCK_") {
					t.Fatalf("%v: %v", r.Report.Why, a)
				}
			}
			if r.Report.State == quality.Locked {
				break
			}
		}
		if r.Report.State != quality.Locked || alarmed(r, alarms.HoldoverEnding) {
			t.Fatalf("a minute later %v: %v", r.Report.State, r.Report.Why)
		}
	}
	force(t, r)
	r.Run(5 * time.Second)
	r.Board.SetAntenna(false)
	r.Run(20 * time.Second)
	release(t, r)
	r.Run(5 * time.Second)
	if !alarmed(r, alarms.ClockHoldover) || alarmed(r, alarms.HoldoverEnding) {
		t.Errorf("cut meanwhile: %v", r.Pipe.Look(r.Now).Troubles)
	}
}

// releaseLate releases a holdover that max_holdover has ended.
func releaseLate(t *testing.T, followed bool) *virtual.Rig {
	r := locked(t)
	force(t, r)
	reconfigured(r, func(c *holdover.Config) { c.MaxHoldover = 10 * time.Second })
	r.Until(time.Minute, "class 52", r.Class(52))
	if why := r.Report.Why[0]; why != holdover.ReasonMaxHoldover {
		t.Errorf("out of spec because of %v", why)
	}
	if followed {
		release(t, r)
	}
	r.Run(2 * time.Minute)
	return r
}

func releaseHoldover(t *testing.T, followed bool) *virtual.Rig {
	r := locked(t)
	force(t, r)
	r.Run(10 * time.Second)
	if followed {
		release(t, r)
	}
	r.Run(time.Minute)
	return r
}
