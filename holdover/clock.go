package holdover

import (
	"math"
	"time"

	"bragi/gnss/timescale"
	"bragi/holdover/quality"
)

// Pulse is one pulse of the receiver, with the second that it was known.
type Pulse struct {
	Mono timescale.Mono // of the edge
	// OffsetNs is the served clock's reading at the edge less the edge's TAI, in
	// ns; positive: the clock is ahead. It may be years before the first lock.
	OffsetNs int64
	// CorrectionNs is added to OffsetNs: sawtooth, antenna delay, fractions of a
	// nanosecond.
	CorrectionNs float64
	SigmaNs      float64 // one standard deviation of the measurement by the board; 0: not known
	TempC        float64 // NaN: not known
}

const (
	pulseTimeout  = 3 * time.Second  // without an accepted pulse: HOLDOVER
	pulsePatience = 20 * time.Second // the same while pulses are known to miss, and the receiver does not deny the time; and in a hold-off
	gapSeen       = 1800 * time.Millisecond
	patchyFor     = time.Hour        // after a gap that was shorter than that
	backDate      = 60 * time.Second // what is doubted of the time before a loss
	pulseSpacing  = 500 * time.Millisecond
	pulseAge      = 5 * time.Second
	offsetLimitNs = 1 << 62 // 146 years
	relockSettle  = 10 * time.Second
	narrowShare   = 0.8             // of the spec: a bound below it is no bound at the edge,
	narrowFor     = 5 * time.Minute // and one that has stayed inside for so long is neither
	forgetAfter   = 5 * time.Minute // a frequency measured before the first lock
	firstRejects  = 8               // before the first lock: measure anew
	doubtRejects  = 60              // after: believe a pulse that is somewhat outside the bound
	doubtFactor   = 3               // so many times,
	doubtAwayS    = 2 * 60          // when the oscillator had the time to go there
	returnRejects = 300             // and one anywhere
	lockLimitNs   = 100
	strayedFactor = 5
	shortLock     = 2                // wait_to_restore: a lock shorter than so many of it
	provenAfter   = 45 * time.Minute // of LOCKING and LOCKED: the oscillator is of the kind that it behaves like
	unlearnEveryS = 600.0            // s
	warmUpMost    = 35 * time.Minute // an oscillator that moves is not waited for longer
	restlessC     = 12.0             // C per hour of the room: faster is a warm-up
	strangePulses = 60
	youngLock     = 2 * time.Minute // the bound still falls
)

// Clock is the served clock as the servo sees it. It is not safe for several
// goroutines.
type Clock struct {
	cfg  Config
	now  timescale.Mono
	cond Conditions
	why  Reason

	life  life
	corr  corrections
	rate  rateLimit
	est   estimator
	fit   fit
	snaps snapshots
	held  held

	motion  motion
	witness witness
	doubt   doubt

	thermo   thermometer
	virtual  virtual
	kinds    kinds
	foreseen forecast

	unlearned    float64 // when what a warm-up had taught was last given up, s since the origin
	remembers    bool    // how noisy it is was known from an earlier life
	strange      int     // pulses that the estimate is far from
	returning    int     // pulses since the loss that were not believed yet
	returnFrom   float64 // when they were first seen where they are, s since the origin
	returnUnseen float64 // the bound then, ns,
	returnNs     float64 // and how far they were from where they were expected; NaN: not known yet
	atLimit      bool

	dithered  timescale.Mono // when wanted was last told
	wanted    float64        // the correction that the code stands for, ppb
	roundedNs float64        // phase that the rounding left behind

	tempC     float64
	refusedAt timescale.Mono
	stepTries int

	receiverNs float64 // beside the configuration's ReceiverBoundNs

	stepWanted bool // the operator wants a step
}

