package holdover

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"time"

	"bragi/gnss/timescale"
	"bragi/holdover/quality"
)

// Saved is a Clock between two processes of one boot: what Resume needs to go
// on as if nothing had happened. Instants are nanoseconds of
// CLOCK_MONOTONIC_RAW, 0 for none.
//
// Its parts are the very structs that the clock works with, so that a field added
// to one of them is saved too. Where the fields have no names of their own in
// JSON, composite literals without names stand for them in both directions: a
// field that is left out does not compile.
type Saved struct {
	Version    int    `json:"version"`
	AtNs       int64  `json:"at_ns"`
	Oscillator string `json:"oscillator"`

	Life        life                   `json:"life"`
	Corrections corrections            `json:"corrections"`
	Rate        rateLimit              `json:"rate"`
	Estimate    estimate               `json:"estimate"`
	Held        held                   `json:"held"`
	Doubt       anchor                 `json:"doubt"`
	Thermometer thermometer            `json:"thermometer"`
	Virtual     [len(horizons)]horizon `json:"virtual"`
	TempC       *float64               `json:"temp_c"` // nil: not known
}

const (
	savedVersion = 4         // of the parts' layout and meaning
	savedOldest  = time.Hour // of a process that was away longer nothing is believed
)

// Save is the clock as it stands at now.
func (c *Clock) Save(now timescale.Mono) Saved {
	var tempC *float64
	if finite(c.tempC) {
		t := c.tempC
		tempC = &t
	}
	return Saved{
		savedVersion, now.Ns(), c.cfg.Oscillator.String(),
		c.life, c.corr, c.rate, c.est.estimate, c.held, c.doubt.anchor, c.thermo, c.virtual.table, tempC,
	}
}

// Resume makes a new clock go on where s left off. After an error the clock is
// as New made it. The frequency correction and the reading of the hardware are
// taken to be as they were left; that nobody touched them is the caller's to
// check.
func (c *Clock) Resume(now timescale.Mono, s Saved) error {
	if err := s.check(now); err != nil {
		return err
	}
	if s.Oscillator != c.cfg.Oscillator.String() {
		return fmt.Errorf("holdover: the saved state is of another oscillator, %s, and this one is %s: starting anew", s.Oscillator, c.cfg.Oscillator)
	}
	c.now = now
	c.life, c.corr, c.rate, c.est.estimate, c.held, c.doubt.anchor, c.thermo, c.virtual.table =
		s.Life, s.Corrections, s.Rate, s.Estimate, s.Held, s.Doubt, s.Thermometer, s.Virtual
	c.est.setLevel(c.est.level)
	c.est.proven = c.proven()
	c.est.blind = !c.feels(now)
	if s.TempC != nil {
		c.tempC = *s.TempC
	}
	return nil
}

// CorrectionPPB is the frequency correction that the hardware was left with; ok
// is false when it was never told.
func (s *Saved) CorrectionPPB() (ppb float64, ok bool) {
	return s.Corrections.ppb(), s.Corrections.n > 0
}

