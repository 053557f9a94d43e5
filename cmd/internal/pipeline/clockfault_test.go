package pipeline_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"bragi/board"
	"bragi/board/sim"
	"bragi/cmd/internal/alarms"
	"bragi/cmd/internal/virtual"
)

// unplugged is a clock that may be away.
type unplugged struct {
	virtual.Clock
	trouble *board.Trouble
}

func (c unplugged) Trouble() board.Trouble { return *c.trouble }

// aroundClock is a rig with another clock around the board of software's.
func aroundClock(t *testing.T, seed uint64, around func(virtual.Clock) board.Clock) *virtual.Rig {
	t.Helper()
	return virtual.NewRigWith(t, virtual.Demo(), sim.Config{Oscillator: sim.OCXO, Seed: seed}, virtual.SkyAtBegin, around)
}

// A clock that is not there is not announced as class 6 or 7 for longer than a
// second, nor is the one that comes back before pulses have confirmed it.
func TestClockIsAway(t *testing.T) {
	trouble := &board.Trouble{}
	r := aroundClock(t, 1, func(c virtual.Clock) board.Clock { return unplugged{c, trouble} })
	r.Until(30*time.Second, "class 6", r.Class(6))

	trouble.Err, trouble.Since = errors.New("board: /dev/ptp0 is gone"), r.Now
	r.Run(time.Second)
	if r.Said.ClockClass != 52 || r.Said.TimeTraceable || r.Said.FrequencyTraceable || r.Said.ClockAccuracy != 0xFE {
		t.Errorf("a second after it went: %+v", r.Said)
	}
	if l := r.Pipe.Look(r.Now); !math.IsNaN(l.Report.BoundNs) || l.Announcement.ClockClass != 52 || !strings.Contains(l.Report.Why[0].String(), "away") {
		t.Errorf("told as class %d with bound %v because of %v", l.Announcement.ClockClass, l.Report.BoundNs, l.Report.Why)
	}
	told := false
	for _, a := range r.Pipe.Look(r.Now).Troubles {
		told = told || a.Code == alarms.BoardClock && strings.Contains(a.Detail, "/dev/ptp0 is gone")
	}
	if !told {
		t.Error("no alarm")
	}
	r.Run(20 * time.Second)
	if r.Said.ClockClass != 52 {
		t.Errorf("class %d by a clock that is not there", r.Said.ClockClass)
	}

	trouble.Err, trouble.Absences = nil, 1
	r.Run(3 * time.Second)
	if r.Said.ClockClass != 52 {
		t.Errorf("class %d right after it came back", r.Said.ClockClass)
	}
	r.Until(30*time.Second, "class 6 again", r.Class(6))
}

// A moment in which the clock cannot be read is no reason to leave class 6.
func TestClockUnreadForAMoment(t *testing.T) {
	trouble := &board.Trouble{}
	r := aroundClock(t, 1, func(c virtual.Clock) board.Clock { return unplugged{c, trouble} })
	r.Until(30*time.Second, "class 6", r.Class(6))
	trouble.Err, trouble.Since = errors.New("board: interrupted"), r.Now
	r.Run(500 * time.Millisecond)
	trouble.Err = nil
	for range 8 {
		if r.Run(250 * time.Millisecond); r.Said.ClockClass != 6 {
			t.Fatalf("class %d", r.Said.ClockClass)
		}
	}
}
