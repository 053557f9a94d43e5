package status

// Receiver is what the GNSS receiver is, and how it was set up.
type Receiver struct {
	Model    string            `json:"model"` // "" while it is not known
	Firmware string            `json:"firmware"`
	Setup    string            `json:"setup"`
	Steps    []SetupStep       `json:"steps"`
	Position *ReceiverPosition `json:"position"` // null: not known
}

// SetupStep is one setting of the receiver.
type SetupStep struct {
	Name    string `json:"name"`
	Outcome string `json:"outcome"`
	Failed  bool   `json:"failed"`
}

// OutcomeAbsent is the outcome of a setting that the model does not have.
const OutcomeAbsent = "not of this model"

// ReceiverPosition is whether the receiver surveys its position or holds it.
type ReceiverPosition struct {
	State      string   `json:"state"`
	AccuracyM  *float64 `json:"accuracy_m"`   // of the mean so far, or of what is held
	DoubtM     *float64 `json:"doubt_m"`      // how far the antenna may be from it: 3.3 ns a metre in the bound; null: as good as it was surveyed
	SurveyedS  *float64 `json:"surveyed_s"`   // null unless it is surveyed now
	SurveyMinS *float64 `json:"survey_min_s"` // it takes at least
	LimitM     *float64 `json:"limit_m"`      // and until it is as good as this
}
