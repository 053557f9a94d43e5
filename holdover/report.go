package holdover

import (
	"math"
	"time"

	"bragi/gnss/timescale"
	"bragi/holdover/quality"
)

// Report is what the clock knows of itself at an instant. Numbers that are not
// known are NaN.
type Report struct {
	State      quality.State
	Since      timescale.Mono // of the state
	Why        []Reason       // the first is the state's own
	EverLocked bool
	Learned    bool          // LOCKED for as long as `learning` asks
	LockedFor  time.Duration // sum of the time in LOCKED
	// Forced: an operator's order alone ended the last lock, and pulses came all along.
	// It stays after the release, until LOCKED again.
	Forced bool
	// HoldoverFor is the time since the loss, until LOCKED again; 0: none.
	HoldoverFor time.Duration

	// InsideFor is how long the bound has been inside the spec again, while class 6 waits
	// for nothing else; 0: it does not.
	InsideFor time.Duration

	ErrorNs float64 // estimated time error of the served clock, positive: ahead
	SigmaNs float64 // one standard deviation of that estimate
	BoundNs float64 // bound of the time error, positive

	FrequencyPPB  float64 // correction that the hardware runs with
	OscillatorPPB float64 // the oscillator's own frequency, as the servo sees it now
	MeanPPB       float64 // the same without the flicker of the last minutes, which a holdover does not hold
	MeanErrorPPB  float64 // one standard error of it
	PulseNoiseNs  float64 // standard deviation of the pulses as measured
	TempC         float64
	// BehavesLike is the kind that the oscillator behaves like.
	BehavesLike Oscillator

	// ForecastS is how long the bound stays inside the spec from now on without
	// a pulse, in s; ForecastP50S and ForecastP95S when the error itself is
	// inside in one case of two, and in 19 of 20. Class7S is how long class 7 would be announced: the same,
	// not longer than max_holdover allows, and 0 before `learning` is over.
	ForecastS                  float64
	ForecastP50S, ForecastP95S float64
	Class7S                    float64
	EtaS                       float64 // until the next better state, NaN when that is not up to the clock

	Accepted, Rejected, Refused uint64 // pulses: believed; not believed; impossible or repeated
	Steps                       int
	LastStepNs                  int64

	// Quality has State, EverLocked, KeepsSpec, SpecNs, AnyBound, BoundNs (in LOCKED slow to fall,
	// so at least the live BoundNs above, and inside the spec with it), LogVariance, ServeFreeRun and
	// FrequencyCategory set. The assembly adds what only it knows: egress, UTC
	// offset, leap, squelch, profile.
	Quality quality.Input
}

// Alarms are the reasons of Why that somebody should fix.
func (r Report) Alarms() []Reason {
	var alarms []Reason
	for _, w := range r.Why {
		if w.Fix() != "" {
			alarms = append(alarms, w)
		}
	}
	return alarms
}

const (
	steppedShown  = 10 * time.Minute // whatever the state is meanwhile
	refusedShown  = time.Minute
	noisyPulseNs  = 100
	stepTriesMany = 3
	rejectsShown  = 3
)

