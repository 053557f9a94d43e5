package port

import (
	"slices"
	"testing"
)

// The rate that was found before is tried first, and none is forgotten.
func TestTheLikelyRateIsTriedFirst(t *testing.T) {
	for _, c := range []struct{ likely, first int }{{0, 9600}, {115200, 115200}, {19200, 19200}, {9600, 9600}, {31337, 9600}} {
		got := likely(c.likely)
		if got[0] != c.first {
			t.Errorf("with %d likely, %d is tried first", c.likely, got[0])
		}
		sorted, all := slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(rates))
		if !slices.Equal(sorted, all) {
			t.Errorf("with %d likely, %v are tried, of %v", c.likely, got, rates)
		}
	}
	master, slave := openPTY(t)
	r := start(t, Config{Device: slave, Likely: 57600})
	master.WriteString(sentence("GPTXT,01,01,02,hello") + sentence("GPTXT,01,01,02,again")) //nolint:errcheck // the event tells
	if e := <-r.events; e.Kind != Opened || e.Baud != 57600 {
		t.Errorf("%v, want it at 57600 baud", e)
	}
}
