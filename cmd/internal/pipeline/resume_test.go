package pipeline_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"bragi/board/sim"
	"bragi/cmd/internal/pipeline"
	"bragi/cmd/internal/virtual"
	"bragi/holdover/quality"
	"bragi/scripts/reflecttest"
)

// Restarts of up to two seconds at any moment of the second, one after the other:
// the class stays 6, the clock is not stepped, and its true error stays where it
// was.
func TestRestartsInLockAreNotNoticed(t *testing.T) {
	const nearNs = 1000
	for _, kind := range []sim.Kind{sim.TCXO, sim.OCXO} {
		r := virtual.NewRig(t, virtual.Demo(), sim.Config{Oscillator: kind, Seed: 5, TimeToFix: 3 * time.Second, StartOffset: -10 * time.Second})
		r.Until(40*time.Second, "class 6", r.Class(6))
		r.Run(20 * time.Second)
		r.Pipe.MeasuredEgress(300)
		steps, walked, egress := r.Steps, len(r.Walk), r.Pipe.Look(r.Now).EgressNs
		for i := range 60 {
			before := r.TrueErrorNs()
			r.Run(time.Duration(3000+i*137) * time.Millisecond)
			if err := r.Restart(time.Duration(i%9) * 200 * time.Millisecond); err != nil {
				t.Fatal(err)
			}
			if d := math.Abs(r.TrueErrorNs() - before); d > nearNs {
				t.Fatalf("%v: restart %d moved the time by %.0f ns", kind, i, d)
			}
		}
		r.Run(10 * time.Second)
		if r.Steps != steps || len(r.Walk) != walked || r.Pipe.Look(r.Now).EgressNs != egress {
			t.Errorf("%v: over 60 restarts %d steps, classes %v, egress bound %.0f ns, %.0f before", kind, r.Steps-steps, r.Walk[walked-1:], r.Pipe.Look(r.Now).EgressNs, egress)
		}
		if report := r.Pipe.Look(r.Now).Report; report.State != quality.Locked || report.Accepted < 200 {
			t.Errorf("%v: in the end %v with %d pulses", kind, report.State, report.Accepted)
		}
	}
}

// A restart of ten seconds is a holdover of ten seconds.
func TestALongRestartIsHoldover(t *testing.T) {
	r := virtual.NewRig(t, virtual.Demo(), sim.Config{Oscillator: sim.OCXO, Seed: 5, TimeToFix: 3 * time.Second, StartOffset: -10 * time.Second})
	r.Until(40*time.Second, "class 6", r.Class(6))
	r.Run(30 * time.Second)
	steps := r.Steps
	if err := r.Restart(10 * time.Second); err != nil {
		t.Fatal(err)
	}
	r.Until(time.Second, "class 7", r.Class(7))
	r.Until(30*time.Second, "class 6 again", r.Class(6))
	if r.Steps != steps {
		t.Errorf("%d steps", r.Steps-steps)
	}
}

// A restart in holdover keeps the class, and neither forgets nor extends the cap.
func TestARestartInHoldoverKeepsItsClass(t *testing.T) {
	r := virtual.NewRig(t, virtual.Demo(), sim.Config{Oscillator: sim.OCXO, Seed: 5, TimeToFix: 3 * time.Second, StartOffset: -10 * time.Second})
	r.Until(40*time.Second, "class 6", r.Class(6))
	r.Run(30 * time.Second)
	r.Board.SetAntenna(false)
	r.Until(10*time.Second, "class 7", r.Class(7))
	held := r.Now
	r.Run(20 * time.Second)
	if err := r.Restart(time.Second); err != nil {
		t.Fatal(err)
	}
	r.Run(time.Second)
	if !r.Class(7)() {
		t.Errorf("class %d after a restart in holdover", r.Said.ClockClass)
	}
	r.Until(time.Minute, "class 52", r.Class(52))
	if d := r.Now.Sub(held); d < 55*time.Second || d > 62*time.Second {
		t.Errorf("class 52 came %v after the loss, want max_holdover, a minute", d)
	}
	if err := r.Restart(time.Second); err != nil {
		t.Fatal(err)
	}
	r.Run(5 * time.Second)
	if !r.Class(52)() {
		t.Errorf("class %d after a restart out of spec", r.Said.ClockClass)
	}
}

