package pipeline_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"bragi/board/sim"
	"bragi/cmd/internal/pipeline"
	"bragi/cmd/internal/virtual"
	"bragi/holdover"
)

// lockedFor is a board of software that has been at class 6 for d.
func lockedFor(t *testing.T, seed uint64, d time.Duration) *virtual.Rig {
	t.Helper()
	r := virtual.NewRig(t, virtual.Demo(), sim.Config{Oscillator: sim.OCXO, Receiver: sim.Timing, Seed: seed, TimeToFix: 3 * time.Second})
	r.Until(2*time.Minute, "class 6", r.Class(6))
	r.Run(d)
	return r
}

// ended lets the drill run to its end.
func ended(t *testing.T, r *virtual.Rig, limit time.Duration) (e *pipeline.EndedDrill) {
	t.Helper()
	r.Until(limit, "the drill is over", func() bool {
		e = r.Pipe.TakeEndedDrill()
		return e != nil
	})
	if r.Pipe.Look(r.Now).Drill != nil || r.Pipe.TakeEndedDrill() != nil {
		t.Error("it is over, and is not")
	}
	return e
}

// A drill says what the same board does when its antenna is really cut at the same
// moment, by the truth that only the board knows. Meanwhile what is announced, and the
// served clock itself, are to the last bit as without a drill.
func TestADrillTellsTheErrorOfARealCut(t *testing.T) {
	for seed := range uint64(2) {
		const learned, lasts = 2 * time.Hour, time.Hour
		alone, cut, r := lockedFor(t, seed, learned), lockedFor(t, seed, learned), lockedFor(t, seed, learned)
		alone.Run(lasts)
		cut.Mute = true
		cut.Run(lasts)
		if err := r.Pipe.StartDrill(r.Now, lasts); err != nil {
			t.Fatal(err)
		}
		r.Watch = func() {
			if d := r.Pipe.Look(r.Now).Drill; r.Said.ClockClass != 6 || d != nil && d.For != lasts {
				t.Fatalf("class %d in a drill, %+v", r.Said.ClockClass, d)
			}
		}
		e := ended(t, r, lasts+5*time.Second)
		if e.Ending != pipeline.DrillComplete || e.Result.Ran < lasts || e.Result.Ran > lasts+5*time.Second || e.Result.Score.JudgedS < e.Result.Begin.NeedS() {
			t.Errorf("%s after %v", e.Ending, e.Result.Ran)
		}
		alone.Run(e.Result.Ran - lasts) // the last pulse was waited for
		if r.TrueErrorNs() != alone.TrueErrorNs() || r.Said != alone.Said || r.Report.FrequencyPPB != alone.Report.FrequencyPPB {
			t.Errorf("seed %d: the served clock is at %.3f ns, without a drill at %.3f ns", seed, r.TrueErrorNs(), alone.TrueErrorNs())
		}
		s := e.Result.Score
		// The pulse of this receiver is off by some ns, slowly; the drill cannot see that.
		if d := math.Abs(s.FinalNs - cut.TrueErrorNs()); d > 30 {
			t.Errorf("seed %d: the drill ends at %.0f ns, a real cut at %.0f ns", seed, s.FinalNs, cut.TrueErrorNs())
		}
		if d := math.Abs(e.Result.BoundNs - cut.Report.BoundNs); d > 0.02*cut.Report.BoundNs {
			t.Errorf("seed %d: bound %.0f ns, of a real cut %.0f ns", seed, e.Result.BoundNs, cut.Report.BoundNs)
		}
		if !s.Good() || s.JudgedS < lasts.Seconds()-20 {
			t.Errorf("seed %d: %+v", seed, s)
		}
		t.Logf("seed %d: drill %+.1f ns, real cut %+.1f ns, bound %.0f ns, foretold sigma %.0f ns", seed, s.FinalNs, cut.TrueErrorNs(), e.Result.BoundNs, s.ForetoldNs)
	}
}

