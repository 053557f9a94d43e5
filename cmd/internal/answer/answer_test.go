package answer

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
)

// What is not known is told as JSON, with what may be asked; what is known is answered
// by who knows it.
func TestWhatIsNotKnownIsAProblemInJSON(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/status", func(w http.ResponseWriter, _ *http.Request) { Reply(w, http.StatusOK, "6 -> 7") })
	h := Known(mux)
	for _, c := range []struct {
		method, path string
		code         int
		allow, body  string
	}{
		{"GET", "/v1/status", 200, "", ""},
		{"GET", "/v1/nothing", 404, "", "GET /v1/nothing is not known to this daemon (fix: CONTROL.md lists what can be asked)"},
		{"POST", "/v1/status", 405, "GET, HEAD", "POST /v1/status is not known to this daemon (fix: it may be asked by GET, HEAD)"},
		{"GET", "/", 404, "", "GET / is not known to this daemon (fix: CONTROL.md lists what can be asked)"},
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(c.method, c.path, nil))
		if w.Code != c.code || w.Header().Get("Content-Type") != "application/json" || w.Header().Get("Allow") != c.allow {
			t.Errorf("%s %s: %d %v", c.method, c.path, w.Code, w.Header())
		}
		var p Problem
		if c.body == "" {
			if got := w.Body.String(); got != "\"6 -> 7\"\n" {
				t.Errorf("%s %s: %s", c.method, c.path, got)
			}
		} else if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || p.Error != c.body {
			t.Errorf("%s %s: %q, %v", c.method, c.path, p.Error, err)
		}
	}
}
