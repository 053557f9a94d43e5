package control

import "net/http"

// Reloaded is the answer to POST /v1/reload: what changed at once, and what waits
// for a restart.
type Reloaded struct {
	Applied  []string `json:"applied"`       // keys
	Reread   []string `json:"reread"`        // files behind a name, such as a table of leap seconds, that were replaced and are used now
	Waiting  []string `json:"needs_restart"` // keys
	Warnings []string `json:"warnings"`      // what works, but hardly as meant
}

// reloads serves POST /v1/reload.
func reloads(mux *http.ServeMux, d Daemon) {
	mux.HandleFunc("POST /v1/reload", func(w http.ResponseWriter, _ *http.Request) { answered(w, d.Reload) })
}
