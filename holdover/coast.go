package holdover

import (
	"math"
	"time"

	"bragi/gnss/timescale"
	"bragi/holdover/quality"
)

// held is the holdover: the estimator goes on without pulses.
type held struct {
	Active  bool    `json:"active"`
	From    float64 `json:"from_s"`      // since the origin; the bound grows from here
	ZErrNs  float64 `json:"z_err_ns"`    // bound of the error of z there
	Sigma   float64 `json:"sigma_ns"`    // the model's deviation of z at the loss
	Drift   float64 `json:"drift_ppb_s"` // of the frequency right before the loss, positive
	Doubted float64 `json:"doubted_ns"`  // part of ZErrNs that is the pulses' word against the oscillator's
	Sky     int     `json:"sky"`         // pulses seen since that no oscillator explains
	Heard   float64 `json:"heard_s"`     // the model has heard pulses until then, and From is earlier; 0: it is not
}

// hold begins the holdover at the loss of the pulse.
//
// A receiver's pulse may drift before it admits to have lost the sky (20 s have
// been seen). So the state of a minute ago is carried forward; with an oscillator
// that moves too much in a minute for that, only when it disagrees with today's
// by more than the oscillator could have moved. Whichever is taken, the bound
// holds the other one too.
func (c *Clock) hold(now timescale.Mono) {
	c.thermo.acquit(c.life.LastAccepted.Add(-backDate))
	c.est.blind = !c.feels(now)
	calm := c.noBetter()
	t := c.axis(now)
	c.est.advance(t, c.thermo.when(now))
	end := c.axis(c.life.LastAccepted)
	doubted, age := c.doubt.most()
	h := held{Active: true, From: end, ZErrNs: boundSigmas*c.est.sigma() + doubted + c.receiver(), Drift: c.motion.drift()}
	from := end - seconds(backDate)
	y := &c.doubt.young
	ran := y.until > 0 && y.model.t > from // it was seen when they began to run away
	if ran {
		from = y.model.t
	}
	old, ok := c.snaps.before(from)
	if !ok && ran {
		old, ok = y.model, true
	}
	if ok {
		var k transition
		k.set(c.est.t-old.t, c.est.calmNoise())
		back := old
		back.predict(&k, c.est.w)
		d, dy := math.Abs(back.x[sPhase]-c.est.x[sPhase]), math.Abs(back.rate()-c.est.rate())
		better := max(back.p[sPhase][sPhase]-c.est.p[sPhase][sPhase], 0)
		if ran || better < square(backDateNs) || d > 3*math.Sqrt(better)+backDateNs {
			back.level = c.est.level
			c.est.model = back
			h.From = old.t
		}
		h.ZErrNs = boundSigmas*c.est.sigma() + max(d, doubted) + c.receiver()
		if c.est.rejects >= rejectsShown {
			c.anchorAt(&back, 0) // pulses and oscillator say two things
		}
		if dy > 2*back.rateSigma() {
			c.est.add(sFreq, sFreq, square(dy))
		}
	}
	if calm {
		c.est.addRate(square(c.est.kind.flickerPPB), t-h.From)
	}
	if doubted > 0 {
		c.est.addRate(square(doubted/age), t-end)
	}
	if c.doubt.anchor.Moves {
		c.est.addRate(square(c.est.rate()-c.doubt.anchor.Model.rate()), t-end)
	}
	if c.est.rejects >= rejectsShown {
		// Pulses come and do not fit: perhaps the air did not move as it seems.
		c.est.add(sFreq, sFreq, square((c.est.x[sTempco1]+c.est.x[sTempco2])*c.thermo.doubt(now)))
	}
	h.Sigma = c.est.sigma()
	h.Doubted = doubted
	c.held = h
	c.fit.reset()
	c.returning = 0
}

const (
	boundSigmas = 4  // in lock
	coastSigmas = 3  // in holdover, of the measured deviation
	backDateNs  = 15 // what a minute without pulses may cost
)

