package light

import (
	"testing"

	"bragi/cmd/internal/status"
)

func TestTheLightShowsStateAndAlarms(t *testing.T) {
	for _, c := range []struct {
		name    string
		state   string // Cisco's word
		serving bool
		alarms  []string // severities
		want    Pattern
	}{
		{"locked", "PHASE_ALIGNED", true, nil, Steady},
		{"locked, with something small", "PHASE_ALIGNED", true, []string{"minor", "warning"}, Steady},
		{"locked, with an alarm", "PHASE_ALIGNED", true, []string{"major"}, Fast},
		{"locked, drained", "PHASE_ALIGNED", false, []string{"warning"}, Slow},
		{"holdover in spec, and its cause", "HOLDOVER", true, []string{"major", "major"}, Slow},
		{"holdover, spoofed", "HOLDOVER", true, []string{"critical", "major"}, Fast},
		{"holdover out of spec", "FREERUN", true, []string{"critical", "major"}, Fast},
		{"never locked, no antenna", "FREERUN", false, []string{"major"}, Fast},
		{"just started", "FREERUN", false, nil, Slow},
		{"acquiring", "ACQUIRING", true, nil, Slow},
		{"locking", "FREQ_LOCKED", true, []string{"warning"}, Slow},
	} {
		s := status.Status{Clock: status.Clock{State: c.state, Serving: c.serving}}
		for _, severity := range c.alarms {
			s.Alarms = append(s.Alarms, status.Alarm{Severity: severity})
		}
		if got := Of(s); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestThePatternsInTime(t *testing.T) {
	for pattern, want := range map[Pattern]string{Off: "........", Steady: "********", Slow: "****....", Fast: "*.*.*.*."} {
		got := ""
		for tick := range uint64(8) {
			if pattern.Lit(tick) {
				got += "*"
			} else {
				got += "."
			}
		}
		if got != want {
			t.Errorf("%v: %s, want %s", pattern, got, want)
		}
	}
}
