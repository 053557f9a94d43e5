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

// SavedEstimator is the estimator: its state and covariance row by row, T in s
// since the origin.
type SavedEstimator struct {
	Valid   bool      `json:"valid"`
	FromS   float64   `json:"from_s"`
	TS      float64   `json:"t_s"`
	X       []float64 `json:"x"`
	P       []float64 `json:"p"`
	NoiseNs float64   `json:"noise_ns"`
	Seen    int       `json:"seen"`
}

// SavedHeld is the line that holdover coasts on.
type SavedHeld struct {
	TS      float64 `json:"t_s"`
	ZNs     float64 `json:"z_ns"`
	PPB     float64 `json:"ppb"`
	SigmaNs float64 `json:"sigma_ns"`
	ZErrNs  float64 `json:"z_err_ns"`
	FromS   float64 `json:"from_s"`
	ErrPPB  float64 `json:"err_ppb"`
	SpanS   float64 `json:"span_s"`
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
		Estimator: SavedEstimator{Valid: c.est.valid, FromS: c.est.from, TS: c.est.t, X: []float64{c.est.z, c.est.y},
			P: []float64{c.est.p[0][0], c.est.p[0][1], c.est.p[1][0], c.est.p[1][1]}, NoiseNs: c.est.noiseNs, Seen: c.est.seenN},
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
		s.Held = &SavedHeld{h.t, h.z, h.y, h.sigma, h.zErrNs, h.from, h.mean.errPPB, h.mean.spanS}
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
	e := s.Estimator
	if e.Valid {
		c.est.valid, c.est.from, c.est.t, c.est.z, c.est.y = true, e.FromS, e.TS, e.X[0], e.X[1]
		c.est.p = [2][2]float64{{e.P[0], e.P[1]}, {e.P[2], e.P[3]}}
		c.est.noiseNs = e.NoiseNs
	}
	if h := s.Held; h != nil {
		c.held = held{active: true, t: h.TS, z: h.ZNs, y: h.PPB, sigma: h.SigmaNs, zErrNs: h.ZErrNs, from: h.FromS,
			mean: meanFrequency{ppb: h.PPB, errPPB: h.ErrPPB, spanS: h.SpanS}}
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
	if e := s.Estimator; e.Valid {
		if len(e.X) != 2 || len(e.P) != 4 || !(e.NoiseNs > 0) || e.P[0] < 0 || e.P[3] < 0 || math.Abs(e.X[1]) > frequencyLimit {
			return refuse("an estimate of", e)
		}
		numbers = append(append(append(numbers, e.X...), e.P...), e.FromS, e.TS, e.NoiseNs)
	}
	if h := s.Held; h != nil {
		numbers = append(numbers, h.TS, h.ZNs, h.PPB, h.SigmaNs, h.ZErrNs, h.FromS, h.ErrPPB, h.SpanS)
	}
	for _, v := range numbers {
		if !finite(v) {
			return refuse("the number", v)
		}
	}
	return nil
}
