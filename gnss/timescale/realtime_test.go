package timescale

import (
	"testing"
	"time"
)

func TestASlewOf500ppmIsNoJumpAndMoreIs(t *testing.T) {
	const uncertain = 20 * time.Microsecond
	for _, c := range []struct {
		wrong, elapsed time.Duration
		jumped         bool
	}{
		{0, 0, false}, {uncertain, 0, false}, {-uncertain - 1, 0, true},
		{500 * time.Microsecond, time.Second, false}, {-500 * time.Microsecond, time.Second, false},
		{500 * time.Microsecond, -time.Second, false}, {500 * time.Millisecond, 1000 * time.Second, false},
		{621 * time.Microsecond, time.Second, true}, {-621 * time.Microsecond, time.Second, true},
	} {
		if got := RealtimeJumped(c.elapsed+c.wrong, c.elapsed, uncertain); got != c.jumped {
			t.Errorf("%v wrong after %v: jumped %v", c.wrong, c.elapsed, got)
		}
	}
}
