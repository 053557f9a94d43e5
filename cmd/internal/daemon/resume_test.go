package daemon

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"bragi/board/sim"
	"bragi/holdover/quality"
)

// restart lets the pipeline go through a file into a new one, while the board
// runs on alone.
func (r *rig) restart(away time.Duration) error {
	r.t.Helper()
	text, err := json.Marshal(r.pipe.Save(r.now))
	if err != nil {
		r.t.Fatal(err)
	}
	var s PipelineState
	if err := json.Unmarshal(text, &s); err != nil {
		r.t.Fatal(err)
	}
	r.now = r.now.Add(away)
	r.board.Advance(r.now, r.sky(r.now)) // what the receiver says meanwhile is lost
	cfg := r.pipe.cfg
	cfg.EgressNs = softwareEgressNs
	r.pipe = NewPipeline(cfg, simClock{r})
	r.tick = r.now
	return r.pipe.Resume(r.now, s)
}

// Restarts of up to two seconds at any moment of the second, one after the other:
// the class stays 6, the clock is not stepped, and its true error stays where it
// was.
func TestRestartsInLockAreNotNoticed(t *testing.T) {
	const nearNs = 1000
	for _, kind := range []sim.Kind{sim.TCXO, sim.OCXO} {
		r := newRig(t, demo(), sim.Config{Oscillator: kind, Seed: 5, TimeToFix: 3 * time.Second, StartOffset: -10 * time.Second})
		r.until(40*time.Second, "class 6", r.class(6))
		r.run(20 * time.Second)
		r.pipe.MeasuredEgress(300)
		steps, walked, egress := r.steps, len(r.walk), r.pipe.cfg.EgressNs
		for i := range 60 {
			before := r.trueErrorNs()
			r.run(time.Duration(3000+i*137) * time.Millisecond)
			if err := r.restart(time.Duration(i%9) * 200 * time.Millisecond); err != nil {
				t.Fatal(err)
			}
			if d := math.Abs(r.trueErrorNs() - before); d > nearNs {
				t.Fatalf("%v: restart %d moved the time by %.0f ns", kind, i, d)
			}
		}
		r.run(10 * time.Second)
		if r.steps != steps || len(r.walk) != walked || r.pipe.cfg.EgressNs != egress {
			t.Errorf("%v: over 60 restarts %d steps, classes %v, egress bound %.0f ns, %.0f before", kind, r.steps-steps, r.walk[walked-1:], r.pipe.cfg.EgressNs, egress)
		}
		if report := r.pipe.servo.Report(r.now); report.State != quality.Locked || report.Accepted < 200 {
			t.Errorf("%v: in the end %v with %d pulses", kind, report.State, report.Accepted)
		}
	}
}

// A restart of ten seconds is a holdover of ten seconds.
func TestALongRestartIsHoldover(t *testing.T) {
	r := newRig(t, demo(), sim.Config{Oscillator: sim.OCXO, Seed: 5, TimeToFix: 3 * time.Second, StartOffset: -10 * time.Second})
	r.until(40*time.Second, "class 6", r.class(6))
	r.run(30 * time.Second)
	steps := r.steps
	if err := r.restart(10 * time.Second); err != nil {
		t.Fatal(err)
	}
	r.until(time.Second, "class 7", r.class(7))
	r.until(30*time.Second, "class 6 again", r.class(6))
	if r.steps != steps {
		t.Errorf("%d steps", r.steps-steps)
	}
}

// A restart in holdover keeps the class, and neither forgets nor extends the cap.
func TestARestartInHoldoverKeepsItsClass(t *testing.T) {
	r := newRig(t, demo(), sim.Config{Oscillator: sim.OCXO, Seed: 5, TimeToFix: 3 * time.Second, StartOffset: -10 * time.Second})
	r.until(40*time.Second, "class 6", r.class(6))
	r.run(30 * time.Second)
	r.board.SetAntenna(false)
	r.until(10*time.Second, "class 7", r.class(7))
	held := r.now
	r.run(20 * time.Second)
	if err := r.restart(time.Second); err != nil {
		t.Fatal(err)
	}
	r.run(time.Second)
	if !r.class(7)() {
		t.Errorf("class %d after a restart in holdover", r.said.ClockClass)
	}
	r.until(time.Minute, "class 52", r.class(52))
	if d := r.now.Sub(held); d < 55*time.Second || d > 62*time.Second {
		t.Errorf("class 52 came %v after the loss, want max_holdover, a minute", d)
	}
	if err := r.restart(time.Second); err != nil {
		t.Fatal(err)
	}
	r.run(5 * time.Second)
	if !r.class(52)() {
		t.Errorf("class %d after a restart out of spec", r.said.ClockClass)
	}
}

func TestRefusedPipelines(t *testing.T) {
	r := newRig(t, demo(), sim.Config{Oscillator: sim.OCXO, Seed: 5, TimeToFix: 3 * time.Second, StartOffset: -10 * time.Second})
	r.until(40*time.Second, "class 6", r.class(6))
	for name, c := range map[string]struct {
		spoil func(*PipelineState)
		want  string
	}{
		"nothing":             {func(s *PipelineState) { *s = PipelineState{} }, "steered"},
		"no egress":           {func(s *PipelineState) { s.EgressNs = 0 }, "egress"},
		"another oscillator":  {func(s *PipelineState) { s.Servo.Oscillator = "xo" }, "xo"},
		"a later version":     {func(s *PipelineState) { s.Servo.Version++ }, "version"},
		"saved in the future": {func(s *PipelineState) { s.Servo.AtNs += 1e12 }, "age"},
	} {
		s := r.pipe.Save(r.now)
		c.spoil(&s)
		p := NewPipeline(demo(), simClock{r})
		if err := p.Resume(r.now, s); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want something of %q", name, err, c.want)
		}
		if report := p.servo.Report(r.now); report.EverLocked {
			t.Errorf("%s: it is locked all the same", name)
		}
	}
}
