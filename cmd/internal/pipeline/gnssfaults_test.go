package pipeline_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"bragi/board/sim"
	"bragi/cmd/internal/alarms"
	"bragi/cmd/internal/virtual"
	"bragi/gnss"
	"bragi/gnss/timescale"
	"bragi/gnss/ubx"
	"bragi/holdover/quality"
)

// lockedRig is a rig whose receiver is u, at class 6.
func lockedRig(t *testing.T, u *ubxSky, begin timescale.TAI) *virtual.Rig {
	t.Helper()
	r := virtual.NewRigAt(t, virtual.Demo(), sim.Config{Oscillator: sim.OCXO, Seed: 3, StartOffset: time.Hour, TimeToFix: 3 * time.Second}, begin)
	r.Speak = u.speak
	r.Until(30*time.Second, "class 6", r.Class(6))
	return r
}

func alarmed(r *virtual.Rig, code alarms.Code) bool {
	for _, raised := range r.Pipe.Look(r.Now).Troubles {
		if raised.Code == code {
			return true
		}
	}
	return false
}

// beyondTheTable is a midnight at which a leap second may be that the built-in
// table does not know.
func beyondTheTable() timescale.UTC {
	return utcAt(timescale.Builtin().Expires().Civil().Year+1, 1, 1, 0, 0, 0)
}

// A leap second that the table does not have, announced by the receiver: leap61
// or leap59 until midnight, the offset changes in that very second, and TAI does
// not move.
func TestLeapSecondAnnouncedByTheReceiver(t *testing.T) {
	for _, change := range []int{+1, -1} {
		midnight := beyondTheTable()
		truth, err := timescale.Builtin().With(midnight, 37+change)
		if err != nil {
			t.Fatal(err)
		}
		u := goodSky()
		u.leap, u.event = truth, &leapAhead{midnight, change}
		at := truth.ToTAI(midnight)
		r := lockedRig(t, u, at.Add(-90*time.Second))
		announced, steps := false, r.Steps
		r.Watch = func() {
			now := r.Clock.Local(r.Now).AssumeTAI()
			want := truth.OffsetAtTAI(now)
			if int(r.Said.CurrentUTCOffset) != want || !r.Said.CurrentUTCOffsetValid {
				t.Fatalf("%+d: at %v currentUtcOffset %d, want %d", change, now, r.Said.CurrentUTCOffset, want)
			}
			before := now.Sub(at) < 0
			if r.Said.Leap61 != (before && change > 0) || r.Said.Leap59 != (before && change < 0) {
				t.Fatalf("%+d: at %v leap61 %v leap59 %v", change, now, r.Said.Leap61, r.Said.Leap59)
			}
			announced = announced || before
			if e := r.TrueErrorNs(); math.Abs(e) > 500 || r.Said.ClockClass != 6 {
				t.Fatalf("%+d: at %v the error is %.0f ns, class %d", change, now, e, r.Said.ClockClass)
			}
		}
		r.Run(2 * time.Minute)
		if !announced || r.Steps != steps || r.Sky(r.Now).Sub(at) < 30*time.Second {
			t.Errorf("%+d: announced %v, %d steps, ended %v after midnight", change, announced, r.Steps-steps, r.Sky(r.Now).Sub(at))
		}
		if c := r.Pipe.Look(r.Now).Reference.Pairing.Counters; c.Disagreed != 0 || c.Faults != 0 {
			t.Errorf("%+d: %+v", change, c)
		}
	}
}

