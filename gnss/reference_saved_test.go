package gnss

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"bragi/gnss/timescale"
	"bragi/gnss/ubx"
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
		Signs: &savedSigns{
			Antenna: aged[string]{AntennaOpen, at(97e9), true}, JamHW: aged[ubx.Jamming]{ubx.JammingCritical, at(96e9), true},
			JamSig: aged[ubx.Jamming]{ubx.JammingWarning, at(95e9), true}, Indicator: aged[int]{99, at(94e9), true},
			SpoofStatus: aged[ubx.Spoofing]{ubx.SpoofingIndicated, at(93e9), true}, SpoofSig: aged[ubx.Spoofing]{ubx.SpoofingAffirmed, at(92e9), true},
			AntennaNow: AntennaOpen, AntennaOK: true, Fix: true,
			Spoofing: sign{3, true, at(91e9)}, Spoofed: SpoofingIndicated, Jamming: sign{4, true, at(90e9)}, Jammed: true, SigmaNs: 21,
			Moved: sign{5, true, at(89e9)}, Away: home{At: ecef{X: 3184938.5, Y: 278647, Z: 5500477}, Fixes: 7, Weight: 1.5}, DistanceM: 1500,
			Surveyed: ecef{X: 3184938.5, Y: 278648, Z: 5500477}, Fixed: true,
		},
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
