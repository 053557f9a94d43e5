package holdover

import (
	"math"
	"time"

	"bragi/gnss/timescale"
)

// Order is what to do to the served clock. Both parts may be asked for; the
// step comes first. What was done is told by Stepped and Applied.
type Order struct {
	Step   bool
	StepNs int64 // add this to the clock

	SetFrequency bool
	FrequencyPPB float64 // absolute correction, positive: run faster
}

const (
	stepLeastNs    = 1000             // a smaller first error is steered away
	stepAgainNs    = 10_000           // a first step that missed by more is repeated
	fastBeyondNs   = 50_000           // an error beyond may be slewed at FastSlewPPB
	acquireTime    = 3 * time.Second  // the phase's time constant before anybody is served
	acquirePPB     = 20_000           // and its limit
	relockTime     = 10 * time.Second // the same in LOCKING and RELOCKING
	autoSlew       = 10 * time.Minute // on_acquire = auto: slew no longer than that
	autoReturn     = 63 * time.Minute // on_return = auto: an hour, as it is reckoned here
	brakeShare     = 0.2              // of the rate limit, for the square-root approach to zero
	slewShare      = 0.95             // of the larger limits: the frequency is not known so well meanwhile
	brakeFar       = 0.55             // and far from it, where an overshoot does not matter
	rateWindow     = 1050 * time.Millisecond
	negligiblePPB  = 1e-4
	negligibleStep = 0.25 // of the quantum
	ditherEvery    = 900 * time.Millisecond
	ditherS        = 1.0 // in which the phase left by rounding is made good
)

// slew is the part of the correction that removes the phase error x (ns) under
// the limits: proportional near zero, then such that the rate limit can still
// stop it (half a square root), then flat.
func (c *Clock) slew(x float64) float64 {
	if c.unlimited() {
		return clamp(x/seconds(acquireTime), acquirePPB)
	}
	limit := c.slewLimit(x)
	tau := seconds(relockTime)
	if c.life.Steady {
		tau = seconds(c.est.kind.phaseTime)
	}
	share := brakeShare
	if math.Abs(x) > fastBeyondNs {
		share = brakeFar
	}
	brake := math.Sqrt(2 * share * c.cfg.RatePPB * math.Abs(x))
	return clamp(x/tau, min(limit, brake))
}

// slewLimit is the most that a phase error of x ns is steered away with, in ppb.
// Out of spec it is what clients may bear (DOCSIS: 5 ppm, changed by 10 ppb/s).
func (c *Clock) slewLimit(x float64) float64 {
	switch {
	case !c.life.EverLocked, !c.life.BoundInside && !c.life.Steady:
		return max(c.cfg.SlewPPB, slewShare*c.cfg.FastSlewPPB, slewShare*c.cfg.MaxSlewPPB)
	case math.Abs(x) > fastBeyondNs:
		return max(c.cfg.SlewPPB, slewShare*c.cfg.FastSlewPPB)
	}
	return c.cfg.SlewPPB
}

// pullLeft is how much of the hardware's correction is left to steer away the phase
// error x, in ppb; negative: the oscillator is further off than it can be corrected.
func (c *Clock) pullLeft(x float64) float64 {
	y := c.est.rate()
	if x < 0 {
		y = -y
	}
	return c.cfg.MaxPPB - y
}

// unlimited: nobody has been served a locked clock yet and nobody is served, or will
// be in a moment.
func (c *Clock) unlimited() bool {
	soon := c.cfg.FreeRunAfter >= 0 && !c.life.Start.IsZero() && c.now.Sub(c.life.Start) >= c.cfg.FreeRunAfter-2*time.Second
	return !c.life.EverLocked && !c.cond.Served && !soon
}

// slewTime is how long it takes to bring the frequency error dy (ppb) and the
// phase error x (ns) to zero under the limits, in s: a trapezoid.
func (c *Clock) slewTime(x, dy float64) float64 {
	signed, pull := x, c.pullLeft(x)
	if pull <= 0 {
		return math.Inf(1)
	}
	t := math.Abs(dy) / c.cfg.RatePPB
	x = math.Abs(x) + dy*dy/(2*c.cfg.RatePPB)
	trapezoid := func(x, limit float64) float64 {
		if ramps := limit * limit / c.cfg.RatePPB; x > ramps {
			return 2*limit/c.cfg.RatePPB + (x-ramps)/limit
		}
		return 2 * math.Sqrt(x/c.cfg.RatePPB)
	}
	limit, near := min(c.slewLimit(signed), pull), min(c.slewLimit(0), pull)
	if limit > near {
		return t + trapezoid(x-fastBeyondNs, limit) + fastBeyondNs/near
	}
	return t + trapezoid(x, limit)
}