// A leap second is announced twelve hours before it and no sooner.
func TestLeapSecondIsAnnouncedInTheLastTwelveHours(t *testing.T) {
	midnight := beyondTheTable()
	truth, err := timescale.Builtin().With(midnight, 38)
	if err != nil {
		t.Fatal(err)
	}
	u := goodSky()
	u.leap, u.event = truth, &leapAhead{midnight, +1}
	noon := truth.ToTAI(midnight).Add(-12*time.Hour - time.Second)
	r := lockedRig(t, u, noon.Add(-time.Minute))
	r.Watch = func() {
		left := truth.ToTAI(midnight).Sub(r.Clock.Local(r.Now).AssumeTAI())
		if near := (left - 12*time.Hour).Abs() < 2*time.Second; !near && r.Said.Leap61 != (left < 12*time.Hour) {
			t.Fatalf("%v before midnight leap61 is %v", left, r.Said.Leap61)
		}
	}
	r.Run(2 * time.Minute)
	if !r.Said.Leap61 {
		t.Error("it was never announced")
	}
}

// nmeaSky speaks RMC alone.
func nmeaSky(utc func(second int64) string) func(timescale.TAI) []byte {
	return func(sky timescale.TAI) []byte {
		body := "GPRMC," + utc(sky.Ns()/1e9)
		var sum byte
		for i := range len(body) {
			sum ^= body[i]
		}
		return fmt.Appendf(nil, "$%s*%02X\r\n", body, sum)
	}
}

// A leap second that nobody announced, from a receiver of sentences: one that
// says 23:59:60, one that says 23:59:59 twice, and one that leaves 23:59:59 out.
// TAI does not move, and the offset is right within seconds of midnight.
func TestLeapSecondUnannounced(t *testing.T) {
	midnight := beyondTheTable()
	for _, c := range []struct {
		name   string
		change int
		says60 bool
	}{{"23:59:60", +1, true}, {"23:59:59 twice", +1, false}, {"no 23:59:59", -1, false}} {
		truth, err := timescale.Builtin().With(midnight, 37+c.change)
		if err != nil {
			t.Fatal(err)
		}
		at := truth.ToTAI(midnight)
		r := virtual.NewRigAt(t, virtual.Demo(), sim.Config{Oscillator: sim.OCXO, Seed: 3, StartOffset: time.Hour, TimeToFix: 3 * time.Second}, at.Add(-time.Minute))
		r.Speak = nmeaSky(func(second int64) string {
			u, leap60 := truth.ToUTC(timescale.TAIFromNs(second * 1e9))
			v := u.Civil()
			if leap60 && c.says60 {
				v.Second = 60
			}
			return fmt.Sprintf("%02d%02d%02d.00,A,6023.6,N,00519.3,E,,,%02d%02d%02d,,,A", v.Hour, v.Minute, v.Second, v.Day, v.Month, v.Year%100)
		})
		r.Until(30*time.Second, "class 6", r.Class(6))
		steps := r.Steps
		r.Watch = func() {
			if e := r.TrueErrorNs(); math.Abs(e) > 500 || r.Said.ClockClass != 6 {
				t.Fatalf("%s: the error is %.0f ns, class %d", c.name, e, r.Said.ClockClass)
			}
			after := r.Sky(r.Now).Sub(at)
			if want := 37 + c.change; after > 5*time.Second && int(r.Said.CurrentUTCOffset) != want {
				t.Fatalf("%s: %v after midnight the offset is %d, want %d", c.name, after, r.Said.CurrentUTCOffset, want)
			}
		}
		r.Run(90 * time.Second)
		if r.Steps != steps {
			t.Errorf("%s: %d steps", c.name, r.Steps-steps)
		}
		if c := r.Pipe.Look(r.Now).Reference.Pairing.Counters; c.Faults != 0 || c.LeapsObserved != 1 {
			t.Errorf("%+v", c)
		}
	}
}

// A receiver whose firmware lost a turn of the week counter tells its week
// 1,024 too small: the floor brings it back, and the second is right.
func TestWeekRollover(t *testing.T) {
	u := goodSky()
	u.noPVT, u.weeksShort = true, 1
	r := lockedRig(t, u, virtual.SkyAtBegin)
	if e := r.TrueErrorNs(); math.Abs(e) > 1000 {
		t.Errorf("locked %.0f ns off", e)
	}
	if e := r.Pipe.Look(r.Now).Reference.Epoch; e.Scale != gnss.ScaleGPS || e.UTC.Civil().Year != 2026 {
		t.Errorf("the epoch is %+v", e)
	}
}

