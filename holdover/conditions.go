package holdover

import (
	"math"

	"bragi/gnss/timescale"
)

// Conditions are what the clock cannot see in the pulses.
type Conditions struct {
	HasTime bool // the receiver has a fix and a trusted time
	// NoTime: the receiver says itself that it has none. One that is silent says nothing.
	NoTime bool
	Served bool // at least one client holds a grant
	// Distrust: a reason not to believe the pulses that come (ReasonAntenna,
	// ReasonSpoofing, ReasonJamming, ReasonMoved, ReasonTimeFault), else ReasonNone.
	Distrust Reason
	// Forced: the operator wants holdover. No pulse is used, whatever it says.
	Forced bool
	// Lost: the caller's choice has no reference that it would follow. No pulse is used.
	Lost bool
	// HoldOff: the caller waits with a change to another reference that is good, lest the
	// one that is followed fails for a moment only. The clock waits with it.
	HoldOff bool
}

// pulsesUnused tells that no pulse may be used now.
func (c Conditions) pulsesUnused() bool { return c.Forced || c.Lost || c.Distrust != ReasonNone }

// Temperature takes a reading of the board's thermometer in C; NaN: it gave
// none. It is asked for in holdover too, so apart from the pulse.
func (c *Clock) Temperature(now timescale.Mono, tempC float64) {
	c.tempC = tempC
	if !finite(tempC) {
		c.tempC = math.NaN()
	}
	jump, missed := c.thermo.read(now, tempC)
	// What the air did meanwhile may have been early or late in the gap.
	c.est.add(sPhase, sPhase, square(c.est.x[sTempco1]*missed[0])+square(c.est.x[sTempco2]*missed[1]))
	if jump != 0 {
		// Whether the air moved as well nobody knows.
		c.est.add(sFreq, sFreq, square(c.est.x[sTempco1]+c.est.x[sTempco2])+c.est.p[sTempco1][sTempco1])
	}
}

// Disturbed tells that something else set the served clock, and that it was put
// back to where it would have been, give or take widthNs: pulses that are off
// by as much are no surprise.
func (c *Clock) Disturbed(now timescale.Mono, widthNs float64) {
	if c.est.valid && finite(widthNs) {
		c.est.add(sPhase, sPhase, square(widthNs))
		c.forgetStates()
		c.doubt.reset()
		c.witness.reset()
	}
}
