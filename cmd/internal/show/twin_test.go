package show

import (
	"strings"
	"testing"

	"bragi/cmd/internal/status"
)

func TestTheTwinsScreenSaysWhatAChangeWouldDo(t *testing.T) {
	var s status.Status
	if text := Twin(s); !strings.Contains(text, "fix: set twin.address") {
		t.Errorf("without a twin: %s", text)
	}
	s.Twin = &status.Twin{Address: "10.6.0.2", Answer: "no-answer", Text: "the twin does not answer: do not fail over", LimitNs: 3000, SilentS: 40}
	text := Twin(s)
	for _, want := range []string{"10.6.0.2, -", "A change to it  the twin does not answer: do not fail over", "Offset          - (twin less ours; limit +-3.00 us), of 0 samples", "Last heard      40s ago"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q:\n%s", want, text)
		}
	}
	if strings.Contains(text, "announces") {
		t.Errorf("a silent twin announces nothing:\n%s", text)
	}
	s.Twin.OffsetNs, s.Twin.PathDelayNs, s.Twin.Samples, s.Twin.Identity, s.Twin.Grandmaster = new(-312.0), new(2500.0), 16, "aa-1", "aa"
	s.Twin.ClockClass, s.Twin.Priority1, s.Twin.Priority2, s.Twin.PTPTimescale, s.Twin.UTCOffset = new(uint8(7)), new(uint8(128)), new(uint8(129)), new(true), new(int16(37))
	s.Twin.ClockAccuracy, s.Twin.TimeSource = "within 1 us", "GNSS"
	text = Twin(s)
	for _, want := range []string{"-312 ns (twin less ours", "Path delay      2.50 us", "class 7, accuracy within 1 us, time source GNSS, priorities 128 and 129", "grandmaster aa, timescale PTP (TAI), UTC offset 37 s"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q:\n%s", want, text)
		}
	}
}
