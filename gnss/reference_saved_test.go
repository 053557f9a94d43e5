package gnss

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"bragi/gnss/timescale"
	"bragi/scripts/reflecttest"
)

// What a Reference leaves goes through a file into the next one and out of it again,
// with every field, however deep.
func TestAReferenceComesBackFromJSON(t *testing.T) {
	at := timescale.MonoFromNs
	expires := timescale.Builtin().Expires().Civil()
	midnight, err := timescale.Date(expires.Year+1, 1, 1, 0, 0, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	in := SavedReference{
		Label:     Label{At: at(100e9), Second: 1_790_000_037, Delay: 120 * time.Millisecond, Every: 2, Evidence: Proven},
		Belief:    belief{Vouched, at(99e9)},
		Run:       receiverRun{Last: at(101e9), Searching: at(10e9), Since: at(60e9), Trusted: at(101e9), Cold: true, Blind: true},
		Doubted:   true,
		Refused:   true,
		Following: at(98e9),
		Leaps:     []SavedLeap{{midnight.Ns(), 1}},
		Counted:   counted{midnight.Ns(), 18, true},
		Home:      &home{At: ecef{X: 3184938.5, Y: 278646, Z: 5500477}, Fixes: 77, Weight: 3.5},
	}
	for _, path := range reflecttest.Unset(in, "SavedReference") {
		t.Errorf("%s is zero: fill it", path)
	}
	text, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	var read SavedReference
	if err := json.Unmarshal(text, &read); err != nil {
		t.Fatal(err)
	}
	r, now := NewReference(ReferenceConfig{}), at(101e9)
	r.Resume(now, &read)
	if out := r.Save(now); out == nil || !reflect.DeepEqual(*out, in) {
		t.Errorf("%s became %+v", text, out)
	}
	if got := r.LeapTable().OffsetAtUTC(midnight); got != 38 {
		t.Errorf("TAI - UTC after the learned leap second is %d s", got)
	}
}
