package pipeline

import (
	"math"
	"time"

	"bragi/cmd/internal/alarms"
	"bragi/gnss"
	"bragi/holdover"
	"bragi/holdover/quality"
)

// gnssAlarms says which alarm each trouble of the receiver is; those that are
// not here are told in `show gnss` only.
var gnssAlarms = map[gnss.Reason]alarms.Code{
	gnss.ReasonNoData:          alarms.ReceiverSilent,
	gnss.ReasonNoSentence:      alarms.ReceiverSilent,
	gnss.ReasonNoFix:           alarms.NoFix,
	gnss.ReasonEstimated:       alarms.NoFix,
	gnss.ReasonNoTime:          alarms.NoTime,
	gnss.ReasonNoEpoch:         alarms.NoTime,
	gnss.ReasonLeapUnknown:     alarms.NoTime,
	gnss.ReasonTimeAccuracy:    alarms.NoTime,
	gnss.ReasonNoChecksum:      alarms.MessagesDamaged,
	gnss.ReasonDamaged:         alarms.MessagesDamaged,
	gnss.ReasonConflict:        alarms.MessagesConflict,
	gnss.ReasonErratic:         alarms.TimeErratic,
	gnss.ReasonBeforeFloor:     alarms.BadDate,
	gnss.ReasonImplausible:     alarms.BadDate,
	gnss.ReasonNoPulse:         alarms.NoPulse,
	gnss.ReasonAmbiguous:       alarms.PulseDisagrees,
	gnss.ReasonPulseDisagrees:  alarms.PulseDisagrees,
	gnss.ReasonGlitch:          alarms.PulseGlitch,
	gnss.ReasonPulsesPerSecond: alarms.PulseGlitch,
	gnss.ReasonLeapFault:       alarms.LeapFault,
	gnss.ReasonLateMessages:    alarms.MessagesLate,
	gnss.ReasonAntennaOpen:     alarms.Antenna,
	gnss.ReasonAntennaShort:    alarms.Antenna,
	gnss.ReasonAntennaDoubted:  alarms.AntennaDoubted,
	gnss.ReasonSpoofing:        alarms.Spoofing,
	gnss.ReasonJamming:         alarms.Jamming,
	gnss.ReasonJammed:          alarms.Jammed,
	gnss.ReasonMoved:           alarms.Moved,
	gnss.ReasonTimeJump:        alarms.TimeJump,
	gnss.ReasonEdgeUntold:      alarms.PulseEdge,
	gnss.ReasonPulseLength:     alarms.PulseLength,
	gnss.ReasonLineFull:        alarms.LineFull,
	gnss.ReasonSecondOpinion:   alarms.SecondOpinion,
	gnss.ReasonOpinionWrong:    alarms.OpinionWrong,
	gnss.ReasonSawtooth:        alarms.Sawtooth,
	gnss.ReasonLeapUnproven:    alarms.LeapUnproven,
	gnss.ReasonFraction:        alarms.MessagesUseless,
	gnss.ReasonSeldom:          alarms.MessagesUseless,
}

// servoAlarms likewise for the reasons of the clock that want a fix. What
// GNSS reports itself, and what the state's own alarm says, is not told twice.
var servoAlarms = map[holdover.Reason]alarms.Code{
	holdover.ReasonPulsesRejected: alarms.PulseRejected,
	holdover.ReasonPulseRefused:   alarms.PulseRejected,
	holdover.ReasonStrayed:        alarms.PulseRejected,
	holdover.ReasonPulseNoise:     alarms.PulseNoisy,
	holdover.ReasonStepFails:      alarms.BoardClock,
	holdover.ReasonFrequencyLimit: alarms.ClockAtLimit,
	holdover.ReasonClockAway:      alarms.BoardClock,
	holdover.ReasonClockMeddled:   alarms.BoardClock,
	holdover.ReasonSteppedServed:  alarms.ClockStepped,
	holdover.ReasonSlewLong:       alarms.ClockSlewsLong,

	holdover.ReasonOscillatorSettling: alarms.ClockSettles,
	holdover.ReasonShortLock:          alarms.ClockWaits,
	holdover.ReasonLearning:           alarms.ClockLearns,
	holdover.ReasonSky:                alarms.SkyDoubted,
	holdover.ReasonForced:             alarms.HoldoverForced,
	holdover.ReasonDisagree:           alarms.ReferencesDisagree,
	holdover.ReasonWide:               alarms.ClockWide,
}

// stateAlarms are the states that are alarms themselves.
var stateAlarms = map[quality.State]alarms.Code{
	quality.Freerun:        alarms.ClockFreerun,
	quality.Acquiring:      alarms.ClockAcquires,
	quality.HoldoverSpec:   alarms.ClockHoldover,
	quality.HoldoverNoSpec: alarms.ClockOutOfSpec,
	quality.Relocking:      alarms.ClockRelocking,
}

// distrusts says what the clock is told of a sign that the pulses are not to be
// believed.
var distrusts = map[gnss.Reason]holdover.Reason{
	gnss.ReasonPulseDisagrees: holdover.ReasonTimeFault,
	gnss.ReasonTimeJump:       holdover.ReasonTimeFault,
	gnss.ReasonAntennaOpen:    holdover.ReasonAntenna,
	gnss.ReasonAntennaShort:   holdover.ReasonAntenna,
	gnss.ReasonSpoofing:       holdover.ReasonSpoofing,
	gnss.ReasonJamming:        holdover.ReasonJamming,
	gnss.ReasonMoved:          holdover.ReasonMoved,
	gnss.ReasonSecondOpinion:  holdover.ReasonTimeFault,
}

