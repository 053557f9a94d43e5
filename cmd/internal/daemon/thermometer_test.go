package daemon

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"bragi/board"
	"bragi/cmd/internal/config"
)

// One that is wanted and missing is told of and looked for again; one that the
// operator says is not there is no alarm.
func TestAMissingThermometerIsToldUnlessTheOperatorSaysThereIsNone(t *testing.T) {
	asked := 0
	none := func(string) (*board.Thermometer, error) {
		asked++
		return nil, errors.New("board: no thermometer that feels the board: there is coretemp")
	}
	missing := newThermometer(board.AnyThermometer, none)
	for range 3 {
		if c := missing.readC(); !math.IsNaN(c) {
			t.Errorf("%v C without a thermometer", c)
		}
	}
	if asked != 1 || !strings.HasPrefix(missing.missing(), "no thermometer") || !strings.Contains(missing.words(), "coretemp") {
		t.Errorf("looked %d times; missing %q, %q", asked, missing.missing(), missing.words())
	}
	missing.next = time.Time{}
	missing.readC()
	if asked != 2 {
		t.Errorf("it was looked for %d times, want again after a while", asked)
	}
	left := newThermometer(config.NoThermometer, none)
	if left.missing() != "" || asked != 2 || !math.IsNaN(left.readC()) {
		t.Errorf("none is wanted, and it says %q after %d looks", left.missing(), asked)
	}
	sim := &thermometer{want: board.AnyThermometer, sim: func() float64 { return 21 }}
	if c := sim.readC(); c != 21 || sim.missing() != "" {
		t.Errorf("the board of software's: %v C, %q", c, sim.missing())
	}
}
