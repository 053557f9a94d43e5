package control

import "net/http"

// Switch is the body of POST /v1/reference/switch.
type Switch struct {
	Name  string `json:"name"`
	Force bool   `json:"force"` // follow it whatever it is worth; false: as long as it is good
}

func (s Switch) change() string {
	if s.Force {
		return "reference switch --force"
	}
	return "reference switch"
}

// Switched is the answer.
type Switched struct {
	Selected string `json:"selected"` // the reference
	Order    string `json:"order"`    // automatic, manual, forced
	Ended    string `json:"ended"`    // the order that was ended, with its reference; "": none
	Waits    string `json:"waits"`    // why the clock does not follow it now; "": it does
}

// Lie is the body of POST /v1/sim/lie: what a receiver of software tells that is not so.
type Lie struct {
	LateNs    float64 `json:"late_ns"`             // how late each pulse is
	DriftNs   float64 `json:"drift_ns"`            // how much later each is than the one before
	AheadS    int     `json:"ahead_s"`             // by how many seconds its messages are ahead
	Reference string  `json:"reference,omitempty"` // whose receiver; "": that of [gnss]
}

// references serves the operator's choice among the references.
func references(mux *http.ServeMux, d Daemon) {
	mux.HandleFunc("POST /v1/reference/switch", ordered(func(body Switch) (Switched, error) { return d.SwitchReference(body.Name, body.Force) }))
	mux.HandleFunc("POST /v1/reference/clear", func(w http.ResponseWriter, _ *http.Request) { answered(w, d.ClearReference) })
}
