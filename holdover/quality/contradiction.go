package quality

import "math"

// Facts are what an announcement is held against. They come from where they are
// measured (pulses, receiver, bound, leap table), not from the row that the
// announcement was made of.
type Facts struct {
	Profile    Profile
	State      State
	EverLocked bool
	// PulseAgeS is the time since the last pulse that was believed, in s; infinite:
	// there was none.
	PulseAgeS float64
	// Distrusted: a sign holds that pulses or second are false.
	Distrusted bool
	// NoReference: no reference is selected that could be followed.
	NoReference bool
	// ClockFault: the served clock is away, or something else set it.
	ClockFault bool
	BoundNs    float64 // of the served clock's error; NaN: unknown
	EgressNs   float64 // of what the way to the wire adds
	SpecNs     float64 // classes 6 and 7 are inside
	AnyBound   bool    // the input of the board's pulse leaves no bound inside: class 6 has what there is
	DoubtNs    float64 // of BoundNs, what is doubted of the reference that is followed
	UTCOffset  int16   // TAI - UTC in s, by the table
	Leap       int8    // the leap second that may be announced now: +1, -1, 0
}

// LongestPulseAgeS is how long a clock may say that it is locked without a pulse
// that was believed. A receiver may miss pulses for some seconds; then holdover
// begins.
const LongestPulseAgeS = 60

// Contradiction is in what an announcement contradicts the facts.
type Contradiction string

// The contradictions.
const (
	LockedInAnotherState  Contradiction = "class 6 in a state that is not LOCKED"
	LockedWithoutPulses   Contradiction = "class 6 without a believed pulse for a minute"
	LockedToAFalseSource  Contradiction = "class 6 while the receiver or its pulse is not believed"
	LockedToNoReference   Contradiction = "class 6 while no reference is selected that could be followed"
	LockedToADoubtedOne   Contradiction = "class 6 while what is doubted of the reference is outside the spec"
	LockedOutsideSpec     Contradiction = "class 6 with a bound outside the spec"
	InSpecOutsideSpec     Contradiction = "class 7 with a bound outside the spec"
	InSpecNeverLocked     Contradiction = "a class of a clock that has locked, of one that never has"
	TraceableOutOfSpec    Contradiction = "traceable at a class that is not 6 or 7"
	NotTraceableInSpec    Contradiction = "not traceable at class 6 or 7"
	AccuracyTooGood       Contradiction = "a clock accuracy better than the bound"
	SourceNotFollowed     Contradiction = "a time source that is not followed"
	AnotherUTCOffset      Contradiction = "a UTC offset that is not the table's"
	LeapNotDue            Contradiction = "a leap second that is not due"
	ArbitraryAndTraceable Contradiction = "an arbitrary timescale at class 6 or 7"
	ServedWithAFault      Contradiction = "time of a clock that is away or was set by somebody else"
)

// rules are one line each: the announcement claims what the facts deny.
var rules = []struct {
	is    Contradiction
	holds func(a Announcement, f Facts, c Classes) bool
}{
	{LockedInAnotherState, func(a Announcement, f Facts, c Classes) bool { return a.ClockClass == c.Locked && f.State != Locked }},
	{LockedWithoutPulses, func(a Announcement, f Facts, c Classes) bool {
		return a.ClockClass == c.Locked && !(f.PulseAgeS <= LongestPulseAgeS)
	}},
	{LockedToAFalseSource, func(a Announcement, f Facts, c Classes) bool { return a.ClockClass == c.Locked && f.Distrusted }},
	{LockedToNoReference, func(a Announcement, f Facts, c Classes) bool { return a.ClockClass == c.Locked && f.NoReference }},
	{LockedToADoubtedOne, func(a Announcement, f Facts, c Classes) bool { return a.ClockClass == c.Locked && f.DoubtNs > f.SpecNs }},
	{LockedOutsideSpec, func(a Announcement, f Facts, c Classes) bool {
		return a.ClockClass == c.Locked && !f.AnyBound && !(f.BoundNs <= f.SpecNs)
	}},
	{InSpecOutsideSpec, func(a Announcement, f Facts, c Classes) bool {
		return a.ClockClass == c.InSpec && !(f.BoundNs <= f.SpecNs)
	}},
	{InSpecNeverLocked, func(a Announcement, f Facts, c Classes) bool { return a.ClockClass != c.FreeRun && !f.EverLocked }},
	{TraceableOutOfSpec, func(a Announcement, f Facts, c Classes) bool {
		return (a.TimeTraceable || a.FrequencyTraceable) && !c.traceable(a)
	}},
	{NotTraceableInSpec, func(a Announcement, f Facts, c Classes) bool {
		ownFrequency := f.Profile == G82752 && a.ClockClass == c.InSpec // see telecom
		return c.traceable(a) && !(a.TimeTraceable && (a.FrequencyTraceable || ownFrequency))
	}},
	{AccuracyTooGood, func(a Announcement, f Facts, c Classes) bool {
		claimed := AccuracyLimitNs(a.ClockAccuracy) // NaN: nothing is claimed
		return claimed < f.BoundNs+f.EgressNs || !math.IsNaN(claimed) && math.IsNaN(f.BoundNs+f.EgressNs)
	}},
	{SourceNotFollowed, func(a Announcement, f Facts, c Classes) bool {
		return a.TimeSource != TimeSourceInternal && f.State != Locked
	}},
	{AnotherUTCOffset, func(a Announcement, f Facts, c Classes) bool {
		return a.CurrentUTCOffsetValid && a.CurrentUTCOffset != f.UTCOffset
	}},
	{LeapNotDue, func(a Announcement, f Facts, c Classes) bool {
		return a.Leap61 && f.Leap <= 0 || a.Leap59 && f.Leap >= 0
	}},
	{ArbitraryAndTraceable, func(a Announcement, f Facts, c Classes) bool { return c.traceable(a) && !a.PTPTimescale }},
	{ServedWithAFault, func(a Announcement, f Facts, c Classes) bool { return f.ClockFault && c.traceable(a) }},
}

func (c Classes) traceable(a Announcement) bool {
	return a.ClockClass == c.Locked || a.ClockClass == c.InSpec
}

// Contradictions are all that an announcement claims and the facts deny. What is not
// served claims nothing.
func Contradictions(a Announcement, f Facts) []Contradiction {
	if !a.Serve {
		return nil
	}
	profile := f.Profile
	if int(profile) >= len(Profiles) {
		profile = AlternativeA
	}
	var list []Contradiction
	for _, r := range rules {
		if r.holds(a, f, Profiles[profile]) {
			list = append(list, r.is)
		}
	}
	return list
}
