package control

import "net/http"

// Reloaded is the answer to POST /v1/reload: the keys that changed at once, and
// those that wait for a restart.
type Reloaded struct {
	Applied []string `json:"applied"`
	Waiting []string `json:"needs_restart"`
}

// reloads serves POST /v1/reload.
func reloads(mux *http.ServeMux, d Daemon) {
	mux.HandleFunc("POST /v1/reload", func(w http.ResponseWriter, _ *http.Request) {
		done, err := d.Reload()
		if err != nil {
			reply(w, http.StatusConflict, problem{err.Error()})
			return
		}
		reply(w, http.StatusOK, done)
	})
}