func TestRefusedPipelines(t *testing.T) {
	r := virtual.NewRig(t, virtual.Demo(), sim.Config{Oscillator: sim.OCXO, Seed: 5, TimeToFix: 3 * time.Second, StartOffset: -10 * time.Second})
	r.Until(40*time.Second, "class 6", r.Class(6))
	for name, c := range map[string]struct {
		spoil func(*pipeline.State)
		want  string
	}{
		"nothing":             {func(s *pipeline.State) { *s = pipeline.State{} }, "steered"},
		"no egress":           {func(s *pipeline.State) { s.EgressNs = 0 }, "egress"},
		"another oscillator":  {func(s *pipeline.State) { s.Servo.Oscillator = "xo" }, "xo"},
		"a later version":     {func(s *pipeline.State) { s.Servo.Version++ }, "version"},
		"saved in the future": {func(s *pipeline.State) { s.Servo.AtNs += 1e12 }, "age"},
	} {
		s, _ := r.Pipe.Save(r.Now)
		c.spoil(&s)
		p := pipeline.New(virtual.Demo(), virtual.Clock{Rig: r})
		if err := p.Resume(r.Now, s); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want something of %q", name, err, c.want)
		}
		if report := p.Look(r.Now).Report; report.EverLocked {
			t.Errorf("%s: it is locked all the same", name)
		}
	}
}

// What a Pipeline leaves goes through a file into the next one and out of it again,
// with every field. Inside of Servo and Reference this is for the tests of their
// packages, which can fill them; these, and the list of references, come back as the
// same file.
func TestNoFieldOfAStateIsLost(t *testing.T) {
	r := newPair(t, twoReceivers(), sim.OCXO, 5)
	r.yard.Lie(sim.Lie{LateNs: 300})
	r.Until(2*time.Minute, "class 6", r.Class(6))
	r.Run(6 * time.Minute) // it knows better than one that comes
	if err := r.Pipe.Switch(r.Now, "yard", true); err != nil {
		t.Fatal(err)
	}
	s, _ := r.Pipe.Save(r.Now)
	s.References.JoinedNs, s.References.JoinedAt, s.References.LedAt, s.References.Accepted, s.References.AcceptedAt = 1000, r.Now, r.Now, "yard", r.Now
	r.Pipe = pipeline.New(twoReceivers(), r.Clock)
	if err := r.Pipe.Resume(r.Now, s); err != nil {
		t.Fatal(err)
	}
	r.Run(5 * time.Second)
	r.Pipe.MeasuredEgress(317)
	r.Pipe.DoubtPlaceOf(1, 5)
	if err := r.Pipe.ForceHoldover(r.Now); err != nil {
		t.Fatal(err)
	}
	r.Run(time.Second)
	left, _ := r.Pipe.Save(r.Now)
	if err := r.Restart(0); err != nil {
		t.Fatal(err)
	}
	again, _ := r.Pipe.Save(r.Now)
	for _, path := range append(reflecttest.Unset(left, "State"), reflecttest.Differing(left, again, "State")...) {
		if !strings.HasPrefix(path, "State.Servo.") && !strings.HasPrefix(path, "State.Reference.") &&
			!strings.HasPrefix(path, "State.References.List") &&
			path != "State.References.Dispute" { // they agree: TestARestartDecidesNoDispute
			t.Errorf("%s is zero, or did not come back", path)
		}
	}
	before, err := json.Marshal(left)
	if err != nil {
		t.Fatal(err)
	}
	after, err := json.Marshal(again)
	if err != nil || string(before) != string(after) {
		t.Errorf("%s became\n%s: %v", before, after, err)
	}
}