// Report tells how the clock stands at now.
func (c *Clock) Report(now timescale.Mono) Report {
	if now.Before(c.now) {
		now = c.now
	}
	nan := math.NaN()
	r := Report{
		State: c.life.State, Since: c.life.Since, Why: c.reasons(now),
		EverLocked: c.life.EverLocked, Forced: c.life.Forced, Learned: c.life.EverLocked && c.life.LockedFor >= c.cfg.Learning, LockedFor: c.life.LockedFor,
		ErrorNs: nan, SigmaNs: nan, BoundNs: nan,
		FrequencyPPB: c.corr.ppb(), OscillatorPPB: nan, MeanPPB: nan, MeanErrorPPB: nan,
		PulseNoiseNs: nan, TempC: c.tempC, BehavesLike: kindAt(c.est.level), ForecastS: nan, ForecastP50S: nan, ForecastP95S: nan, Class7S: nan, EtaS: c.eta(now),
		Accepted: c.life.Accepted, Rejected: c.life.Rejected, Refused: c.life.Refused, Steps: c.life.Steps, LastStepNs: c.life.LastStepNs,
	}
	if c.narrow() {
		r.InsideFor = now.Sub(c.life.NarrowFrom)
	}
	if !c.life.HoldoverFrom.IsZero() {
		r.HoldoverFor = now.Sub(c.life.HoldoverFrom)
	}
	said, sigma := nan, nan
	if c.est.valid {
		r.ErrorNs, r.OscillatorPPB = c.error(now)
		r.BoundNs = c.bound(now)
		r.SigmaNs = c.unseen(now) / boundSigmas
		said, sigma = r.BoundNs, r.SigmaNs
		if c.life.State == quality.Locked {
			slow := c.life.SaidBound.Value
			if r.BoundNs <= ns(c.cfg.Spec) {
				slow = min(slow, ns(c.cfg.Spec)) // no reason against a bound that is inside
			}
			said, sigma = max(said, slow), c.life.SaidSigma.Value
		}
		r.PulseNoiseNs = c.est.pulses.ns
		r.MeanPPB, r.MeanErrorPPB = r.OscillatorPPB-c.est.x[sFast], c.est.rateSigma()
		if c.life.EverLocked {
			f := c.foresee(now)
			r.ForecastS, r.ForecastP50S, r.ForecastP95S = f.bound, f.p50, f.p95
			if c.life.State == quality.HoldoverNoSpec && !c.life.BoundInside {
				r.ForecastS = 0
			}
			r.Class7S = c.class7(r.ForecastS, r.HoldoverFor, r.Learned)
		}
	}
	r.Quality = quality.Input{
		State: c.life.State, EverLocked: c.life.EverLocked,
		KeepsSpec: r.Learned && c.life.BoundInside && !c.life.Capped,
		BoundNs:   said, SpecNs: ns(c.cfg.Spec), AnyBound: c.cfg.anyBound(), EgressNs: nan, LogVariance: varianceOf(sigma),
		ServeFreeRun:      c.cfg.FreeRunAfter >= 0 && !c.life.Start.IsZero() && now.Sub(c.life.Start) >= c.cfg.FreeRunAfter,
		FrequencyCategory: c.cfg.Oscillator.Category(),
	}
	r.outgrown()
	return r
}

// outgrown makes the state that of a bound that has left the spec since the last pulse or
// tick: then the clock itself has not looked yet.
func (r *Report) outgrown() {
	q := &r.Quality
	switch {
	case r.State == quality.Locked && !q.AnyBound && !(r.BoundNs <= q.SpecNs):
		r.State, r.Why[0] = quality.Relocking, ReasonWide
	case r.State == quality.HoldoverSpec && !(r.BoundNs <= q.SpecNs):
		r.State, r.Why[0] = quality.HoldoverNoSpec, ReasonOutOfSpec
	case r.State == quality.HoldoverNoSpec && r.Why[0] == ReasonOutOfSpec && r.BoundNs <= q.SpecNs:
		r.Why[0] = ReasonStaysOutOfSpec // it is inside again: that is the reason no more
		return
	default:
		return
	}
	q.State, q.KeepsSpec, r.Class7S = r.State, false, 0
}

// Accepted counts the pulses that were believed, as Report does.
func (c *Clock) Accepted() uint64 { return c.life.Accepted }

// Locked tells whether the state is LOCKED.
func (c *Clock) Locked() bool { return c.life.State == quality.Locked }

// Steady tells that pulses are followed as in LOCKED: it is LOCKED, or would be but for
// a bound outside the spec.
func (c *Clock) Steady() bool { return c.life.Steady }

// varianceOf is the log variance of sigma, rounded up to half octaves so that
// Announce does not change with every pulse.
func varianceOf(sigmaNs float64) uint16 {
	if !(sigmaNs > 0) {
		return quality.VarianceUnknown
	}
	return quality.LogVariance(math.Exp2(math.Ceil(2*math.Log2(sigmaNs)) / 2))
}

// class7 is how long class 7 would be announced of a forecast, in s.
func (c *Clock) class7(inSpec float64, away time.Duration, learned bool) float64 {
	if !learned || c.life.Capped || c.life.State != quality.Locked && !c.life.BoundInside {
		return 0
	}
	if c.life.State == quality.Locked {
		away = 0
	}
	return min(inSpec, max(seconds(c.cfg.MaxHoldover-away), 0))
}

