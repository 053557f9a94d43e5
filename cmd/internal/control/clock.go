package control

import (
	"fmt"
	"net/http"
)

// Accept is the body of POST /v1/clock/accept.
type Accept struct {
	What string `json:"what"` // receiver
}

// Accepted is the answer: what was forgotten in favour of what the operator accepts.
type Accepted struct {
	Forgotten []string `json:"forgotten"`
}

// clock serves what the operator decides about the clock.
func clock(mux *http.ServeMux, d Daemon) {
	mux.HandleFunc("POST /v1/clock/accept", func(w http.ResponseWriter, r *http.Request) {
		var body Accept
		if !read(w, r, &body) {
			return
		}
		if body.What != "receiver" {
			reply(w, http.StatusBadRequest, problem{fmt.Sprintf("%q cannot be accepted (fix: receiver)", body.What)})
			return
		}
		done, err := d.AcceptReceiver()
		if err != nil {
			reply(w, http.StatusConflict, problem{err.Error()})
			return
		}
		reply(w, http.StatusOK, done)
	})
}
