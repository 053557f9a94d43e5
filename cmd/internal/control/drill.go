package control

import (
	"net/http"
	"time"

	"bragi/cmd/internal/status"
)

// Drills are the holdover drills.
type Drills interface {
	// StartDrill begins one; 0: for as long as the configuration says.
	StartDrill(length time.Duration) (status.RunningDrill, error)
	// CancelDrill ends the one that runs, and tells what it has shown.
	CancelDrill() (status.Drill, error)
	// DrillReports are those that are over, the newest first.
	DrillReports() ([]status.Drill, error)
	// DrillReport is one of them with its curves; "last": the latest.
	DrillReport(id string) (status.DrillReport, error)
}

// Drill is the body of POST /v1/drill/start.
type Drill struct {
	ForNs int64 `json:"for_ns"` // how long; 0: holdover.drill_for
}

// drills serves the holdover drills.
func drills(mux *http.ServeMux, d Drills) {
	mux.HandleFunc("POST /v1/drill/start", ordered(func(body Drill) (status.RunningDrill, error) { return d.StartDrill(time.Duration(body.ForNs)) }))
	mux.HandleFunc("POST /v1/drill/cancel", func(w http.ResponseWriter, _ *http.Request) { answered(w, d.CancelDrill) })
	mux.HandleFunc("GET /v1/drill/reports", func(w http.ResponseWriter, _ *http.Request) { answered(w, d.DrillReports) })
	mux.HandleFunc("GET /v1/drill/reports/{id}", func(w http.ResponseWriter, r *http.Request) {
		answered(w, func() (status.DrillReport, error) { return d.DrillReport(r.PathValue("id")) })
	})
}
