package status

import "time"

// Drills are the holdover drills: a copy of the clock coasts without pulses, judged by
// the pulses that the clock itself takes. Clients see nothing of it.
type Drills struct {
	Running *RunningDrill `json:"running"` // null: none
	Last    *Drill        `json:"last"`    // the latest that is over; null: none
	Kept    int           `json:"kept"`    // reports in the folder
	Folder  string        `json:"folder"`
	EveryS  float64       `json:"every_s"` // holdover.drill_every; 0: drills are not scheduled
	ForS    float64       `json:"for_s"`   // holdover.drill_for
	Next    *time.Time    `json:"next"`    // the next scheduled one, at the earliest; null: none
}

// RunningDrill is a drill that runs.
type RunningDrill struct {
	ID      string    `json:"id"`
	Begun   time.Time `json:"begun"`
	By      string    `json:"by"`
	ForS    float64   `json:"for_s"`
	RanS    float64   `json:"ran_s"`
	ErrorNs *float64  `json:"error_ns"` // of the latest pulses; positive: the copy is ahead
	BoundNs *float64  `json:"bound_ns"` // that the copy says
}

// Drill is a drill that is over.
type Drill struct {
	ID     string    `json:"id"` // of its begin, UTC
	Begun  time.Time `json:"begun"`
	Ended  time.Time `json:"ended"`  // of one that was cut off: when it was last known to run
	By     string    `json:"by"`     // who asked for it, or "schedule"
	Ending string    `json:"ending"` // complete, pulse lost, clock set, cancelled, bragid stopped, cut off
	Why    string    `json:"why"`    // more of that; "": nothing

	ForS     float64  `json:"for_s"`     // how long it was to run
	RanS     float64  `json:"ran_s"`     // and did; one that was cut off: at least, 0: not known
	JudgedS  float64  `json:"judged_s"`  // for how long pulses judged it
	JudgedBy []string `json:"judged_by"` // the references whose pulses these were, in their order; none: not known
	Passed   *bool    `json:"passed"`    // null: it has no verdict
	Verdict  string   `json:"verdict"`   // in a sentence

	SpecNs        float64  `json:"spec_ns"`
	ErrorNs       *float64 `json:"error_ns"` // at the end, mean of the last point; positive: the copy was ahead of the pulse
	WorstNs       *float64 `json:"worst_ns"` // the largest mean, by magnitude
	WorstAtS      *float64 `json:"worst_at_s"`
	BoundNs       *float64 `json:"bound_ns"`        // that the copy said at the end
	ForetoldNs    *float64 `json:"foretold_ns"`     // what was foretold of the error, one sigma
	BoundHeld     bool     `json:"bound_held"`      // the error stayed inside the bound
	OutsideS      float64  `json:"outside_bound_s"` // for how long it did not
	OutsideAtS    *float64 `json:"outside_bound_at_s"`
	Forecast      string   `json:"forecast"`          // held, too long (the error left the spec before), too short (the bound did, well before), none (nothing was forecast), not judged
	ForecastS     *float64 `json:"forecast_s"`        // how long the bound was to stay inside the spec
	BoundLeftS    *float64 `json:"bound_left_spec_s"` // when it left it; null: it did not
	ErrorLeftS    *float64 `json:"error_left_spec_s"` // when the error did; null: it did not
	Class7S       float64  `json:"class7_s"`          // how long class 7 would have been announced, of ran_s
	PulseNoiseNs  *float64 `json:"pulse_noise_ns"`    // standard deviation of one pulse: it is in each error
	ReceiverNs    float64  `json:"receiver_ns"`       // part of the bound for what is wrong with every pulse alike
	Oscillator    string   `json:"oscillator"`        // as configured
	Behaves       string   `json:"behaves_like"`
	Learned       bool     `json:"learned"`
	LockedForS    float64  `json:"locked_for_s"`
	OscillatorPPB *float64 `json:"oscillator_ppb"` // its own frequency at the begin
	DriftPPBDay   *float64 `json:"drift_ppb_day"`
	DriftSigma    *float64 `json:"drift_sigma_ppb_day"`
	ColdestC      *float64 `json:"coldest_c"` // the thermometer during the drill
	WarmestC      *float64 `json:"warmest_c"`
	Thermometer   string   `json:"thermometer"` // the chip that is read, or why there is none
	BlindS        float64  `json:"no_thermometer_s"`

	Host     string `json:"host"`
	Identity string `json:"identity"` // of the grandmaster
	Profile  string `json:"profile"`
	Version  string `json:"version"`
}

// DrillReport is a drill with its curves.
type DrillReport struct {
	Drill
	Curve    []DrillPoint    `json:"curve"`
	Foretold []DrillForetold `json:"foretold_curve"`
}

// DrillPoint is a part of a drill.
type DrillPoint struct {
	AtS       float64 `json:"at_s"` // of its last pulse, since the begin
	Pulses    int     `json:"pulses"`
	ErrorNs   float64 `json:"error_ns"`   // their mean
	LowestNs  float64 `json:"lowest_ns"`  // of one pulse
	HighestNs float64 `json:"highest_ns"` // of one pulse
	BoundNs   float64 `json:"bound_ns"`
}

// DrillForetold is what was forecast before the drill of a moment in it.
type DrillForetold struct {
	AtS     float64 `json:"at_s"`
	BoundNs float64 `json:"bound_ns"`
	SigmaNs float64 `json:"sigma_ns"` // one standard deviation of the error
}

// DrillBegun is a drill that begins.
type DrillBegun struct {
	ID   string
	By   string
	ForS float64
}

func (e DrillBegun) Words() Words {
	return Words{TopicClock, "DRILL_BEGUN", Notice, "holdover drill " + e.ID + " begins, for " + Span(e.ForS) + ", by " + e.By + "; clients see nothing of it",
		Fields{{"id", e.ID}, {"by", e.By}, {"for_s", e.ForS}}}
}

// DrillEnded is a drill that is over.
type DrillEnded struct{ Drill }

func (e DrillEnded) Words() Words {
	w := Words{TopicClock, "DRILL_ENDED", Notice, "holdover drill " + e.ID + " is over (" + e.Ending + "): " + e.Verdict,
		Fields{{"id", e.ID}, {"ending", e.Ending}, {"for_s", e.ForS}, {"judged_s", e.JudgedS}, {"verdict", e.Verdict}}}
	if e.Passed != nil {
		w.Fields = append(w.Fields, Field{"passed", *e.Passed})
		if !*e.Passed {
			w.Severity = Warning
		}
	}
	return w
}