// takeReturning judges a pulse during holdover. Pulses come back on a line: level
// with the frequency that was held, three of them, however noisy, or with another
// one that the oscillator can have reached meanwhile, six. Inside the bound that is
// the way back. As far outside as temperature could have brought the oscillator a
// minute of pulses is asked for, and elsewhere five minutes: then it is more likely
// that the clock is wrong than the sky. A sky that was seen moving as no
// oscillator does must stand still for an hour. What counts is the bound when
// the pulse was first seen there: one that jumped and stayed has no drift to
// explain it.
func (c *Clock) takeReturning(t, z, sigma float64) bool {
	e := &c.est
	e.pulses.add(t, z, e.kind.differenceNs())
	e.listen(t)
	if c.fit.n > 0 && t-c.fit.points[c.fit.n-1].t > 2*seconds(pulseTimeout) {
		c.fit.reset()
		c.returning = 0
	}
	c.fit.add(t, z, sigma)
	away := max(t-c.held.From, 1)
	anew := func() { c.returnFrom, c.returnUnseen, c.returnNs = t, c.coasted(t), math.NaN() }
	if c.returning == 0 {
		anew()
	}
	c.returning++
	l, level := c.fit.phase(e.rate(), e.pulses.ns)
	pulses := returnPulses
	sky := c.held.Sky >= skyMoved
	if level && (sky || math.Abs(l.z-e.phase(l.t))-gateSigmas*l.zErr > c.returnUnseen) {
		// Three pulses are level with much; half a minute of them is not.
		if long, ok := c.fit.runs(e.pulses.ns, e.rate()); ok && math.Abs(long.y-e.rate()) > gateSigmas*math.Hypot(e.rateSigma(), long.yErr) {
			l, pulses, level = long, len(c.fit.points), false
		}
	} else if !level {
		if l, pulses = c.fit.track(e.pulses.ns); pulses == 0 {
			if c.fit.n >= returnPulses {
				anew() // no pulse here yet
			}
			return false
		}
	}
	d, dy := l.z-e.phase(l.t), math.Abs(l.y-e.rate())
	could := min(e.could().rushPPBs*away, e.could().reachPPB)
	if !level && gateSigmas*l.yErr > could && pulses < len(c.fit.points) {
		return false // too short a line to tell
	}
	if moved := dy - gateSigmas*math.Hypot(c.virtual.ratio(away)*e.rateSigma(), l.yErr); !level && !c.life.Vouched && moved > 0 {
		if (moved > could || sky && e.proven && away < doubtLastsS && !c.runsAsBefore(l)) && !c.discredited(c.held.From) {
			c.held.Sky++
			c.returning = 0
			return false
		}
		if c.felt(c.now) && c.returning < doubtRejects {
			return false
		}
	}
	if held := gateSigmas * math.Hypot(c.virtual.ratio(away)*e.rateSigma(), l.yErr); !level && !c.life.Vouched && dy <= held && l.yErr > worseLine*e.rateSigma() {
		// The line says less of the frequency than what was held.
		level = true
		l.noise = max(l.noise, e.pulses.ns)
	}
	patience := returnRejects
	if sky {
		patience = skyRejects
	}
	off := math.Abs(d) - gateSigmas*l.zErr
	// What is in the bound for a doubt alone is no place where the clock expects them.
	expected := c.returnUnseen - c.held.Doubted
	// A sky that has lied before is right again where the other opinion is.
	if math.IsNaN(c.returnNs) {
		c.returnNs = d
	}
	offset, width := c.otherOpinion()
	right := math.Abs(d-c.returnNs) <= 2*gateSigmas*l.zErr && c.returning >= returnRejects &&
		c.doubt.anchor.LeastNs > 0 && math.Abs(d+offset)-gateSigmas*l.zErr <= expected+width
	switch {
	case c.life.Vouched, off <= expected && c.returning >= doubtRejects, off <= c.returnUnseen && !sky:
	case off <= max(c.returnUnseen, could*away/2) && c.returning >= doubtRejects && c.returnFrom-c.held.From > doubtAwayS && !sky:
	case right && level:
	case !level && c.returning >= doubtRejects && c.runsAsBefore(l):
	case c.returning >= patience:
	default:
		return false
	}
	// Where the sky has moved, what a room might do is no place where they are expected.
	foretold := max(c.held.ZErrNs-c.held.Doubted, c.receiver()+coastSigmas*c.virtual.ratio(away)*e.sigma())
	if !level || off > expected || sky && off > foretold {
		// Pulses and oscillator still say two things. A hint that allows for both takes no part.
		if a := &c.doubt.anchor; a.Moves && c.hints() && math.Abs(offset) <= width {
			*a = anchor{}
		}
		c.doubt.reset()
		c.anchorAt(&e.model, d)
		c.doubt.anchor.Jumped = c.doubt.anchor.Jumped || sky || level && c.returning >= patience && c.returnFrom-c.held.From <= doubtAwayS
	}
	if c.life.Vouched {
		c.doubt.anchor = anchor{}
	}
	before := e.model
	w := c.thermo.when(c.life.LastEdge)
	switch s := math.Abs(d) - 2*math.Hypot(e.sigma(), l.zErr); {
	case !level:
		e.renew(l, w)
		e.agility = max(e.agility, square(min(dy/max(away, seconds(backDate)), agilityMargin*e.could().rushPPBs)))
		c.forgetStates()
		c.motion.reset()
	case s <= 0:
	case off <= expected && s > 3*c.strayed() && math.Abs(d) < 2*c.receiver():
		// So soon the oscillator cannot have gone there: the pulse is off.
		e.add(sPulseSlow, sPulseSlow, square(d))
	default:
		// More than foretold: the frequency may be off by what the phase shows,
		// twice that for a drift.
		e.add(sPhase, sPhase, square(s))
		e.add(sFreq, sFreq, square(min(2*s/away, could)))
		e.add(sPhase, sFreq, s*min(s/away, could/2))
	}
	if level && off > expected {
		// A new place: all that was known of the phase is void.
		e.x[sPhase] += d
		c.forgetStates()
	}
	if e.proven && !c.life.Vouched && (!level || off > expected) { // it may be a receiver that loses the sky
		c.doubt.young.model, c.doubt.young.until = before, t+doubtTailS
	}
	e.rejects = 0
	if level && off <= expected && e.loudAt >= c.held.From-seconds(backDate) {
		c.thermo.acquit(c.now.Add(-durationS(away)))
	}
	if level {
		e.pulses.expect(l.noise)
		for _, p := range c.fit.points[c.fit.n-returnPulses : c.fit.n] {
			e.take(p, w)
		}
	}
	c.held, c.life.Vouched = held{}, false
	c.doubt.sober.apart = false
	c.fit.reset()
	return true
}

