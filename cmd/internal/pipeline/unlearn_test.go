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
)

// The first witness is not believed for ever.

// sentences are a receiver that speaks RMC alone.
type sentences struct {
	ahead int64 // s by which its UTC is wrong
	fix   bool
	sees  bool // satellites, without a fix
	mute  bool
}

func (s *sentences) speak(sky timescale.TAI) []byte {
	if s.mute {
		return nil
	}
	out := nmeaSky(func(second int64) string {
		u, _ := timescale.Builtin().ToUTC(timescale.TAIFromNs((second + s.ahead) * 1e9))
		v := u.Civil()
		status, mode := "A", "A"
		if !s.fix {
			status, mode = "V", "N"
		}
		return fmt.Sprintf("%02d%02d%02d.00,%s,6023.6,N,00519.3,E,,,%02d%02d%02d,,,%s", v.Hour, v.Minute, v.Second, status, v.Day, v.Month, v.Year%100, mode)
	})(sky)
	if s.sees {
		out = append(out, sentence("GPGSV,1,1,02,02,64,121,45,05,12,030,")...)
	}
	return out
}

// sentenceRig is a rig whose receiver is s. Holdover keeps class 7 for a day.
func sentenceRig(t *testing.T, s *sentences) *virtual.Rig {
	t.Helper()
	cfg := virtual.Demo()
	cfg.Servo.MaxHoldover = 24 * time.Hour
	r := virtual.NewRigAt(t, cfg, sim.Config{Oscillator: sim.OCXO, Seed: 3, StartOffset: time.Hour, TimeToFix: 3 * time.Second}, virtual.SkyAtBegin)
	r.Speak = s.speak
	return r
}

func alarmDetail(r *virtual.Rig, code alarms.Code) string {
	for _, raised := range r.Pipe.Look(r.Now).Troubles {
		if raised.Code == code {
			return raised.Detail
		}
	}
	return ""
}

// A receiver of sentences that has locked the clock with its firmware's leap count
// corrects itself: 52 within ten seconds, with both sides named, and class 6 with the
// right second within two minutes.
func TestACorrectedLeapCountIsFollowed(t *testing.T) {
	for _, ahead := range []int64{2, -3} {
		for _, after := range []time.Duration{90 * time.Second, 12*time.Minute + 30*time.Second, 38 * time.Minute} {
			s := &sentences{ahead: ahead, fix: true}
			r := sentenceRig(t, s)
			r.Until(30*time.Second, "class 6", r.Class(6))
			r.Run(after)
			s.ahead = 0
			r.Until(10*time.Second, "class 52", r.Class(52))
			if detail := alarmDetail(r, alarms.PulseDisagrees); !strings.Contains(detail, fmt.Sprintf("%+d s", ahead)) ||
				!strings.Contains(detail, "firmware's") || !strings.Contains(detail, "followed if it stays") {
				t.Errorf("%+d s: the alarm says %q", ahead, detail)
			}
			r.Watch = func() {
				if e := math.Abs(r.TrueErrorNs()); r.Said.ClockClass != 52 && e > 1e6 {
					t.Fatalf("%+d s: class %d while the clock is %.3f s off", ahead, r.Said.ClockClass, e/1e9)
				}
			}
			took := r.Until(2*time.Minute, "class 6 again", r.Class(6))
			if took < time.Minute {
				t.Errorf("%+d s: followed after %v: a glitch lasts as long", ahead, took)
			}
			if e := r.TrueErrorNs(); math.Abs(e) > 1000 {
				t.Errorf("%+d s: class 6 with %.0f ns", ahead, e)
			}
			r.Run(10 * time.Minute)
			if !r.Class(6)() || alarmed(r, alarms.PulseDisagrees) || alarmed(r, alarms.TimeJump) {
				t.Errorf("%+d s: later class %d, alarms %v", ahead, r.Said.ClockClass, r.Pipe.Look(r.Now).Troubles)
			}
		}
	}
}

