package holdover

// Reason says in a typed word why the clock is in its state, or what is wrong.
// The number is stable within a run only; the String is what people and
// scripts read.
type Reason uint8

// The reasons. Those with a Fix are worth an alarm.
const (
	ReasonNone Reason = iota
	ReasonWarmingUp
	ReasonNoTime
	ReasonNoPulse
	ReasonMeasuring
	ReasonStepPending
	ReasonSettling
	ReasonSlewing
	ReasonPhaseAligned
	ReasonStrayed
	ReasonRelocking
	ReasonInSpec
	ReasonOutOfSpec
	ReasonNotLearned
	ReasonMaxHoldover
	ReasonStaysOutOfSpec
	ReasonPulsesRejected
	ReasonAntenna
	ReasonSpoofing
	ReasonJamming
	ReasonTimeFault
	ReasonSteppedServed
	ReasonStepFails
	ReasonSlewLong
	ReasonPulseNoise
	ReasonPulseRefused
	ReasonFrequencyLimit
	ReasonMoved
	ReasonClockAway
	ReasonClockMeddled
	ReasonOscillatorSettling
	ReasonShortLock
	ReasonSky
	ReasonLearning
	ReasonForced
	ReasonDisagree
	ReasonWide
	ReasonNarrow
	ReasonReturning
	reasonCount
)

var reasonTexts = [reasonCount]struct{ word, fix string }{
	ReasonNone:               {"none", ""},
	ReasonWarmingUp:          {"oscillator warming up", ""},
	ReasonNoTime:             {"no time from the receiver", "check antenna and receiver: bragi show gnss"},
	ReasonNoPulse:            {"no pulse whose second is known", "check the pulse's wire, gnss.pps and the receiver's messages: bragi show gnss"},
	ReasonMeasuring:          {"measuring the frequency", ""},
	ReasonStepPending:        {"clock not stepped yet", ""},
	ReasonSettling:           {"settling", ""},
	ReasonSlewing:            {"slewing the phase", ""},
	ReasonPhaseAligned:       {"phase aligned to the pulse", ""},
	ReasonStrayed:            {"time error far outside the lock limit", "check the oscillator's supply and temperature, and what else steers this clock"},
	ReasonRelocking:          {"slewing to the pulse", ""},
	ReasonInSpec:             {"error bound inside the spec", ""},
	ReasonOutOfSpec:          {"error bound outside the spec", "bring GNSS back; a better oscillator holds longer"},
	ReasonNotLearned:         {"lock was shorter than learning", "bring GNSS back, or set holdover.learning shorter"},
	ReasonMaxHoldover:        {"holdover longer than max_holdover", "bring GNSS back, or set holdover.max_holdover longer"},
	ReasonStaysOutOfSpec:     {"was out of spec, stays so until locked", ""},
	ReasonPulsesRejected:     {"pulses rejected", "the pulse moved against the oscillator: check antenna, receiver and the pulse's wire"},
	ReasonAntenna:            {"antenna fault", "check the antenna's cable, connector and supply"},
	ReasonSpoofing:           {"receiver reports spoofing", "do not trust this sky: check the antenna's surroundings"},
	ReasonMoved:              {"position moved", "if the antenna was moved: bragi clock accept receiver; if not, do not trust this sky"},
	ReasonJamming:            {"receiver reports jamming", "look for a transmitter near the antenna"},
	ReasonTimeFault:          {"pulse and message disagree", "check the receiver; restart it"},
	ReasonSteppedServed:      {"clock stepped while clients were served", "clients saw a step; holdover.on_return = \"slew\" avoids that after an outage"},
	ReasonStepFails:          {"clock does not take the step", "check the permission on the PTP clock and what else steers it"},
	ReasonSlewLong:           {"slewing takes longer than ten minutes", "wait, or end it by a step: bragi clock step --yes; holdover.on_return = \"step\" steps by itself, after a free run holdover.on_acquire = \"step\""},
	ReasonPulseNoise:         {"pulse is noisy", "check the antenna's view of the sky and the pulse's wire"},
	ReasonPulseRefused:       {"pulse with an impossible value refused", "report this with a recording of the receiver"},
	ReasonClockAway:          {"board's clock is away, or not confirmed by pulses since", "look at the kernel's log; it is looked for and taken into use by itself"},
	ReasonClockMeddled:       {"board's clock is set or steered by something else", "stop the program that steers it; its name, where it can be told: bragi show alarms"},
	ReasonOscillatorSettling: {"oscillator's frequency still moves", "wait until it is warm, 35 minutes at most; if it never settles, keep drafts and load away from the oscillator"},
	ReasonShortLock:          {"last lock was shorter than two times holdover.wait_to_restore: waiting before class 6", "the pulse comes and goes: check the antenna's cable and connectors"},
	ReasonSky:                {"pulse moves as no oscillator does", "do not trust this sky: check antenna and receiver; if the pulse is right: bragi clock accept receiver"},
	ReasonLearning:           {"no lock has lasted for learning yet", "no class 7 until then: find out why the pulse does not stay, or set holdover.learning shorter"},
	ReasonForced:             {"holdover forced by an operator", "bragi holdover release, when the work is done"},
	ReasonDisagree:           {"references disagree", "compare both with a clock that you trust, then accept the right one: bragi clock accept receiver NAME"},
	ReasonWide:               {"pulse followed, error bound outside the spec", "wait: a doubt ends after five minutes of another receiver that agrees, or after four hours in which the pulse keeps its frequency; if the pulse is right: bragi clock accept receiver"},
	ReasonNarrow:             {"error bound inside the spec again, and class 6 waits until it stays there", ""},
	ReasonReturning:          {"pulses come, and the first ones are looked at before they are used", ""},
	ReasonFrequencyLimit:     {"correction is at the hardware's limit", "the oscillator is outside the clock's tuning range: replace the board or its oscillator"},
}

// String is the reason in a few plain words.
func (r Reason) String() string {
	if r < reasonCount {
		return reasonTexts[r].word
	}
	return "unknown"
}

// Fix says what to do about it; empty for a reason that needs nothing.
func (r Reason) Fix() string {
	if r < reasonCount {
		return reasonTexts[r].fix
	}
	return ""
}