// A date 1,024 weeks ago in a sentence or in NAV-PVT is no week number, and is
// never unwrapped: nothing is served from it.
func TestARolledOverDateIsNotBelieved(t *testing.T) {
	r := virtual.NewRigAt(t, virtual.Demo(), sim.Config{Oscillator: sim.OCXO, Seed: 3, TimeToFix: 3 * time.Second}, virtual.SkyAtBegin)
	u := goodSky()
	r.Speak = func(sky timescale.TAI) []byte { return u.speak(sky.Add(-1024 * 7 * 24 * time.Hour)) }
	r.Run(30 * time.Second)
	if r.Said.ClockClass == 6 || !alarmed(r, alarms.BadDate) {
		t.Errorf("class %d, alarms %v", r.Said.ClockClass, r.Pipe.Look(r.Now).Troubles)
	}
}

// A cold start with the firmware's old leap count: its UTC is two seconds ahead
// until the sky has told the count. NAV-PVT alone is not believed before; with
// GPS's week and time of week beside it there is nothing to wait for.
func TestColdStartLeapFault(t *testing.T) {
	u := goodSky()
	u.leapS, u.vouch = 16, false
	r := virtual.NewRigAt(t, virtual.Demo(), sim.Config{Oscillator: sim.OCXO, Seed: 3, TimeToFix: 3 * time.Second}, virtual.SkyAtBegin)
	r.Speak = u.speak
	r.Run(40 * time.Second)
	if r.Said.Serve && r.Said.ClockClass == 6 {
		t.Fatal("locked to a second that is two off")
	}
	u.leapS, u.vouch = 0, true
	r.Until(40*time.Second, "class 6", r.Class(6))
	if e := r.TrueErrorNs(); math.Abs(e) > 1000 {
		t.Errorf("locked %.0f ns off", e)
	}

	u = goodSky()
	u.leapS, u.vouch, u.noPVT = 16, false, true
	r = lockedRig(t, u, virtual.SkyAtBegin)
	if e := r.TrueErrorNs(); math.Abs(e) > 1000 {
		t.Errorf("by GPS time locked %.0f ns off", e)
	}
	if r.Said.CurrentUTCOffset != 37 {
		t.Errorf("currentUtcOffset %d", r.Said.CurrentUTCOffset)
	}
}

// signs are what speaks against the pulses: how it begins, its alarm, and how it ends.
var signs = []struct {
	name string
	do   func(*ubxSky)
	code alarms.Code
	undo func(*ubxSky)
}{
	{"antenna open", func(u *ubxSky) { u.antenna = ubx.AntennaOpen }, alarms.Antenna, func(u *ubxSky) { u.antenna = ubx.AntennaOK }},
	{"antenna short", func(u *ubxSky) { u.antenna = ubx.AntennaShort }, alarms.Antenna, func(u *ubxSky) { u.antenna = ubx.AntennaOK }},
	{"spoofing indicated", func(u *ubxSky) { u.spoofing = ubx.SpoofingIndicated }, alarms.Spoofing, func(u *ubxSky) { u.spoofing = ubx.SpoofingNone }},
	{"jamming critical, the accuracy falls", func(u *ubxSky) { u.jamming, u.tAccNs = ubx.JammingCritical, 90 }, alarms.Jamming,
		func(u *ubxSky) { u.jamming, u.tAccNs = ubx.JammingOK, 20 }},
	{"moved by 1.5 km", func(u *ubxSky) { u.northM = 1500 }, alarms.Moved, func(u *ubxSky) { u.northM = 0 }},
}