// life is what the clock has been through; a restart takes it along whole.
type life struct {
	Start timescale.Mono `json:"start_ns"`
	State quality.State  `json:"state"`
	Since timescale.Mono `json:"since_ns"` // of the state

	HasOrigin bool           `json:"has_origin"`
	Origin    timescale.Mono `json:"origin_ns"`       // of the time axis, the first pulse
	OriginNs  int64          `json:"origin_phase_ns"` // its offset, without the steps

	EverLocked   bool           `json:"ever_locked"`
	Aligned      bool           `json:"aligned"` // before the first lock: the phase is stepped or being slewed
	LockedFor    time.Duration  `json:"locked_for_ns"`
	LockingFor   time.Duration  `json:"locking_for_ns"`   // in LOCKING, the warm-up apart, and Steady in RELOCKING
	HoldoverFrom timescale.Mono `json:"holdover_from_ns"` // zero while there is none
	BoundInside  bool           `json:"bound_inside"`     // kept since the loss
	Capped       bool           `json:"capped"`           // max_holdover was reached since the loss
	LastEdge     timescale.Mono `json:"last_edge_ns"`
	LastAccepted timescale.Mono `json:"last_accepted_ns"`
	SettledFrom  timescale.Mono `json:"settled_from_ns"` // zero while outside the lock limit
	NarrowFrom   timescale.Mono `json:"narrow_from_ns"`  // since when the bound is inside the spec; zero: it is not
	Steady       bool           `json:"steady"`          // LOCKED, or all of it but for the bound
	LockedAt     timescale.Mono `json:"locked_at_ns"`    // when LOCKED was last entered
	Locks        int            `json:"locks"`           // how often
	Waits        bool           `json:"waits"`           // the last lock was short: wait_to_restore
	Forced       bool           `json:"forced"`          // an operator alone ended the last lock: the pulses were good all along
	FirstPulse   timescale.Mono `json:"first_pulse_ns"`
	RestlessAt   timescale.Mono `json:"restless_at_ns"` // when the frequency was last seen moving as in a warm-up
	Patchy       timescale.Mono `json:"patchy_ns"`      // until then pulses are known to miss
	SaidBound    slowFall       `json:"said_bound"`     // what LOCKED announces of bound and spread
	SaidSigma    slowFall       `json:"said_sigma"`

	Accepted      uint64         `json:"accepted"`
	Rejected      uint64         `json:"rejected"`
	Refused       uint64         `json:"refused"`
	Steps         int            `json:"steps"`
	Vouched       bool           `json:"vouched"` // the operator says that the pulses are right
	LastStepNs    int64          `json:"last_step_ns"`
	SteppedServed timescale.Mono `json:"stepped_served_ns"` // the last step that clients saw, after the first lock
}

// New makes a clock that has never locked. Values of cfg that make no sense
// become the defaults.
func New(cfg Config) *Clock {
	cfg = cfg.withDefaults()
	state := quality.Freerun
	if cfg.WarmUp > 0 {
		state = quality.Warmup
	}
	return &Clock{cfg: cfg, est: newEstimator(cfg.Oscillator), virtual: newVirtual(),
		snaps: snapshots{ring: make([]model, 18), sep: snapshotEveryS},
		doubt: doubt{recent: snapshots{ring: make([]model, 18), sep: snapshotEveryS}, past: snapshots{ring: make([]model, 125), sep: snapshotMinuteS}},
		life:  life{State: state}, why: ReasonNoTime,
		tempC: math.NaN()}
}

// Pulse takes a pulse and returns what to do to the clock.
func (c *Clock) Pulse(now timescale.Mono, p Pulse) Order {
	c.begin(now)
	if finite(p.TempC) {
		c.Temperature(now, p.TempC)
	}
	t, z, ok := c.measure(now, p)
	if !ok {
		c.life.Refused++
		c.refusedAt = now
		return c.advance(now, false)
	}
	if gap := p.Mono.Sub(c.life.LastEdge); !c.life.LastEdge.IsZero() && gap >= gapSeen && gap < pulsePatience {
		c.life.Patchy = p.Mono.Add(patchyFor)
	}
	c.life.LastEdge = p.Mono
	if c.life.FirstPulse.IsZero() {
		c.life.FirstPulse = now
	}
	c.witness.add(p.Mono, float64(p.OffsetNs)+p.CorrectionNs)
	if c.cond.pulsesUnused() {
		c.life.Rejected++
		c.returning = 0
		c.fit.reset()
	} else if c.take(t, z, p.SigmaNs) {
		c.life.Accepted++
		c.life.LastAccepted = p.Mono
	} else {
		c.life.Rejected++
	}
	return c.advance(now, true)
}

// Tick tells that time has passed and what the conditions are, about once a
// second, and at once when they change.
func (c *Clock) Tick(now timescale.Mono, cond Conditions) Order {
	c.begin(now)
	c.cond = cond
	return c.advance(now, false)
}

