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
Output : QL-SEC, class 7
`
	text := NetworkClocks(s, 80)
	if _, table, _ := strings.Cut(text, "Nominated Interfaces\n"); cmp.Diff(want, table) != "" {
		t.Errorf("%s", cmp.Diff(want, table))
	}
	g, internal := &s.References.List[0], &s.References.List[1]
	g.Followed, g.Mark, g.State, g.QL, internal.Followed, internal.Mark, internal.State = true, "*", "followed", "QL-PRC", false, "", "good"
	s.References.Followed, s.References.QL = "gnss", "QL-PRC"
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

// A drain that ends serves nobody by itself, and none may have stood.
func TestTheEndOfADrainIsToldByWhatIsTrue(t *testing.T) {
	for want, s := range map[string]status.Clock{
		"Clients can get grants.\n":                                     {Serving: true},
		"Squelched: master.squelch lets nobody be served at class 52\n": {Squelched: true, ClockClass: 52},
		"Nobody is served now: show clock says why\n":                   {},
	} {
		if got := DrainEnded(true, status.Status{Clock: s}); got != "The drain has ended.\n"+want {
			t.Errorf("%q", got)
		}
		if got := DrainEnded(false, status.Status{Clock: s}); got != "No drain stood.\n"+want {
			t.Errorf("%q", got)
		}
	}
}

// No screen says that somebody is served while nobody is.
func TestAScreenOfAPortThatServesNobodySaysSo(t *testing.T) {
	s := status.Status{Clock: status.Clock{Draining: true}}
	for name, screen := range map[string]string{"port": PTPPort(s), "running": PTPClockRunning(s, 80), "interfaces": Interfaces(s)} {
		if strings.Contains(screen, "Serves at") || strings.Contains(strings.ToUpper(screen), "LISTENING") {
			t.Errorf("%s:\n%s", name, screen)
		}
	}
	if screen := PTPPort(s); !strings.Contains(screen, "Port state: PASSIVE") {
		t.Error(screen)
	}
	if screen := Interfaces(s); !strings.Contains(screen, "Serves nobody") || !strings.Contains(screen, "Draining: ") {
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
			s.Clock.Draining, s.Clock.Squelched = true, true
			both := PTPClockRunning(s, 80)
			if name == "show clients" {
				both = Clients(s, 80)
			}
			if !strings.Contains(both, "Draining: ") || !strings.Contains(both, "Squelched: ") {
				t.Errorf("%s, drained and squelched:\n%s", name, both)
			}
		}
	}
	if screen := PTPClockRunning(status.Status{}, 80) + Clients(status.Status{}, 80); strings.Contains(screen, "Draining") || strings.Contains(screen, "Squelched") {
		t.Error(screen)
	}
}

// Two receivers, one of them forced, one restored in a while: marks, differences, and what
// ends the order.
func TestReferencesTellHowTheyCompare(t *testing.T) {
	s := sample()
	s.References.Order, s.References.Followed, s.References.QL = "forced", "yard", "QL-PRC"
	s.References.List = []status.Reference{
		{Name: "roof", Kind: "gnss", Priority: 1, State: "restoring", RestoreS: value(120), QL: "QL-PRC", AheadNs: value(-31), MeanNs: value(-28.5), TDEVNs: status.Spread{S10: value(2.5)}, MTIENs: status.Spread{S100: value(44)}, Fix: "3d", Label: "labelled"},
		{Name: "yard", Kind: "gnss", Priority: 2, Followed: true, Selected: true, Mark: "#", State: "followed", QL: "QL-PRC", Fix: "3d", Label: "labelled"},
		{Name: "lab", Kind: "pps", Priority: 3, State: "odd", Why: "1.0us behind roof; the others agree", QL: "QL-DNU"},
		{Name: "internal", Kind: "internal", Priority: 251, State: "good", QL: "QL-SEC"},
	}
	for _, want := range []string{" roof ", "restoring in 2m0s", "-31 ns", "#yard", "lab: 1.0us behind roof; the others agree", "forced (bragi reference clear ends it)", "class 7 for"} {
		if text := References(s, 0); !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Contains(References(s, 0), "against the pulse of") {
		t.Error("the reference that is followed needs no words")
	}
	left := s
	left.References.Followed, left.References.ComparedTo = "internal", "yard"
	if text := References(left, 0); !strings.Contains(text, "AHEAD and MEAN are against the pulse of yard, which was followed last\n") {
		t.Error(text)
	}
	for _, want := range []string{"#yard", "T0 : yard", "Automatic selection process : Disable", "Hold-off (global) : 300 ms", "Wait-to-restore (global) : 300 sec", "Revertive : No", "QL-DNU"} {
		if text := NetworkClocks(s, 0); !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}
