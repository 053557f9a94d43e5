package show

import (
	"strings"
	"testing"

	"bragi/cmd/internal/status"
)

func some[T any](v T) *T { return &v }

// A multi-band receiver with forty satellites fits a screen of 40 lines and 160
// columns, and says what an operator asks first.
func TestTheGNSSScreenFits40Lines(t *testing.T) {
	s := sample()
	s.GNSS.Fix, s.GNSS.Trusted, s.GNSS.TAccNs, s.GNSS.Protocol = "time", true, some(int64(21)), "ubx"
	s.GNSS.LeapS, s.GNSS.LeapSource, s.GNSS.LeapEvent = some(18), "receiver", "+1 s before 2027-01-01T00:00:00.000Z"
	s.GNSS.Antenna, s.GNSS.Jamming, s.GNSS.Spoofing = some("ok"), some("warning"), some("none")
	s.GNSS.Survey = &status.Survey{Active: true, DurationS: 600, Observations: 598, AccuracyM: value(3.25)}
	s.GNSS.Sawtooth, s.GNSS.QErrPs, s.GNSS.NextPulse, s.GNSS.Model = "applied", some(int64(-4331)), true, "LEA-M8T-0, TIM 1.10, protocol 22.00"
	s.GNSS.Evidence, s.GNSS.Latitude, s.GNSS.Longitude, s.GNSS.PositionAge = "a leap count that is vouched for", value(60.39), value(5.32), value(75)
	s.GNSS.Satellites = nil
	for i := range 40 {
		s.GNSS.Satellites = append(s.GNSS.Satellites, status.Sat{Constellation: []string{"GPS", "Galileo", "BeiDou", "GLONASS"}[i%4], ID: i + 1, CN0: some(20 + i%32), Used: i%3 == 0})
	}
	screen := GNSS(s, 160)
	lines := strings.Split(strings.TrimSpace(screen), "\n")
	for _, l := range lines {
		if len(l) > 160 {
			t.Errorf("a line of %d columns: %s", len(l), l)
		}
	}
	if len(lines) > 40 {
		t.Errorf("%d lines", len(lines))
	}
	for _, want := range []string{"time, trusted, time accuracy 21 ns", "by UBX", "18 s, the receiver vouches for it; announced: +1 s before 2027-01-01",
		"ok, jamming warning, spoofing none", "under way: 600 s, 598 observations, mean within 3.25 m", "applied, next pulse -4.3 ns",
		"as the receiver says beforehand", "Evidence        a leap count that is vouched for", "1m15s ago", "LEA-M8T-0", "Galileo"} {
		if !strings.Contains(screen, want) {
			t.Errorf("no %q in\n%s", want, screen)
		}
	}
	if strings.Count(screen, "#") == 0 || strings.Count(screen, "*") != 14 {
		t.Errorf("bars or marks are missing:\n%s", screen)
	}
	t.Log("\n" + screen)
}
