package twin

import (
	"strings"
	"testing"
	"time"

	"bragi/holdover/quality"
	"bragi/master/wire"
)

var (
	ours   = wire.ClockIdentity{0, 0x11, 0x22, 0xFF, 0xFE, 0x33, 0x44, 0x55}
	theirs = wire.ClockIdentity{0, 0x11, 0x22, 0xFF, 0xFE, 0x33, 0x44, 0x66}
)

// of is a twin of a class that answers, ahead of us.
func of(class uint8, aheadNs int64) Report {
	r := Report{Heard: true, Identity: wire.PortIdentity{Clock: theirs, Port: 1}, Announced: true, Measured: true, OffsetNs: aheadNs, Samples: 16}
	r.Announce.ClockClass, r.Announce.Grandmaster, r.Announce.CurrentUTCOffset = wire.ClockClass(class), theirs, 37
	r.Announce.Flags = wire.FlagPTPTimescale | wire.FlagUTCOffsetValid
	if class == 58 {
		r.Announce.Flags = 0
	}
	return r
}

func saying(class uint8) quality.Announcement {
	return quality.Announcement{Serve: true, ClockClass: class, PTPTimescale: class != 58, CurrentUTCOffset: 37, CurrentUTCOffsetValid: true}
}

func with(r Report, change func(*Report)) Report { change(&r); return r }

func TestWhatAChangeToTheTwinMeans(t *testing.T) {
	for _, c := range []struct {
		name   string
		said   quality.Announcement
		report Report
		want   Answer
		text   string
	}{
		{"both on GNSS", saying(6), of(6, 312), Ready, "+312 ns, both on GNSS"},
		{"both on GNSS, behind", saying(6), of(6, -2999), Ready, "-3.0 us, both on GNSS"},
		{"the limit itself", saying(6), of(6, 3000), Ready, "both on GNSS"},
		{"beyond the limit", saying(6), of(6, 3001), Differs, "one of them is wrong, do not fail over"},
		{"UTC for TAI", saying(6), of(6, -37_000_000_000), Differs, "-37.000 s although both are on GNSS"},
		{"the twin in holdover, far off", saying(6), of(7, 41_000), Differs, "+41.0 us, the twin is in holdover: do not fail over"},
		{"the twin in holdover, near", saying(6), of(7, -90), Worse, "-90 ns, the twin is in holdover: fail over only if you must"},
		{"the twin out of spec", saying(6), of(52, 90), Worse, "is in holdover out of spec"},
		{"we are in holdover", saying(7), of(6, 900), Better, "the twin is on GNSS, this grandmaster is in holdover: clients are better off at the twin"},
		{"we are far off", saying(52), of(6, 41_000), Better, "+41.0 us, the twin is on GNSS, this grandmaster is in holdover out of spec: clients are better off"},
		{"both in holdover", saying(7), of(7, 900), Ready, "the twin is in holdover, this grandmaster is in holdover"},
		{"both in holdover, far off", saying(7), of(7, 9000), Differs, "do not fail over"},
		{"the twin runs free", saying(6), of(58, 0), Differs, "ARB"},
		{"another UTC", saying(6), with(of(6, 0), func(r *Report) { r.Announce.CurrentUTCOffset = 36 }), Differs, "TAI - UTC is 36 s, this grandmaster 37 s"},
		{"we serve nobody", quality.Announcement{}, of(6, 0), Better, "serves nobody"},
		{"silent", saying(6), with(of(6, 0), func(r *Report) { r.SilentNs = int64(90 * time.Second) }), NoAnswer, "silent for 1m30s: do not fail over"},
		{"never heard", saying(6), Report{SilentNs: int64(time.Minute)}, NoAnswer, "does not answer"},
		{"just asked", saying(6), Report{SilentNs: 1}, Measuring, "being asked"},
		{"denied", saying(6), Report{Heard: true, Denied: true}, NoAnswer, "denies"},
		{"another domain", saying(6), Report{WrongDomain: true, Domain: 44}, NoAnswer, "domain 44, this grandmaster in domain 0"},
		{"our identity", saying(6), with(of(6, 0), func(r *Report) { r.Identity.Clock = ours }), NoAnswer, "our own clock identity"},
		{"it is ourselves", saying(6), Report{SilentNs: int64(time.Minute), Ourselves: true}, NoAnswer, "twin.address is this grandmaster itself"},
		{"it follows us", saying(6), with(of(6, 0), func(r *Report) { r.Announce.Grandmaster = ours }), NoAnswer, "follows this grandmaster"},
		{"too few samples", saying(6), with(of(6, 0), func(r *Report) { r.Measured = false }), Measuring, "is on GNSS; its offset is being measured"},
	} {
		v := Judge(ours, 0, c.said, c.report, 3*time.Microsecond)
		if v.Answer != c.want || !strings.Contains(v.Text, c.text) {
			t.Errorf("%s: %s, %q; want %s, %q", c.name, v.Answer, v.Text, c.want, c.text)
		}
	}
}
