package show

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"bragi/cmd/internal/status"
)

// The selected reference has the star; a reference that is not used never claims a
// quality, and nothing that bragi does not have is on.
func TestNetworkClocksTellsTheSelectedReference(t *testing.T) {
	s := sample()
	const want = ` Interface  SigType  Mode/QL  Prio  QL_IN      ESMC Tx  ESMC Rx
 GNSS       1PPS     NA/Dis   1     QL-FAILED  NA       NA
*Internal   NA       NA/Dis   251   QL-SEC     NA       NA
`
	text := NetworkClocks(s, 80)
	if _, table, _ := strings.Cut(text, "Nominated Interfaces\n"); cmp.Diff(want, table) != "" {
		t.Errorf("%s", cmp.Diff(want, table))
	}
	s.Clock.Reference = "gnss"
	if text := NetworkClocks(s, 80); !strings.Contains(text, "*GNSS") || !strings.Contains(text, "T0 : GNSS") || strings.Contains(text, "QL-FAILED") {
		t.Errorf("%s", text)
	}
}

// After `clear counters` the screens count from zero, and say since when; the Status
// itself counts on.
func TestClearedCountersAreThoseSinceThen(t *testing.T) {
	s := sample()
	s.Master.Counters = map[string]uint64{"accepted": 600, "address is not allowed": 3}
	s.Master.Cleared = &status.Cleared{At: s.Time.Add(-90 * time.Second), Sent: 1990, Received: 687, Counters: map[string]uint64{"accepted": 590}}
	text := PTPPort(s)
	for _, want := range []string{"Counters cleared: 1m30s ago", "Pkts sent: 5\n", "Pkts rcvd: 0\n", "accepted: 10\n", "address is not allowed: 3\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if text := PTPClockRunning(s, 0); !strings.Contains(text, "5              0 ") {
		t.Errorf("%s", text)
	}
	if text := Interfaces(s); !strings.Contains(text, "5 sent, 0 received") || s.Master.Sent != 1995 {
		t.Errorf("%s", text)
	}
}

func TestAForcedHoldoverIsNamed(t *testing.T) {
	away := 5.0
	s := sample()
	s.Holdover.ForS, s.Holdover.Forced = &away, true
	for name, screen := range map[string]string{"show ptp clock running": PTPClockRunning(s, 80), "show holdover": Holdover(s)} {
		if !strings.Contains(screen, "orced") || !strings.Contains(screen, "bragi holdover release ends it") {
			t.Errorf("%s:\n%s", name, screen)
		}
	}
	s.Holdover.Forced = false
	if screen := PTPClockRunning(s, 80) + Holdover(s); strings.Contains(screen, "orced") {
		t.Error(screen)
	}
}

func TestADrainAndASquelchAreNamedWhereClientsAreShown(t *testing.T) {
	for want, clock := range map[string]status.Clock{"Draining: ": {Draining: true}, "Squelched: ": {Squelched: true, ClockClass: 52}} {
		s := status.Status{Clock: clock}
		for name, screen := range map[string]string{"show ptp clock running": PTPClockRunning(s, 80), "show clients": Clients(s, 80)} {
			if !strings.Contains(screen, want) {
				t.Errorf("%s lacks %q:\n%s", name, want, screen)
			}
		}
	}
	if screen := PTPClockRunning(status.Status{}, 80) + Clients(status.Status{}, 80); strings.Contains(screen, "Draining") || strings.Contains(screen, "Squelched") {
		t.Error(screen)
	}
}