// Applied tells that the hardware runs with the correction ppb since at: the
// answer to SetFrequency, and at the start what the clock was left with.
func (c *Clock) Applied(at timescale.Mono, ppb float64) {
	if !finite(ppb) || ppb == c.corr.ppb() && c.corr.n > 0 {
		return
	}
	if c.est.valid {
		c.rate.note(at, ppb-c.corr.ppb())
	}
	c.corr.frequency(at, ppb)
}

// Stepped tells that ns were added to the clock at at: the answer to Step. An
// order whose step failed is not answered, and is given again.
func (c *Clock) Stepped(at timescale.Mono, ns int64) {
	c.corr.step(at, ns)
	c.life.Steps++
	c.stepTries = 0
	c.witness.reset()
	c.life.LastStepNs = ns
	if c.cond.Served && c.life.EverLocked { // without a lock it is the start, and no fault
		c.life.SteppedServed = at
	}
}

func (c *Clock) begin(now timescale.Mono) {
	if c.life.Start.IsZero() {
		c.life.Start, c.life.Since, c.now = now, now, now
	}
	c.thermo.pass(now)
	c.est.blind = !c.feels(now)
	if t := c.axis(now); c.est.valid && t-c.est.t > coastEveryS {
		c.est.advance(t, c.thermo.when(now))
	}
}

// coastEveryS is how far the estimator is carried by a straight line.
const coastEveryS = 1.6

// axis is the time axis of the estimator, in s since the first pulse.
func (c *Clock) axis(t timescale.Mono) float64 { return seconds(t.Sub(c.life.Origin)) }

// measure turns a pulse into the oscillator's own phase z. ok is false for
// numbers that cannot be, for a repeated pulse and for one too old to judge.
func (c *Clock) measure(now timescale.Mono, p Pulse) (t, z float64, ok bool) {
	if !finite(p.SigmaNs) || p.SigmaNs < 0 || !finite(p.CorrectionNs) || math.Abs(p.CorrectionNs) > 1e9 ||
		p.OffsetNs > offsetLimitNs || p.OffsetNs < -offsetLimitNs || p.Mono.IsZero() || now.Before(p.Mono) ||
		now.Sub(p.Mono) > pulseAge || !c.life.LastEdge.IsZero() && p.Mono.Sub(c.life.LastEdge) < pulseSpacing {
		return 0, 0, false
	}
	u, steps, ok := c.corr.at(p.Mono)
	if !ok {
		return 0, 0, false
	}
	if !c.life.HasOrigin {
		c.life.HasOrigin = true
		c.life.Origin, c.life.OriginNs = p.Mono, p.OffsetNs-steps
	}
	return c.axis(p.Mono), float64(p.OffsetNs-steps-c.life.OriginNs) + p.CorrectionNs - u, true
}