// The same where the receiver names its next pulses in the same UTC, which then label.
func TestACorrectedLeapCountOfNextPulsesIsFollowed(t *testing.T) {
	s := &sentences{ahead: 2, fix: true}
	r := sentenceRig(t, s)
	u := goodSky()
	u.timTP, u.qErrPs = true, func(int64) int32 { return 0 }
	r.Speak = func(sky timescale.TAI) []byte {
		const timTP = 16 + ubx.Overhead
		u.lateSecond = s.ahead
		return append(u.speak(sky)[:timTP:timTP], s.speak(sky)...)
	}
	r.Until(30*time.Second, "class 6", r.Class(6))
	r.Run(3 * time.Minute)
	if p := r.Pipe.Look(r.Now).Reference.Pairing; !p.NextPulse || math.Abs(r.TrueErrorNs()) < 1e9 {
		t.Fatalf("%+v, %.0f ns", p, r.TrueErrorNs())
	}
	s.ahead = 0
	r.Until(15*time.Second, "class 52", r.Class(52))
	r.Until(2*time.Minute, "class 6 again", r.Class(6))
	if e := r.TrueErrorNs(); math.Abs(e) > 1000 {
		t.Errorf("class 6 with %.0f ns", e)
	}
}

// A receiver that errs for less than a minute moves nothing.
func TestAnErrorOfSecondsIsNotFollowed(t *testing.T) {
	s := &sentences{fix: true}
	r := sentenceRig(t, s)
	r.Until(30*time.Second, "class 6", r.Class(6))
	r.Run(time.Minute)
	steps := r.Steps
	s.ahead = 2
	r.Run(55 * time.Second)
	s.ahead = 0
	r.Until(time.Minute, "class 6 again", r.Class(6))
	if e := r.TrueErrorNs(); math.Abs(e) > 1000 || r.Steps != steps {
		t.Errorf("%.0f ns off after %d steps", e, r.Steps-steps)
	}
}

// What was proven, by three quarters of an hour of agreement or by a count that is vouched
// for, is not given up for a receiver that only says so.
func TestAProvenSecondIsKept(t *testing.T) {
	s := &sentences{fix: true}
	r := sentenceRig(t, s)
	r.Until(30*time.Second, "class 6", r.Class(6))
	r.Run(50 * time.Minute)
	for _, restart := range []bool{false, true} {
		steps := r.Steps
		s.ahead = 2
		r.Run(time.Minute)
		if restart {
			if err := r.Restart(time.Second); err != nil {
				t.Fatal(err)
			}
		}
		r.Run(70 * time.Minute)
		if e := r.TrueErrorNs(); math.Abs(e) > 1e5 || r.Steps != steps || r.Said.ClockClass == 6 {
			t.Errorf("restart %t: %.0f ns off after %d steps, class %d", restart, e, r.Steps-steps, r.Said.ClockClass)
		}
		if !alarmed(r, alarms.PulseDisagrees) && !alarmed(r, alarms.TimeJump) {
			t.Errorf("restart %t: alarms %v", restart, r.Pipe.Look(r.Now).Troubles)
		}
		s.ahead = 0
		r.Until(10*time.Minute, "class 6 again", r.Class(6))
	}
}

// A receiver that was right starts anew and cold: its word is no proof. It is not
// followed before the sky can have told it its count, and then it agrees.
func TestAReceiverThatRestartsColdDoesNotMoveTheClock(t *testing.T) {
	s := &sentences{fix: true}
	r := sentenceRig(t, s)
	r.Until(30*time.Second, "class 6", r.Class(6))
	r.Run(2 * time.Minute)
	steps := r.Steps
	s.mute = true
	r.Run(30 * time.Second)
	s.mute, s.ahead = false, 2
	r.Run(12*time.Minute + 30*time.Second)
	if r.Steps != steps || r.Said.ClockClass != 52 {
		t.Errorf("%d steps, class %d", r.Steps-steps, r.Said.ClockClass)
	}
	s.ahead = 0
	r.Until(time.Minute, "class 6 again", r.Class(6))
	if e := r.TrueErrorNs(); math.Abs(e) > 1000 || r.Steps != steps {
		t.Errorf("%.0f ns off after %d steps", e, r.Steps-steps)
	}
}

