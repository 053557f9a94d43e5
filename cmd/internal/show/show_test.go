package show

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"bragi/cmd/internal/status"
)

func value(v float64) *float64 { return &v }

func sample() status.Status {
	at := time.Date(2026, 11, 22, 20, 30, 0, 0, time.UTC)
	sats, cn0, stepped := 10, 44, int64(-5_000_000)
	return status.Status{
		Version: "v1", Time: at, UptimeS: 75, Profile: "sim",
		Clock: status.Clock{State: "HOLDOVER", StateName: "holdover in spec", StateSince: at.Add(-90 * time.Second), Serving: true, ClockClass: 7,
			ClockAccuracy: "0x26", Variance: "0x4e35", PTPTimescale: true, TimeTraceable: true, FrequencyTraceable: true, TimeSource: "0xa0",
			UTCOffset: 37, UTCOffsetValid: true, TimeErrorNs: value(-35.4), BoundNs: value(1420), ForecastS: value(55), FreqPPB: 34.2237,
			MeanFreqPPB: value(-33.055), Reference: "internal", Why: []string{"error bound inside the spec", "no time from the receiver"},
			Time: "2026-11-22T20:30:37.000000000 TAI", Pulses: 1800, PulsesRejected: 2, Steps: 1, LastStepNs: &stepped},
		GNSS: status.GNSS{Device: "/dev/ttyS4", Connected: true, Fix: "none", UTC: "2026-11-22T20:28:30.000Z", AgeS: value(90), SatsUsed: &sats,
			Label: "labelled", Satellites: []status.Sat{{Constellation: "GPS", ID: 2, CN0: &cn0}}, Frames: 12},
		References: status.References{Followed: "internal", Order: "automatic", QL: "QL-SEC", QLClass: 104, HoldOffS: 0.3, WaitToRestoreS: 300, LimitNs: 500, List: []status.Reference{
			{Name: "gnss", Kind: "gnss", Priority: 1, State: "failed", Why: "no fix", QL: "QL-FAILED", QLClass: 110, Fix: "none", Label: "labelled"},
			{Name: "internal", Kind: "internal", Priority: 251, Followed: true, Selected: true, Mark: "*", State: "followed", QL: "QL-SEC", QLClass: 104}}},
		Master: status.Master{Interface: "eth0", Address: "15.88.15.88", Sent: 1995, Received: 687, Clients: 2},
		Clients: []status.Client{{Address: "10.6.17.9", Identity: "020a18.fffe.ccf2e2-1", Kind: "RPD", DelayReq: 118272, SinceS: 3600,
			Grants: status.Grants{Sync: &status.Grant{Interval: -5, ExpiresS: 188.4}, Announce: &status.Grant{Interval: -3, ExpiresS: 188.4}}}},
		Denied: []status.Denied{{Address: "203.0.113.9", Reason: "address is not allowed", Count: 4, AgoS: 2}},
		Alarms: []status.Alarm{{Code: "CLOCK_HOLDOVER", Severity: "major", Text: "holdover", Detail: "no fix", Fix: "fix the antenna", Since: at.Add(-90 * time.Second)}},
		Walk:   []status.Step{{At: at, State: "HOLDOVER", StateName: "holdover in spec", ClockClass: 7, Serving: true, Why: []string{"no pulse"}}},
	}
}

// The screen has the words and columns of an ASR900's.
func TestPTPClockRunningIsAnASR900s(t *testing.T) {
	const want = `                      PTP Ordinary Clock [Domain 0]
         State          Ports          Pkts sent      Pkts rcvd      Redundancy Mode
         HOLDOVER       1              1995           687            Hot standby
                               PORT SUMMARY
                                                                        PTP Master
Name       Tx Mode      Role         Transport    State         Sessions     Port Addr
MASTER     unicast      master       eth0         Master        2            15.88.15.88
`
	if d := cmp.Diff(want, PTPClockRunning(sample(), 0)); d != "" {
		t.Error(d)
	}
}

func TestTheClockScreenSaysStateAndWhy(t *testing.T) {
	const want = `State           HOLDOVER (holdover in spec) for 1m30s
Clock class     7 (holdover within spec)
Accuracy        0x26 (within 25 us)
Variance        0x4e35
Timescale       PTP (TAI)
Traceable       time yes, frequency yes
Time source     0xa0
UTC offset      37 s (valid)
Clock reads     2026-11-22T20:30:37.000000000 TAI
Time error      -35 ns (estimate), inside +-1.42 us
Frequency       +34.224 ppb applied, -33.055 ppb held in holdover
Holdover lasts  55s from now
Reference       internal
Pulses          1800 used, 2 refused
Steps           1, the last by -5.00 ms
Why             error bound inside the spec
                no time from the receiver
Alarms          CLOCK_HOLDOVER
`
	if d := cmp.Diff(want, Clock(sample())); d != "" {
		t.Error(d)
	}
}

// What is not known is drawn as "-", never as zero; what is not served has no
// class.
func TestUnknownIsADash(t *testing.T) {
	s := status.Status{Time: time.Unix(0, 0)}
	for name, text := range map[string]string{"clock": Clock(s), "gnss": GNSS(s, 0), "hardware": Hardware(s)} {
		if strings.Contains(text, "0 ns (est") || strings.Contains(text, "%!") {
			t.Errorf("%s draws an unknown number:\n%s", name, text)
		}
	}
	if text := Clock(s); !strings.Contains(text, "nothing is served") || !strings.Contains(text, "no known bound") {
		t.Errorf("clock:\n%s", text)
	}
}

