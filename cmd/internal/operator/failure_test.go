package operator

import (
	"testing"

	"bragi/master/rehearsal"
)

// A failure is told by its error, not by a note that comes before it.
func TestAFailureIsToldByItsError(t *testing.T) {
	note := rehearsal.Finding{Severity: "note", Text: "Sync came.", Action: "Nothing to do."}
	wrong := rehearsal.Finding{Severity: "error", Text: "It goes on.", Action: "Update it."}
	if got := failure([]rehearsal.Finding{note, wrong}); got != "It goes on. Update it." {
		t.Errorf("%q", got)
	}
}