// take gives the pulse to whatever waits for it and tells whether it was
// believed.
func (c *Clock) take(t, z, sigma float64) bool {
	switch {
	case c.held.Active:
		return c.takeReturning(t, z, sigma)
	case !c.est.valid:
		c.est.pulses.add(t, z, c.est.kind.differenceNs())
		c.fit.add(t, z, sigma)
		l, ok := c.fit.frequency()
		if !ok {
			return true // it counts as a pulse; nothing is steered by it yet
		}
		c.est.start(l, c.thermo.when(c.life.LastEdge))
		c.recall()
		c.forgetStates()
		c.doubt.reset()
		c.snaps.add(&c.est.model)
		return true
	}
	if !c.est.update(t, z, sigma, c.thermo.when(c.life.LastEdge)) {
		if !c.life.EverLocked && c.est.rejects >= firstRejects {
			c.forget()
		}
		return false
	}
	// What the estimator takes for a slow error of the pulse may last for hours, but
	// not keep the clock from the pulses.
	if c.strange++; !c.contradicted(c.now, c.lockLimit()) {
		c.strange = 0
	} else if c.strange >= strangePulses {
		c.strange = 0
		c.est.know(sPulseSlow, 0, square(pulseSlowNs))
	}
	if c.est.biased() {
		// The oscillator does what the thermometer does not tell of. Pulses in doubt are no witness of it.
		c.thermo.contradicted(c.now, c.doubt.anchor.LeastNs == 0)
		// Nor does a warm-up, when it is over, of what it has taught: a thermometer in the
		// processor's die went along with it.
		if !c.life.EverLocked && !c.life.RestlessAt.IsZero() && !c.warming(c.now) && c.est.agile() && c.est.t-c.unlearned > unlearnEveryS {
			c.unlearned = c.est.t
			c.est.unlearn()
		}
	}
	c.snaps.add(&c.est.model)
	c.motion.add(&c.est)
	c.watch(t, z, sigma)
	if from, sky := c.weigh(); sky && c.life.EverLocked {
		c.leaveSky(from)
		return false
	}
	if _, drift := c.motion.drifts(); drift > c.restless() {
		c.life.RestlessAt = c.now
	}
	if proven := c.proven(); proven != c.est.proven {
		c.est.proven = proven
		c.doubt.reset() // it was warming up
		if proven && !c.life.RestlessAt.IsZero() {
			c.est.unlearn()
		}
		c.kinds = kinds{}
	}
	a := &c.doubt.anchor
	if c.life.Steady && !(a.Moves && c.est.proven && c.est.t-a.Model.t < doubtLearnsS) {
		c.virtual.observe(&c.est)
		if kind, ok := c.kinds.observe(&c.est, t, z, sigma); ok && !a.Moves {
			c.behaves(kind)
		}
		if a.LeastNs == 0 {
			c.est.sharp = c.kinds.sharp(&c.est)
		}
	}
	return true
}

// proven tells that the oscillator has shown for long enough what it behaves like.
func (c *Clock) proven() bool { return c.life.LockedFor+c.life.LockingFor >= provenAfter }

// leaveSky begins a holdover with a state from before the pulses began to move as
// no oscillator does. Where an older doubt stands, and agrees, it begins with the state
// from before that one: the later ones may have followed the sky. So it does with the other
// opinion, where the pulses are back there.
func (c *Clock) leaveSky(from model) {
	c.thermo.acquit(c.now.Add(-backDate))
	c.est.blind = !c.feels(c.now)
	a := &c.doubt.anchor
	doubted, _ := c.doubt.most()
	if a.Moves && a.Model.t < from.t {
		v, allowed, _ := c.compare(&a.Model)
		offset, width := c.otherOpinion()
		switch {
		case math.Abs(v) <= max(a.LeastNs, min(allowed, a.PeakNs/4)):
			from = a.Model
		case a.back(offset, width):
			// The sky is back where the other opinion has been all the while.
			from = a.Model
			from.x[sPhase] -= a.OffsetNs
			from.add(sPhase, sPhase, square(a.WidthNs/doubtSigmas))
			*a = anchor{}
		}
	}
	if a.Moves && a.Model.t >= from.t { // it began after that
		a.stop(from.t)
		doubted = max(doubted, a.Ns)
	}
	if a.Moves { // the frequency is one of two
		from.add(sFreq, sFreq, square(from.rate()-a.Model.rate()))
	}
	if from.level > c.est.level { // a sober one's of a better kind than it is taken for
		from.add(sFreq, sFreq, square(c.est.rateSigma()))
		from.level = c.est.level
	}
	c.est.model = from
	c.est.setLevel(from.level) // what it has learned since, it has learned of the sky
	c.est.agility, c.est.quick, c.est.long = 0, 0, 0
	c.est.advance(c.axis(c.now), c.thermo.when(c.now))
	c.life.LastAccepted = timescale.Mono{}
	c.forgetStates()
	c.doubt.past.forget(from.t)
	c.motion.reset()
	c.held = held{Active: true, From: from.t, ZErrNs: boundSigmas*from.sigma() + doubted + c.receiver(), Sigma: from.sigma(), Doubted: doubted, Sky: skyMoved}
	c.fit.reset()
	c.returning = 0
}

// forget drops a frequency that was measured before the first lock.
func (c *Clock) forget() {
	c.est.valid, c.life.Aligned = false, false
	c.fit.reset()
	c.motion.reset()
}

// restless is the drift of the frequency, in ppb/s, that no room makes for long: an
// oscillator that warms up.
func (c *Clock) restless() float64 { return c.est.kind.tempcoPPB * restlessC / 3600 }