// troubles are the conditions that hold at the moment of l.
func (p *Pipeline) troubles(l *Look) []alarms.Raised {
	now, report := l.At, l.Report
	var raised []alarms.Raised
	add := func(code alarms.Code, detail string) {
		for i := range raised {
			if raised[i].Code == code {
				return
			}
		}
		raised = append(raised, alarms.Raised{Code: code, Detail: detail})
	}
	p.referenceTroubles(l, add)
	raised = p.receiverTroubles(l, raised)
	if l.Forced {
		add(alarms.HoldoverForced, "")
	} else if report.Forced {
		add(alarms.HoldoverEnding, "")
	}
	if code, found := stateAlarms[report.State]; found {
		add(code, Why(report.Why))
	}
	if f := p.fault; f.away != nil {
		add(alarms.BoardClock, f.away.Error())
	}
	for _, lie := range p.witness.lies {
		add(alarms.AnnounceLies, string(lie))
	}
	if p.clockErr != nil {
		add(alarms.BoardClock, p.clockErr.Error())
	}
	if f := p.fault; !f.disturbed.IsZero() && now.Sub(f.disturbed) < disturbedShown {
		add(alarms.BoardClock, p.meddling(now))
	}
	for _, reason := range report.Alarms() {
		if reason == holdover.ReasonDisagree && l.Dispute == "" {
			continue // the odd one is alone: its own alarm tells that
		}
		if code, found := servoAlarms[reason]; found {
			add(code, p.ofPulse(l, reason))
		}
	}
	table := p.reference.LeapTable()
	if utc, _ := table.ToUTC(l.Reads); report.EverLocked && table.Expired(utc) && !p.reference.LeapVouched(now) {
		add(alarms.LeapTableOld, "it was complete until "+table.Expires().String())
	}
	return raised
}

// ofPulse is a reason of the clock in words. Where there are several references it names
// those whose pulse it is about: the one that is followed, and those that are refused with it.
// While another one moves against that, and nobody is odd, nobody is named: either may be wrong.
func (p *Pipeline) ofPulse(l *Look, reason holdover.Reason) string {
	switch reason {
	case holdover.ReasonPulsesRejected, holdover.ReasonPulseRefused, holdover.ReasonPulseNoise, holdover.ReasonStrayed, holdover.ReasonSky:
	default:
		return reason.String()
	}
	if !p.several() {
		return reason.String()
	}
	names := p.sources[p.active].Name
	ofOne := reason == holdover.ReasonPulseRefused || reason == holdover.ReasonPulseNoise
	for i, r := range l.References {
		c := &p.sources[i].compared
		if i != p.active && !l.References[p.active].Odd && !ofOne && r.Good && !r.Odd && !math.IsNaN(r.AheadNs) && c.moves() {
			return reason.String() + "; which reference is wrong is not known yet"
		}
		if i != p.active && !ofOne && r.Refused {
			names += " and " + r.Name
		}
	}
	return names + ": " + reason.String()
}

// receiverTroubles adds what is wrong with the receivers: all of that of [gnss], and of
// each other one all that speaks against its sky or its second. What else is wrong with
// those, such as no fix, is told as a reference that failed. Where several have the same
// trouble, one alarm names each.
func (p *Pipeline) receiverTroubles(l *Look, raised []alarms.Raised) []alarms.Raised {
	for i := range p.sources {
		s := &p.sources[i]
		troubles, instead := l.Reference.Troubles, p.instead(i, l.Report.State)
		if i != p.first {
			r := l.References[i].Receiver
			if r == nil || s.Lockout {
				continue
			}
			troubles = r.Troubles
		}
		told := map[alarms.Code]bool{}
		for _, t := range troubles {
			code, found := gnssAlarms[t.Reason]
			if !found || told[code] || i != p.first && !ofTheSky(t.Reason) {
				continue
			}
			told[code] = true
			detail := t.String()
			if p.several() {
				detail = s.Name + ": " + detail
			}
			raised = merged(raised, alarms.Raised{Code: code, Detail: detail, Instead: instead})
		}
	}
	return raised
}

// ofTheSky tells that a trouble speaks against what a receiver says of the time, or may
// soon.
func ofTheSky(r gnss.Reason) bool {
	_, distrusts := distrusts[r]
	return distrusts || r == gnss.ReasonJammed
}

// merged adds r, or its words to those of the same alarm: that is as grave as the gravest.
func merged(raised []alarms.Raised, r alarms.Raised) []alarms.Raised {
	for i := range raised {
		if have := &raised[i]; have.Code == r.Code {
			have.Detail += "; " + r.Detail
			if r.Instead == "" {
				have.Instead = ""
			}
			return raised
		}
	}
	return append(raised, r)
}

// disturbedShown is how long the alarm stays after something else set the clock.
const disturbedShown = 10 * time.Minute

// Why is a list of reasons as one clause.
func Why(reasons []holdover.Reason) string {
	text := ""
	for i, r := range reasons {
		if i > 0 {
			text += ", "
		}
		text += r.String()
	}
	return text
}