// What ends a drill before its time is told, and what was judged by then stays.
func TestWhatEndsADrill(t *testing.T) {
	for name, c := range map[string]struct {
		end    func(r *virtual.Rig)
		ending pipeline.DrillEnding
		within time.Duration
	}{
		"the antenna is cut": {func(r *virtual.Rig) { r.Board.SetAntenna(false) }, pipeline.DrillLost, 30 * time.Second},
		"the pulse stops":    {func(r *virtual.Rig) { r.Mute = true }, pipeline.DrillLost, 30 * time.Second},
		"the operator":       {func(r *virtual.Rig) { r.Pipe.EndDrill(r.Now, pipeline.DrillCancelled, "") }, pipeline.DrillCancelled, time.Second},
		"nothing":            {func(*virtual.Rig) {}, pipeline.DrillComplete, 6 * time.Minute},
	} {
		r := lockedFor(t, 1, 10*time.Minute)
		if err := r.Pipe.StartDrill(r.Now, 10*time.Minute); err != nil {
			t.Fatal(err)
		}
		if err := r.Pipe.StartDrill(r.Now, time.Minute); err == nil || !strings.Contains(err.Error(), "drill cancel") {
			t.Errorf("a second drill: %v", err)
		}
		r.Run(5 * time.Minute)
		c.end(r)
		e := ended(t, r, c.within)
		if e.Ending != c.ending || (e.Why != "") != (c.ending == pipeline.DrillLost) {
			t.Errorf("%s: %s, %q", name, e.Ending, e.Why)
		}
		s, least := e.Result.Score, 4*time.Minute.Seconds()-5
		if s.JudgedS < least || c.ending == pipeline.DrillLost && s.JudgedS > 4.5*60 || !s.BoundHeld {
			t.Errorf("%s: %+v", name, s)
		}
	}
}

// A drill lives through a reload as it began: by the spec of its begin.
func TestAReloadLeavesADrillAsItBegan(t *testing.T) {
	r := lockedFor(t, 1, 10*time.Minute)
	if err := r.Pipe.StartDrill(r.Now, time.Minute); err != nil {
		t.Fatal(err)
	}
	servo := virtual.Demo().Servo
	servo.Spec = 200 * time.Nanosecond
	r.Pipe.Reconfigure(servo, virtual.Demo().Profile, virtual.Demo().Squelch)
	if e := ended(t, r, 2*time.Minute); e.Result.Begin.Spec != virtual.Demo().Servo.Spec || e.Ending != pipeline.DrillComplete {
		t.Errorf("%+v", e.Result.Begin)
	}
}

// A clock without pulses, and a time that is none, are refused with what to do.
func TestADrillThatCannotBeIsRefused(t *testing.T) {
	r := lockedFor(t, 1, time.Minute)
	for _, d := range []time.Duration{-time.Hour, 0, time.Second, 8 * 24 * time.Hour} {
		if err := r.Pipe.StartDrill(r.Now, d); err == nil || !strings.Contains(err.Error(), "(fix: 10s to ") {
			t.Errorf("%v: %v", d, err)
		}
	}
	r.Board.SetAntenna(false)
	r.Until(10*time.Second, "class 7", r.Class(7))
	if err := r.Pipe.StartDrill(r.Now, time.Hour); err == nil || !strings.Contains(err.Error(), "(fix: bragi show clock)") {
		t.Errorf("in holdover: %v", err)
	}
	if r.Pipe.EndDrill(r.Now, pipeline.DrillCancelled, "") {
		t.Error("a drill that is not there was ended")
	}
}

// An oscillator that was told to be a rubidium and is a tcxo with no thermometer: the
// drill says that its holdover is not what was promised. Told as what it is, it passes.
func TestADrillShowsAnOscillatorThatIsNotWhatWasTold(t *testing.T) {
	for told, good := range map[holdover.Oscillator]bool{holdover.Rubidium: false, holdover.TCXO: true} {
		cfg := virtual.Demo()
		cfg.Servo.Oscillator, cfg.Temperature = told, nil
		r := virtual.NewRig(t, cfg, sim.Config{Oscillator: sim.TCXO, Receiver: sim.Timing, Seed: 0, TimeToFix: 3 * time.Second})
		r.Until(2*time.Minute, "class 6", r.Class(6))
		r.Run(3 * time.Minute)
		if err := r.Pipe.StartDrill(r.Now, 20*time.Minute); err != nil {
			t.Fatal(err)
		}
		if s := ended(t, r, 21*time.Minute).Result.Score; s.Good() != good {
			t.Errorf("told %v: %+v", told, s)
		}
	}
}
