package control

import "net/http"

// Holdover is the body of POST /v1/holdover.
type Holdover struct {
	Force bool `json:"force"` // use no pulse; false: use them again
}

func (h Holdover) change() string {
	if h.Force {
		return "holdover force"
	}
	return "holdover release"
}

// Held is the answer.
type Held struct {
	Forced  bool     `json:"forced"`
	Class7S *float64 `json:"class7_s"` // how long class 7 is announced of a holdover from now on; null: not known
}

// holdovers serves the operator's holdover.
func holdovers(mux *http.ServeMux, d Daemon) {
	mux.HandleFunc("POST /v1/holdover", ordered(func(body Holdover) (Held, error) { return d.Hold(body.Force) }))
}