// warming tells that the oscillator has not settled since the power came. What
// moves for longer than warmUpMost is not its warm-up.
func (c *Clock) warming(now timescale.Mono) bool {
	return !c.life.EverLocked && !c.life.RestlessAt.IsZero() && now.Sub(c.life.RestlessAt) < time.Minute && now.Sub(c.life.FirstPulse) < warmUpMost
}

// settle is how long the clock must be inside the lock limit to lock.
func (c *Clock) settle() time.Duration {
	if !c.life.EverLocked {
		return c.cfg.Settle
	}
	return min(c.cfg.Settle, relockSettle)
}

// waited tells that the pulses have been back for as long as a short lock asks for.
// A noisy pulse may leave the lock limit meanwhile: that is no new loss.
func (c *Clock) waited(now timescale.Mono) bool {
	return !c.life.Waits || c.life.State == quality.Relocking && now.Sub(c.life.Since) >= c.cfg.WaitToRestore
}

// good tells that pulses come, and that nothing but an operator's order forbids them.
func (c *Clock) good(now timescale.Mono) bool {
	return !c.cond.Lost && c.cond.Distrust == ReasonNone && !c.life.LastEdge.IsZero() && now.Sub(c.life.LastEdge) < pulseTimeout
}

// fresh tells that a pulse was believed a moment ago and nothing speaks against it.
func (c *Clock) fresh(now timescale.Mono) bool { return c.Awaits(now, c.cond) }

// Awaits tells that a pulse was believed a moment ago, and that the next one is still
// waited for under these conditions. Where pulses are known to miss, that is longer, but
// not for a receiver that says itself that it has no time, nor while pulses come that are
// not believed.
func (c *Clock) Awaits(now timescale.Mono, cond Conditions) bool {
	timeout := pulseTimeout
	if cond.HoldOff || !cond.NoTime && now.Before(c.life.Patchy) && c.est.rejects < rejectsShown {
		timeout = pulsePatience
	}
	return !c.life.LastAccepted.IsZero() && now.Sub(c.life.LastAccepted) < timeout && !cond.pulsesUnused()
}

// error is the estimated error x of the served clock (ns) and the oscillator's
// own frequency y (ppb) at now.
func (c *Clock) error(now timescale.Mono) (x, y float64) {
	whole, part, y := c.errorParts(now)
	return float64(whole) + part, y
}

// errorParts keeps the whole nanoseconds of x apart: a clock that starts in
// 1970 is off by more than a float64 can tell to the nanosecond.
func (c *Clock) errorParts(now timescale.Mono) (whole int64, part, y float64) {
	u, steps, _ := c.corr.at(now)
	return c.life.OriginNs + steps, c.est.phase(c.axis(now)) + u, c.est.rate()
}

// lockLimit is the error below which the clock may call itself locked: 100 ns,
// more for a pulse whose noise would keep even a perfect clock outside.
func (c *Clock) lockLimit() float64 {
	return max(lockLimitNs, min(4*c.est.pulses.ns, ns(c.cfg.Spec)/3))
}

// advance lets the state follow and makes the order.
func (c *Clock) advance(now timescale.Mono, pulse bool) Order {
	if now.Before(c.now) {
		now = c.now
	}
	dt := now.Sub(c.now)
	c.now = now
	if c.life.State == quality.Locked && now.Sub(c.life.Start) >= c.cfg.WarmUp {
		c.life.LockedFor += dt
	}
	fresh := c.fresh(now)
	if followed := c.life.State == quality.Locking && !c.warming(now) || c.life.State == quality.Relocking && c.life.Steady; followed && fresh {
		c.life.LockingFor += dt
	}
	if !c.life.EverLocked && c.est.valid && now.Sub(c.life.LastAccepted) > forgetAfter {
		c.forget()
	}
	step := c.firstStep(now, pulse && fresh)
	if !step.Step {
		step = c.laterStep(now, pulse && fresh)
	}

	next, why := Next(c.life.State, c.inputs(now, fresh))
	c.life.Steady = next == quality.Locked || next == quality.Relocking && why == ReasonWide
	if next != c.life.State {
		c.enter(now, next)
		// A holdover has another bound than the lock before it.
		if held, but := Next(next, c.inputs(now, fresh)); next == quality.HoldoverSpec && held == quality.HoldoverNoSpec {
			c.enter(now, held)
			next, why = held, but
		}
	}
	c.why = why
	if next == quality.Locked {
		if now.Sub(c.life.Since) < youngLock {
			c.life.SaidBound, c.life.SaidSigma = slowFall{}, slowFall{}
		}
		c.life.SaidBound.follow(now, c.bound(now))
		c.life.SaidSigma.follow(now, c.unseen(now)/boundSigmas)
	}
	if step.Step {
		return step
	}
	return c.steer(now)
}

