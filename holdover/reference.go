package holdover

import (
	"math"

	"bragi/gnss/timescale"
)

// What the clock does for its caller's choice among several references. It follows one
// of them; which one, the caller decides.

// Rebase tells that the pulses of the reference are ns later from now on, or earlier
// where ns is negative, because the caller takes another correction off them: the clock
// is ahead by ns more than was thought, and slews that away. What is known of the
// oscillator stays.
func (c *Clock) Rebase(ns int64) {
	if c.est.valid {
		c.life.OriginNs += ns
	}
}

// Recant tells that the pulses since then were false, and that another reference is
// followed: the clock goes on with what it knew before. Where it knows nothing so old, it
// goes on with what it knows.
func (c *Clock) Recant(now, since timescale.Mono) {
	if !c.est.valid {
		return
	}
	c.begin(now)
	c.life.LastEdge = c.life.LastAccepted // those of the other one, which are as old, are to be heard
	c.fit.reset()
	c.returning = 0
	c.witness.reset()
	if from, ok := c.before(c.axis(since)); ok && (!c.held.Active || from.t < c.held.From) {
		c.est.model = from
		c.est.advance(c.axis(now), c.thermo.when(now))
		if c.held.Active {
			c.held = held{Active: true, From: from.t, ZErrNs: boundSigmas*from.sigma() + c.receiver(), Sigma: from.sigma()}
		}
	}
	c.est.rejects, c.est.quick, c.est.long, c.est.agility = 0, 0, 0, 0
	c.strange = 0
	c.snaps.reset()
	c.doubt.reset()
	c.doubt.anchor = anchor{}
	c.motion.reset()
	c.virtual.forget()
}

// EverLocked tells whether the clock has locked, as Report does.
func (c *Clock) EverLocked() bool { return c.life.EverLocked }

// Withdraw tells that the pulses since then may be false, and that nobody knows: a
// holdover begins with what the clock knew before.
func (c *Clock) Withdraw(now, since timescale.Mono) {
	if !c.est.valid || !c.life.EverLocked {
		return
	}
	from := c.axis(since)
	_, known := c.before(from)
	c.Recant(now, since)
	if !c.held.Active {
		c.hold(now)
	}
	if c.held.From <= from {
		return
	}
	if !known {
		c.held.Heard = c.held.From // it goes on with what it has learned since, and foretells nothing of then
	}
	c.held.From = from // the bound grows from there
}

// Foretold is where the served clock is at now by its oscillator alone, as it was known
// before since: its error, positive: ahead, give or take widthNs, beside what is wrong with
// all pulses alike. ok is false where nothing so old is known.
func (c *Clock) Foretold(now, since timescale.Mono) (errorNs, widthNs float64, ok bool) {
	if !c.est.valid || !c.life.EverLocked {
		return 0, 0, false
	}
	x, _ := c.error(now)
	if c.held.Active && c.axis(since) >= max(c.held.From, c.held.Heard) {
		coasts := c.coastBound(c.axis(now)-c.held.From, c.est.sigma()) - c.receiver()
		return x, math.Hypot(boundSigmas*c.held.Sigma, coasts), true
	}
	old, ok := c.before(c.axis(since))
	if !ok {
		return 0, 0, false
	}
	v, allowed, _ := c.compare(&old)
	return x - v, math.Hypot(allowed, boundSigmas*old.sigma()), true
}
