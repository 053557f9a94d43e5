package daemon

import (
	"testing"
	"time"

	"bragi/board"
	"bragi/board/sim"
	"bragi/cmd/internal/alarms"
)

// meddled is a clock that somebody else may set.
type meddled struct {
	simClock
	by *board.Disturbance
}

func (c meddled) Disturbance() board.Disturbance { return *c.by }

func (c meddled) PutBack() (board.Disturbance, error) {
	d := *c.by
	*c.by = board.Disturbance{}
	c.r.board.PHC().Step(c.r.now, -d.Ns)
	return d, nil
}

// A clock that something else set is put back at once and told of; one that is
// set again and again is not served meanwhile.
func TestClockSetByOthers(t *testing.T) {
	r := newRig(t, demo(), sim.Config{Oscillator: sim.OCXO, Seed: 1})
	by := &board.Disturbance{}
	r.pipe.clock = meddled{simClock{r}, by}
	r.until(30*time.Second, "class 6", r.class(6))
	meddle := func() {
		r.board.PHC().Step(r.now, 5000)
		*by = board.Disturbance{Ns: by.Ns + 5000, WidthNs: 700, Count: by.Count + 1, Last: r.now}
	}
	meddle()
	r.run(time.Second)
	if e := r.trueErrorNs(); e > 300 || e < -300 || !r.said.Serve {
		t.Errorf("after one disturbance: true error %.0f ns, serves %t", e, r.said.Serve)
	}
	told := false
	for _, a := range r.pipe.Troubles(r.now) {
		told = told || a.Code == alarms.BoardClock
	}
	if !told {
		t.Error("no alarm")
	}
	for range 4 {
		meddle()
		r.run(time.Second)
	}
	if r.said.Serve {
		t.Error("serves a clock that is set again and again")
	}
	r.until(10*time.Second, "served again when left alone", func() bool { return r.said.Serve })
	if e := r.trueErrorNs(); e > 500 || e < -500 {
		t.Errorf("true error %.0f ns afterwards", e)
	}
}
