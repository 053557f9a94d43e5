package holdover

import (
	"fmt"
	"math"
	"time"

	"bragi/gnss/timescale"
	"bragi/holdover/quality"
)

// Saved is a Clock between two processes of one boot: what Resume needs to go
// on as if nothing had happened. Instants are nanoseconds of
// CLOCK_MONOTONIC_RAW, 0 for none.
type Saved struct {
	Version    int    `json:"version"`
	AtNs       int64  `json:"at_ns"`
	Oscillator string `json:"oscillator"`

	StartNs int64 `json:"start_ns"`
	State   uint8 `json:"state"`
	SinceNs int64 `json:"since_ns"`

	HasOrigin     bool  `json:"has_origin"`
	OriginNs      int64 `json:"origin_ns"`
	OriginPhaseNs int64 `json:"origin_phase_ns"`

	Corrections []SavedCorrection `json:"corrections"`
	Changes     []SavedChange     `json:"changes"` // of the frequency, for the rate limit

	Estimator SavedEstimator `json:"estimator"`
	Held      *SavedHeld     `json:"held"`

	Thermometer *SavedThermometer `json:"thermometer"`
	Virtual     []SavedHorizon    `json:"virtual"`

	EverLocked     bool    `json:"ever_locked"`
	Aligned        bool    `json:"aligned"`
	LockedForNs    int64   `json:"locked_for_ns"`
	HoldoverFromNs int64   `json:"holdover_from_ns"`
	BoundInside    bool    `json:"bound_inside"`
	Capped         bool    `json:"capped"`
	LastEdgeNs     int64   `json:"last_edge_ns"`
	LastAcceptedNs int64   `json:"last_accepted_ns"`
	SettledFromNs  int64   `json:"settled_from_ns"`
	SaidBoundNs    float64 `json:"said_bound_ns"`
	SaidSigmaNs    float64 `json:"said_sigma_ns"`

	TempC           *float64 `json:"temp_c"`
	Accepted        uint64   `json:"accepted"`
	Rejected        uint64   `json:"rejected"`
	Refused         uint64   `json:"refused"`
	Steps           int      `json:"steps"`
	LastStepNs      int64    `json:"last_step_ns"`
	SteppedServedNs int64    `json:"stepped_served_ns"`
}

// SavedCorrection is a corner of the staircase of corrections.
type SavedCorrection struct {
	AtNs    int64   `json:"at_ns"`
	PPB     float64 `json:"ppb"`
	UNs     float64 `json:"u_ns"`
	StepsNs int64   `json:"steps_ns"`
}

// SavedChange is a change of the correction.
type SavedChange struct {
	AtNs int64   `json:"at_ns"`
	PPB  float64 `json:"ppb"`
}

// SavedEstimator is the estimator: its states and covariance row by row (model.go),
// T in s since the origin, and the last innovations.
type SavedEstimator struct {
	Valid     bool      `json:"valid"`
	FromS     float64   `json:"from_s"`
	TS        float64   `json:"t_s"`
	X         []float64 `json:"x"`
	P         []float64 `json:"p"`
	Warmth    []float64 `json:"warmth"`
	Level     float64   `json:"level"`
	Agility   float64   `json:"agility"`
	NoiseNs   float64   `json:"noise_ns"`
	UsualNs   float64   `json:"usual_ns"`
	SeenTotal int       `json:"seen_total"`
	Seen      []float64 `json:"seen"`
}

// SavedHeld is the holdover that is going on.
type SavedHeld struct {
	FromS  float64 `json:"from_s"`
	ZErrNs float64 `json:"z_err_ns"`
	Sigma  float64 `json:"sigma_ns"`
	Drift  float64 `json:"drift_ppb_s"`
	Sky    int     `json:"sky"`
}

