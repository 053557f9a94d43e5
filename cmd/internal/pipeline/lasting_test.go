package pipeline_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"bragi/board/sim"
	"bragi/cmd/internal/alarms"
	"bragi/cmd/internal/status"
	"bragi/cmd/internal/virtual"
	"bragi/gnss/timescale"
	"bragi/holdover"
	"bragi/holdover/quality"
)

// every is a receiver of sentences that speaks in the seconds that it likes, with a
// fraction.
func every(speaks func(second int64) bool, fraction func(second int64) string) func(timescale.TAI) []byte {
	return func(sky timescale.TAI) []byte {
		second := sky.Ns() / 1e9
		if !speaks(second) {
			return nil
		}
		return nmeaSky(func(second int64) string {
			return strings.Replace(spoken(second), ".00,", "."+fraction(second)+",", 1)
		})(sky)
	}
}

func always(int64) bool { return true }

func whole(int64) string { return "00" }

// shown are the alarms that an operator sees after d, with the times that they need.
func shown(r *virtual.Rig, d time.Duration) []status.Alarm {
	set, t0 := alarms.NewSet(), time.Unix(1e9, 0)
	from := r.Now
	r.Watch = func() { set.Update(t0.Add(r.Now.Sub(from)), r.Pipe.Look(r.Now).Troubles) }
	r.Run(d)
	r.Watch = nil
	return set.Active()
}

// A state that may last for ever has an alarm, or a time at which it ends; and the
// alarm tells what is seen.
func TestAStateThatLastsHasAnAlarmOrAnEnd(t *testing.T) {
	rig := func(change func(*holdover.Config, *sim.Config)) *virtual.Rig {
		cfg := virtual.Demo()
		simulated := sim.Config{Oscillator: sim.OCXO, Seed: 3, StartOffset: time.Hour, TimeToFix: 3 * time.Second}
		change(&cfg.Servo, &simulated)
		return virtual.NewRig(t, cfg, simulated)
	}
	plain := func(*holdover.Config, *sim.Config) {}
	cut := func(_ *holdover.Config, s *sim.Config) { s.AntennaCut = true }
	speaking := func(says func(timescale.TAI) []byte) func() *virtual.Rig {
		return func() *virtual.Rig {
			r := rig(plain)
			r.Speak = says
			return r
		}
	}
	lost := func(maxHoldover time.Duration) func() *virtual.Rig {
		return func() *virtual.Rig {
			r := rig(func(c *holdover.Config, _ *sim.Config) { c.MaxHoldover = maxHoldover })
			r.Until(time.Minute, "class 6", r.Class(6))
			r.Run(10 * time.Minute)
			r.Board.SetAntenna(false)
			return r
		}
	}
	for _, c := range []struct {
		name  string
		state quality.State
		begin func() *virtual.Rig
		code  alarms.Code // "": an end is told
		says  string      // by the alarm
	}{
		{"warm-up", quality.Warmup, func() *virtual.Rig {
			return rig(func(c *holdover.Config, s *sim.Config) { c.WarmUp, s.AntennaCut = time.Hour, true })
		}, "", ""},
		{"no receiver", quality.Freerun, func() *virtual.Rig {
			r := rig(cut)
			r.Speak = func(timescale.TAI) []byte { return nil }
			return r
		}, alarms.ReceiverSilent, ""},
		{"no antenna", quality.Freerun, func() *virtual.Rig { return rig(cut) }, alarms.ClockFreerun, ""},
		{"no pulse", quality.Acquiring, func() *virtual.Rig { r := rig(plain); r.Mute = true; return r }, alarms.NoPulse, "none yet"},
		{"fractions", quality.Acquiring, speaking(every(always, func(int64) string { return "802" })), alarms.MessagesUseless, "0.802 s after one"},
		{"a message each seven seconds", quality.Freerun, speaking(every(func(s int64) bool { return s%7 == 0 }, whole)), alarms.MessagesUseless, "7s apart"},
		{"each eleventh message", quality.Freerun, speaking(every(func(s int64) bool { return s%11 == 0 }, whole)), alarms.MessagesUseless, "11s apart"},
		{"messages that no pulse keeps up with", quality.Freerun, speaking(func(sky timescale.TAI) []byte {
			return nmeaSky(func(second int64) string { return spoken(2*second - virtual.SkyAtBegin.Ns()/1e9) })(sky)
		}), alarms.TimeErratic, "by 2s within 1s"},
		{"a slew of hours", quality.Locking, func() *virtual.Rig { return freeRun(t, holdover.AcquireSlew) }, alarms.ClockSlewsLong, ""},
		{"no lock that lasts", quality.Locked, func() *virtual.Rig {
			r := rig(func(c *holdover.Config, _ *sim.Config) { c.Learning = 30 * time.Minute })
			r.Until(time.Minute, "class 6", r.Class(6))
			r.Board.SetAntenna(false)
			r.Run(70 * time.Minute)
			r.Board.SetAntenna(true)
			r.Until(10*time.Minute, "class 6", r.Class(6))
			return r
		}, alarms.ClockLearns, ""},
		{"holdover in spec", quality.HoldoverSpec, lost(24 * time.Hour), alarms.ClockHoldover, ""},
		{"holdover out of spec", quality.HoldoverNoSpec, lost(time.Minute), alarms.ClockOutOfSpec, ""},
		{"a way back of minutes", quality.Relocking, func() *virtual.Rig { return outage(t, holdover.ReturnSlew) }, alarms.ClockRelocking, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := c.begin()
			active := shown(r, 12*time.Minute)
			if r.Report.State != c.state {
				t.Fatalf("the state is %v, want %v: %v", r.Report.State, c.state, r.Report.Why)
			}
			if c.code == "" {
				if !(r.Report.EtaS > 0) || math.IsInf(r.Report.EtaS, 0) {
					t.Errorf("no end is told: %v", r.Report.EtaS)
				}
				return
			}
			for _, a := range active {
				if a.Code == string(c.code) && strings.Contains(a.Detail, c.says) {
					return
				}
			}
			t.Errorf("alarms %s, want %s with %q", fmt.Sprint(active), c.code, c.says)
		})
	}
}

