package daemon

import (
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"bragi/board"
	"bragi/board/sim"
	"bragi/cmd/internal/alarms"
	"bragi/gnss/timescale"
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
	if alarm := boardClockAlarm(r); !strings.Contains(alarm, "something else set the clock again and again") || strings.Contains(alarm, "put back") {
		t.Errorf("while it goes on the alarm says %q", alarm)
	}
	r.until(10*time.Second, "served again when left alone", func() bool { return r.said.Serve })
	if e := r.trueErrorNs(); e > 500 || e < -500 {
		t.Errorf("true error %.0f ns afterwards", e)
	}
}

func boardClockAlarm(r *rig) string {
	for _, a := range r.pipe.Troubles(r.now) {
		if a.Code == alarms.BoardClock {
			return a.Detail
		}
	}
	return ""
}

// That others set or steer the clock is why nothing is served, for every face,
// whatever else holds, and no longer than that.
func TestMeddledClockIsWhy(t *testing.T) {
	for _, antenna := range []string{"ok", "cut"} {
		r := newRig(t, demo(), sim.Config{Oscillator: sim.OCXO, Seed: 1, AntennaCut: antenna == "cut"})
		by := &board.Disturbance{}
		r.pipe.clock = meddled{simClock{r}, by}
		core, told := observer.New(zap.WarnLevel)
		d := &Daemon{pipe: r.pipe, log: zap.New(core)}
		r.watch = func() { d.tellChange(r.now, time.Time{}, r.said) }
		r.until(30*time.Second, "served", func() bool { return r.said.Serve })
		for range 4 {
			*by = board.Disturbance{Count: by.Count + 1, Last: r.now, Steered: true}
			r.run(time.Second)
		}
		wall := func(timescale.Mono) time.Time { return time.Time{} }
		const want = "board's clock is set or steered by something else"
		if why := r.pipe.clockStatus(r.now, wall).Why; r.said.Serve || why[0] != want || len(why) < 2 {
			t.Errorf("antenna %s: served %t; why is %q, want %q first", antenna, r.said.Serve, why, want)
		}
		if step := d.walk[len(d.walk)-1]; step.Serving || step.Why[0] != want {
			t.Errorf("antenna %s: the walk's last step is %+v", antenna, step)
		}
		ended := told.FilterMessage("nothing is served any more").All()
		if len(ended) != 1 || ended[0].ContextMap()["why"] != want {
			t.Errorf("antenna %s: syslog says %v", antenna, ended)
		}
		r.until(10*time.Second, "served again when left alone", func() bool { return r.said.Serve })
		if why := r.pipe.clockStatus(r.now, wall).Why; slices.Contains(why, want) {
			t.Errorf("antenna %s: served again, why is %q", antenna, why)
		}
	}
}

// What was done to the clock is told in the present only while it goes on.
func TestAlarmSaysWhenTheClockWasMeddledWith(t *testing.T) {
	r := newRig(t, demo(), sim.Config{Oscillator: sim.OCXO, Seed: 1})
	by, open := &board.Disturbance{}, []string{"phc2sys[217]"}
	r.pipe.clock = steered{meddled{simClock{r}, by}, &open}
	r.until(30*time.Second, "class 6", r.class(6))
	says := func(when, want string) {
		t.Helper()
		if got := boardClockAlarm(r); got != want {
			t.Errorf("%s the alarm says %q, want %q", when, got, want)
		}
	}
	steer := func() {
		*by = board.Disturbance{Count: by.Count + 1, Last: r.now, Steered: true}
		r.run(tickEvery)
	}
	says("before it", "")
	steer()
	says("steered once,", "another program steered the clock just now, when it was held open by phc2sys[217]; it was put back")
	r.run(time.Second)
	steer()
	says("steered again,", "another program steers the clock; it is held open by phc2sys[217]; it is not served until it is left alone")
	open = nil
	says("as that program ends,", "another program steers the clock; it is not served until it is left alone")
	steer() // the clock still jumps by what it did
	r.run(200 * time.Second)
	says("minutes later", "another program steered the clock 3m20s ago, when it was held open by phc2sys[217]; it was put back")
	r.run(disturbedShown)
	says("long after", "")
}

// steered is a meddled clock that programs hold open.
type steered struct {
	meddled
	by *[]string
}

func (c steered) Health() board.Health { return board.Health{Suspects: *c.by} }
