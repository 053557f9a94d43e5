package pipeline_test

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"bragi/board/sim"
	"bragi/cmd/internal/alarms"
	"bragi/cmd/internal/pipeline"
	"bragi/cmd/internal/virtual"
	"bragi/gnss/timescale"
	"bragi/gnss/ubx"
)

// An announced leap second is taken back: because the receiver says that none is
// coming, or says nothing any more for a quarter of an hour. One that does not happen
// is undone within two minutes of its midnight. TAI does not move.
func TestALeapSecondThatDoesNotCome(t *testing.T) {
	midnight := beyondTheTable()
	at := timescale.Builtin().ToTAI(midnight)
	for _, how := range []string{"none is coming", "nothing is said", "it does not happen", "it does not happen, by sentences"} {
		u := goodSky()
		u.event = &leapAhead{midnight, +1}
		r := lockedRig(t, u, at.Add(-40*time.Minute))
		r.Run(time.Minute)
		if !r.Said.Leap61 {
			t.Fatalf("%s: not announced", how)
		}
		steps := r.Steps
		r.Watch = func() {
			if e := r.TrueErrorNs(); math.Abs(e) > 1000 {
				t.Fatalf("%s: %.0f ns off", how, e)
			}
		}
		switch how {
		case "none is coming":
			u.event = &leapAhead{midnight.Add(-300 * 24 * time.Hour), 0}
			r.Until(20*time.Second, how, func() bool { return !r.Said.Leap61 })
		case "nothing is said":
			u.event = nil
			r.Run(12 * time.Minute)
			if !r.Said.Leap61 {
				t.Error("it is taken back before a receiver that starts could know")
			}
			r.Until(4*time.Minute, how, func() bool { return !r.Said.Leap61 })
		case "it does not happen, by sentences":
			s := &sentences{fix: true}
			r.Speak = s.speak
		}
		r.Run(at.Add(2 * time.Minute).Sub(r.Sky(r.Now)))
		r.Until(time.Minute, how+": class 6", r.Class(6))
		if r.Said.CurrentUTCOffset != 37 || r.Said.Leap61 || r.Steps != steps {
			t.Errorf("%s: offset %d, leap61 %t, %d steps", how, r.Said.CurrentUTCOffset, r.Said.Leap61, r.Steps-steps)
		}
	}
}

// A leap second that was learned and did come is not undone by a restart.
func TestALearnedLeapSecondOutlivesARestart(t *testing.T) {
	midnight := beyondTheTable()
	truth, err := timescale.Builtin().With(midnight, 38)
	if err != nil {
		t.Fatal(err)
	}
	at := truth.ToTAI(midnight)
	r := virtual.NewRigAt(t, virtual.Demo(), sim.Config{Oscillator: sim.OCXO, Seed: 3, StartOffset: time.Hour, TimeToFix: 3 * time.Second}, at.Add(-time.Minute))
	r.Speak = nmeaSky(func(second int64) string {
		u, leap60 := truth.ToUTC(timescale.TAIFromNs(second * 1e9))
		v := u.Civil()
		if leap60 {
			v.Second = 60
		}
		return fmt.Sprintf("%02d%02d%02d.00,A,6023.6,N,00519.3,E,,,%02d%02d%02d,,,A", v.Hour, v.Minute, v.Second, v.Day, v.Month, v.Year%100)
	})
	r.Until(30*time.Second, "class 6", r.Class(6))
	r.Run(2 * time.Minute)
	if err := r.Restart(time.Second); err != nil {
		t.Fatal(err)
	}
	r.Run(5 * time.Minute)
	if e := r.TrueErrorNs(); math.Abs(e) > 1000 || r.Said.CurrentUTCOffset != 38 || !r.Class(6)() {
		t.Errorf("%.0f ns off, offset %d, class %d", e, r.Said.CurrentUTCOffset, r.Said.ClockClass)
	}
}

