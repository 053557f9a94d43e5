package pipeline_test

import (
	"strings"
	"testing"
	"time"

	"bragi/board"
	"bragi/cmd/internal/alarms"
	"bragi/cmd/internal/pipeline"
	"bragi/cmd/internal/virtual"
)

// meddled is a clock that somebody else may set.
type meddled struct {
	virtual.Clock
	by *board.Disturbance
}

func (c meddled) Disturbance() board.Disturbance { return *c.by }

func (c meddled) PutBack() (board.Disturbance, error) {
	d := *c.by
	*c.by = board.Disturbance{}
	c.Rig.Board.PHC().Step(c.Rig.Now, -d.Ns)
	return d, nil
}

// A clock that something else set is put back at once and told of; one that is
// set again and again is not served meanwhile.
func TestClockSetByOthers(t *testing.T) {
	by := &board.Disturbance{}
	r := aroundClock(t, 1, func(c virtual.Clock) board.Clock { return meddled{c, by} })
	r.Until(30*time.Second, "class 6", r.Class(6))
	meddle := func() {
		r.Board.PHC().Step(r.Now, 5000)
		*by = board.Disturbance{Ns: by.Ns + 5000, WidthNs: 700, Count: by.Count + 1, Last: r.Now}
	}
	meddle()
	r.Run(time.Second)
	if e := r.TrueErrorNs(); e > 300 || e < -300 || !r.Said.Serve {
		t.Errorf("after one disturbance: true error %.0f ns, serves %t", e, r.Said.Serve)
	}
	told := false
	for _, a := range r.Pipe.Look(r.Now).Troubles {
		told = told || a.Code == alarms.BoardClock
	}
	if !told {
		t.Error("no alarm")
	}
	for range 4 {
		meddle()
		r.Run(time.Second)
	}
	if r.Said.Serve {
		t.Error("serves a clock that is set again and again")
	}
	if alarm := boardClockAlarm(r); !strings.Contains(alarm, "something else set the clock again and again") || strings.Contains(alarm, "put back") {
		t.Errorf("while it goes on the alarm says %q", alarm)
	}
	r.Until(10*time.Second, "served again when left alone", func() bool { return r.Said.Serve })
	if e := r.TrueErrorNs(); e > 500 || e < -500 {
		t.Errorf("true error %.0f ns afterwards", e)
	}
}

func boardClockAlarm(r *virtual.Rig) string {
	for _, a := range r.Pipe.Look(r.Now).Troubles {
		if a.Code == alarms.BoardClock {
			return a.Detail
		}
	}
	return ""
}

// What was done to the clock is told in the present only while it goes on.
func TestAlarmSaysWhenTheClockWasMeddledWith(t *testing.T) {
	by, open := &board.Disturbance{}, []string{"phc2sys[217]"}
	r := aroundClock(t, 1, func(c virtual.Clock) board.Clock { return steered{meddled{c, by}, &open} })
	r.Until(30*time.Second, "class 6", r.Class(6))
	says := func(when, want string) {
		t.Helper()
		if got := boardClockAlarm(r); got != want {
			t.Errorf("%s the alarm says %q, want %q", when, got, want)
		}
	}
	steer := func() {
		*by = board.Disturbance{Count: by.Count + 1, Last: r.Now, Steered: true}
		r.Run(pipeline.Every)
	}
	says("before it", "")
	steer()
	says("steered once,", "another program steered the clock just now, when it was held open by phc2sys[217]; it was put back")
	r.Run(time.Second)
	steer()
	says("steered again,", "another program steers the clock; it is held open by phc2sys[217]; it is not served until it is left alone")
	open = nil
	says("as that program ends,", "another program steers the clock; it is not served until it is left alone")
	steer() // the clock still jumps by what it did
	r.Run(200 * time.Second)
	says("minutes later", "another program steered the clock 3m20s ago, when it was held open by phc2sys[217]; it was put back")
	r.Run(pipeline.DisturbedShown)
	says("long after", "")
}

// steered is a meddled clock that programs hold open.
type steered struct {
	meddled
	by *[]string
}

func (c steered) Health() board.Health { return board.Health{Suspects: *c.by} }
