package holdover

import (
	"math"
	"time"

	"bragi/gnss/timescale"
)

// held is the holdover: the estimator goes on without pulses.
type held struct {
	Active bool    `json:"active"`
	From   float64 `json:"from_s"`   // since the origin; the bound grows from here
	ZErrNs float64 `json:"z_err_ns"` // bound of the error of z there
	Sigma  float64 `json:"sigma_ns"` // the model's deviation of z at the loss
}

// hold begins the holdover at the loss of the pulse.
//
// A receiver's pulse may drift before it admits to have lost the sky (20 s have
// been seen). So the state of a minute ago is carried forward; with an oscillator
// that moves too much in a minute for that, only when it disagrees with today's
// by more than the oscillator could have moved.
func (c *Clock) hold(now timescale.Mono) {
	c.thermo.acquit(c.life.LastAccepted.Add(-backDate))
	c.est.blind = !c.thermo.trusted(now)
	t := c.axis(now)
	c.est.advance(t, c.thermo.when(now))
	end := c.axis(c.life.LastAccepted)
	h := held{Active: true, From: end, ZErrNs: boundSigmas*c.est.sigma() + c.cfg.ReceiverBoundNs}
	if old, ok := c.snaps.before(end - seconds(backDate)); ok {
		var k transition
		k.set(c.est.t-old.t, c.est.noise())
		back := old
		back.predict(&k, c.est.w)
		d := math.Abs(back.x[sPhase] - c.est.x[sPhase])
		better := max(back.p[sPhase][sPhase]-c.est.p[sPhase][sPhase], 0)
		if better < square(backDateNs) || d > 3*math.Sqrt(better)+backDateNs {
			c.est.model = back
			h.From = old.t
			h.ZErrNs = boundSigmas*back.sigma() + d + c.cfg.ReceiverBoundNs
		}
	}
	if c.est.rejects >= rejectsShown {
		// Pulses come and do not fit: perhaps the air did not move as it seems.
		c.est.add(sFreq, sFreq, square((c.est.x[sTempco1]+c.est.x[sTempco2])*c.thermo.doubt(now)))
	}
	h.Sigma = c.est.sigma()
	c.held = h
	c.fit.reset()
	c.returning = 0
}

const (
	boundSigmas = 4  // in lock
	coastSigmas = 2  // in holdover, of the measured deviation
	backDateNs  = 15 // what a minute without pulses may cost
)

// takeReturning judges a pulse during holdover. Three that agree with each
// other and lie inside the bound are the way back, however noisy they are.
// Somewhat outside a minute of pulses is asked for, and elsewhere five
// minutes: then it is more likely that the clock is wrong than the sky. What
// counts is the bound when the pulse was first seen there: one that jumped and
// stayed has no drift to explain it.
func (c *Clock) takeReturning(t, z, sigma float64) bool {
	if c.fit.n > 0 && t-c.fit.points[c.fit.n-1].t > 2*seconds(pulseTimeout) {
		c.fit.reset()
		c.returning = 0
	}
	c.fit.add(t, z, sigma)
	if c.returning == 0 {
		c.returnFrom, c.returnUnseen = t, c.coasted(t)
	}
	c.returning++
	l, ok := c.fit.phase(c.est.rate(), c.est.noiseNs)
	if !ok {
		if c.fit.n >= returnPulses {
			c.returnFrom, c.returnUnseen = t, c.coasted(t) // no pulse here yet
		}
		return false
	}
	d := l.z - c.est.phase(l.t)
	off := math.Abs(d) - gateSigmas*l.zErr
	switch {
	case off <= c.returnUnseen:
	case off <= doubtFactor*c.returnUnseen && c.returning >= doubtRejects && c.returnFrom-c.held.From > doubtAwayS:
	case c.returning >= returnRejects:
	default:
		return false
	}
	away := max(t-c.held.From, 1)
	e := &c.est
	switch s := math.Abs(d) - 2*math.Hypot(e.sigma(), l.zErr); {
	case s <= 0:
	case off <= c.returnUnseen && s > 3*c.strayed():
		// So soon the oscillator cannot have gone there: the pulse is off.
		e.add(sPulseSlow, sPulseSlow, square(d))
	default:
		// More than foretold: the frequency may be off by what the phase shows,
		// twice that for a drift.
		e.add(sPhase, sPhase, square(s))
		e.add(sFreq, sFreq, square(min(2*s/away, c.osc.boundPPB)))
		e.add(sPhase, sFreq, s*min(s/away, c.osc.boundPPB/2))
	}
	if off > c.returnUnseen {
		// A new place: all that was known of the phase is void.
		e.x[sPhase] += d
		c.snaps.reset()
	}
	w := c.thermo.when(c.now)
	e.rejects = 0
	e.expectNoise(l.noise)
	for _, p := range c.fit.points[c.fit.n-returnPulses : c.fit.n] {
		e.update(p.t, p.z, p.sigma, w)
	}
	c.held = held{}
	c.fit.reset()
	return true
}

