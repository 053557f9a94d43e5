package daemon

import (
	"testing"
	"time"

	"bragi/cmd/internal/alarms"
	"bragi/cmd/internal/config"
	"bragi/holdover/quality"
	"bragi/master"
	"bragi/master/twin"
	"bragi/master/udp"
	"bragi/master/wire"
)

// The alarms follow the verdict; a clock out of spec is no measure of another.
func TestTheTwinsAlarmsFollowTheVerdict(t *testing.T) {
	us, them := wire.ClockIdentity{1}, wire.ClockIdentity{2}
	d := &Daemon{cfg: &config.Config{Twin: config.Twin{Address: "10.6.0.2", Limit: 3 * time.Microsecond}}}
	locked := quality.Announcement{Serve: true, ClockClass: 6, PTPTimescale: true, CurrentUTCOffset: 37, CurrentUTCOffsetValid: true}
	if raised, s := d.twinTroubles(locked), d.twinStatus(locked); len(raised) != 0 || s == nil || s.Answer != "measuring" {
		t.Errorf("before anything is served: %+v, %+v", raised, s)
	}
	d.service = udp.Status{Snapshot: &master.Snapshot{Identity: wire.PortIdentity{Clock: us, Port: 1}}}
	answers := func(offsetNs int64) *twin.Report {
		return &twin.Report{Heard: true, Identity: wire.PortIdentity{Clock: them, Port: 1}, Announced: true, Measured: true, OffsetNs: offsetNs, DelayNs: 2000, Samples: 16,
			Announce: wire.Announce{Header: wire.Header{Flags: wire.FlagPTPTimescale | wire.FlagUTCOffsetValid}, ClockClass: 6, Grandmaster: them, CurrentUTCOffset: 37}}
	}
	for _, c := range []struct {
		known *twin.Report
		class uint8
		want  alarms.Code
	}{
		{answers(312), 6, ""},
		{answers(-41_000), 6, alarms.TwinDiffers},
		{answers(-41_000), 52, ""},
		{&twin.Report{SilentNs: int64(time.Minute)}, 6, alarms.TwinSilent},
		{&twin.Report{Heard: true, Denied: true}, 52, alarms.TwinSilent},
	} {
		d.known = c.known
		said := locked
		said.ClockClass = c.class
		raised := d.twinTroubles(said)
		if c.want == "" && len(raised) > 0 || c.want != "" && (len(raised) != 1 || raised[0].Code != c.want || raised[0].Detail == "") {
			t.Errorf("%+v at class %d: %+v, want %q", *c.known, c.class, raised, c.want)
		}
	}
	d.known = answers(312)
	if s := d.twinStatus(locked); *s.OffsetNs != 312 || *s.PathDelayNs != 2000 || *s.ClockClass != 6 || s.Answer != "ready" || s.Text != "+312 ns, both on GNSS" {
		t.Errorf("%+v", s)
	}
	d.known = &twin.Report{SilentNs: int64(time.Minute)}
	if s := d.twinStatus(locked); s.OffsetNs != nil || s.ClockClass != nil || s.SilentS != 60 {
		t.Errorf("%+v", s)
	}
	d.cfg = &config.Config{}
	if s := d.twinStatus(locked); s != nil {
		t.Errorf("without a twin: %+v", s)
	}
}
