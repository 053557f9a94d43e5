package status

import "time"

// Holdover is what is known of the oscillator, and what holdover is worth.
type Holdover struct {
	Oscillator string   `json:"oscillator"`   // as configured
	Behaves    string   `json:"behaves_like"` // the kind that it behaves like; "": not known yet
	Learned    bool     `json:"learned"`      // locked for as long as `learning` asks
	LockedForS float64  `json:"locked_for_s"`
	ForS       *float64 `json:"for_s"`  // since the loss; null: there is none
	Forced     bool     `json:"forced"` // an operator wants holdover: no pulse is used

	SpecNs       float64  `json:"spec_ns"`
	ErrorNs      *float64 `json:"error_ns"` // estimate; positive: the served clock is ahead
	SigmaNs      *float64 `json:"sigma_ns"`
	BoundNs      *float64 `json:"bound_ns"`
	ForecastS    *float64 `json:"forecast_s"`     // how long the bound stays inside the spec without a pulse
	ForecastP50S *float64 `json:"forecast_p50_s"` // when the error itself is as likely outside as inside
	ForecastP95S *float64 `json:"forecast_p95_s"` // until when it is inside in 19 cases of 20
	Class7S      *float64 `json:"class7_s"`       // the same under learning and max_holdover
	MaxHoldoverS float64  `json:"max_holdover_s"`

	FreqPPB       float64  `json:"freq_ppb"`       // correction applied
	OscillatorPPB *float64 `json:"oscillator_ppb"` // its own frequency
	PulseNoiseNs  *float64 `json:"pulse_noise_ns"`
	TemperatureC  *float64 `json:"temperature_c"`
	Thermometer   string   `json:"thermometer"` // the chip that is read, or why there is none

	// Known is what was learned of the oscillator; null: too little yet.
	Known  *Known   `json:"known"`
	Memory *Memory  `json:"memory"`
	Drills *Drills  `json:"drills"`
	Why    []string `json:"why"`
}

// Known is the oscillator as it was learned. Deviations are one sigma.
type Known struct {
	FrequencyPPB      float64   `json:"frequency_ppb"`
	FrequencySigmaPPB float64   `json:"frequency_sigma_ppb"`
	TemperatureC      *float64  `json:"temperature_c"` // at which it has that frequency
	DriftPPBDay       float64   `json:"drift_ppb_day"`
	DriftSigmaPPBDay  float64   `json:"drift_sigma_ppb_day"`
	Tempco            []Tempco  `json:"tempco"`
	Horizons          []Horizon `json:"horizons"`
}

// Tempco is the frequency that a degree makes, by way of a lag.
type Tempco struct {
	LagS     float64 `json:"lag_s"`
	PPBPerC  float64 `json:"ppb_per_c"`
	SigmaPPB float64 `json:"sigma_ppb_per_c"`
}

// Horizon is what holdovers of one length, tried on paper, were wrong by.
type Horizon struct {
	HorizonS float64 `json:"horizon_s"`
	SigmaNs  float64 `json:"sigma_ns"`
	Ratio    float64 `json:"ratio"`   // over what the estimator foretold
	Samples  float64 `json:"samples"` // independent ones
}

// Memory is what outlives a loss of power.
type Memory struct {
	File    string     `json:"file"` // "": none is kept
	Used    bool       `json:"used"` // this life began with it
	Of      string     `json:"of,omitempty"`
	Written *time.Time `json:"written"` // null: not yet in this life
	Failed  string     `json:"failed,omitempty"`
	Refused []string   `json:"refused"` // copies that were left unused, and why
}