// Each sign that the pulses are not to be believed: an alarm with its cause,
// holdover at once from a state of a minute before, and back when it is gone.
func TestDistrustHoldsOver(t *testing.T) {
	for _, c := range signs {
		u := goodSky()
		r := lockedRig(t, u, virtual.SkyAtBegin)
		r.Run(2 * time.Minute)
		c.do(u)
		took := r.Until(10*time.Second, c.name+": holdover", func() bool { return r.Pipe.Look(r.Now).Report.State == quality.HoldoverSpec })
		if !alarmed(r, c.code) || r.Said.ClockClass != 7 {
			t.Errorf("%s: after %v class %d, alarms %v", c.name, took, r.Said.ClockClass, r.Pipe.Look(r.Now).Troubles)
		}
		c.undo(u)
		r.Until(time.Minute, c.name+": class 6 again", r.Class(6))
		if alarmed(r, c.code) {
			t.Errorf("%s: the alarm stays", c.name)
		}
	}
}

// Jamming that leaves the receiver's accuracy alone is told, and no holdover.
func TestJammingThatTheReceiverStands(t *testing.T) {
	u := goodSky()
	r := lockedRig(t, u, virtual.SkyAtBegin)
	u.jamming = ubx.JammingCritical
	r.Run(20 * time.Second)
	if !alarmed(r, alarms.Jammed) || alarmed(r, alarms.Jamming) || r.Said.ClockClass != 6 {
		t.Errorf("class %d, alarms %v", r.Said.ClockClass, r.Pipe.Look(r.Now).Troubles)
	}
}

// A supervisor that never said ok, with a fix: the antenna is there.
func TestAntennaThatIsNotSupervised(t *testing.T) {
	u := goodSky()
	u.antenna = ubx.AntennaOpen
	r := lockedRig(t, u, virtual.SkyAtBegin)
	r.Run(20 * time.Second)
	if !alarmed(r, alarms.AntennaDoubted) || r.Said.ClockClass != 6 {
		t.Errorf("class %d, alarms %v", r.Said.ClockClass, r.Pipe.Look(r.Now).Troubles)
	}
}

// The pulse runs away for twenty seconds before the antenna's state is told:
// what is held is the state of before.
func TestDistrustIsBackDated(t *testing.T) {
	u := goodSky()
	cfg := virtual.Demo()
	cfg.Servo.MaxHoldover = time.Hour
	r := virtual.NewRigAt(t, cfg, sim.Config{Oscillator: sim.OCXO, Seed: 3, TimeToFix: 3 * time.Second, FixHold: time.Hour}, virtual.SkyAtBegin)
	r.Speak = u.speak
	r.Until(time.Minute, "class 6", r.Class(6))
	r.Run(10 * time.Minute)
	r.Board.SetAntenna(false) // the pulse drifts by 35 ns each second
	r.Run(20 * time.Second)
	u.antenna = ubx.AntennaOpen
	r.Until(5*time.Second, "holdover", func() bool { return r.Pipe.Look(r.Now).Report.State == quality.HoldoverSpec })
	r.Run(10 * time.Minute)
	// 20 s of drift that were believed would be 35 ppb: 21 us after ten minutes.
	if e := math.Abs(r.TrueErrorNs()); e > 500 {
		t.Errorf("ten minutes after the cut the error is %.0f ns", e)
	}
}

// A receiver that comes back with another second than the held clock's is not
// followed, however long it insists.
func TestTimeJumpAfterHoldover(t *testing.T) {
	for _, by := range []int64{-1, 1, 3600} {
		u := goodSky()
		r := lockedRig(t, u, virtual.SkyAtBegin)
		r.Run(time.Minute)
		mute := true
		r.Speak = func(sky timescale.TAI) []byte {
			if mute {
				return nil
			}
			return u.speak(sky)
		}
		r.Board.SetAntenna(false)
		r.Run(20 * time.Minute) // longer than a label is remembered
		r.Board.SetAntenna(true)
		mute, u.lateSecond = false, by
		steps := r.Steps
		r.Run(10 * time.Minute)
		if e := math.Abs(r.TrueErrorNs()); e > 1e6 || r.Steps != steps || r.Said.ClockClass == 6 {
			t.Errorf("%+d s: error %.0f ns, %d steps, class %d", by, e, r.Steps-steps, r.Said.ClockClass)
		}
		if !alarmed(r, alarms.TimeJump) && !alarmed(r, alarms.PulseDisagrees) {
			t.Errorf("%+d s: alarms %v", by, r.Pipe.Look(r.Now).Troubles)
		}
		u.lateSecond = 0
		r.Until(5*time.Minute, "class 6 when the receiver is right again", r.Class(6))
	}
}