// SavedThermometer is the thermometer with its lags.
type SavedThermometer struct {
	AtNs      int64   `json:"at_ns"`
	ReadAtNs  int64   `json:"read_at_ns"`
	MovedNs   int64   `json:"moved_ns"`
	DoubtedNs int64   `json:"doubted_ns"`
	Shown     float64 `json:"shown_c"`
	Offset    float64 `json:"offset_c"`
	Air       float64 `json:"air_c"`
	S1        float64 `json:"s1"`
	S2        float64 `json:"s2"`
	T1        float64 `json:"t1"`
	T2        float64 `json:"t2"`
	Spread    float64 `json:"spread"`
	Mean      float64 `json:"mean"`
	StillS    float64 `json:"still_s"`
}

// SavedHorizon is what virtual holdovers of one length have shown.
type SavedHorizon struct {
	Weight float64 `json:"weight"`
	Ratios float64 `json:"ratios"`
	Errors float64 `json:"errors"`
}

func (e *estimator) save() SavedEstimator {
	s := SavedEstimator{Valid: e.valid, FromS: e.from, TS: e.t, X: append([]float64{}, e.x[:]...),
		Warmth: []float64{e.w.s1, e.w.s2, e.w.t1, e.w.t2}, Level: e.level, NoiseNs: e.pulses.ns, UsualNs: e.pulses.usualNs, Agility: e.agility, SeenTotal: e.pulses.total}
	for i := range e.p {
		s.P = append(s.P, e.p[i][:]...)
	}
	s.Seen = append(s.Seen, e.pulses.near[:min(e.pulses.n, len(e.pulses.near))]...)
	return s
}

// resume takes a saved estimate that check has passed.
func (e *estimator) resume(s SavedEstimator) {
	if !s.Valid {
		return
	}
	e.valid, e.from, e.t, e.agility = true, s.FromS, s.TS, s.Agility
	e.setLevel(s.Level)
	e.pulses.ns, e.pulses.usualNs, e.pulses.total = s.NoiseNs, s.UsualNs, s.SeenTotal
	e.pulses.firstNs, e.pulses.n = max(e.pulses.firstNs, s.NoiseNs), copy(e.pulses.near[:], s.Seen)
	copy(e.x[:], s.X)
	for i := range e.p {
		copy(e.p[i][:], s.P[i*states:])
	}
	e.w = warmth{s.Warmth[0], s.Warmth[1], s.Warmth[2], s.Warmth[3]}
}

// check gathers the numbers; ok is false when their count is wrong or one is
// outside what an oscillator can have.
func (s *SavedEstimator) check() (numbers []float64, ok bool) {
	if len(s.X) != states || len(s.P) != states*states || len(s.Warmth) != 4 || len(s.Seen) > len(scatter{}.near) ||
		!(s.NoiseNs > 0) || s.SeenTotal > 0 && !(s.UsualNs > 0) || !(s.Level >= 0 && s.Level <= levelMost) || !(s.Agility >= 0) || math.Abs(s.X[sFreq]) > frequencyLimit {
		return nil, false
	}
	for i := range states {
		if !(s.P[i*states+i] >= 0) {
			return nil, false
		}
	}
	for _, list := range [][]float64{s.X, s.P, s.Warmth, s.Seen, {s.FromS, s.TS, s.NoiseNs, s.UsualNs, s.Agility}} {
		numbers = append(numbers, list...)
	}
	return numbers, true
}

const (
	savedVersion = 1
	savedOldest  = time.Hour // of a process that was away longer nothing is believed
)