// check tells whether a saved state can be believed at now.
func (s *Saved) check(now timescale.Mono) error {
	refuse := func(what string, v any) error {
		return fmt.Errorf("holdover: the saved state has %s %v: starting anew", what, v)
	}
	at := timescale.MonoFromNs(s.AtNs)
	age, l := now.Sub(at), &s.Life
	switch {
	case s.Version != savedVersion:
		return refuse("version", s.Version)
	case s.AtNs <= 0 || age < 0 || age > savedOldest:
		return refuse("an age of", age)
	case int(l.State) >= len(quality.States):
		return refuse("state", uint8(l.State))
	case l.LockedFor < 0 || l.Steps < 0:
		return refuse("a lock of", l.LockedFor)
	case l.EverLocked && !s.Estimate.valid, s.Estimate.valid && !l.HasOrigin:
		return refuse("a lock without", "an estimate")
	case !l.EverLocked && (l.State == quality.Locked || s.Held.Active):
		return refuse("a holdover without", "a lock")
	case !s.Estimate.possible():
		return refuse("an estimate of", s.Estimate.x)
	case !everyFinite(reflect.ValueOf(*s)):
		return refuse("a number that is", "none")
	}
	past := func(t timescale.Mono) bool { return t.Ns() >= 0 && !at.Before(t) }
	for _, t := range []timescale.Mono{l.Start, l.Since, l.Origin, l.HoldoverFrom, l.LastEdge, l.LastAccepted, l.SettledFrom, l.NarrowFrom, l.LockedAt, l.FirstPulse, l.RestlessAt, l.SteppedServed,
		l.SaidBound.High, l.SaidSigma.High, s.Thermometer.At, s.Thermometer.ReadAt, s.Thermometer.Moved, s.Thermometer.Jumped, s.Thermometer.Biased,
		s.Thermometer.First, s.Thermometer.Episode, s.Thermometer.Earlier} {
		if !past(t) {
			return refuse("the instant", t.Ns())
		}
	}
	var last timescale.Mono
	for _, p := range s.Corrections.list() {
		if p.At.Before(last) || !past(p.At) || math.Abs(p.PPB) > frequencyLimit*10 {
			return refuse("the correction", p)
		}
		last = p.At
	}
	for _, ch := range s.Rate.list() {
		if !past(ch.At) {
			return refuse("the change", ch)
		}
	}
	for _, h := range s.Virtual {
		if h.Weight < 0 || h.Ratios < 0 || h.Errors < 0 {
			return refuse("the horizon", h)
		}
	}
	return nil
}

// possible is false of an estimate that no oscillator can have.
func (e *estimate) possible() bool {
	for i := range e.p {
		if !(e.p[i][i] >= 0) {
			return false
		}
	}
	p := &e.pulses
	return p.n >= 0 && p.ns > 0 && p.firstNs > 0 && (p.total == 0 || p.usualNs > 0) && p.scale >= 1 && p.scale <= pulseScaleMost &&
		e.found <= Rubidium && e.level >= 0 && e.level <= levelMost && e.agility >= 0 && math.Abs(e.x[sFreq]) <= frequencyLimit
}

// everyFinite tells that no float in v is NaN or infinite.
func everyFinite(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Float64:
		return finite(v.Float())
	case reflect.Pointer:
		return v.IsNil() || everyFinite(v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			if !everyFinite(v.Field(i)) {
				return false
			}
		}
	case reflect.Array:
		for i := range v.Len() {
			if !everyFinite(v.Index(i)) {
				return false
			}
		}
	}
	return true
}

var errSavedLength = errors.New("holdover: a list of the saved state has another length than this program's")

// estimateForm is an estimate in JSON.
type estimateForm struct {
	Model   model      `json:"model"`
	Valid   bool       `json:"valid"`
	Found   Oscillator `json:"found"`
	Level   float64    `json:"level"`
	FromS   float64    `json:"from_s"`
	Pulses  scatter    `json:"pulses"`
	Quick   float64    `json:"quick"`
	Long    float64    `json:"long"`
	Agility float64    `json:"agility"`
}

func (e estimate) MarshalJSON() ([]byte, error) {
	return json.Marshal(estimateForm{e.model, e.valid, e.found, e.level, e.from, e.pulses, e.quick, e.long, e.agility})
}

func (e *estimate) UnmarshalJSON(b []byte) error {
	var f estimateForm
	if err := json.Unmarshal(b, &f); err != nil {
		return err
	}
	f.Model.level = f.Level
	*e = estimate{f.Model, f.Valid, f.Found, f.FromS, f.Pulses, f.Quick, f.Long, f.Agility}
	return nil
}

// scatterForm is a scatter in JSON; the pulses themselves come anew within seconds.
type scatterForm struct {
	Ns       float64   `json:"ns"`
	CommonNs float64   `json:"common_ns"`
	Common   float64   `json:"common_ns2"`
	FirstNs  float64   `json:"first_ns"`
	UsualNs  float64   `json:"usual_ns"`
	Scale    float64   `json:"scale"`
	Near     []float64 `json:"near"`
	N        int       `json:"n"`
	Total    int       `json:"total"`
}

