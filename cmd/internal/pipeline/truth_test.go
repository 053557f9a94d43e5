package pipeline_test

import (
	"slices"
	"testing"
	"time"

	"bragi/board/sim"
	"bragi/cmd/internal/alarms"
	"bragi/cmd/internal/virtual"
	"bragi/holdover/quality"
)

// In 26 minutes of the demo with every outage that a knob makes, nothing that is
// announced contradicts the facts: the rig ends the test if it would.
func TestNothingThatIsAnnouncedContradictsTheFacts(t *testing.T) {
	r := virtual.NewRig(t, virtual.Demo(), sim.Config{Oscillator: sim.OCXO, Receiver: sim.M8T, Seed: 3, TimeToFix: 3 * time.Second})
	r.Run(2 * time.Minute)
	for _, out := range []time.Duration{5 * time.Second, 30 * time.Second, 3 * time.Minute} {
		r.Board.SetAntenna(false)
		r.Run(out)
		r.Board.SetAntenna(true)
		r.Run(5 * time.Minute)
	}
	for _, class := range []uint8{6, 7, 52} {
		if !slices.Contains(r.Walk, class) {
			t.Errorf("the walk %v never came to class %d", r.Walk, class)
		}
	}
}

// A lie is never served: out of spec is said in its place, and the alarm comes.
func TestALieIsNotServedAndIsAnAlarm(t *testing.T) {
	r := virtual.NewRig(t, virtual.Demo(), sim.Config{Oscillator: sim.OCXO, Seed: 3, TimeToFix: 3 * time.Second})
	r.Run(time.Minute)
	if r.Said.ClockClass != 6 {
		t.Fatalf("class %d", r.Said.ClockClass)
	}
	// Ask for the announcement of a moment without any Tick between: the state stays
	// LOCKED, but no pulse has come for two minutes.
	later := r.Now.Add(2 * time.Minute)
	_, said := r.Pipe.Clock(later)
	if said.ClockClass != 52 || said.TimeTraceable || !slices.Contains(r.Pipe.Lies(), quality.LockedWithoutPulses) {
		t.Errorf("announced %+v, found %q", said, r.Pipe.Lies())
	}
	look := r.Pipe.Look(later)
	if !slices.ContainsFunc(look.Troubles, func(raised alarms.Raised) bool { return raised.Code == alarms.AnnounceLies }) {
		t.Errorf("no alarm in %+v", look.Troubles)
	}
}