// Save is the clock as it stands at now.
func (c *Clock) Save(now timescale.Mono) Saved {
	s := Saved{
		Version: savedVersion, AtNs: now.Ns(), Oscillator: c.cfg.Oscillator.String(),
		StartNs: c.start.Ns(), State: uint8(c.state), SinceNs: c.since.Ns(),
		HasOrigin: c.hasOrigin, OriginNs: c.origin.Ns(), OriginPhaseNs: c.originNs,
		Estimator:  c.est.save(),
		EverLocked: c.everLocked, Aligned: c.aligned, LockedForNs: int64(c.lockedFor), HoldoverFromNs: c.holdoverFrom.Ns(),
		BoundInside: c.boundInside, Capped: c.capped, LastEdgeNs: c.lastEdge.Ns(), LastAcceptedNs: c.lastAccepted.Ns(),
		SettledFromNs: c.settledFrom.Ns(), SaidBoundNs: c.saidBound.value, SaidSigmaNs: c.saidSigma.value,
		Accepted: c.accepted, Rejected: c.rejected, Refused: c.refused, Steps: c.steps, LastStepNs: c.lastStepNs,
		SteppedServedNs: c.steppedServed.Ns(),
	}
	for i := range c.corr.n {
		p := c.corr.points[(c.corr.head+i)%len(c.corr.points)]
		s.Corrections = append(s.Corrections, SavedCorrection{p.at.Ns(), p.ppb, p.u, p.stepsNs})
	}
	for i := range c.rate.changes {
		if ch := c.rate.changes[(c.rate.next+i)%len(c.rate.changes)]; !ch.at.IsZero() {
			s.Changes = append(s.Changes, SavedChange{ch.at.Ns(), ch.ppb})
		}
	}
	if h := c.held; h.active {
		s.Held = &SavedHeld{h.from, h.zErrNs, h.sigma, h.drift, h.sky}
	}
	if m := c.thermo; m.known {
		s.Thermometer = &SavedThermometer{m.at.Ns(), m.readAt.Ns(), m.moved.Ns(), m.doubted.Ns(), m.shown, m.offset, m.air,
			m.w.s1, m.w.s2, m.w.t1, m.w.t2, m.spread, m.mean, m.stillS}
	}
	for _, h := range c.virtual.table {
		s.Virtual = append(s.Virtual, SavedHorizon{h.weight, h.ratios, h.errors})
	}
	if finite(c.tempC) {
		t := c.tempC
		s.TempC = &t
	}
	return s
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
		return fmt.Errorf("holdover: the saved state is of a %s, this is a %s: starting anew", s.Oscillator, c.cfg.Oscillator)
	}
	at := timescale.MonoFromNs
	c.start, c.now, c.state, c.since = at(s.StartNs), now, quality.State(s.State), at(s.SinceNs)
	c.hasOrigin, c.origin, c.originNs = s.HasOrigin, at(s.OriginNs), s.OriginPhaseNs
	for _, p := range s.Corrections {
		c.corr.push(correction{at(p.AtNs), p.PPB, p.UNs, p.StepsNs})
	}
	for _, ch := range s.Changes {
		c.rate.note(at(ch.AtNs), ch.PPB)
	}
	c.est.resume(s.Estimator)
	if h := s.Held; h != nil {
		c.held = held{active: true, from: h.FromS, zErrNs: h.ZErrNs, sigma: h.Sigma, drift: h.Drift, sky: h.Sky}
	}
	if t := s.Thermometer; t != nil {
		c.thermo = thermometer{known: true, at: at(t.AtNs), readAt: at(t.ReadAtNs), moved: at(t.MovedNs), shown: t.Shown,
			offset: t.Offset, air: t.Air, doubted: at(t.DoubtedNs), w: warmth{t.S1, t.S2, t.T1, t.T2},
			spread: t.Spread, mean: t.Mean, stillS: t.StillS}
	}
	for i, h := range s.Virtual {
		c.virtual.table[i] = horizon{h.Weight, h.Ratios, h.Errors}
	}
	c.everLocked, c.aligned, c.lockedFor, c.holdoverFrom = s.EverLocked, s.Aligned, time.Duration(s.LockedForNs), at(s.HoldoverFromNs)
	c.boundInside, c.capped, c.lastEdge, c.lastAccepted = s.BoundInside, s.Capped, at(s.LastEdgeNs), at(s.LastAcceptedNs)
	c.settledFrom = at(s.SettledFromNs)
	c.saidBound, c.saidSigma = slowFall{s.SaidBoundNs, now}, slowFall{s.SaidSigmaNs, now}
	if s.TempC != nil {
		c.tempC = *s.TempC
	}
	c.accepted, c.rejected, c.refused, c.steps, c.lastStepNs = s.Accepted, s.Rejected, s.Refused, s.Steps, s.LastStepNs
	c.steppedServed = at(s.SteppedServedNs)
	return nil
}

