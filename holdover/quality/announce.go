package quality

// Input is all that an announcement depends on.
type Input struct {
	State State
	// EverLocked: LOCKED was reached in this life. Without it no class better
	// than the free run's is announced, and never 52.
	EverLocked bool
	// KeepsSpec: the holdover that RELOCKING (or ACQUIRING, LOCKING of a clock
	// that has locked) comes from never left the spec.
	KeepsSpec bool
	// BoundNs is the bound of the served clock's time error, in ns, positive;
	// NaN or infinite: unknown.
	BoundNs float64
	// SpecNs is holdover.spec in ns. No class of a holdover in spec goes with a bound above
	// it, and none of LOCKED, but for AnyBound.
	SpecNs float64
	// AnyBound: LOCKED has its class with whatever bound there is, and the accuracy tells
	// it: a single receiver, or a pulse whose input alone is outside the spec.
	AnyBound bool
	// EgressNs is the bound of the error that is added between the served clock
	// and the wire, in ns; NaN: unknown, and then the accuracy is unknown too.
	EgressNs float64
	// LogVariance is offsetScaledLogVariance, VarianceUnknown when not measured.
	LogVariance uint16
	// UTCOffset is TAI - UTC in s; UTCOffsetKnown tells whether to believe it.
	UTCOffset      int16
	UTCOffsetKnown bool
	// Leap is the leap second at the end of this UTC day: +1 inserted (leap61),
	// -1 deleted (leap59), 0 none. The caller sets it in the last 12 hours only
	// (IEEE 1588-2019, 9.4).
	Leap int8
	// ServeFreeRun: a clock that never locked may serve now (free_run_after).
	ServeFreeRun bool
	Squelch      Squelch
	Profile      Profile
	// TimeSource is that of the reference in LOCKED; 0: GNSS.
	TimeSource uint8
	// FrequencyCategory grades the oscillator for profile g8275.2 out of spec
	// (ITU-T G.8275.1: 1, 2 or 3; 0 counts as 3).
	FrequencyCategory uint8
}

// Squelch says from which class on nothing is served any more.
type Squelch uint8

// The settings of master.squelch.
const (
	SquelchNever     Squelch = iota
	SquelchOutOfSpec         // 52 and worse: out of spec, free run
	SquelchFreeRun           // 58: free run
)

// row is a line of the table.
type row uint8

const (
	rowFreeRun row = iota
	rowLocked
	rowInSpec
	rowOutOfSpec
)

// rowOf picks the line of the table. A state that a clock which never locked
// cannot be in counts as free run: better silent than false.
//
// A bound outside the spec is out of spec whatever the state is: what Announce says and
// the bound come from one fact.
func rowOf(in Input) row {
	switch {
	case in.State == Locked && (in.AnyBound || in.BoundNs <= in.SpecNs): // false for NaN
		return rowLocked
	case !in.EverLocked:
		return rowFreeRun
	case !(in.BoundNs <= in.SpecNs):
		return rowOutOfSpec
	}
	switch in.State {
	case HoldoverSpec:
		return rowInSpec
	case Relocking, Acquiring, Locking:
		if in.KeepsSpec {
			return rowInSpec
		}
	}
	// Also FREERUN and WARMUP: a clock that has locked is out of spec, not new.
	return rowOutOfSpec
}

// Announce is the one function that turns the clock's state into the fields of
// an Announce. The fields are filled even when Serve is false, for status.
func Announce(in Input) Announcement {
	r := rowOf(in)
	a := Announcement{
		ClockClass:              in.Profile.class(r, in.FrequencyCategory),
		ClockAccuracy:           AccuracyUnknown,
		OffsetScaledLogVariance: VarianceUnknown,
		TimeSource:              TimeSourceInternal,
		CurrentUTCOffset:        in.UTCOffset,
	}
	if r == rowFreeRun {
		a.Serve = in.ServeFreeRun && in.Squelch == SquelchNever
		a.Squelched = in.ServeFreeRun && !a.Serve
		return a
	}
	a.Serve = r != rowOutOfSpec || in.Squelch != SquelchOutOfSpec
	a.Squelched = !a.Serve
	a.PTPTimescale = true
	a.ClockAccuracy = AccuracyCode(in.BoundNs + in.EgressNs)
	a.OffsetScaledLogVariance = in.LogVariance
	a.TimeTraceable = r != rowOutOfSpec
	a.FrequencyTraceable = r != rowOutOfSpec
	a.CurrentUTCOffsetValid = in.UTCOffsetKnown
	if r == rowLocked {
		a.TimeSource = TimeSourceGNSS
		if in.TimeSource != 0 {
			a.TimeSource = in.TimeSource
		}
	}
	if in.Profile == G82752 {
		a.telecom(r)
	}
	if in.UTCOffsetKnown {
		a.Leap61 = in.Leap > 0
		a.Leap59 = in.Leap < 0
	}
	return a
}

// The fixed values of the telecom profiles (ITU-T G.8275.1 and G.8275.2, the table of
// the T-GM's Announce): a PRTC is within 100 ns with this variance, and a holdover
// claims neither.
const (
	prtcAccuracy = 0x21
	prtcVariance = 0x4E5D
)

// telecom makes an announcement that of the profile G.8275.2. A lock claims no more
// than a PRTC, and less where the bound is wider. In holdover accuracy and variance
// are unknown, and frequencyTraceable follows the lock of a frequency source: the own
// oscillator is none.
func (a *Announcement) telecom(r row) {
	if r == rowLocked {
		a.ClockAccuracy = max(a.ClockAccuracy, prtcAccuracy)
		a.OffsetScaledLogVariance = max(a.OffsetScaledLogVariance, prtcVariance)
		return
	}
	a.ClockAccuracy, a.OffsetScaledLogVariance = AccuracyUnknown, VarianceUnknown
	a.FrequencyTraceable = false
}
