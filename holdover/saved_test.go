package holdover

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"bragi/gnss/timescale"
	"bragi/holdover/quality"
)

// swap lets the clock go through JSON into a new one, as a restart does.
func (r *rig) swap(fix func(*Saved)) error {
	r.t.Helper()
	at := mono(float64(r.second) + 0.99)
	text, err := json.Marshal(r.clock.Save(at))
	if err != nil {
		r.t.Fatal(err)
	}
	var s Saved
	if err := json.Unmarshal(text, &s); err != nil {
		r.t.Fatal(err)
	}
	if fix != nil {
		fix(&s)
	}
	c := New(r.clock.cfg)
	if err := c.Resume(at, s); err != nil {
		return err
	}
	r.clock = c
	return nil
}

// A restart in lock leaves state, error and frequency as they were, and the
// next holdover is as good.
func TestResumeInLock(t *testing.T) {
	r := newRig(t, 3, OCXO, nil)
	r.until(quality.Locked, 60)
	r.run(2000)
	before := r.report
	walked := len(r.states)
	if err := r.swap(nil); err != nil {
		t.Fatal(err)
	}
	after := r.clock.Report(mono(float64(r.second) + 0.99))
	if after.State != quality.Locked || math.Abs(after.ErrorNs-before.ErrorNs) > 1e-6 || after.FrequencyPPB != before.FrequencyPPB ||
		after.LockedFor < before.LockedFor || after.Accepted != before.Accepted || math.Abs(after.BoundNs-before.BoundNs) > 1 {
		t.Errorf("before %+v\nafter %+v", before, after)
	}
	r.run(600)
	if len(r.states) != walked || r.max > 60 {
		t.Errorf("states %v, max %.0f ns", r.states, r.max)
	}
	r.invariants(1)
}

// A restart in holdover coasts on: class 7 stays, and the pulse is believed when
// it returns.
func TestResumeInHoldover(t *testing.T) {
	r := newRig(t, 3, OCXO, nil)
	r.until(quality.Locked, 60)
	r.run(2000)
	r.pps.cut, r.hasTime = true, false
	r.run(300)
	before := r.report
	if err := r.swap(nil); err != nil {
		t.Fatal(err)
	}
	after := r.clock.Report(mono(float64(r.second) + 0.99))
	if after.State != quality.HoldoverSpec || math.Abs(after.ErrorNs-before.ErrorNs) > 1e-6 || math.Abs(after.BoundNs-before.BoundNs) > 1 ||
		after.HoldoverFor != before.HoldoverFor {
		t.Errorf("before %+v\nafter %+v", before, after)
	}
	r.run(300)
	r.pps.cut, r.hasTime = false, true
	r.until(quality.Locked, 60)
	r.invariants(1)
}

// What cannot be is refused, and the clock starts anew.
func TestResumeRefuses(t *testing.T) {
	r := newRig(t, 3, OCXO, nil)
	r.until(quality.Locked, 60)
	r.run(100)
	for name, bad := range map[string]func(*Saved){
		"version":    func(s *Saved) { s.Version++ },
		"future":     func(s *Saved) { s.AtNs += 1e9 },
		"too old":    func(s *Saved) { s.AtNs -= int64(2 * time.Hour) },
		"state":      func(s *Saved) { s.State = 99 },
		"kind":       func(s *Saved) { s.Oscillator = "tcxo" },
		"NaN":        func(s *Saved) { s.Estimator.X[0] = math.NaN() },
		"infinite":   func(s *Saved) { s.Estimator.P[0] = math.Inf(1) },
		"negative":   func(s *Saved) { s.Estimator.P[0] = -1 },
		"short":      func(s *Saved) { s.Estimator.X = nil },
		"noise":      func(s *Saved) { s.Estimator.NoiseNs = 0 },
		"frequency":  func(s *Saved) { s.Estimator.X[1] = 1e9 },
		"correction": func(s *Saved) { s.Corrections[0].PPB = math.NaN() },
		"order":      func(s *Saved) { s.Corrections[len(s.Corrections)-1].AtNs = 1 },
		"no origin":  func(s *Saved) { s.HasOrigin = false },
		"late edge":  func(s *Saved) { s.LastEdgeNs = s.AtNs + 1 },
	} {
		if err := r.swap(bad); err == nil {
			t.Errorf("%s: resumed", name)
		}
	}
}

// What is remembered of an oscillator survives JSON, and nonsense is refused.
func TestMemoryChecks(t *testing.T) {
	r := newRig(t, 3, OCXO, nil)
	date := timescale.TAIFromNs(1_800_000_000e9)
	if _, ok := r.clock.Memory(date); ok {
		t.Error("a clock that knows nothing remembers something")
	}
	r.until(quality.Locked, 60)
	r.run(2000)
	m, ok := r.clock.Memory(date)
	if !ok || m.Check() != nil || m.TAISeconds != 1_800_000_000 || math.Abs(m.FrequencyPPB-r.report.OscillatorPPB) > 0.1 {
		t.Fatalf("%+v, %v", m, m.Check())
	}
	text, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string]func(*Memory){
		"version":   func(m *Memory) { m.Version = 2 },
		"kind":      func(m *Memory) { m.Oscillator = "quartz" },
		"NaN":       func(m *Memory) { m.FrequencyPPB = math.NaN() },
		"frequency": func(m *Memory) { m.FrequencyPPB = 1e7 },
		"sigma":     func(m *Memory) { m.FrequencySigmaPPB = -1 },
		"heat":      func(m *Memory) { hot := 1000.0; m.TempC = &hot },
		"ratio":     func(m *Memory) { m.Sigma = append(m.Sigma, HorizonSigma{Ratio: math.Inf(1)}) },
		"lag":       func(m *Memory) { m.Tempco = append(m.Tempco, Coefficient{LagS: -60}) },
	} {
		var got Memory
		if err := json.Unmarshal(text, &got); err != nil || got.Check() != nil {
			t.Fatal(err)
		}
		if bad(&got); got.Check() == nil {
			t.Errorf("%s: believed", name)
		}
	}
}