// The clock locked with the wrong count, the receiver was off meanwhile and is right
// now: nothing tells which of the two, until the sky had the time to tell the
// receiver. Then it is followed.
func TestAFreshReceiverIsFollowedWhenItIsProven(t *testing.T) {
	for _, away := range []time.Duration{30 * time.Second, 20 * time.Minute} { // a label is remembered for 800 s
		s := &sentences{ahead: 2, fix: true}
		r := sentenceRig(t, s)
		r.Until(30*time.Second, "class 6", r.Class(6))
		r.Run(5 * time.Minute)
		s.mute = true
		r.Board.SetAntenna(false)
		r.Run(away)
		r.Board.SetAntenna(true)
		s.mute, s.ahead = false, 0
		r.Until(40*time.Second, "class 52", r.Class(52))
		r.Run(43 * time.Minute)
		if !r.Class(52)() {
			t.Errorf("away %v: class %d while it is not known", away, r.Said.ClockClass)
		}
		r.Until(4*time.Minute, "class 6 again", r.Class(6))
		if e := r.TrueErrorNs(); math.Abs(e) > 1000 {
			t.Errorf("away %v: class 6 with %.0f ns", away, e)
		}
	}
}

// A restart makes no evidence stronger and keeps no receiver refused: whenever in the
// dispute it comes, the class does not get better by it, and the end is the same.
func TestARestartInADisputeChangesNothing(t *testing.T) {
	list := []time.Duration{-time.Minute}
	for s := time.Duration(8); s < 80; s += 3 {
		list = append(list, s*time.Second)
	}
	for _, at := range list {
		s := &sentences{ahead: 2, fix: true}
		r := sentenceRig(t, s)
		r.Until(30*time.Second, "class 6", r.Class(6))
		r.Run(5 * time.Minute)
		var corrected timescale.Mono
		r.Watch = func() {
			if e := math.Abs(r.TrueErrorNs()); s.ahead == 0 && r.Now.Sub(corrected) > 7*time.Second && r.Said.ClockClass != 52 && e > 1e6 {
				t.Fatalf("restart at %v: class %d while the clock is %.3f s off", at, r.Said.ClockClass, e/1e9)
			}
		}
		if at < 0 {
			if err := r.Restart(time.Second); err != nil {
				t.Fatal(err)
			}
			r.Run(time.Minute)
		}
		s.ahead, corrected = 0, r.Now
		if at > 0 {
			r.Run(at)
			if err := r.Restart(time.Second); err != nil {
				t.Fatal(err)
			}
		}
		r.Until(3*time.Minute, fmt.Sprintf("class 6 after a restart at %v", at), func() bool {
			return r.Class(6)() && math.Abs(r.TrueErrorNs()) < 1000
		})
	}
}

// A receiver that was seen searching for long started cold: its sentences are not
// used before the sky can have told it the count, and an alarm says so.
func TestAColdReceiverOfSentencesWaitsForItsCount(t *testing.T) {
	s := &sentences{ahead: 2, sees: true}
	r := sentenceRig(t, s)
	r.Run(30 * time.Second)
	s.fix = true
	r.Watch = func() {
		if e := math.Abs(r.TrueErrorNs()); r.Said.ClockClass == 6 && e > 1e6 {
			t.Fatalf("class 6 with %.3f s", e/1e9)
		}
	}
	r.Run(12 * time.Minute)
	if !alarmed(r, alarms.LeapUnproven) {
		t.Errorf("alarms %v", r.Pipe.Look(r.Now).Troubles)
	}
	r.Run(30 * time.Second)
	s.ahead = 0
	r.Until(4*time.Minute, "class 6", r.Class(6))
	if alarmed(r, alarms.LeapUnproven) {
		t.Error("the alarm stays")
	}
}