// strayed is the deviation of what the oscillator has done since the loss.
func (c *Clock) strayed() float64 {
	return c.virtual.ratio(c.est.t-c.held.From) * math.Sqrt(max(square(c.est.sigma())-square(c.held.Sigma), 0))
}

// coasted is the bound of the error of z at t (s since the origin) in holdover.
func (c *Clock) coasted(t float64) float64 {
	s := c.est.sigma()
	if ahead := t - c.est.t; ahead > 2 {
		s = c.sigmaAfter(ahead)
	}
	return max(c.held.ZErrNs, c.cfg.ReceiverBoundNs+coastSigmas*c.virtual.ratio(t-c.held.From)*s)
}

// sigmaAfter is the model's deviation of z when it coasts for s seconds more,
// the air going where it may.
func (c *Clock) sigmaAfter(s float64) float64 {
	var k transition
	k.set(s, c.est.noise())
	far := min(s, airTurnsS) * s / (s + airMovesS) * math.Sqrt(max(c.thermo.Spread, square(airSpreadC)))
	if !c.thermo.Known {
		far = 0
	}
	worst := 0.0
	for _, swing := range [...]float64{-far, far} {
		m, w := c.est.model, c.est.w
		w.s1 += w.t1*s + swing
		w.s2 += w.t2*s + swing
		m.predict(&k, w)
		worst = max(worst, m.p[sPhase][sPhase])
	}
	return math.Sqrt(worst)
}

const (
	airSpreadC = 0.5
	airMovesS  = 7200.0     // the air of a room has gone half its way
	airTurnsS  = 6 * 3600.0 // the day's swing turns back then
)

// bound is the bound of the served clock's time error at now, in ns; NaN while
// nothing is known.
func (c *Clock) bound(now timescale.Mono) float64 {
	if !c.est.valid {
		return math.NaN()
	}
	x, _ := c.error(now)
	return math.Abs(x) + c.unseen(now)
}

// unseen is the part of the bound beside the estimated error itself.
func (c *Clock) unseen(now timescale.Mono) float64 {
	if c.held.Active {
		return c.coasted(c.axis(now))
	}
	return boundSigmas*c.est.sigma() + c.cfg.ReceiverBoundNs
}

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

// snapshots are the estimator's states of the last minute and a bit.
type snapshots struct {
	ring [18]model
	n    int
}

const snapshotEveryS = 4.5

func (s *snapshots) reset() { s.n = 0 }

func (s *snapshots) add(m *model) {
	if s.n == 0 || m.t-s.ring[(s.n-1)%len(s.ring)].t >= snapshotEveryS {
		s.ring[s.n%len(s.ring)] = *m
		s.n++
	}
}

// before is the newest state at or before t.
func (s *snapshots) before(t float64) (model, bool) {
	for i := s.n - 1; i >= max(0, s.n-len(s.ring)); i-- {
		if m := &s.ring[i%len(s.ring)]; m.t <= t {
			return *m, true
		}
	}
	return model{}, false
}
