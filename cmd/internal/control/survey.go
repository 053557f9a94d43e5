package control

import "net/http"

// Survey is the body of POST /v1/gnss/survey.
type Survey struct{}

// Surveying is the answer: the receiver surveys the antenna's position, for so long at
// least, and until the mean is so good.
type Surveying struct {
	MinS   float64 `json:"min_s"`
	LimitM float64 `json:"limit_m"`
}

// surveys serves the operator's order to survey the position anew.
func surveys(mux *http.ServeMux, d Daemon) {
	mux.HandleFunc("POST /v1/gnss/survey", ordered(func(Survey) (Surveying, error) { return d.SurveyReceiver() }))
}