// A receiver of RMC alone tells of no satellites: for all that is known it was searching
// while it had no fix, and it waits too. Another source of time that says the same ends
// the wait, one that says another second does not.
func TestAColdReceiverOfRMCAloneWaitsForItsCount(t *testing.T) {
	s := &sentences{ahead: 2}
	r := sentenceRig(t, s)
	r.Run(30 * time.Second)
	s.fix = true
	r.Watch = func() {
		if e := math.Abs(r.TrueErrorNs()); r.Said.ClockClass == 6 && e > 1e6 {
			t.Fatalf("class 6 with %.3f s", e/1e9)
		}
	}
	r.Run(12*time.Minute + 30*time.Second)
	if !alarmed(r, alarms.LeapUnproven) {
		t.Errorf("alarms %v", r.Pipe.Look(r.Now).Troubles)
	}
	s.ahead = 0
	r.Until(4*time.Minute, "class 6", r.Class(6))

	for _, ahead := range []int64{0, 2} {
		s = &sentences{ahead: ahead}
		r = sentenceRig(t, s)
		witness(r, func() time.Duration { return 0 })
		r.Run(30 * time.Second)
		s.fix = true
		r.Run(time.Minute)
		if right := ahead == 0; r.Class(6)() != right {
			t.Errorf("%+d s beside another source: class %d, alarms %v", ahead, r.Said.ClockClass, r.Pipe.Look(r.Now).Troubles)
		}
	}
}

// A receiver that had no antenna has not searched, and one that has satellites for a
// few seconds was warm: neither waits.
func TestAReceiverWithoutAnAntennaDoesNotWaitForItsCount(t *testing.T) {
	s := &sentences{}
	r := sentenceRig(t, s)
	r.Run(2 * time.Minute)
	s.sees = true
	r.Run(10 * time.Second)
	s.fix = true
	r.Until(30*time.Second, "class 6", r.Class(6))
}

// The operator ends the wait.
func TestTheOperatorAcceptsAColdReceiver(t *testing.T) {
	s := &sentences{sees: true}
	r := sentenceRig(t, s)
	r.Run(30 * time.Second)
	s.fix = true
	r.Run(time.Minute)
	if !strings.Contains(fixOf(t, alarms.LeapUnproven), "bragi clock accept receiver") {
		t.Error("the alarm does not name the verb")
	}
	if _, err := r.Pipe.AcceptReceiver(r.Now); err != nil {
		t.Fatal(err)
	}
	r.Until(30*time.Second, "class 6", r.Class(6))
}

// One that vouches for its count need not wait.
func TestAColdReceiverThatVouchesIsUsedAtOnce(t *testing.T) {
	u := goodSky()
	r := virtual.NewRigAt(t, virtual.Demo(), sim.Config{Oscillator: sim.OCXO, Seed: 3, StartOffset: time.Hour, TimeToFix: 40 * time.Second}, virtual.SkyAtBegin)
	fixed := r.Now.Add(40 * time.Second)
	cold := &sentences{sees: true}
	r.Speak = func(sky timescale.TAI) []byte {
		if r.Now.Before(fixed) {
			return cold.speak(sky)
		}
		return u.speak(sky)
	}
	r.Until(70*time.Second, "class 6", r.Class(6))
}