// slewsLong tells that a slew of x ns takes longer than anybody waits. Outside the clock's
// pull a step helps no better: it runs away again.
func (c *Clock) slewsLong(x float64) bool {
	return c.slewTime(x, 0) > seconds(autoReturn) && c.pullLeft(x) >= c.cfg.SlewPPB
}

// rateLimit remembers the last changes of frequency, so that no window of a
// second holds more than its limit.
type rateLimit struct {
	changes [24]frequencyChange // ring, next is the oldest
	next    int
	last    timescale.Mono
}

// frequencyChange is a change of the frequency, by its magnitude.
type frequencyChange struct {
	At  timescale.Mono `json:"at_ns"`
	PPB float64        `json:"ppb"`
}

// note takes a change that was applied.
func (r *rateLimit) note(at timescale.Mono, ppb float64) {
	r.changes[r.next] = frequencyChange{at, math.Abs(ppb)}
	r.next = (r.next + 1) % len(r.changes)
	r.last = at
}

// allow is how much the frequency may change now, in ppb. A staircase of steps
// dt apart has 1 + 1/dt of them in a closed second, hence dt / (1 + dt); steps further
// apart than rateWindow are alone in theirs.
func (r *rateLimit) allow(now timescale.Mono, limitPPB float64) float64 {
	if r.last.IsZero() {
		return limitPPB / 2
	}
	if now.Sub(r.last) >= rateWindow {
		return limitPPB // no other change is within a second of it
	}
	// Changes further apart than the window do not add up; beyond a second
	// there is nothing to gain.
	dt := min(max(seconds(now.Sub(r.last)), 0), 1)
	used, full := 0.0, true
	for _, c := range r.changes {
		if !c.At.IsZero() && now.Sub(c.At) < rateWindow {
			used += c.PPB
		} else {
			full = false
		}
	}
	if full {
		return 0
	}
	return max(min(limitPPB*dt/(1+dt), limitPPB-used), 0)
}

// steer makes the order of frequency for now: u = -y - f(x) within the limits.
func (c *Clock) steer(now timescale.Mono) Order {
	if !c.est.valid {
		return Order{}
	}
	x, y := c.error(now)
	have, quantum := c.corr.ppb(), c.cfg.QuantumPPB
	want := -y - c.slew(x)
	c.atLimit = math.Abs(want) > c.cfg.MaxPPB
	want = clamp(want, c.cfg.MaxPPB)
	if !c.unlimited() {
		// The hardware may round each of two changes by half a quantum.
		limit := max(c.cfg.RatePPB-quantum, c.cfg.RatePPB/4)
		allow := c.rate.allow(now, limit)
		alone := now.Sub(c.rate.last) >= rateWindow
		if allow < quantum && alone {
			allow = quantum // a coarse clock moves by what it can
		}
		if quantum > 0 && !alone && math.Abs(want-have) > limit {
			allow = 0 // far to go: a whole step a bit later is more than two halves
		}
		want = have + clamp(want-have, allow)
	}
	if quantum > 0 {
		return c.dither(now, want)
	}
	if math.Abs(want-have) < negligiblePPB {
		return Order{}
	}
	return Order{SetFrequency: true, FrequencyPPB: want}
}

// dither orders one of the two codes next to want, such that the phase that the
// rounding leaves behind stays below a quantum times a second: a first-order
// sigma-delta modulator at about 1 Hz. The estimator knows what was applied.
func (c *Clock) dither(now timescale.Mono, want float64) Order {
	quantum, have := c.cfg.QuantumPPB, c.corr.ppb()
	if !c.dithered.IsZero() {
		dt := max(seconds(now.Sub(c.dithered)), 0)
		c.roundedNs = clamp(c.roundedNs+(c.wanted-have)*dt, quantum)
	}
	c.dithered, c.wanted = now, want
	if now.Sub(c.corr.last().At) < ditherEvery {
		return Order{}
	}
	code := math.Round((want+c.roundedNs/ditherS)/quantum) * quantum
	if code = clamp(code, c.cfg.MaxPPB); math.Abs(code-have) < negligibleStep*quantum {
		return Order{}
	}
	return Order{SetFrequency: true, FrequencyPPB: code}
}
