package control

import (
	"fmt"
	"net/http"
	"slices"
)

// Receiver is the body of POST /v1/sim/receiver: what happens to the u-blox of
// software. Empty words change nothing.
type Receiver struct {
	Jamming    string `json:"jamming,omitempty"`  // ok, warning, critical
	Spoofing   string `json:"spoofing,omitempty"` // none, indicated, affirmed
	PowerCycle bool   `json:"power_cycle,omitempty"`
	Reference  string `json:"reference,omitempty"` // whose receiver; "": that of [gnss]
}

// The words of Receiver, in the order of u-blox's numbers from 1.
var (
	JammingWords  = []string{"ok", "warning", "critical"}
	SpoofingWords = []string{"none", "indicated", "affirmed"}
)

// turnReceiver reads the words and turns the knob.
func turnReceiver(turn func(w http.ResponseWriter, reference string, turn func(of Sim) error), w http.ResponseWriter, r *http.Request) {
	var body Receiver
	if !read(w, r, &body) {
		return
	}
	for _, c := range []struct {
		word  string
		words []string
	}{{body.Jamming, JammingWords}, {body.Spoofing, SpoofingWords}} {
		if c.word != "" && !slices.Contains(c.words, c.word) {
			refuse(w, http.StatusBadRequest, fmt.Sprintf("%q is not known (fix: one of %v)", c.word, c.words))
			return
		}
	}
	turn(w, body.Reference, func(of Sim) error { return of.TurnReceiver(body) })
}