// The operator accepts a receiver that is refused: the clock steps in class 52 and
// locks again.
func TestTheOperatorAcceptsTheReceiver(t *testing.T) {
	u := goodSky()
	r := lockedRig(t, u, virtual.SkyAtBegin)
	if _, err := r.Pipe.AcceptReceiver(r.Now); err == nil || !strings.Contains(err.Error(), "nothing that the receiver says is refused") {
		t.Errorf("in order: %v", err)
	}
	r.Run(time.Minute)
	for _, by := range []int64{1, 3600} {
		u.lateSecond = by
		r.Run(5 * time.Minute)
		if r.Class(6)() || !strings.Contains(fixOf(t, alarms.PulseDisagrees), "bragi clock accept receiver") {
			t.Fatalf("class %d", r.Said.ClockClass)
		}
		forgotten, err := r.Pipe.AcceptReceiver(r.Now)
		if err != nil || len(forgotten) != 1 || !strings.Contains(forgotten[0], fmt.Sprintf("%+d s", -by)) {
			t.Errorf("%v, %v", forgotten, err)
		}
		r.Until(2*time.Second, "class 52", r.Class(52))
		r.Until(40*time.Second, "class 6", r.Class(6))
		if e := r.TrueErrorNs() - float64(by)*1e9; math.Abs(e) > 1000 {
			t.Errorf("%+d s: %.0f ns from what the receiver says", by, e)
		}
		u.lateSecond = 0
		r.Run(5 * time.Minute)
		if r.Class(6)() {
			t.Error("it fell back by itself")
		}
		if _, err := r.Pipe.AcceptReceiver(r.Now); err != nil {
			t.Error(err)
		}
		r.Until(40*time.Second, "class 6", r.Class(6))
		if e := r.TrueErrorNs(); math.Abs(e) > 1000 {
			t.Errorf("back: %.0f ns", e)
		}
	}
	r.Speak = func(timescale.TAI) []byte { return nil }
	r.Run(time.Minute)
	if _, err := r.Pipe.AcceptReceiver(r.Now); err == nil || !strings.Contains(err.Error(), "no time") {
		t.Errorf("mute: %v", err)
	}
}

// The same after an outage in which the label was forgotten.
func TestTheOperatorAcceptsAReceiverThatCameBackWithAnotherTime(t *testing.T) {
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
	r.Run(20 * time.Minute)
	r.Board.SetAntenna(true)
	mute, u.lateSecond = false, 5
	r.Run(5 * time.Minute)
	if detail := alarmDetail(r, alarms.TimeJump); !strings.Contains(detail, "refused (fix: bragi clock accept receiver") || !strings.Contains(fixOf(t, alarms.TimeJump), "bragi clock accept receiver") {
		t.Errorf("the alarm says %q", detail)
	}
	if err := r.Restart(time.Second); err != nil { // the old advice: it does not help
		t.Fatal(err)
	}
	r.Run(2 * time.Minute)
	if r.Class(6)() {
		t.Error("a restart has made the receiver right")
	}
	if _, err := r.Pipe.AcceptReceiver(r.Now); err != nil {
		t.Fatal(err)
	}
	r.Until(time.Minute, "class 6", r.Class(6))
	if e := r.TrueErrorNs() - 5e9; math.Abs(e) > 1000 {
		t.Errorf("%.0f ns from what the receiver says", e)
	}
}

func fixOf(t *testing.T, code alarms.Code) string {
	t.Helper()
	for _, kind := range alarms.Table {
		if kind.Code == code {
			return kind.Fix
		}
	}
	t.Fatalf("no alarm %v", code)
	return ""
}

