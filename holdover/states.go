package holdover

import "bragi/holdover/quality"

// Inputs are the facts that the state depends on.
type Inputs struct {
	EverLocked bool // LOCKED was reached in this life
	Warm       bool // the oscillator's warm-up is over
	HasTime    bool // the receiver gives time
	Pulses     bool // a pulse was accepted in the last 3 s and nothing speaks against the receiver
	Aligned    bool // frequency and phase are known from pulses; before the first lock: the phase is stepped, or being slewed
	Settled    bool // inside the lock limit for long enough
	Strayed    bool // far outside the lock limit
	Wide       bool // the bound of the error is outside the spec, or was a moment ago

	BoundInside bool // the bound of the error is inside the spec, and was since the loss
	Learned     bool // LOCKED for as long as `learning` asks
	UnderCap    bool // the holdover is shorter than `max_holdover`
}

// InSpec tells whether holdover may call itself inside its spec, and if not, why.
func (in Inputs) InSpec() (bool, Reason) {
	switch {
	case !in.Learned:
		return false, ReasonNotLearned
	case !in.BoundInside:
		return false, ReasonOutOfSpec
	case !in.UnderCap:
		return false, ReasonMaxHoldover
	}
	return true, ReasonInSpec
}

// Next is the state after s, and why.
//
//	never locked   Pulses, Aligned, Settled (from LOCKING), not Wide -> LOCKED
//	               Pulses, Aligned                         -> LOCKING
//	               Pulses or HasTime                       -> ACQUIRING
//	               else                                    -> WARMUP, FREERUN once Warm
//	LOCKED         no Pulses -> HOLDOVER, in or out of spec; Strayed or Wide -> RELOCKING
//	HOLDOVER       Pulses, Aligned -> RELOCKING; in spec -> out of spec, never back
//	RELOCKING      no Pulses -> HOLDOVER; Settled, not Wide -> LOCKED
//
// Pulses that come but are not believed yet leave Aligned false in HOLDOVER. A clock that has locked never returns to the states of the first lock.
func Next(s quality.State, in Inputs) (quality.State, Reason) {
	if !in.EverLocked {
		switch {
		case in.Pulses && in.Aligned && in.Settled && in.Wide:
			return quality.Locking, ReasonWide
		case in.Pulses && in.Aligned && in.Settled && s == quality.Locking:
			return quality.Locked, ReasonPhaseAligned
		case in.Pulses && in.Aligned:
			return quality.Locking, ReasonSettling
		case in.Pulses:
			return quality.Acquiring, ReasonMeasuring
		case in.HasTime:
			return quality.Acquiring, ReasonNoPulse
		case !in.Warm:
			return quality.Warmup, ReasonWarmingUp
		}
		return quality.Freerun, ReasonNoTime
	}
	inSpec, why := in.InSpec()
	if !in.Pulses || !in.Aligned {
		if inSpec && s != quality.HoldoverNoSpec {
			return quality.HoldoverSpec, ReasonInSpec
		}
		if inSpec {
			why = ReasonStaysOutOfSpec
		}
		return quality.HoldoverNoSpec, why
	}
	switch s {
	case quality.Locked:
		if in.Strayed {
			return quality.Relocking, ReasonStrayed
		}
		if in.Wide {
			return quality.Relocking, ReasonWide
		}
		return quality.Locked, ReasonPhaseAligned
	case quality.Relocking:
		if in.Settled && in.Wide {
			return quality.Relocking, ReasonWide
		}
		if in.Settled {
			return quality.Locked, ReasonPhaseAligned
		}
	}
	return quality.Relocking, ReasonRelocking
}
