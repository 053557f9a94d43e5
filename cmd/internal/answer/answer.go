// Package answer is how the HTTP faces answer: JSON, errors too.
package answer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
)

// Problem is an error: one line that says why, and what to do.
type Problem struct {
	Error string `json:"error"`
}

// Reply answers with a body as JSON that people can read, too.
func Reply(w http.ResponseWriter, code int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	w.Write(Text(body)) //nolint:errcheck // a reader that hangs up is its own affair
}

// Text is what an answer looks like on the wire: for people, too ("6 -> 7").
func Text(body any) []byte {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	encoder.Encode(body) //nolint:errcheck // what cannot be encoded is told by its reader
	return b.Bytes()
}

// Known lets mux answer what it knows. What it does not know is a Problem.
func Known(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h, route := mux.Handler(r)
		if route != "" {
			mux.ServeHTTP(w, r)
			return
		}
		no := refusal{header: http.Header{}}
		h.ServeHTTP(&no, r)
		what := fmt.Sprintf("%s %s is not known to this daemon (fix: CONTROL.md lists what can be asked)", r.Method, r.URL.Path)
		if allow := no.header.Get("Allow"); no.code == http.StatusMethodNotAllowed && allow != "" {
			w.Header().Set("Allow", allow)
			what = fmt.Sprintf("%s %s is not known to this daemon (fix: it may be asked by %s)", r.Method, r.URL.Path, allow)
		}
		Reply(w, no.code, Problem{what})
	})
}

// refusal is what a mux answers to what it does not know, without its text.
type refusal struct {
	header http.Header
	code   int
}

func (r *refusal) Header() http.Header         { return r.header }
func (r *refusal) WriteHeader(code int)        { r.code = code }
func (r *refusal) Write(b []byte) (int, error) { return len(b), nil }