// Alarms about messages do not flap: what lasts is raised once.
func TestAlarmsOfUselessMessagesStay(t *testing.T) {
	for name, says := range map[string]func(timescale.TAI) []byte{
		"fractions": every(always, func(int64) string { return "802" }), "six seconds": every(func(s int64) bool { return s%6 == 0 }, whole),
		"eleven seconds": every(func(s int64) bool { return s%11 == 0 }, whole),
	} {
		r := virtual.NewRig(t, virtual.Demo(), sim.Config{Oscillator: sim.OCXO, Seed: 3, TimeToFix: 3 * time.Second})
		r.Speak = says
		set, t0, changes := alarms.NewSet(), time.Unix(1e9, 0), 0
		r.Watch = func() {
			for _, c := range set.Update(t0.Add(r.Now.Sub(virtual.Begin)), r.Pipe.Look(r.Now).Troubles) {
				if c.Code == string(alarms.MessagesUseless) || c.Code == string(alarms.ClockAcquires) {
					changes++
				}
			}
		}
		r.Run(10 * time.Minute)
		if changes != 1 {
			t.Errorf("%s: %d changes", name, changes)
		}
	}
}

// A receiver that names one second in several, misses some, or names a fraction of each
// second after it, is as good as another: class 6 with the right second, and no alarm.
func TestReceiversOfOddMessagesLock(t *testing.T) {
	late := func(fraction time.Duration) func(*virtual.Rig) {
		return func(r *virtual.Rig) {
			text, err := sim.NewRecording(oddMessages(fraction))
			if err != nil {
				t.Fatal(err)
			}
			*r = *virtual.NewRig(t, virtual.Demo(), sim.Config{Oscillator: sim.OCXO, Seed: 3, TimeToFix: 3 * time.Second, Recording: text})
		}
	}
	says := func(speak func(timescale.TAI) []byte) func(*virtual.Rig) {
		return func(r *virtual.Rig) { r.Speak = speak }
	}
	for name, odd := range map[string]func(*virtual.Rig){
		"each two seconds":     says(every(func(s int64) bool { return s%2 == 0 }, whole)),
		"each five seconds":    says(every(func(s int64) bool { return s%5 == 0 }, whole)),
		"each third missing":   says(every(func(s int64) bool { return s%3 != 0 }, whole)),
		"a tenth that wanders": says(every(always, func(s int64) string { return []string{"00", "30", "60"}[s/20%3] })),
		"0.299 s":              late(299 * time.Millisecond), "0.802 s": late(802 * time.Millisecond),
	} {
		r := virtual.NewRig(t, virtual.Demo(), sim.Config{Oscillator: sim.OCXO, Seed: 3, TimeToFix: 3 * time.Second})
		odd(r)
		r.Until(2*time.Minute, name+": class 6", r.Class(6))
		r.Watch = func() {
			if e := math.Abs(r.TrueErrorNs()); e > 1000 || !r.Class(6)() {
				t.Fatalf("%s: class %d, %.0f ns", name, r.Said.ClockClass, e)
			}
		}
		r.Run(5 * time.Minute)
		for _, bad := range r.Pipe.Look(r.Now).Troubles {
			t.Errorf("%s: %v", name, bad)
		}
	}
}