// Messages that change by a second, or by the leap count that a cold receiver of
// sentences did not have, while the pulses go on: alarm and holdover, the label
// stays, and it is over when they agree again.
func TestDisagreementHoldsOver(t *testing.T) {
	for _, by := range []int64{1, -1, 18, -18} {
		u := goodSky()
		r := lockedRig(t, u, virtual.SkyAtBegin)
		r.Run(time.Minute)
		u.lateSecond = by
		r.Until(15*time.Second, "holdover", func() bool { return r.Pipe.Look(r.Now).Report.State == quality.HoldoverSpec })
		r.Run(2 * time.Minute)
		if e := math.Abs(r.TrueErrorNs()); e > 1000 || !alarmed(r, alarms.PulseDisagrees) {
			t.Errorf("%+d s: error %.0f ns, alarms %v", by, e, r.Pipe.Look(r.Now).Troubles)
		}
		u.lateSecond = 0
		r.Until(time.Minute, "class 6 again", r.Class(6))
	}
}

// A pulse 0.2 s off, and two pulses in a second, move nothing.
func TestGlitch(t *testing.T) {
	u := goodSky()
	r := lockedRig(t, u, virtual.SkyAtBegin)
	r.Run(time.Minute)
	worst := 0.0
	r.Watch = func() { worst = max(worst, math.Abs(r.TrueErrorNs())) }
	r.Board.Glitch(200 * time.Millisecond)
	r.Run(10 * time.Second)
	if worst > 200 || r.Said.ClockClass != 6 || r.Pipe.Look(r.Now).Reference.Pairing.Counters.Glitches == 0 || !alarmed(r, alarms.PulseGlitch) {
		t.Errorf("worst error %.0f ns, class %d, %+v", worst, r.Said.ClockClass, r.Pipe.Look(r.Now).Reference.Pairing.Counters)
	}
}

// TIM-TP labels and brings the sawtooth; a sawtooth of the wrong sign is found
// out and left out.
func TestSawtooth(t *testing.T) {
	// The pulse of a receiver with a clock of 23 MHz comes so late, in ns.
	late := func(second int64) float64 { return 43 * (math.Mod(float64(second)*0.618, 1) - 0.5) }
	for _, sign := range []float64{1, -1} {
		u := goodSky()
		u.timTP = true
		u.qErrPs = func(second int64) int32 { return int32(sign * -1000 * late(second)) }
		r := virtual.NewRigAt(t, virtual.Demo(), sim.Config{Oscillator: sim.OCXO, Seed: 3, StartOffset: time.Hour, TimeToFix: 3 * time.Second}, virtual.SkyAtBegin)
		r.Speak, r.Late = u.speak, late
		r.Until(time.Minute, "class 6", r.Class(6))
		r.Run(5 * time.Minute)
		s := r.Pipe.Look(r.Now).Reference.Sawtooth
		wrong, without, with := s.LeftOut, s.WithoutNs, s.WithNs
		if wrong != (sign < 0) || alarmed(r, alarms.Sawtooth) != wrong || (with < without) != (sign > 0) {
			t.Errorf("sign %+.0f: wrong %v, %.1f ns without, %.1f ns with it", sign, wrong, without, with)
		}
		if st := r.Pipe.Look(r.Now).Reference.Pairing; !st.NextPulse || st.Counters.NextPulses < 300 {
			t.Errorf("sign %+.0f: %+v", sign, st)
		}
	}
}

