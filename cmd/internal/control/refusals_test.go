package control

import (
	"testing"
	"time"

	"bragi/cmd/internal/status"
)

// A reader that asks for changes without end does not fill the log; nothing is lost of
// how often it asked, and another user is told all the same.
func TestRefusedChangesAreToldSomeTimesAMinute(t *testing.T) {
	var r refusals
	begin := time.Unix(1e9, 0)
	told := 0
	for i := range 1150 {
		e, tell := r.next(status.User{UID: 7}, "drain", begin.Add(time.Duration(i)*time.Millisecond))
		if tell {
			told++
		}
		if e.Last != (i == refusalsTold-1) {
			t.Errorf("%d: %+v", i, e)
		}
	}
	if told != refusalsTold {
		t.Errorf("%d are told", told)
	}
	if e, tell := r.next(status.User{UID: 8}, "drain", begin.Add(2*time.Second)); !tell || e.Untold != 0 {
		t.Errorf("another user: %+v, told %t", e, tell)
	}
	if e, tell := r.next(status.User{UID: 7}, "drain", begin.Add(refusalsEvery)); !tell || e.Untold != 1150-refusalsTold {
		t.Errorf("a minute later: %+v, told %t", e, tell)
	}
	for i := range 10 * refusersKept {
		r.next(status.User{UID: uint32(i)}, "drain", begin)
	}
	if len(r.users) > refusersKept {
		t.Errorf("%d users are kept", len(r.users))
	}
}