// eta is the time to the next better state in s.
func (c *Clock) eta(now timescale.Mono) float64 {
	switch {
	case c.life.State == quality.Warmup:
		return max(seconds(c.cfg.WarmUp-now.Sub(c.life.Start)), 0)
	case c.why == ReasonWide && !c.narrow(), c.receiverNs > ns(c.cfg.Spec): // the bound falls as it may
		return math.NaN()
	case c.life.State == quality.Locking || c.life.State == quality.Relocking:
	default:
		return math.NaN()
	}
	settle, wait := c.settle(), time.Duration(0)
	if c.life.Waits {
		wait = c.cfg.WaitToRestore
		if c.life.State == quality.Relocking {
			wait -= now.Sub(c.life.Since)
		}
	}
	if c.warming(now) {
		return seconds(warmUpMost - now.Sub(c.life.FirstPulse) + settle)
	}
	if c.life.State == quality.Relocking && !c.life.SettledFrom.IsZero() {
		if c.life.NarrowFrom.IsZero() {
			return math.NaN()
		}
		wait = max(wait, c.narrowLeft(now, c.bound(now)))
	}
	if !c.life.SettledFrom.IsZero() {
		return max(seconds(max(settle-now.Sub(c.life.SettledFrom), wait)), 0)
	}
	settle = max(settle, wait)
	x, y := c.error(now)
	if c.unlimited() {
		return seconds(acquireTime)*math.Log(max(math.Abs(x)/c.lockLimit(), 1)) + seconds(settle)
	}
	return c.slewTime(max(math.Abs(x)-c.lockLimit(), 0), y+c.corr.ppb()) + seconds(settle)
}

// narrow tells that nothing keeps the clock from LOCKED but that its bound was outside the
// spec a moment ago.
func (c *Clock) narrow() bool { return c.why == ReasonWide && !c.life.NarrowFrom.IsZero() }

// reasons lists what holds at now, the state's own reason first.
func (c *Clock) reasons(now timescale.Mono) []Reason {
	why := []Reason{c.why}
	if c.narrow() {
		why[0] = ReasonNarrow
	}
	add := func(r Reason, when bool) {
		if when && r != c.why {
			why = append(why, r)
		}
	}
	recent := func(t timescale.Mono, d time.Duration) bool { return !t.IsZero() && now.Sub(t) < d }
	holding := c.life.State == quality.HoldoverSpec || c.life.State == quality.HoldoverNoSpec
	rejecting := c.est.rejects >= rejectsShown || holding && c.returning >= rejectsShown
	arriving := recent(c.life.LastEdge, pulseTimeout)

	add(ReasonWide, c.life.State == quality.Relocking && c.receiverNs > ns(c.cfg.Spec))
	add(ReasonForced, c.cond.Forced)
	add(c.cond.Distrust, c.cond.Distrust != ReasonNone)
	add(ReasonNoTime, holding && !c.cond.HasTime && (!arriving || c.cond.Lost))
	add(ReasonNoPulse, holding && c.cond.HasTime && !arriving)
	add(ReasonPulsesRejected, rejecting && arriving && !c.cond.pulsesUnused())
	add(ReasonStepPending, c.life.State == quality.Acquiring && c.est.valid && !c.life.Aligned)
	add(ReasonStepFails, c.stepTries >= stepTriesMany)
	if c.life.State == quality.Locking || c.life.State == quality.Relocking {
		x, _ := c.error(now)
		add(ReasonSlewing, math.Abs(x) > c.lockLimit())
		add(ReasonSlewLong, c.eta(now) > seconds(autoSlew))
	}
	add(ReasonOscillatorSettling, c.life.State == quality.Locking && c.warming(now))
	add(ReasonShortLock, c.life.State == quality.Relocking && c.life.Waits)
	add(ReasonSky, holding && c.held.Sky >= skyMoved)
	add(ReasonLearning, c.life.State == quality.Locked && c.life.LockedFor < c.cfg.Learning && now.Sub(c.life.Start) > 2*c.cfg.Learning)
	add(ReasonSteppedServed, recent(c.life.SteppedServed, steppedShown))
	add(ReasonPulseNoise, c.est.valid && c.est.pulses.ns > noisyPulseNs)
	add(ReasonPulseRefused, recent(c.refusedAt, refusedShown))
	add(ReasonFrequencyLimit, c.atLimit)
	return why
}