// Messages that come 1.3 s after their pulse name the second before it; what the
// receiver says of its next pulse labels rightly, and the lateness is told.
func TestLateMessagesBesideNextPulses(t *testing.T) {
	u := goodSky()
	u.timTP = true
	u.qErrPs = func(int64) int32 { return 0 }
	late := goodSky()
	late.lateSecond = -1
	r := virtual.NewRigAt(t, virtual.Demo(), sim.Config{Oscillator: sim.OCXO, Seed: 3, StartOffset: time.Hour, TimeToFix: 3 * time.Second}, virtual.SkyAtBegin)
	r.Speak = func(sky timescale.TAI) []byte {
		const timTP = 16 + ubx.Overhead
		return append(u.speak(sky)[:timTP:timTP], late.speak(sky)...)
	}
	r.Until(time.Minute, "class 6", r.Class(6))
	r.Run(time.Minute)
	if e := r.TrueErrorNs(); math.Abs(e) > 1000 || r.Said.ClockClass != 6 || !alarmed(r, alarms.MessagesLate) {
		t.Errorf("error %.0f ns, class %d, alarms %v", e, r.Said.ClockClass, r.Pipe.Look(r.Now).Troubles)
	}
}

// What keeps the receiver's time from being used is an alarm of its own name, and no
// missing fix while there is one.
func TestARefusedTimeIsNotAMissingFix(t *testing.T) {
	said := func(second int64) string { return spoken(second) }
	gga := func(second int64) []byte {
		return sentence("GPGGA," + said(second)[:9] + ",6023.6000,N,00519.3000,E,1,08,0.9,10.0,M,40.0,M,,")
	}
	both := func(rmc func(second int64) string) func(timescale.TAI) []byte {
		return func(sky timescale.TAI) []byte {
			second := sky.Ns() / 1e9
			return append(append(gga(second), sentence("GPGSA,A,3,02,05,07,09,11,13,,,,,,,1.2,0.9,0.8")...), nmeaSky(rmc)(sky)...)
		}
	}
	for name, c := range map[string]struct {
		code  alarms.Code
		speak func(timescale.TAI) []byte
	}{
		"RMC and ZDA name two dates": {alarms.MessagesConflict, func(sky timescale.TAI) []byte {
			text := said(sky.Ns() / 1e9)
			return append(both(said)(sky), sentence("GPZDA,"+text[:9]+",01,01,2031,00,00")...)
		}},
		"no date": {alarms.NoTime, both(func(second int64) string { return said(second)[:9] + ",A,6023.6,N,00519.3,E,,,,,,A" })},
		"no checksums": {alarms.MessagesDamaged, func(sky timescale.TAI) []byte {
			var bare []byte
			for _, line := range strings.SplitAfter(string(both(said)(sky)), "\n") {
				text, _, _ := strings.Cut(line, "*")
				if text != "" {
					bare = append(bare, text+"\r\n"...)
				}
			}
			return bare
		}},
		"time backwards": {alarms.TimeErratic, func(sky timescale.TAI) []byte {
			return both(said)(virtual.SkyAtBegin.Add(time.Hour - sky.Sub(virtual.SkyAtBegin)))
		}},
	} {
		r := virtual.NewRig(t, virtual.Demo(), sim.Config{Oscillator: sim.OCXO, Seed: 3, TimeToFix: 3 * time.Second})
		r.Speak = c.speak
		active := shown(r, time.Minute)
		found := false
		for _, a := range active {
			found = found || a.Code == string(c.code)
			if strings.HasPrefix(a.Code, "GNSS_") && a.Code != string(c.code) {
				t.Errorf("%s: %s: %s", name, a.Code, a.Detail)
			}
		}
		if fix := r.Pipe.Look(r.Now).Reference.Epoch.Fix; !found || fix != gnss.Fix3D {
			t.Errorf("%s: fix %v, alarms %v", name, fix, active)
		}
	}
}
