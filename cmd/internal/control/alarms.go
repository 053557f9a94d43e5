package control

import (
	"net/http"

	"bragi/cmd/internal/status"
)

// Alarms is the history of the alarms.
type Alarms interface {
	// AlarmHistory are the latest alarms, those that stand too, oldest first.
	AlarmHistory() []status.PastAlarm
	// ClearAlarms forgets those that stand no more.
	ClearAlarms()
}

// alarms serves GET /v1/alarms/history and POST /v1/alarms/clear, which answers with
// what is left.
func alarms(mux *http.ServeMux, d Alarms) {
	mux.HandleFunc("GET /v1/alarms/history", func(w http.ResponseWriter, _ *http.Request) { reply(w, http.StatusOK, d.AlarmHistory()) })
	mux.HandleFunc("POST /v1/alarms/clear", func(w http.ResponseWriter, _ *http.Request) {
		d.ClearAlarms()
		reply(w, http.StatusOK, d.AlarmHistory())
	})
}