func TestScreensTellWhatMatters(t *testing.T) {
	s := sample()
	for _, c := range []struct{ screen, want string }{
		{GNSS(s, 0), "none, not trusted"}, {GNSS(s, 0), "GPS       2  44 ######"},
		{Clients(s, 0), "10.6.17.9  020a18.fffe.ccf2e2-1  RPD   -5 (188s left)  -3 (188s left)  -           118272"},
		{Clients(s, 0), "Refused: 203.0.113.9, address is not allowed (4 times, last 2.0s ago)"},
		{Alarms(s), "MAJOR     CLOCK_HOLDOVER: holdover (no fix)"}, {Alarms(s), "fix: fix the antenna"},
		{View(&s, "", Peer{Class: 7, State: "PHASE_ALIGNED", OffsetNs: value(2100)}, nil), "class       7 (holdover within spec), accuracy within 25 us"},
		{View(&s, "", Peer{Class: 7}, nil), "20:30:00Z  class  7  HOLDOVER (holdover in spec)    no pulse"},
		{View(nil, "no daemon answers", Peer{Class: -1}, []string{"Ctrl-C ends it."}), "no daemon answers"},
		{View(nil, "", Peer{Class: -1}, nil), "sees class  none yet"},
		{View(nil, "", Peer{As: "cbr8", State: "ACQUIRING", Master: "15.88.15.88"}, nil), "TOMASTER  unicast  slave  Lo1588     Uncalibrated  1         15.88.15.88\n"},
		{View(nil, "", Peer{As: "cbr8", State: "PHASE_ALIGNED", Sent: 687, Received: 1995}, nil), "PHASE_ALIGNED  1        687        1995       Hot standby\n"},
		{View(nil, "", Peer{As: "rpd", State: "PHASE_ALIGNED"}, nil), "apr state : PHASE_LOCK\n"},
		{View(nil, "", Peer{As: "rpd", State: "ACQUIRING", LockLeft: "34m50s"}, nil), "to lock     34m50s more may pass"},
	} {
		if !strings.Contains(c.screen, c.want) {
			t.Errorf("no %q in:\n%s", c.want, c.screen)
		}
	}
}

// FREERUN is Cisco's word for two states: every screen that has it says which one it
// is.
func TestEveryScreenTellsAFreeRunFromAHoldoverOutOfSpec(t *testing.T) {
	for class, own := range map[uint8]string{52: "holdover out of spec", 58: "free run"} {
		s := sample()
		s.Clock.State, s.Clock.StateName, s.Clock.ClockClass = "FREERUN", own, class
		s.Walk = []status.Step{{State: "FREERUN", StateName: own, ClockClass: class, Serving: true}}
		for name, text := range map[string]string{
			"clock": Clock(s), "walk": Walk(s), "banner": Banner(&s, "host"), "view": View(&s, "", Peer{Class: -1}, nil),
			"running": PTPClockRunning(s, 0), "running, narrow": PTPClockRunning(s, 40),
		} {
			if !strings.Contains(text, own) {
				t.Errorf("%s of class %d does not say %q:\n%s", name, class, own, text)
			}
		}
	}
}

// An estimate is told with its own uncertainty, and never as a fact.
func TestTheTimeErrorIsToldWithItsUncertainty(t *testing.T) {
	s := sample()
	zero, sigma := -0.3, 650.0
	s.Clock.TimeErrorNs, s.Clock.TimeErrorSigmaNs = &zero, &sigma
	s.Holdover.ErrorNs, s.Holdover.SigmaNs = &zero, &sigma
	for name, text := range map[string]string{"clock": Clock(s), "holdover": Holdover(s), "view": View(&s, "", Peer{Class: -1}, nil)} {
		if !strings.Contains(text, "+0 ns (estimate, sigma 650 ns)") {
			t.Errorf("%s:\n%s", name, text)
		}
	}
}

func TestNsHasAFittingUnit(t *testing.T) {
	for v, want := range map[float64]string{0: "+0 ns", -999: "-999 ns", 1500: "+1.50 us", -2.5e6: "-2.50 ms", 3e9: "+3.00 s"} {
		if got := Ns(&v); got != want {
			t.Errorf("Ns(%g) = %q, want %q", v, got, want)
		}
	}
	if got := Ns(nil); got != "-" {
		t.Errorf("Ns(nil) = %q", got)
	}
}

// However narrow the terminal is, an alarm of the past says when it was over.
func TestTheHistoryOfAlarmsTellsWhenTheyWereOver(t *testing.T) {
	over := time.Date(2026, 11, 27, 5, 33, 19, 0, time.UTC)
	past := []status.PastAlarm{{Alarm: status.Alarm{Code: "GNSS_LEAP_SECONDS_UNPROVEN", Severity: "warning", Detail: "a cold start", Since: over.Add(-time.Hour)}, Cleared: &over}}
	local := func(at time.Time) string { return at.Format("2006-01-02 15:04:05 MST") }
	for _, width := range []int{0, 120, 80, 60, 40} {
		text := Fit(AlarmHistory(past, local, width), width)
		for _, want := range []string{"2026-11-27 04:33:19 UTC", "2026-11-27 05:33:19 UTC", "GNSS_LEAP_SECONDS_UNPROVEN"} {
			if !strings.Contains(text, want) {
				t.Errorf("%d columns lack %q:\n%s", width, want, text)
			}
		}
	}
}
