package control

import (
	"fmt"
	"net/http"
)

// Accept is the body of POST /v1/clock/accept.
type Accept struct {
	What string `json:"what"`           // receiver
	Name string `json:"name,omitempty"` // of the reference; "": the one that is ordered, or followed
}

// Accepted is the answer: whom the operator accepts, and what was forgotten in their favour.
type Accepted struct {
	Names     []string `json:"names"` // null: there is one receiver alone
	Forgotten []string `json:"forgotten"`
}

// Step is the body of POST /v1/clock/step.
type Step struct {
	Yes bool `json:"yes"` // do it; false: only tell what it would do
}

func (s Step) change() string {
	if s.Yes {
		return "clock step"
	}
	return ""
}

// Stepped is the answer: what the step does or would do.
type Stepped struct {
	Done        bool     `json:"done"`          // it is done with the next pulse
	TimeErrorNs float64  `json:"time_error_ns"` // that it takes away; positive: the served clock is ahead
	SlewS       *float64 `json:"slew_s"`        // how long the clock would slew instead, until it is locked; null: not known
}

// clock serves what the operator decides about the clock.
func clock(mux *http.ServeMux, d Daemon) {
	mux.HandleFunc("GET /v1/clock/history", func(w http.ResponseWriter, _ *http.Request) { reply(w, http.StatusOK, d.ClockHistory()) })
	mux.HandleFunc("POST /v1/clock/accept", func(w http.ResponseWriter, r *http.Request) {
		var body Accept
		if !read(w, r, &body) {
			return
		}
		if body.What != "receiver" {
			refuse(w, http.StatusBadRequest, fmt.Sprintf("%q cannot be accepted (fix: receiver)", body.What))
			return
		}
		answered(w, func() (Accepted, error) { return d.AcceptReceiver(body.Name) })
	})
	mux.HandleFunc("POST /v1/clock/step", ordered(func(body Step) (Stepped, error) { return d.StepClock(body.Yes) }))
}
