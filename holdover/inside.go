package holdover

import (
	"math"

	"bragi/gnss/timescale"
)

// Inside is what stands behind a bound: for whoever looks into a simulation. Nothing is
// decided by it.
type Inside struct {
	SigmaNs   float64 // the model's deviation of the phase
	RateSigma float64 // and of the frequency, ppb
	DriftPPBS float64 // of the last two minutes, that no thermometer explains
	Agility   float64 // what the pulses ask the frequency to walk by, ppb per sqrt(s)
	Level     float64 // of the oscillator's behaviour
	Taken     Oscillator
	Proven    bool
	Feels     bool    // the thermometer is relied on
	Felt      bool    // what it does not show did not happen
	Ratio     float64 // of virtual holdovers, over the time since the loss; over an hour in lock

	DoubtNs    float64 // part of the bound that is doubted of the pulses
	DoubtAgeS  float64 // of the state that they are compared with
	Moves      bool    // the other opinion still moves,
	OffsetNs   float64 // how far the pulses are from it,
	WidthNs    float64 // and how far that may be off
	PulseOffNs float64 // slow error of the pulse, as estimated
	HeldS      float64 // since the state that holdover goes on from; 0: no holdover
	HeldNs     float64 // bound of the error there
	Refused    int     // pulses since the loss that were not believed, or in a row in lock

	Odds [2 * int(Rubidium)]float64 // logarithms against the best: each kind with the thermometer, then without
}

// Inside tells what stands behind the bound at now.
func (c *Clock) Inside(now timescale.Mono) Inside {
	e := &c.est
	in := Inside{SigmaNs: e.sigma(), RateSigma: e.rateSigma(), DriftPPBS: c.motion.drift(), Agility: math.Sqrt(e.agility), Level: e.level,
		Taken: e.taken(), Proven: e.proven, Feels: c.feels(now), Felt: c.felt(now), Ratio: c.virtual.ratio(3600), Moves: c.doubt.anchor.Moves,
		PulseOffNs: e.x[sPulseSlow], Refused: e.rejects, Odds: c.kinds.scores}
	in.DoubtNs, in.DoubtAgeS = c.doubt.most()
	in.OffsetNs, in.WidthNs = c.otherOpinion()
	if c.held.Active {
		in.HeldS, in.HeldNs, in.Refused = c.axis(now)-c.held.From, c.held.ZErrNs, c.returning
		in.Ratio = c.virtual.ratio(in.HeldS)
	}
	return in
}
