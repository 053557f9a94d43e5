package show

import (
	"strings"
	"testing"

	"bragi/cmd/internal/status"
)

// The lines on a receiver's set-up: what it is, what failed by name, how far the
// survey is; nothing where there is nothing to tell.
func TestReceiverLinesTellOfTheSetUp(t *testing.T) {
	limit, minimum, so, good := 3.0, 1200.0, 620.0, 3.4
	for what, c := range map[string]struct {
		r    status.Receiver
		want []string
	}{
		"left alone": {status.Receiver{Setup: "left as it is"}, []string{"Set-up left as it is"}},
		"survey": {status.Receiver{Model: "NEO-M8T-0, TIM 1.10", Setup: "set up", Steps: []status.SetupStep{{Name: "NAV-PVT", Outcome: "set"}, {Name: "NAV-SVIN", Outcome: status.OutcomeAbsent}},
			Position: &status.ReceiverPosition{State: "survey-in", SurveyedS: &so, SurveyMinS: &minimum, AccuracyM: &good, LimitM: &limit}},
			[]string{"Model NEO-M8T-0, TIM 1.10", "Set-up set up, 2 settings right, no NAV-SVIN", "Survey survey-in, 10m20s of at least 20m0s, good to 3.4 m (wanted: 3.0 m)"}},
		"failed": {status.Receiver{Setup: "set up", Steps: []status.SetupStep{{Name: "stationary model", Outcome: "refused", Failed: true}, {Name: "time pulse", Outcome: "set"}}},
			[]string{"Set-up set up, 1 of 2 settings failed", "stationary model: refused"}},
		"nothing": {status.Receiver{}, nil},
	} {
		var b strings.Builder
		receiverLines(&b, c.r)
		var got []string
		for line := range strings.Lines(b.String()) {
			got = append(got, strings.TrimSpace(strings.ReplaceAll(strings.TrimSpace(line), "\t", " ")))
		}
		if strings.Join(got, "|") != strings.Join(c.want, "|") {
			t.Errorf("%s:\n%q, want\n%q", what, got, c.want)
		}
	}
}