// inputs gathers the facts for Next.
func (c *Clock) inputs(now timescale.Mono, fresh bool) Inputs {
	in := Inputs{
		EverLocked: c.life.EverLocked,
		Warm:       now.Sub(c.life.Start) >= c.cfg.WarmUp,
		HasTime:    c.cond.HasTime,
		Pulses:     fresh,
		Aligned:    c.est.valid && c.life.Aligned,
		Learned:    c.life.LockedFor >= c.cfg.Learning,
	}
	if c.life.EverLocked {
		in.Aligned = !c.held.Active
	}
	if c.est.valid {
		x, _ := c.error(now)
		limit := c.lockLimit()
		sigma := c.est.sigma()
		switch {
		case !fresh || c.held.Active || math.Abs(x) > limit || 3*sigma > limit && !c.est.converged() || c.contradicted(now, limit) || c.warming(now):
			c.life.SettledFrom = timescale.Mono{}
		case c.life.SettledFrom.IsZero():
			c.life.SettledFrom = now
		}
		in.Settled = !c.life.SettledFrom.IsZero() && now.Sub(c.life.SettledFrom) >= c.settle() && c.waited(now)
		in.Strayed = math.Abs(x) > strayedFactor*limit || c.contradicted(now, strayedFactor*limit)
	}
	c.life.Forced = c.life.Forced && c.good(now)
	bound, spec := c.bound(now), ns(c.cfg.Spec)
	inside := bound < spec
	in.Wide = c.wide(now, bound)
	if c.life.State == quality.Locked {
		c.life.BoundInside, c.life.Capped = inside, false
	} else {
		c.life.BoundInside = c.life.BoundInside && inside
	}
	if !fresh && !c.life.HoldoverFrom.IsZero() && now.Sub(c.life.HoldoverFrom) >= c.cfg.MaxHoldover {
		c.life.Capped = true
	}
	in.BoundInside, in.UnderCap = c.life.BoundInside, !c.life.Capped && c.cfg.MaxHoldover > 0
	return in
}

// wide tells that a bound keeps the clock from LOCKED, and notes since when it does not.
// It ends LOCKED at once when it is outside the spec. The way back has a hysteresis, so
// that the class does not flap at the edge: the bound is clearly inside for some seconds,
// or inside at all for some minutes.
func (c *Clock) wide(now timescale.Mono, bound float64) bool {
	if !(c.limiting(bound) <= ns(c.cfg.Spec)) {
		c.life.NarrowFrom = timescale.Mono{}
		return true
	}
	if c.life.NarrowFrom.IsZero() {
		c.life.NarrowFrom = now
	}
	return c.life.State == quality.Relocking && c.narrowLeft(now, bound) > 0
}

// limiting is the part of a bound that keeps the clock from LOCKED.
func (c *Clock) limiting(bound float64) float64 {
	if own := bound - c.receiverNs; c.cfg.anyBound() && !(own <= ns(c.cfg.Spec)) {
		return c.receiverNs // what is doubted of the references
	}
	return bound
}

// narrowLeft is how long a bound that is inside the spec again must stay there, at the
// earliest, before LOCKED.
func (c *Clock) narrowLeft(now timescale.Mono, bound float64) time.Duration {
	wait := relockSettle
	if c.limiting(bound) > narrowShare*ns(c.cfg.Spec) {
		wait = narrowFor
	}
	return max(wait-now.Sub(c.life.NarrowFrom), 0)
}

// contradicted tells that the last pulses show the clock further off than limit ns.
func (c *Clock) contradicted(now timescale.Mono, limit float64) bool {
	return c.witness.error(now, c.est.pulses.ns) > limit+c.receiver()
}

