package daemon

import (
	"slices"
	"strings"
	"testing"
	"time"

	"bragi/board/sim"
	"bragi/cmd/internal/alarms"
	"bragi/cmd/internal/status"
	"bragi/cmd/internal/syslog"
	"bragi/cmd/internal/virtual"
	"bragi/holdover/quality"
)

func alarmOf(s status.Status, code alarms.Code) bool {
	return slices.ContainsFunc(s.Alarms, func(a status.Alarm) bool { return a.Code == string(code) })
}

// Nobody is told that clients are served while they are sent away: by a drain, by
// squelch, or because the address is missing. The status says why, and an alarm
// stands.
func TestServingIsNeverToldWhileClientsAreSentAway(t *testing.T) {
	cfg := virtual.Demo()
	cfg.Squelch = quality.SquelchOutOfSpec
	r := virtual.NewRig(t, cfg, sim.Config{Oscillator: sim.OCXO, Seed: 1, TimeToFix: 3 * time.Second})
	d := observed(t, r)
	d.outside = map[alarms.Code]string{}
	expect := func(when string, serving, draining, squelched bool, why string, codes ...alarms.Code) {
		t.Helper()
		r.Run(time.Second)
		s := d.latest()
		if c := s.Clock; c.Serving != serving || c.Draining != draining || c.Squelched != squelched {
			t.Errorf("%s: serving %t, draining %t, squelched %t", when, c.Serving, c.Draining, c.Squelched)
		}
		if why != "" && !strings.Contains(s.Clock.Why[0], why) {
			t.Errorf("%s: why is %q", when, s.Clock.Why)
		}
		for _, code := range []alarms.Code{alarms.Drained, alarms.Squelched, alarms.AddressMissing} {
			if alarmOf(s, code) != slices.Contains(codes, code) {
				t.Errorf("%s: alarm %s stands: %t", when, code, alarmOf(s, code))
			}
		}
	}
	r.Until(40*time.Second, "class 6", r.Class(6))
	expect("locked", true, false, false, "")
	d.condition(alarms.Drained, "since noon")
	expect("drained", false, true, false, "drained", alarms.Drained)
	d.condition(alarms.Drained, "")
	expect("no more", true, false, false, "")
	d.condition(alarms.AddressMissing, "10.0.0.1")
	expect("without an address", false, false, false, "no interface has the address", alarms.AddressMissing)
	d.condition(alarms.AddressMissing, "")
	r.Board.SetAntenna(false)
	r.Until(5*time.Minute, "class 52", func() bool { return !r.Said.Serve && r.Said.ClockClass == 52 })
	stopped := slices.DeleteFunc(d.Kept(), func(r status.Record) bool { return r.Name != "SERVICE" })
	if n := len(stopped); n == 0 || !strings.Contains(stopped[n-1].Text, "squelched: nobody is served at class 52") {
		t.Errorf("the log says of it: %+v", stopped)
	}
	expect("out of spec", false, false, true, "squelched: nobody is served at class 52", alarms.Squelched)
	d.condition(alarms.Drained, "since noon")
	expect("out of spec and drained", false, true, true, "drained", alarms.Squelched, alarms.Drained)
	d.condition(alarms.Drained, "")
	r.Pipe.Reconfigure(cfg.Servo, cfg.Profile, quality.SquelchNever)
	expect("out of spec with squelch = never", true, false, false, "")
	drains := slices.DeleteFunc(d.AlarmHistory(), func(a status.PastAlarm) bool { return a.Code != string(alarms.Drained) })
	if len(drains) != 2 || drains[0].Cleared == nil || drains[1].Cleared == nil {
		t.Errorf("the history has the drains %+v", drains)
	}
}

// The time of an event is told as good only while the clock's class says so, and by
// its bound.
func TestTheTimeOfAnEventIsAsGoodAsTheClock(t *testing.T) {
	r := virtual.NewRig(t, virtual.Demo(), sim.Config{Oscillator: sim.OCXO, Seed: 1, TimeToFix: 3 * time.Second})
	d := observed(t, r)
	quality := func() status.TimeQuality {
		t.Helper()
		d.happened(status.ConfigDoubted{})
		kept := d.Kept()
		return kept[len(kept)-1].TimeQuality
	}
	if q := quality(); q != (status.TimeQuality{}) || d.utc.Load() != nil {
		t.Errorf("before the first lock: %+v", q)
	}
	r.Until(40*time.Second, "class 6", r.Class(6))
	r.Run(20 * time.Second) // longer than learning
	for _, state := range []string{"locked", "holdover"} {
		bound := *d.latest().Clock.BoundNs
		if q := quality(); !q.Synced || q.AccuracyUs == nil || float64(*q.AccuracyUs)*1e3 < bound || float64(*q.AccuracyUs)*1e3 > bound+3e3 {
			t.Errorf("%s with a bound of %.0f ns: %+v", state, bound, q)
		}
		r.Board.SetAntenna(false)
		r.Run(10 * time.Second)
	}
	r.Until(5*time.Minute, "class 52", r.Class(52))
	r.Run(time.Second)
	if q := quality(); q != (status.TimeQuality{}) || d.utc.Load() == nil {
		t.Errorf("out of spec: %+v", q)
	}
}

// Lines that a syslog server does not get are an alarm that names it.
func TestLostLinesOfSyslogAreAnAlarm(t *testing.T) {
	r := virtual.NewRig(t, virtual.Demo(), sim.Config{Oscillator: sim.OCXO, Seed: 1})
	d := observed(t, r)
	d.syslog = syslog.NewSender(syslog.Config{Format: syslog.RFC5424, Severity: status.Info, Targets: []syslog.Target{{Scheme: "tcp", Host: "10.0.0.9", Port: 601}}})
	d.send = d.syslog.Put
	d.happened(status.ConfigDoubted{})
	r.Run(10 * time.Second)
	if s := d.latest(); alarmOf(s, alarms.SyslogLost) || s.Syslog[0].Waiting == 0 {
		t.Errorf("while lines only wait: %+v, %+v", s.Syslog, s.Alarms)
	}
	for range 2000 {
		d.happened(status.ConfigDoubted{})
	}
	r.Run(10 * time.Second)
	s := d.latest()
	i := slices.IndexFunc(s.Alarms, func(a status.Alarm) bool { return a.Code == string(alarms.SyslogLost) })
	if i < 0 || !strings.Contains(s.Alarms[i].Detail, "tcp://10.0.0.9:601: ") || s.Syslog[0].Lost == 0 {
		t.Errorf("when they are lost: %+v, %+v", s.Syslog, s.Alarms)
	}
}
