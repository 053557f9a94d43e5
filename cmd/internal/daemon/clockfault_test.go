package daemon

import (
	"errors"
	"strings"
	"testing"
	"time"

	"bragi/board"
	"bragi/board/sim"
	"bragi/cmd/internal/alarms"
	"bragi/gnss/timescale"
)

// unplugged is a clock that may be away.
type unplugged struct {
	simClock
	trouble *board.Trouble
}

func (c unplugged) Trouble() board.Trouble { return *c.trouble }

// A clock that is not there is not announced as class 6 or 7 for longer than a
// second, nor is the one that comes back before pulses have confirmed it.
func TestClockIsAway(t *testing.T) {
	r := newRig(t, demo(), sim.Config{Oscillator: sim.OCXO, Seed: 1})
	trouble := &board.Trouble{}
	r.pipe.clock = unplugged{simClock{r}, trouble}
	r.until(30*time.Second, "class 6", r.class(6))

	trouble.Err, trouble.Since = errors.New("board: /dev/ptp0 is gone"), r.now
	r.run(time.Second)
	if r.said.ClockClass != 52 || r.said.TimeTraceable || r.said.FrequencyTraceable || r.said.ClockAccuracy != 0xFE {
		t.Errorf("a second after it went: %+v", r.said)
	}
	if c := r.pipe.clockStatus(r.now, func(timescale.Mono) time.Time { return time.Time{} }); c.BoundNs != nil || c.ClockClass != 52 || !strings.Contains(c.Why[0], "away") {
		t.Errorf("told as class %d with bound %v because of %v", c.ClockClass, c.BoundNs, c.Why)
	}
	told := false
	for _, a := range r.pipe.Troubles(r.now) {
		told = told || a.Code == alarms.BoardClock && strings.Contains(a.Detail, "/dev/ptp0 is gone")
	}
	if !told {
		t.Error("no alarm")
	}
	r.run(20 * time.Second)
	if r.said.ClockClass != 52 {
		t.Errorf("class %d by a clock that is not there", r.said.ClockClass)
	}

	trouble.Err, trouble.Absences = nil, 1
	r.run(3 * time.Second)
	if r.said.ClockClass != 52 {
		t.Errorf("class %d right after it came back", r.said.ClockClass)
	}
	r.until(30*time.Second, "class 6 again", r.class(6))
}

// A moment in which the clock cannot be read is no reason to leave class 6.
func TestClockUnreadForAMoment(t *testing.T) {
	r := newRig(t, demo(), sim.Config{Oscillator: sim.OCXO, Seed: 1})
	trouble := &board.Trouble{}
	r.pipe.clock = unplugged{simClock{r}, trouble}
	r.until(30*time.Second, "class 6", r.class(6))
	trouble.Err, trouble.Since = errors.New("board: interrupted"), r.now
	r.run(500 * time.Millisecond)
	trouble.Err = nil
	for range 8 {
		if r.run(250 * time.Millisecond); r.said.ClockClass != 6 {
			t.Fatalf("class %d", r.said.ClockClass)
		}
	}
}