// oddMessages is a recording of RMC and GGA that name a fraction of each second.
func oddMessages(fraction time.Duration) []byte {
	var out []byte
	for s := range 60 {
		tod := fmt.Sprintf("1200%02d.%03d", s, fraction.Milliseconds())
		out = append(out, sentence("GPGGA,"+tod+",6023.6000,N,00519.3000,E,1,06,1.2,10.0,M,40.0,M,,")...)
		out = append(out, sentence("GPRMC,"+tod+",A,6023.6000,N,00519.3000,E,0.0,0.0,231126,,,A")...)
	}
	return out
}

// A clock that waits though its pulses are good says what for, and how long.
func TestAClockThatWaitsSaysWhatFor(t *testing.T) {
	waits := func(r *virtual.Rig, state quality.State, code alarms.Code) {
		t.Helper()
		for range 3 {
			r.Run(30 * time.Second)
			if r.Report.State != state || !alarmed(r, code) || !(r.Report.EtaS > 0) {
				t.Errorf("%v, next state in %.0f s, %v, alarms %v", r.Report.State, r.Report.EtaS, r.Report.Why, r.Pipe.Look(r.Now).Troubles)
			}
		}
	}
	flap := func(r *virtual.Rig) {
		r.Until(time.Minute, "class 6", r.Class(6))
		r.Run(time.Minute)
		r.Board.SetAntenna(false)
		r.Run(20 * time.Second)
		r.Board.SetAntenna(true)
	}
	r := virtual.NewRig(t, virtual.Demo(), sim.Config{Oscillator: sim.OCXO, Seed: 3, TimeToFix: 3 * time.Second})
	flap(r)
	flap(r)
	r.Run(20 * time.Second)
	waits(r, quality.Relocking, alarms.ClockWaits)
	r.Until(5*time.Minute, "class 6", r.Class(6))

	cfg := virtual.Demo()
	cfg.Servo.Settle = time.Minute
	r = virtual.NewRig(t, cfg, sim.Config{Oscillator: sim.OCXO, Seed: 3, TimeToFix: 3 * time.Second, WarmUp: sim.WarmUp{PPB: 2000, S: 300}})
	r.Run(3 * time.Minute)
	waits(r, quality.Locking, alarms.ClockSettles)
	for _, a := range shown(r, time.Minute) {
		if a.Code == string(alarms.ClockSlewsLong) {
			t.Error("a step is advised for an oscillator that warms up")
		}
	}
	r.Until(40*time.Minute, "class 6", r.Class(6))
}