// check tells whether a saved state can be believed at now.
func (s *Saved) check(now timescale.Mono) error {
	refuse := func(what string, v any) error {
		return fmt.Errorf("holdover: the saved state has %s %v: starting anew", what, v)
	}
	age := now.Sub(timescale.MonoFromNs(s.AtNs))
	switch {
	case s.Version != savedVersion:
		return refuse("version", s.Version)
	case s.AtNs <= 0 || age < 0:
		return refuse("an age of", age)
	case age > savedOldest:
		return refuse("an age of", age)
	case int(s.State) >= len(quality.States):
		return refuse("state", s.State)
	case s.LockedForNs < 0 || s.Steps < 0:
		return refuse("a lock of", time.Duration(s.LockedForNs))
	case len(s.Corrections) > len(corrections{}.points) || len(s.Changes) > len(rateLimit{}.changes):
		return refuse("corrections:", len(s.Corrections))
	case s.EverLocked && !s.Estimator.Valid, s.Estimator.Valid && !s.HasOrigin:
		return refuse("a lock without", "an estimate")
	case !s.EverLocked && (quality.State(s.State) == quality.Locked || s.Held != nil):
		return refuse("a holdover without", "a lock")
	}
	for _, t := range []int64{s.StartNs, s.SinceNs, s.OriginNs, s.HoldoverFromNs, s.LastEdgeNs, s.LastAcceptedNs, s.SettledFromNs, s.SteppedServedNs} {
		if t < 0 || t > s.AtNs {
			return refuse("the instant", t)
		}
	}
	last := int64(0)
	for _, p := range s.Corrections {
		if p.AtNs < last || p.AtNs > s.AtNs || !finite(p.PPB) || math.Abs(p.PPB) > frequencyLimit*10 || !finite(p.UNs) {
			return refuse("the correction", p)
		}
		last = p.AtNs
	}
	for _, ch := range s.Changes {
		if ch.AtNs <= 0 || ch.AtNs > s.AtNs || !finite(ch.PPB) {
			return refuse("the change", ch)
		}
	}
	numbers := []float64{s.SaidBoundNs, s.SaidSigmaNs}
	if s.TempC != nil {
		numbers = append(numbers, *s.TempC)
	}
	if s.Estimator.Valid {
		more, ok := s.Estimator.check()
		if !ok {
			return refuse("an estimate of", s.Estimator.X)
		}
		numbers = append(numbers, more...)
	}
	if h := s.Held; h != nil {
		numbers = append(numbers, h.FromS, h.ZErrNs, h.Sigma, h.Drift)
	}
	if t := s.Thermometer; t != nil {
		for _, at := range []int64{t.AtNs, t.ReadAtNs, t.MovedNs} {
			if at < 0 || at > s.AtNs {
				return refuse("the instant", at)
			}
		}
		numbers = append(numbers, t.Shown, t.Offset, t.Air, t.S1, t.S2, t.T1, t.T2, t.Spread, t.Mean, t.StillS)
	}
	if len(s.Virtual) > len(horizons) {
		return refuse("horizons:", len(s.Virtual))
	}
	for _, h := range s.Virtual {
		if !(h.Weight >= 0 && h.Ratios >= 0 && h.Errors >= 0) {
			return refuse("the horizon", h)
		}
		numbers = append(numbers, h.Weight, h.Ratios, h.Errors)
	}
	for _, v := range numbers {
		if !finite(v) {
			return refuse("the number", v)
		}
	}
	return nil
}
