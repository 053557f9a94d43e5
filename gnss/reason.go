package gnss

// Reason says why an epoch may not set a clock, or why there are no marks.
type Reason uint8

// The reasons. Those up to ReasonTimeAccuracy are an Epoch's; the rest are the
// source's as a whole.
const (
	ReasonNoFix        Reason = iota // the receiver itself says that its fix is not valid
	ReasonEstimated                  // the fix is dead reckoning, typed in by hand or simulated
	ReasonNoChecksum                 // the time came in a sentence without a checksum
	ReasonNoTime                     // no date or no time of day, or one that no calendar has
	ReasonBeforeFloor                // the date is before the floor: week rollover, or a receiver's default
	ReasonImplausible                // the date is decades after the floor
	ReasonConflict                   // RMC and ZDA of one second, or GGA and RMC, contradict each other
	ReasonDamaged                    // the line damages sentences and nothing confirms this one yet
	ReasonLeapUnknown                // the receiver does not know TAI - UTC yet
	ReasonLeapFault                  // the receiver vouches for a TAI - UTC that cannot be
	ReasonTimeAccuracy               // the receiver itself doubts its time by more than 0.1 s

	ReasonNoData          // nothing from the receiver
	ReasonNoSentence      // bytes come, but no sentence or frame that names a second
	ReasonNoPulse         // no pulse
	ReasonNoEpoch         // no epoch that may set a clock
	ReasonLearning        // pulse and message do not agree often enough yet
	ReasonAmbiguous       // the message comes so late or early that its pulse cannot be told
	ReasonPulseDisagrees  // pulse count and message differ by whole seconds: no marks until they agree again
	ReasonGlitch          // a pulse came where none may be
	ReasonPulsesPerSecond // two trains of pulses, lastingly
	ReasonLateMessages    // messages come more than a second after their pulse
	ReasonAntennaOpen     // the receiver's antenna supervisor says open
	ReasonAntennaShort    // likewise short
	ReasonAntennaDoubted  // it says open and said nothing else since the start, in spite of a fix
	ReasonSpoofing        // the receiver reports spoofing
	ReasonJamming         // it reports jamming, and its time grows uncertain
	ReasonJammed          // it reports jamming, and its time stands
	ReasonMoved           // the position is another one
	ReasonTimeJump        // the message's second is not what the held clock reads
	ReasonEdgeUntold      // both edges of a pulse come, and nothing tells which one begins it
	ReasonPulseLength     // the pulse is not as long as the receiver was told to make it
	ReasonLineFull        // the receiver sends as much as the serial line carries: messages wait in it
	ReasonSecondOpinion   // other sources of time say another second than the receiver
	ReasonOpinionWrong    // one does, but it is outvoted, or agreed with the same label before
	ReasonSawtooth        // the sawtooth that the receiver tells makes the pulses worse
	ReasonLeapUnproven    // a receiver that started cold may still count its firmware's leap seconds
	ReasonFraction        // the messages name fractions of a second, and which pulse is theirs cannot be told
	ReasonErratic         // the receiver's time runs backwards, stands still or jumps, again and again
	ReasonSeldom          // the messages come too seldom to confirm the count of the pulses
)

var reasonNames = [...]string{
	ReasonNoFix:           "no fix",
	ReasonEstimated:       "fix estimated or simulated",
	ReasonNoChecksum:      "no checksum",
	ReasonNoTime:          "no date and time",
	ReasonBeforeFloor:     "date before floor",
	ReasonImplausible:     "date implausible",
	ReasonConflict:        "sentences contradict each other",
	ReasonDamaged:         "damaged line, time not confirmed",
	ReasonLeapUnknown:     "leap seconds unknown",
	ReasonLeapFault:       "leap seconds contradict the table",
	ReasonTimeAccuracy:    "time uncertain",
	ReasonLateMessages:    "messages late",
	ReasonAntennaOpen:     "antenna open",
	ReasonAntennaShort:    "antenna short",
	ReasonAntennaDoubted:  "antenna said to be open, with a fix",
	ReasonSpoofing:        "spoofing reported",
	ReasonJamming:         "jamming reported, time uncertain",
	ReasonJammed:          "jamming reported",
	ReasonMoved:           "position moved",
	ReasonTimeJump:        "time jumped",
	ReasonEdgeUntold:      "the edge that begins the pulse cannot be told",
	ReasonPulseLength:     "pulse of another length than was set",
	ReasonLineFull:        "serial line full",
	ReasonSecondOpinion:   "another source says another time",
	ReasonOpinionWrong:    "another source is wrong",
	ReasonSawtooth:        "sawtooth correction does not fit the pulses",
	ReasonLeapUnproven:    "leap seconds not proven yet",
	ReasonFraction:        "messages name no whole second",
	ReasonErratic:         "the receiver's time does not run on",
	ReasonSeldom:          "messages come too seldom",
	ReasonNoData:          "no data from receiver",
	ReasonNoSentence:      "no sentence that names the second",
	ReasonNoPulse:         "no pulse",
	ReasonNoEpoch:         "no trusted time",
	ReasonLearning:        "learning which pulse is which second",
	ReasonAmbiguous:       "message delay ambiguous",
	ReasonPulseDisagrees:  "pulse and message disagree",
	ReasonGlitch:          "pulse glitch",
	ReasonPulsesPerSecond: "more than one pulse a second",
}

// String is the reason in words.
func (r Reason) String() string {
	if int(r) < len(reasonNames) {
		return reasonNames[r]
	}
	return "unknown reason"
}

// MarshalText makes a Reason a word in JSON.
func (r Reason) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// Trouble is a reason with what was seen, for an alarm or a status line.
type Trouble struct {
	Reason Reason
	Detail string // one clause with numbers and names; may be empty
}

// String is the reason and its detail.
func (t Trouble) String() string {
	if t.Detail == "" {
		return t.Reason.String()
	}
	return t.Reason.String() + ": " + t.Detail
}
