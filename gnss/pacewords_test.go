package gnss

import (
	"testing"
	"time"

	"bragi/gnss/timescale"
)

// A receiver whose antenna comes and goes speaks each second, without a time or with one: it
// is not one that speaks seldom. One that spoke seldom and speaks each second again is told so
// for seconds, not for the rest of a minute.
func TestAReceiverWhoseSkyComesAndGoesDoesNotSpeakSeldom(t *testing.T) {
	var p pace
	at := timescale.MonoFromNs(1e12)
	for i := range 120 {
		at = at.Add(time.Second)
		if i%12 < 3 {
			p.see(at)
		} else {
			p.hear(at)
		}
		if p.seldom(at) {
			t.Fatalf("after %d s it speaks seldom", i)
		}
	}
	for range 4 {
		at = at.Add(10 * time.Second)
		p.see(at)
	}
	if !p.seldom(at) {
		t.Error("a message in ten seconds is not seldom")
	}
	for range seldomOver + 1 {
		at = at.Add(time.Second)
		p.see(at)
	}
	if p.seldom(at) {
		t.Error("it is still seldom, with a message each second")
	}
}