// runsAsBefore tells that the line has the frequency of the oscillator from before the
// pulses moved as it does not: a sky that has lied lies no further.
func (c *Clock) runsAsBefore(l line) bool {
	a := &c.doubt.anchor
	if !a.Moves {
		return false
	}
	old := c.est.foretold(&a.Model)
	return math.Abs(l.y-old.rate()) <= gateSigmas*math.Hypot(old.rateSigma(), l.yErr)
}

const (
	worseLine  = 3    // times the deviation of the held frequency
	skyMoved   = 10   // pulses that no oscillator explains
	skyRejects = 3000 // and how many must stand still then
)

// RefusesPulses tells whether pulses come in a holdover and are not believed, or are
// followed with a doubt that keeps the clock from LOCKED.
func (c *Clock) RefusesPulses() bool {
	if c.held.Active {
		return c.returning > 0 || c.held.Sky > 0
	}
	return c.why == ReasonWide && c.DoubtsPulses()
}

// DoubtsPulses tells that pulses are followed out of LOCKED, and that the oscillator speaks
// against them.
func (c *Clock) DoubtsPulses() bool {
	doubted, _ := c.doubt.most()
	return !c.held.Active && c.life.State == quality.Relocking && doubted > 0
}

// Confirm is the word of another receiver, which has agreed with the pulses for long: then
// the oscillator has moved, and what it says against them is no more in the bound. It is not
// taken for pulses that jumped: no oscillator does, and what fools one may fool both. ok tells
// whether it was.
func (c *Clock) Confirm() (ok bool) {
	if c.why != ReasonWide || !c.DoubtsPulses() || c.doubt.anchor.Jumped {
		return false
	}
	c.believe()
	return true
}