// A count that the receiver has from its firmware teaches nothing, valid or not. One
// that it vouched for wrongly is given up for the one that it vouches for later.
func TestAWrongLeapCountIsUnlearned(t *testing.T) {
	begin := timescale.Builtin().ToTAI(timescale.Builtin().Expires()).Add(2 * 365 * 24 * time.Hour)
	for _, old := range []int{16, 17, 19} {
		for _, source := range []byte{0, 2} {
			u := goodSky()
			u.vouch, u.leapS = source != 0, old
			r := virtual.NewRigAt(t, virtual.Demo(), sim.Config{Oscillator: sim.OCXO, Seed: 3, StartOffset: time.Hour, TimeToFix: 3 * time.Second}, begin)
			r.Speak = func(sky timescale.TAI) []byte {
				return append(timeLS(sky, source, u), u.speak(sky)...)
			}
			r.Run(3 * time.Minute)
			if source == 0 && r.Said.ClockClass == 6 {
				t.Errorf("%d of the firmware: class 6", old)
			}
			if source != 0 && (r.Said.ClockClass != 6 || int(r.Said.CurrentUTCOffset) != old+19) {
				t.Errorf("%d vouched for: class %d, offset %d", old, r.Said.ClockClass, r.Said.CurrentUTCOffset)
			}
			u.leapS, u.vouch, source = 0, true, 2
			r.Until(2*time.Minute, "class 6 by the sky's count", func() bool { return r.Class(6)() && r.Said.CurrentUTCOffset == 37 })
			if e := r.TrueErrorNs(); math.Abs(e) > 1000 {
				t.Errorf("%d: %.0f ns off", old, e)
			}
		}
	}
}

// timeLS is a NAV-TIMELS with a valid count of the source.
func timeLS(sky timescale.TAI, source byte, u *ubxSky) []byte {
	count := u.leapS
	if count == 0 {
		count = 18
	}
	p := append(le(nil, uint32((sky.Ns()/1e9-gpsEpochTAI)%604_800*1000)), 0, 0, 0, 0, source, byte(count), 0, 0)
	p = le(p, int32(0))
	return ubx.AppendMessage(nil, ubx.NavTIMELS, append(le(p, []uint16{0, 0}), 0, 0, 0, 1))
}

// The operator's word ends a dispute about leap seconds that were learned.
func TestTheOperatorAcceptsALeapCount(t *testing.T) {
	begin := timescale.Builtin().ToTAI(timescale.Builtin().Expires()).Add(2 * 365 * 24 * time.Hour)
	u := goodSky()
	u.leapS = 19
	r := lockedRig(t, u, begin)
	r.Run(time.Minute)
	u.leapS = 17
	r.Until(20*time.Second, "the alarm", func() bool { return alarmed(r, alarms.LeapFault) })
	if !strings.Contains(fixOf(t, alarms.LeapFault), "bragi clock accept receiver") {
		t.Error("the alarm does not name the verb")
	}
	if _, err := r.Pipe.AcceptReceiver(r.Now); err != nil {
		t.Fatal(err)
	}
	r.Until(20*time.Second, "class 6", func() bool { return r.Class(6)() && r.Said.CurrentUTCOffset == 36 })
	u.leapS = 200
	r.Run(10 * time.Second)
	if _, err := r.Pipe.AcceptReceiver(r.Now); err == nil || !strings.Contains(err.Error(), "leap_file") {
		t.Errorf("a count that cannot be: %v", err)
	}
}

