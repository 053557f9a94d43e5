package pipeline_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"bragi/board/sim"
	"bragi/cmd/internal/alarms"
	"bragi/cmd/internal/virtual"
	"bragi/gnss"
	"bragi/gnss/timescale"
)

// witness lets another source speak every two seconds, ahead of the sky by off.
func witness(r *virtual.Rig, off func() time.Duration) {
	next, watch := r.Now, r.Watch
	r.Watch = func() {
		if watch != nil {
			watch()
		}
		if r.Now.Before(next) {
			return
		}
		next = r.Now.Add(2 * time.Second)
		utc, _ := timescale.Builtin().ToUTC(r.Sky(r.Now))
		r.Pipe.Opinion(gnss.Opinion{Source: "the system clock", At: r.Now, UTC: utc.Add(off()), Uncertainty: 10 * time.Millisecond})
	}
}

// spoken is the RMC of a second, without its name and checksum.
func spoken(second int64) string {
	u, _ := timescale.Builtin().ToUTC(timescale.TAIFromNs(second * 1e9))
	v := u.Civil()
	return fmt.Sprintf("%02d%02d%02d.00,A,6023.6,N,00519.3,E,,,%02d%02d%02d,,,A", v.Hour, v.Minute, v.Second, v.Day, v.Month, v.Year%100)
}

// Sentences that come more than a second late, or before their pulse, lock the clock on
// a wrong second. A second opinion knows: no class 6, never served as traceable, and the
// alarm names both. Without one it cannot be told.
func TestAContradictedReceiverIsNeverClass6(t *testing.T) {
	for name, late := range map[string]int64{"sentences of the second before": 1, "sentences before their pulse": -1} {
		for _, heard := range []bool{true, false} {
			r := virtual.NewRig(t, virtual.Demo(), sim.Config{Oscillator: sim.OCXO, Seed: 3, StartOffset: time.Hour, TimeToFix: 3 * time.Second})
			r.Speak = nmeaSky(func(second int64) string { return spoken(second - late) })
			served := map[uint8]bool{}
			r.Watch = func() {
				if r.Said.Serve {
					served[r.Said.ClockClass] = true
				}
			}
			if heard {
				witness(r, func() time.Duration { return 0 })
			}
			r.Run(3 * time.Minute)
			if served[6] == heard || served[7] {
				t.Errorf("%s, heard %v: classes %v", name, heard, served)
			}
			detail := ""
			for _, raised := range r.Pipe.Look(r.Now).Troubles {
				if raised.Code == alarms.SecondOpinion {
					detail = raised.Detail
				}
			}
			if heard != (strings.Contains(detail, "the system clock says") && strings.Contains(detail, "the receiver")) {
				t.Errorf("%s, heard %v: the alarm says %q", name, heard, detail)
			}
		}
	}
}

// A second opinion that is heard for the first time when the clock is locked takes class
// 6 from it, to 52: what was served as traceable is doubtful. When it comes round, the
// clock is back.
func TestALateSecondOpinionTakesClass6From(t *testing.T) {
	r := virtual.NewRig(t, virtual.Demo(), sim.Config{Oscillator: sim.OCXO, Seed: 3, StartOffset: time.Hour, TimeToFix: 3 * time.Second})
	r.Until(30*time.Second, "class 6", r.Class(6))
	r.Run(time.Minute)
	off := 3 * time.Second
	witness(r, func() time.Duration { return off })
	r.Until(10*time.Second, "class 52", r.Class(52))
	off = 0
	r.Until(2*time.Minute, "class 6 again", r.Class(6))
	off = 5 * time.Second // now it is the one that moved
	r.Run(time.Minute)
	if !r.Class(6)() || !alarmed(r, alarms.OpinionWrong) {
		t.Errorf("class %d, alarms %v", r.Said.ClockClass, r.Pipe.Look(r.Now).Troubles)
	}
}

// The operator may trust the receiver against another source: class 6 follows.
func TestTheOperatorAcceptsAContradictedReceiver(t *testing.T) {
	r := virtual.NewRig(t, virtual.Demo(), sim.Config{Oscillator: sim.OCXO, Seed: 3, StartOffset: time.Hour, TimeToFix: 3 * time.Second})
	witness(r, func() time.Duration { return -2 * time.Second })
	r.Run(time.Minute)
	if r.Class(6)() {
		t.Fatal("class 6 while it is contradicted")
	}
	if forgotten, err := r.Pipe.AcceptReceiver(r.Now); err != nil || len(forgotten) != 1 || !strings.Contains(forgotten[0], "the system clock, which is 2.000 s behind") {
		t.Fatalf("%q, %v", forgotten, err)
	}
	r.Until(30*time.Second, "class 6", r.Class(6))
	r.Run(time.Minute)
	if !r.Class(6)() || alarmed(r, alarms.SecondOpinion) {
		t.Errorf("class %d, alarms %v", r.Said.ClockClass, r.Pipe.Look(r.Now).Troubles)
	}
}

// One that agrees costs no time.
func TestASecondOpinionThatAgreesCostsNoTime(t *testing.T) {
	r := virtual.NewRig(t, virtual.Demo(), sim.Config{Oscillator: sim.OCXO, Seed: 3, StartOffset: time.Hour, TimeToFix: 3 * time.Second})
	witness(r, func() time.Duration { return 40 * time.Millisecond })
	r.Until(30*time.Second, "class 6", r.Class(6))
}

// A receiver of RMC alone that starts with an old leap count, after a loss of power: the
// board's real-time clock knows the second to a second or so, and that is enough to
// contradict it. One that somebody has set meanwhile does not contradict a right one.
func TestAnRTCContradictsAnOldLeapCount(t *testing.T) {
	for _, c := range []struct {
		ahead int64
		set   bool
		locks bool
	}{{0, false, true}, {2, false, false}, {-3, false, false}, {0, true, true}, {2, true, false}} {
		s := &sentences{ahead: c.ahead, fix: true}
		r := sentenceRig(t, s)
		watch, next := r.Watch, r.Now
		r.Watch = func() {
			if watch != nil {
				watch()
			}
			if r.Now.Before(next) {
				return
			}
			next = r.Now.Add(64 * time.Second)
			utc, _ := timescale.Builtin().ToUTC(r.Sky(r.Now))
			o := gnss.Opinion{Source: "the board's real-time clock", At: r.Now, UTC: utc.Add(300 * time.Millisecond), Or: utc.Add(-20 * time.Second), Uncertainty: 900 * time.Millisecond, Firm: true}
			if c.set {
				o.UTC, o.Or = utc.Add(-25*time.Second), utc.Add(100*time.Millisecond)
			}
			r.Pipe.Opinion(o)
		}
		r.Run(3 * time.Minute)
		if locked := r.Class(6)(); locked != c.locks || locked == alarmed(r, alarms.SecondOpinion) {
			t.Errorf("%+d s, set meanwhile %v: class %d, alarms %v", c.ahead, c.set, r.Said.ClockClass, r.Pipe.Look(r.Now).Troubles)
		}
	}
}