func (s scatter) MarshalJSON() ([]byte, error) {
	return json.Marshal(scatterForm{s.ns, s.commonNs, s.common, s.firstNs, s.usualNs, s.scale, s.near[:min(s.n, len(s.near))], s.n, s.total})
}

func (s *scatter) UnmarshalJSON(b []byte) error {
	var f scatterForm
	if err := json.Unmarshal(b, &f); err != nil {
		return err
	}
	if f.N < 0 || len(f.Near) != min(f.N, len(s.near)) {
		return errSavedLength
	}
	*s = scatter{f.Ns, f.CommonNs, f.Common, f.FirstNs, f.UsualNs, f.Scale, [len(s.ring)]point{}, 0,
		[len(s.near)]float64{}, [len(s.far)]float64{}, f.N, 0, f.Total}
	copy(s.near[:], f.Near)
	return nil
}

// modelForm is a model in JSON.
type modelForm struct {
	TS     float64     `json:"t_s"` // since the origin
	X      []float64   `json:"x"`
	P      [][]float64 `json:"p"`
	Warmth warmth      `json:"warmth"`
	Level  float64     `json:"level"`
}

func (m model) MarshalJSON() ([]byte, error) {
	p := make([][]float64, states)
	for i := range p {
		p[i] = m.p[i][:]
	}
	return json.Marshal(modelForm{m.t, m.x[:], p, m.w, m.level})
}

func (m *model) UnmarshalJSON(b []byte) error {
	var f modelForm
	if err := json.Unmarshal(b, &f); err != nil {
		return err
	}
	var p [states][states]float64
	if len(f.X) != states || len(f.P) != states {
		return errSavedLength
	}
	for i, row := range f.P {
		if len(row) != states {
			return errSavedLength
		}
		p[i] = [states]float64(row)
	}
	*m = model{f.TS, [states]float64(f.X), p, f.Warmth, f.Level}
	return nil
}

type warmthForm struct {
	S1 float64 `json:"s1"`
	S2 float64 `json:"s2"`
	T1 float64 `json:"t1"`
	T2 float64 `json:"t2"`
}

func (w warmth) MarshalJSON() ([]byte, error) {
	return json.Marshal(warmthForm{w.s1, w.s2, w.t1, w.t2})
}

func (w *warmth) UnmarshalJSON(b []byte) error {
	var f warmthForm
	err := json.Unmarshal(b, &f)
	*w = warmth{f.S1, f.S2, f.T1, f.T2}
	return err
}

// Both rings are lists in JSON, the oldest first.

func (c *corrections) list() (l []correction) {
	for i := range c.n {
		l = append(l, c.points[(c.head+i)%len(c.points)])
	}
	return l
}

func (c corrections) MarshalJSON() ([]byte, error) { return json.Marshal(c.list()) }

func (c *corrections) UnmarshalJSON(b []byte) error {
	var l []correction
	if err := json.Unmarshal(b, &l); err != nil {
		return err
	}
	*c = corrections{}
	if len(l) > len(c.points) {
		return errSavedLength
	}
	for _, p := range l {
		c.push(p)
	}
	return nil
}

func (r *rateLimit) list() (l []frequencyChange) {
	for i := range r.changes {
		if ch := r.changes[(r.next+i)%len(r.changes)]; !ch.At.IsZero() {
			l = append(l, ch)
		}
	}
	return l
}

func (r rateLimit) MarshalJSON() ([]byte, error) { return json.Marshal(r.list()) }

func (r *rateLimit) UnmarshalJSON(b []byte) error {
	var l []frequencyChange
	if err := json.Unmarshal(b, &l); err != nil {
		return err
	}
	*r = rateLimit{}
	if len(l) > len(r.changes) {
		return errSavedLength
	}
	for _, ch := range l {
		r.note(ch.At, ch.PPB)
	}
	return nil
}