// A file of leap seconds never outweighs a count that is known: of a receiver that vouches for it, or
// of a table that was complete when the pulses were labelled. It is not used, the alarm has both
// counts, and neither class 6 nor the second is touched, by a restart neither. A table that has
// expired is outweighed, where nobody vouches for the count.
func TestAFileOfLeapSecondsNeverOutweighsACountThatIsKnown(t *testing.T) {
	known := virtual.SkyAtBegin
	expired := timescale.Builtin().ToTAI(timescale.Builtin().Expires()).Add(2 * 365 * 24 * time.Hour)
	more := func(begin timescale.TAI, at timescale.UTC) *timescale.LeapSeconds {
		table, err := timescale.ParseLeapSeconds(fmt.Appendf(newTable(begin), "%d 38\n", at.Ns()/1e9+2_208_988_800))
		if err != nil {
			t.Fatal(err)
		}
		return table
	}
	for _, c := range []struct {
		name  string
		begin timescale.TAI
		ubx   bool
		table *timescale.LeapSeconds
		want  string // in the refusal; "": none
	}{
		{"a receiver vouches, the table is complete", known, true, more(known, utcAt(2026, 2, 1, 0, 0, 0)), "the receiver, which vouches for it, says 37 s"},
		{"a receiver vouches, the table has expired", expired, true, more(expired, beyondTheTable()), "the receiver, which vouches for it, says 37 s"},
		{"sentences, the table is complete", known, false, more(known, utcAt(2026, 2, 1, 0, 0, 0)), "the table that is in use says 37 s"},
		{"sentences, the table has expired", expired, false, more(expired, beyondTheTable()), ""},
		{"a leap second to come", known, true, more(known, utcAt(2028, 1, 1, 0, 0, 0)), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := virtual.NewRigAt(t, virtual.Demo(), sim.Config{Oscillator: sim.OCXO, Seed: 3, TimeToFix: 3 * time.Second}, c.begin)
			if r.Speak = (&sentences{fix: true, sees: true}).speak; c.ubx {
				r.Speak = goodSky().speak
			}
			r.Until(2*time.Minute, "class 6", r.Class(6))
			r.Run(time.Minute)
			err := r.Pipe.SetLeapTable(r.Now, c.table)
			if c.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "TAI - UTC is 38 s in it") {
				t.Fatalf("refused with %v, want %q", err, c.want)
			}
			for range 120 {
				r.Run(time.Second)
				if !r.Class(6)() || r.Pipe.LeapTable().OffsetAtTAI(r.Pipe.Look(r.Now).Reads) != 37 {
					t.Fatalf("class 6: %v, the count is %d", r.Class(6)(), r.Pipe.LeapTable().OffsetAtTAI(r.Pipe.Look(r.Now).Reads))
				}
			}
			left, _ := r.Pipe.Save(r.Now)
			text, err := json.Marshal(left)
			if err != nil {
				t.Fatal(err)
			}
			var s pipeline.State
			if err := json.Unmarshal(text, &s); err != nil {
				t.Fatal(err)
			}
			cfg := virtual.Demo()
			cfg.Reference.Leap = c.table
			next := pipeline.New(cfg, r.Clock)
			if err := next.Resume(r.Now, s); err != nil {
				t.Fatal(err)
			}
			if err := next.RefusesLeapTable(c.table); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("after a restart: %v", err)
			}
			if err := next.SetLeapTable(r.Now, timescale.Builtin()); err != nil {
				t.Errorf("after a restart the built-in table is refused: %v", err)
			}
		})
	}
}

// After a loss of power nothing is known but the file, and a receiver that vouches for another count is
// not used. The operator's word gives the file up for the built-in table.
func TestTheOperatorAcceptsAReceiverAgainstALeapFile(t *testing.T) {
	table, err := timescale.ParseLeapSeconds(fmt.Appendf(newTable(virtual.SkyAtBegin), "%d 38\n", utcAt(2026, 2, 1, 0, 0, 0).Ns()/1e9+2_208_988_800))
	if err != nil {
		t.Fatal(err)
	}
	cfg := virtual.Demo()
	cfg.Reference.Leap = table
	r := virtual.NewRig(t, cfg, sim.Config{Oscillator: sim.OCXO, Seed: 3, TimeToFix: 3 * time.Second})
	r.Speak = goodSky().speak
	r.Run(2 * time.Minute)
	if r.Class(6)() || !alarmed(r, alarms.LeapFault) {
		t.Fatalf("class %d, %v", r.Said.ClockClass, r.Pipe.Look(r.Now).Troubles)
	}
	forgotten, err := r.Pipe.AcceptReceiver(r.Now)
	if err != nil || !strings.Contains(strings.Join(forgotten, "; "), "the table of gnss.leap_file") {
		t.Fatalf("%q, %v", forgotten, err)
	}
	r.Until(2*time.Minute, "class 6", r.Class(6))
	if got := r.Pipe.LeapTable().OffsetAtTAI(r.Pipe.Look(r.Now).Reads); got != 37 || alarmed(r, alarms.LeapFault) {
		t.Errorf("the count is %d", got)
	}
}
