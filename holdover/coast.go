package holdover

import (
	"math"
	"time"

	"bragi/gnss/timescale"
)

// held is what the oscillator is taken to do while the pulse is lost: a
// straight line of phase.
type held struct {
	active  bool
	t, z, y float64
	sigma   float64 // standard deviation of z
	zErrNs  float64 // bound of the error of z
	from    float64 // s since the origin; the bound grows from here
	mean    meanFrequency
}

func (h held) at(t float64) float64 { return h.z + h.y*(t-h.t) }

// hold freezes the oscillator's line at the loss of the pulse.
//
// A receiver's pulse may drift before it admits to have lost the sky (20 s have
// been seen). So the frequency is the mean of what lies more than a minute
// back, where the lock is long enough; and when the state of a minute ago,
// carried forward, disagrees with today's by more than the oscillator could
// have moved, the older one is believed.
func (c *Clock) hold(now timescale.Mono) {
	end := c.axis(c.lastAccepted)
	z, sigma := c.est.at(end)
	h := held{active: true, t: end, z: z, sigma: sigma, zErrNs: boundSigmas*sigma + c.cfg.ReceiverBoundNs, from: end}
	before := end - seconds(backDate)
	if old, ok := c.snaps.before(before); ok {
		back, backSigma := old.at(end)
		if d := math.Abs(z - back); d > 3*backSigma+30 {
			h.z, h.sigma, h.from = back, backSigma, before
			h.zErrNs = boundSigmas*backSigma + d + c.cfg.ReceiverBoundNs
		}
	}
	h.mean = c.meanFrequency(end)
	h.y = h.mean.ppb
	c.held = h
	c.fit.reset()
	c.returning = 0
}

const (
	boundSigmas = 4
	meanLeastS  = 5 // a shorter mean is no better than the estimator's frequency
)

// meanFrequency is the mean frequency that holdover would hold if it began at
// end.
func (c *Clock) meanFrequency(end float64) meanFrequency {
	need := min(2*seconds(backDate), 0.8*seconds(c.osc.mean))
	if m, ok := c.hist.mean(end-seconds(backDate), c.osc.mean); ok && m.spanS >= need {
		return m
	}
	if m, ok := c.hist.mean(end, c.osc.mean); ok && m.spanS >= meanLeastS {
		return m
	}
	return meanFrequency{ppb: c.est.y, errPPB: math.Sqrt(max(c.est.p[1][1], 0))}
}

// takeReturning judges a pulse during holdover. Three that agree with each
// other and lie where the oscillator likely drifted to are the way back. Where
// it hardly did, but might have, a minute of pulses is asked for, and elsewhere
// five minutes: then it is more likely that the clock is wrong than the sky.
// What counts is how long the pulse was away when it was first seen there: one
// that jumped and stayed has no drift to explain it.
func (c *Clock) takeReturning(t, z, sigma float64) bool {
	if c.fit.n > 0 && t-c.fit.points[c.fit.n-1].t > 2*seconds(pulseTimeout) {
		c.fit.reset()
		c.returning = 0
	}
	c.fit.add(t, z, sigma)
	if c.returning == 0 {
		c.returnFrom = t
	}
	c.returning++
	l, ok := c.fit.phase(c.held.y, c.est.noiseNs)
	if !ok {
		if c.fit.n >= returnPulses {
			c.returnFrom = t // no pulse here yet
		}
		return false
	}
	away := max(c.returnFrom-c.held.from, 0)
	d := math.Abs(l.z - c.held.at(l.t))
	drift := square(c.held.mean.errPPB*away) + c.est.white*away + c.est.walk*away*away*away/3
	likely := c.cfg.ReceiverBoundNs + gateSigmas*math.Sqrt(square(l.zErr)+square(c.held.sigma)+drift)
	likely = max(likely, c.growth(away)/3)
	within := d <= c.held.zErrNs+c.growth(away)+gateSigmas*l.zErr
	switch {
	case d <= likely:
	case within && c.returning >= doubtRejects:
	case c.returning >= returnRejects:
	default:
		return false
	}
	// The frequency may be off by what the phase shows, twice that for a drift.
	away = max(t-c.held.from, 1)
	yErr := math.Sqrt(square(min(2*d/away, c.osc.boundPPB)) + square(c.held.mean.errPPB) + c.est.walk*away)
	c.est.start(l.t, l.z, l.y, l.zErr, yErr, 0)
	c.snaps.reset()
	if within || d <= likely {
		for _, p := range c.fit.points[c.fit.n-returnPulses : c.fit.n] {
			c.hist.add(p.t, p.z)
		}
	} else {
		c.hist.reset()
	}
	c.held = held{}
	c.fit.reset()
	return true
}

// growth is how much the bound grows in t seconds without a pulse, in ns.
func (c *Clock) growth(t float64) float64 {
	return max(t, 0) * (c.osc.boundPPB + 2*c.held.mean.errPPB)
}

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
	t := c.axis(now)
	if c.held.active {
		return c.held.zErrNs + c.growth(t-c.held.from)
	}
	_, sigma := c.est.at(t)
	return boundSigmas*sigma + c.cfg.ReceiverBoundNs
}

// slowFall follows a number upward at once, and downward only when it has been
// a fifth lower for half an hour: an Announce that flutters between two codes
// makes every client choose its master anew.
type slowFall struct {
	value float64
	high  timescale.Mono // when the number was last not a fifth lower
}

func (s *slowFall) follow(now timescale.Mono, v float64) {
	switch {
	case v > 0.8*s.value:
		s.value = max(s.value, v)
		s.high = now
	case now.Sub(s.high) >= 30*time.Minute:
		s.value, s.high = v, now
	}
}

// snapshots are the estimator's states of the last minute and a bit.
type snapshots struct {
	ring [80]model
	n    int
}

func (s *snapshots) reset() { s.n = 0 }

func (s *snapshots) add(m model) {
	s.ring[s.n%len(s.ring)] = m
	s.n++
}

// before is the newest state at or before t.
func (s *snapshots) before(t float64) (model, bool) {
	for i := s.n - 1; i >= max(0, s.n-len(s.ring)); i-- {
		if m := s.ring[i%len(s.ring)]; m.t <= t {
			return m, true
		}
	}
	return model{}, false
}
