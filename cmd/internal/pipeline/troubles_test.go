package pipeline

import (
	"strings"
	"testing"

	"bragi/cmd/internal/alarms"
	"bragi/gnss"
	"bragi/holdover"
)

// Every reason of the receiver but "learning" is an alarm, and every reason of
// the clock that wants a fix is one or is told by the receiver's own.
func TestEveryReasonHasItsAlarm(t *testing.T) {
	known := map[alarms.Code]bool{}
	for _, kind := range alarms.Table {
		known[kind.Code] = true
	}
	for r := gnss.Reason(0); !strings.HasPrefix(r.String(), "unknown"); r++ {
		if code, found := gnssAlarms[r]; r != gnss.ReasonLearning && (!found || !known[code]) {
			t.Errorf("%q of the receiver raises no alarm of the table", r)
		}
	}
	toldElsewhere := map[holdover.Reason]bool{
		holdover.ReasonNoTime: true, holdover.ReasonNoPulse: true, holdover.ReasonTimeFault: true, // by the receiver's reasons
		holdover.ReasonOutOfSpec: true, holdover.ReasonNotLearned: true, holdover.ReasonMaxHoldover: true, // by CLOCK_OUT_OF_SPEC
		// the receiver's own alarms tell these
		holdover.ReasonAntenna: true, holdover.ReasonSpoofing: true, holdover.ReasonJamming: true, holdover.ReasonMoved: true,
	}
	for r := holdover.Reason(0); r.String() != "unknown"; r++ {
		if code, found := servoAlarms[r]; r.Fix() != "" && !toldElsewhere[r] && (!found || !known[code]) {
			t.Errorf("%q of the clock raises no alarm of the table", r)
		}
	}
}