// AcceptPulses is the operator's word that the receiver's pulse is right: the
// holdover ends with the next pulses that lie on a line, wherever they are, nothing is
// waited for after a short lock, and what the oscillator says against the pulses is no
// more in the bound.
func (c *Clock) AcceptPulses() {
	if c.life.Vouched, c.life.Waits = c.held.Active, false; c.held.Active {
		return
	}
	c.believe()
}

// believe ends every doubt of the pulses that are followed.
func (c *Clock) believe() {
	c.forgetStates()
	c.doubt.reset()
	c.doubt.anchor = anchor{}
}

// feels tells that the thermometer may be relied on: it works, and the pulses have not
// shown that the oscillator feels something else.
func (c *Clock) feels(now timescale.Mono) bool { return c.thermo.trusted(now) && !c.kinds.misled() }

// felt tells that what the thermometer does not show did not happen.
func (c *Clock) felt(now timescale.Mono) bool {
	return c.thermo.proven(now) && c.kinds.without() < kindEven
}

// strayed is the deviation of what the oscillator has done since the loss.
func (c *Clock) strayed() float64 {
	return c.virtual.ratio(c.est.t-c.held.From) * math.Sqrt(max(square(c.est.sigma())-square(c.held.Sigma), 0))
}

// coasted is the bound of the error of z at t (s since the origin) in holdover.
func (c *Clock) coasted(t float64) float64 { return max(c.held.ZErrNs, c.grown(t)) }

// grown is coasted without what was wrong at its begin.
func (c *Clock) grown(t float64) float64 {
	s := c.est.sigma()
	if ahead := t - c.est.t; ahead > 2 {
		s = c.sigmaAfter(ahead)
	}
	return c.coastBound(t-c.held.From, s)
}

// coastBound is what z may be off after away seconds without a pulse, when the
// model's deviation is sigma: coastSigmas of what virtual holdovers have shown that to
// be, and what they may not have seen, by Pythagoras, and the receiver.
//
// A bound is to hold at every second of a holdover, and on every day. The error over its
// deviation changes slowly, with the logarithm of the time: a holdover of some hours is
// two or three looks at it. Two deviations are left by one look of twenty, so by a
// holdover of ten. Here they are three times what was measured, which counts as 1.12 at
// least: 3.4 of a model that is exact, left by one look of a thousand.
func (c *Clock) coastBound(away, sigma float64) float64 {
	return c.receiver() + math.Hypot(coastSigmas*c.virtual.ratio(away)*sigma, c.unforeseen(away))
}

// unforeseen is the phase, in ns, that two things make within away seconds: a
// drift that was seen at the loss goes on for half an hour; and where no
// thermometer tells of it, the room becomes 10 C warmer within an hour, and began to
// before the loss. The same room counts since a thermometer last moved that has been still
// for far longer than ever before: it may stick.
func (c *Clock) unforeseen(away float64) float64 {
	drift := c.held.Drift
	if !c.held.Active {
		drift = c.motion.drift()
	}
	ns := drift * ramped(away, driftGoesOnS)
	if c.est.blind {
		return ns + c.est.kind.roomNs(away+seconds(backDate)) - c.est.kind.roomNs(seconds(backDate))
	}
	if still := c.thermo.oddlyStill(c.now); still > 0 && c.held.Active {
		ns += math.Abs(c.est.x[sTempco1]+c.est.x[sTempco2]) * roomC / roomS * ramped(still, roomS)
	}
	return ns
}

const driftGoesOnS = 1800.0