// enter does what belongs to the change into a state.
func (c *Clock) enter(now timescale.Mono, next quality.State) {
	switch next {
	case quality.Locked:
		c.life.EverLocked = true
		if !c.life.Forced { // else it is the same lock
			c.life.LockedAt = now
			c.life.Locks++
		}
		c.life.Waits, c.life.Forced = false, false
		c.life.HoldoverFrom = timescale.Mono{}
		c.life.BoundInside, c.life.Capped = true, false
	case quality.HoldoverSpec, quality.HoldoverNoSpec:
		if c.life.State == quality.Locked {
			c.life.Forced = c.cond.Forced && c.good(now)
		}
		if c.life.State == quality.Locked && !c.life.Forced && c.shortLock(now) {
			c.life.Waits = true
		}
		if c.life.HoldoverFrom.IsZero() {
			c.life.HoldoverFrom = now
		}
		if !c.held.Active {
			c.hold(now)
		}
	case quality.Relocking:
		if c.life.HoldoverFrom.IsZero() {
			c.life.HoldoverFrom = now
		}
		if !c.life.Steady {
			c.life.SettledFrom = timescale.Mono{}
		} else if c.shortLock(now) { // a bound at the edge
			c.life.Waits = true
		}
	}
	c.life.State, c.life.Since = next, now
}

// shortLock tells that the lock that ends now was short, and not the first.
func (c *Clock) shortLock(now timescale.Mono) bool {
	return c.life.Locks > 1 && now.Sub(c.life.LockedAt) < shortLock*c.cfg.WaitToRestore
}

// firstStep decides about the phase before the first lock: a step when nobody
// is served or on_acquire says so, else nothing and the slew does it.
func (c *Clock) firstStep(now timescale.Mono, pulse bool) Order {
	if c.life.EverLocked || !c.est.valid {
		return Order{}
	}
	x, y := c.error(now)
	if c.life.Aligned {
		// Stepped already, and missed by far with nobody looking, or gone so far since that a
		// slew is no way back (a crystal that was outside the clock's pull): once more.
		c.life.Aligned = math.Abs(x) <= stepAgainNs || c.cond.Served && (c.cfg.OnAcquire == AcquireSlew || !c.slewsLong(x))
		return Order{}
	}
	least := float64(stepLeastNs)
	if c.life.Steps > 0 {
		least = stepAgainNs
	}
	slew := c.cond.Served && (c.cfg.OnAcquire == AcquireSlew ||
		c.cfg.OnAcquire == AcquireAuto && c.slewTime(x, y+c.corr.ppb()) <= seconds(autoSlew))
	if math.Abs(x) <= least || slew {
		c.life.Aligned = true
		return Order{}
	}
	if !pulse {
		return Order{}
	}
	c.stepTries++
	whole, part, _ := c.errorParts(now)
	return Order{Step: true, StepNs: -whole - int64(math.Round(part)), SetFrequency: true, FrequencyPPB: clamp(-y, c.cfg.MaxPPB)}
}

// laterStep decides about a step after the first lock: in class 52 alone, where
// on_return or the operator asks for one, or the clock has another second than the
// pulses that are believed.
func (c *Clock) laterStep(now timescale.Mono, pulse bool) Order {
	if !c.life.EverLocked || c.held.Active || !pulse {
		return Order{}
	}
	whole, part, y := c.errorParts(now)
	x := float64(whole) + part
	out := c.life.State == quality.Relocking && !c.life.BoundInside && math.Abs(x) > ns(c.cfg.Spec)
	asked := c.cfg.OnReturn == ReturnStep || c.cfg.OnReturn == ReturnAuto && c.slewsLong(x)
	another := math.Abs(x) >= wholeSecondNs
	if !(another || out && asked || c.stepWanted && math.Abs(x) > stepLeastNs) {
		c.stepWanted = false
		return Order{}
	}
	c.stepTries++
	ppb := c.corr.ppb()
	if c.stepWanted {
		ppb = clamp(-y, c.cfg.MaxPPB) // it ends a slew, which would run on for minutes
	}
	return Order{Step: true, StepNs: -whole - int64(math.Round(part)), SetFrequency: true, FrequencyPPB: ppb}
}

// StepNow is the operator's order to step the served clock to the pulse, with the next
// pulse that is believed. Clients see the step.
func (c *Clock) StepNow() { c.stepWanted = true }
