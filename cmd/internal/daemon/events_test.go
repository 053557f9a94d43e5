package daemon

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"bragi/board"
	"bragi/board/sim"
	"bragi/cmd/internal/virtual"
	"bragi/gnss/timescale"
	"bragi/master"
	"bragi/master/udp"
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

// That others set or steer the clock is why nothing is served, for every face,
// whatever else holds, and no longer than that.
func TestMeddledClockIsWhy(t *testing.T) {
	for _, antenna := range []string{"ok", "cut"} {
		by := &board.Disturbance{}
		r := virtual.NewRigWith(t, virtual.Demo(), sim.Config{Oscillator: sim.OCXO, Seed: 1, AntennaCut: antenna == "cut"}, virtual.SkyAtBegin,
			func(c virtual.Clock) board.Clock { return meddled{c, by} })
		core, told := observer.New(zap.WarnLevel)
		d := &Daemon{diary: newDiary(zap.New(core), nil)}
		r.Watch = func() { d.see(time.Time{}, r.Pipe.Look(r.Now)) }
		r.Until(30*time.Second, "served", func() bool { return r.Said.Serve })
		for range 4 {
			*by = board.Disturbance{Count: by.Count + 1, Last: r.Now, Steered: true}
			r.Run(time.Second)
		}
		wall := func(timescale.Mono) time.Time { return time.Time{} }
		const want = "board's clock is set or steered by something else"
		if why := clockStatus(r.Pipe.Look(r.Now), wall).Why; r.Said.Serve || why[0] != want || len(why) < 2 {
			t.Errorf("antenna %s: served %t; why is %q, want %q first", antenna, r.Said.Serve, why, want)
		}
		if step := d.walk[len(d.walk)-1]; step.Serving || step.Why[0] != want {
			t.Errorf("antenna %s: the walk's last step is %+v", antenna, step)
		}
		ended := told.FilterMessageSnippet("nothing is served any more").All()
		if len(ended) != 1 || ended[0].Message != "%BRAGI-4-SERVICE: nothing is served any more: "+want {
			t.Errorf("antenna %s: syslog says %v", antenna, ended)
		}
		r.Until(10*time.Second, "served again when left alone", func() bool { return r.Said.Serve })
		if why := clockStatus(r.Pipe.Look(r.Now), wall).Why; slices.Contains(why, want) {
			t.Errorf("antenna %s: served again, why is %q", antenna, why)
		}
	}
}

// A clock that is away has no bound, which is null for the reader.
func TestClockThatIsAwayIsToldWithoutABound(t *testing.T) {
	trouble := &board.Trouble{}
	r := virtual.NewRigWith(t, virtual.Demo(), sim.Config{Oscillator: sim.OCXO, Seed: 1}, virtual.SkyAtBegin,
		func(c virtual.Clock) board.Clock { return unplugged{c, trouble} })
	r.Until(30*time.Second, "class 6", r.Class(6))
	trouble.Err, trouble.Since = errors.New("board: /dev/ptp0 is gone"), r.Now
	r.Run(time.Second)
	if c := clockStatus(r.Pipe.Look(r.Now), func(timescale.Mono) time.Time { return time.Time{} }); c.BoundNs != nil || c.ClockClass != 52 || !strings.Contains(c.Why[0], "away") {
		t.Errorf("told as class %d with bound %v because of %v", c.ClockClass, c.BoundNs, c.Why)
	}
}

// unplugged is a clock that may be away.
type unplugged struct {
	virtual.Clock
	trouble *board.Trouble
}

func (c unplugged) Trouble() board.Trouble { return *c.trouble }

// Only kinds that are here look for another grandmaster.
func TestAGapNamesNobodyWhoIsNotHere(t *testing.T) {
	for _, c := range []struct {
		kinds []string
		gap   time.Duration
		want  string
	}{
		{[]string{"cBR8", "RPD"}, 1200 * time.Millisecond, "no client"}, {[]string{"cBR8", "RPD"}, 1300 * time.Millisecond, "cBR8s"},
		{[]string{"cBR8", "RPD"}, 2 * time.Second, "cBR8s and RPDs"}, {[]string{"RPD"}, 2 * time.Second, "RPDs"},
		{[]string{"ptp4l"}, 2 * time.Second, "perhaps others"}, {[]string{"RPD", "other"}, 2 * time.Second, "RPDs and perhaps others"},
		{nil, 2 * time.Second, "no client"},
	} {
		s := &master.Snapshot{}
		for _, kind := range c.kinds {
			s.Clients = append(s.Clients, master.ClientStatus{Kind: kind})
		}
		if got := lookingElsewhere(udp.Status{Snapshot: s}, c.gap); got != c.want {
			t.Errorf("%v of %v: %s, want %s", c.gap, c.kinds, got, c.want)
		}
	}
}