// The first fixes of a cold start lie 2.8 km off: by the word of GST, by their
// dilution, or with nothing that says so. Home is where the good fixes are.
func TestHomeIsLearnedFromGoodFixes(t *testing.T) {
	for _, c := range []struct{ name, hdop, gst string }{{"HDOP", "9.8", ""}, {"GST", "9.8", "900.0,900.0"}, {"nothing", "4.5", ""}} {
		r := sentenceRig(t, &sentences{fix: true})
		begin := r.Sky(r.Now)
		r.Speak = func(sky timescale.TAI) []byte {
			lat, hdop, gst := "6025.1000", c.hdop, c.gst
			if sky.Sub(begin) > 50*time.Second {
				lat, hdop = "6023.6000", "0.9"
				if gst != "" {
					gst = "2.0,2.0"
				}
			}
			return fixes(sky, lat, hdop, gst)
		}
		r.Until(30*time.Second, "class 6", r.Class(6))
		r.Run(time.Minute)
		if c.name != "nothing" && alarmed(r, alarms.Moved) {
			t.Errorf("%s: alarms %v", c.name, r.Pipe.Look(r.Now).Troubles)
		}
		r.Run(6 * time.Minute)
		r.Until(time.Minute, c.name+": class 6 without the alarm", func() bool { return r.Class(6)() && !alarmed(r, alarms.Moved) })
	}
}

// fixes is a burst of RMC, GGA and GST.
func fixes(sky timescale.TAI, lat, hdop, gst string) []byte {
	u, _ := timescale.Builtin().ToUTC(timescale.TAIFromNs(sky.Ns() / 1e9 * 1e9))
	v := u.Civil()
	tod := fmt.Sprintf("%02d%02d%02d.00", v.Hour, v.Minute, v.Second)
	out := sentence(fmt.Sprintf("GPRMC,%s,A,%s,N,00519.3,E,,,%02d%02d%02d,,,A", tod, lat, v.Day, v.Month, v.Year%100))
	out = append(out, sentence(fmt.Sprintf("GPGGA,%s,%s,N,00519.3000,E,1,08,%s,10.0,M,40.0,M,,", tod, lat, hdop))...)
	if gst != "" {
		out = append(out, sentence(fmt.Sprintf("GPGST,%s,1.0,,,,%s,3.0", tod, gst))...)
	}
	return out
}

func sentence(body string) []byte {
	var sum byte
	for i := range len(body) {
		sum ^= body[i]
	}
	return fmt.Appendf(nil, "$%s*%02X\r\n", body, sum)
}

// An antenna that really moved stays suspect, over a restart too, until the operator
// accepts it.
func TestTheOperatorAcceptsAMovedAntenna(t *testing.T) {
	u := goodSky()
	r := lockedRig(t, u, virtual.SkyAtBegin)
	r.Run(65 * time.Minute)
	u.northM = 5000
	for range 2 {
		r.Run(20 * time.Minute)
		if !alarmed(r, alarms.Moved) || r.Class(6)() {
			t.Fatalf("class %d, alarms %v", r.Said.ClockClass, r.Pipe.Look(r.Now).Troubles)
		}
		if err := r.Restart(time.Second); err != nil {
			t.Fatal(err)
		}
	}
	r.Run(10 * time.Second)
	if !strings.Contains(fixOf(t, alarms.Moved), "bragi clock accept receiver") {
		t.Error("the alarm does not name the verb")
	}
	forgotten, err := r.Pipe.AcceptReceiver(r.Now)
	if err != nil || len(forgotten) != 1 || !strings.Contains(forgotten[0], "the antenna's place, 50") {
		t.Errorf("%v, %v", forgotten, err)
	}
	r.Until(time.Minute, "class 6", r.Class(6))
	r.Run(10 * time.Minute)
	if alarmed(r, alarms.Moved) || !r.Class(6)() {
		t.Errorf("class %d, alarms %v", r.Said.ClockClass, r.Pipe.Look(r.Now).Troubles)
	}
}

// Evidence only adds up.
func TestEvidenceOfWitnessesThatAgree(t *testing.T) {
	for _, a := range []gnss.Evidence{gnss.NoEvidence, gnss.Unproven, gnss.Proven, gnss.Vouched} {
		for _, b := range []gnss.Evidence{gnss.NoEvidence, gnss.Unproven, gnss.Proven, gnss.Vouched} {
			if both := a.With(b); both < a || both < b || both != b.With(a) {
				t.Errorf("%v with %v is %v", a, b, both)
			}
		}
	}
}