// sigmaAfter is the model's deviation of z when it coasts for s seconds more,
// the air going where it may.
func (c *Clock) sigmaAfter(s float64) float64 {
	var k transition
	k.set(s, c.est.noise())
	far := min(s, airTurnsS) * s / (s + airMovesS) * math.Sqrt(max(c.thermo.Spread, square(airSpreadC)))
	if !c.thermo.Known {
		far = 0
	}
	variance := 0.0
	for _, swing := range [...]float64{-far, far} {
		m, w := c.est.model, c.est.w
		w.s1 += w.t1*s + swing
		w.s2 += w.t2*s + swing
		m.predict(&k, w)
		variance += m.p[sPhase][sPhase] / 2
	}
	return math.Sqrt(variance)
}

const (
	airSpreadC = 0.5
	airMovesS  = 7200.0     // the air of a room has gone half its way
	airTurnsS  = 6 * 3600.0 // the day's swing turns back then
)

// bound is the bound of the served clock's time error at now, in ns; NaN while
// nothing is known. Pulses that come and contradict it raise it at once, whatever the
// model makes of them: up to where the oscillator can have gone since they last
// agreed.
func (c *Clock) bound(now timescale.Mono) float64 {
	if !c.est.valid {
		return math.NaN()
	}
	x, _ := c.error(now)
	b := math.Abs(x) + c.unseen(now)
	if !c.held.Active {
		b = max(b, c.pulsesBound(x))
	}
	if shown := c.witness.most(now, c.est.pulses.ns); shown > 0 && !c.cond.pulsesUnused() {
		agreed := c.axis(c.life.LastAccepted)
		if c.held.Active {
			agreed = c.held.From
		}
		away := max(c.axis(now)-agreed, 0) + 1
		could := b + min(c.est.could().rushPPBs*away, c.est.could().reachPPB)*away
		b = max(b, min(shown+c.receiver(), could))
	}
	return b
}

// pulsesBound is what the error may be when the pulses are right, as far as a receiver is,
// and the model is not: where they are off for long it takes that for their own slow error.
// x is its estimate, in ns.
func (c *Clock) pulsesBound(x float64) float64 {
	e := &c.est
	return math.Abs(x+e.x[sPulseSlow]) + boundSigmas*e.sigma() + c.receiver()
}

// unseen is the part of the bound beside the estimated error itself.
func (c *Clock) unseen(now timescale.Mono) float64 {
	if c.held.Active {
		// A lie that was followed has moved phase and frequency the same way.
		return max(c.held.ZErrNs, c.held.Doubted+c.grown(c.axis(now)))
	}
	doubted, _ := c.doubt.most()
	ns := boundSigmas*c.est.sigma() + max(doubted, c.doubt.nearly()) + c.est.leansNs() + c.receiver()
	if gap := seconds(now.Sub(c.life.LastAccepted)); gap > seconds(pulseTimeout) {
		ns = max(ns, c.coastBound(gap, c.est.sigma()))
	}
	return ns
}

// receiver bounds what is wrong with every pulse alike, in ns. A receiver whose
// pulses are noisier than a navigation receiver's is off slowly by more.
func (c *Clock) receiver() float64 {
	return c.cfg.ReceiverBoundNs + c.cfg.InputNs + c.receiverNs + slowBoundNs*(min(max(c.est.pulses.ns/noiseFirstNs, 1), pulseScaleMost)-1)
}

const slowBoundNs = 40.0 // of a pulse of noiseFirstNs

// slowFall follows a number upward at once, and downward only when it has been
// a fifth lower for half an hour: an Announce that flutters between two codes
// makes every client choose its master anew.
type slowFall struct {
	Value float64        `json:"value"`
	High  timescale.Mono `json:"high_ns"` // when the number was last not a fifth lower
}

func (s *slowFall) follow(now timescale.Mono, v float64) {
	switch {
	case v > 0.8*s.Value:
		s.Value = max(s.Value, v)
		s.High = now
	case now.Sub(s.High) >= 30*time.Minute:
		s.Value, s.High = v, now
	}
}
