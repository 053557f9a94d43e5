package holdover

import (
	"encoding/json"
	"math"
	"reflect"
	"strings"
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
func TestARestartInLockLeavesTheClockAsItWas(t *testing.T) {
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
func TestARestartInHoldoverCoastsOn(t *testing.T) {
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
func TestASavedStateThatCannotBeIsRefused(t *testing.T) {
	r := newRig(t, 3, OCXO, nil)
	r.until(quality.Locked, 60)
	r.run(100)
	for name, bad := range map[string]func(*Saved){
		"version":    func(s *Saved) { s.Version++ },
		"future":     func(s *Saved) { s.AtNs += 1e9 },
		"too old":    func(s *Saved) { s.AtNs -= int64(2 * time.Hour) },
		"state":      func(s *Saved) { s.Life.State = 99 },
		"kind":       func(s *Saved) { s.Oscillator = "tcxo" },
		"NaN":        func(s *Saved) { s.Estimate.x[0] = math.NaN() },
		"infinite":   func(s *Saved) { s.Estimate.p[0][0] = math.Inf(1) },
		"negative":   func(s *Saved) { s.Estimate.p[0][0] = -1 },
		"short":      func(s *Saved) { s.Estimate = estimate{} },
		"noise":      func(s *Saved) { s.Estimate.pulses.ns = 0 },
		"frequency":  func(s *Saved) { s.Estimate.x[1] = 1e9 },
		"correction": func(s *Saved) { s.Corrections.points[s.Corrections.head].PPB = math.NaN() },
		"order": func(s *Saved) {
			s.Corrections.points[(s.Corrections.head+s.Corrections.n-1)%len(s.Corrections.points)].At = timescale.MonoFromNs(1)
		},
		"no origin": func(s *Saved) { s.Life.HasOrigin = false },
		"late edge": func(s *Saved) { s.Life.LastEdge = timescale.MonoFromNs(s.AtNs + 1) },
	} {
		if err := r.swap(bad); err == nil {
			t.Errorf("%s: resumed", name)
		}
	}
}

// What is remembered of an oscillator survives JSON, and nonsense is refused.
func TestAMemoryThatCannotBeIsRefused(t *testing.T) {
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
	for _, path := range zeros(reflect.ValueOf(m), "Memory") {
		t.Errorf("%s is zero: nobody remembers it", path)
	}
	text, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	var back Memory
	if err := json.Unmarshal(text, &back); err != nil || !reflect.DeepEqual(back, m) {
		t.Errorf("%s became %+v, %v", text, back, err)
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

// A restart takes along every field: each of a Saved that has no zero in it comes
// back through JSON and through a Clock.
func TestNoFieldOfSavedIsLost(t *testing.T) {
	degrees := 21.5
	full := Saved{Version: savedVersion, AtNs: 1e9, Oscillator: OCXO.String(), TempC: &degrees}
	n := 0.0
	next := func() float64 { n++; return n }
	fill(reflect.ValueOf(&full.Life).Elem(), next)
	fill(reflect.ValueOf(&full.Held).Elem(), next)
	fill(reflect.ValueOf(&full.Virtual).Elem(), next)
	fill(reflect.ValueOf(&full.Thermometer).Elem(), next)
	for full.Corrections.n < len(full.Corrections.points) || full.Corrections.head == 0 {
		full.Corrections.push(correction{timescale.MonoFromNs(int64(next())), next(), next(), int64(next())})
	}
	for full.Rate.changes[len(full.Rate.changes)-1].At.IsZero() {
		full.Rate.note(timescale.MonoFromNs(int64(next())), next())
	}
	e := &full.Estimate
	*e = estimate{valid: true, found: OCXO, from: next(), quick: 0.5, long: 0.25, agility: next(),
		pulses: scatter{ns: next(), commonNs: next(), common: next(), firstNs: next(), usualNs: next(), scale: 2.5, n: 100, total: 101}}
	for i := range e.pulses.near {
		e.pulses.near[i] = next()
	}
	full.Doubt = anchor{true, model{}, next(), next(), next(), model{}, next(), next(), next(), next(), 4, next(), true, next(), beside{model{}, next()}}
	for _, m := range []*model{&e.model, &full.Doubt.Model, &full.Doubt.News, &full.Doubt.Beside.Model} {
		m.t, m.w, m.level = next(), warmth{next(), next(), next(), next()}, 1.5
		for i := range m.x {
			m.x[i] = next()
			for j := range m.p[i] {
				m.p[i][j] = next()
			}
		}
	}
	ignored := map[string]bool{"head": true, "next": true, "keep1": true, "keep2": true, "keepDt": true, // how it lies in memory
		"pulses": true, "far": true, "farN": true} // comes anew within a minute
	for _, path := range zeros(reflect.ValueOf(full), "Saved") {
		if !strings.Contains(path, ".ring.") && !ignored[path[strings.LastIndexByte(path, '.')+1:]] {
			t.Errorf("%s is zero: fill it", path)
		}
	}

	text, err := json.Marshal(full)
	if err != nil {
		t.Fatal(err)
	}
	var read Saved
	if err := json.Unmarshal(text, &read); err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(read)
	if err != nil || string(again) != string(text) || !reflect.DeepEqual(read.Estimate, full.Estimate) || !reflect.DeepEqual(read.Life, full.Life) {
		t.Errorf("through JSON:\n%s\nwas\n%s\n%v", again, text, err)
	}

	c := New(Config{Oscillator: OCXO})
	at := timescale.MonoFromNs(full.AtNs)
	if err := c.Resume(at, read); err != nil {
		t.Fatal(err)
	}
	if got := c.Save(at); !reflect.DeepEqual(got, read) {
		t.Errorf("through a clock: %+v\nwas %+v", got, read)
	}
}

// fill gives every field of v that JSON sees a value of its own.
func fill(v reflect.Value, next func() float64) {
	if at, ok := v.Addr().Interface().(*timescale.Mono); ok {
		*at = timescale.MonoFromNs(int64(next()))
		return
	}
	if w, ok := v.Addr().Interface().(*warmth); ok {
		*w = warmth{next(), next(), next(), next()}
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fill(v.Field(i), next)
			}
		}
	case reflect.Array:
		for i := range v.Len() {
			fill(v.Index(i), next)
		}
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Float64:
		v.SetFloat(next())
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(next()))
	case reflect.Uint64:
		v.SetUint(uint64(next()))
	case reflect.Uint8:
		v.SetUint(uint64(quality.Locked))
	}
}

// zeros are the paths of what is zero in v.
func zeros(v reflect.Value, path string) (list []string) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			list = append(list, zeros(v.Field(i), path+"."+v.Type().Field(i).Name)...)
		}
	case reflect.Array:
		for i := range v.Len() {
			list = append(list, zeros(v.Index(i), path)...)
		}
	default:
		if v.IsZero() {
			list = append(list, path)
		}
	}
	return list
}
