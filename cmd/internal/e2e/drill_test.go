package e2e

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bragi/cmd/internal/status"
	"bragi/master/rehearsal"
)

// bragi drill holdover on the board of software: its report passes and is dated, and
// the client that is served meanwhile sees class 6 in each Announce and stays in phase.
func TestADrillThatNoClientSees(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("SKIPPED in short mode: needs a minute")
	}
	l := startLocal(t, localPorts(t))
	var s status.Status
	locked := func() bool {
		return l.client().Get(t.Context(), "/v1/status", &s) == nil && s.Clock.ClockClass == 6 && s.Clock.Serving && s.Holdover.Learned
	}
	eventually(t, 40*time.Second, "class 6, and learned", locked)
	bragi := func(args ...string) (string, error) {
		out, err := exec.Command(filepath.Join(binaries, "bragi"), append(args, "--socket", filepath.Join(l.dir, "control.sock"))...).CombinedOutput()
		return string(out), err
	}
	rehearse := exec.Command(filepath.Join(binaries, "bragi"), "rehearse", "--master", "127.0.0.1", "--source", "127.0.0.2/32", "--as", "rpd",
		"--event-port", fmt.Sprint(l.ports[0]), "--general-port", fmt.Sprint(l.ports[1]), "--for", "35s", "--json")
	answer := make(chan []byte, 1)
	go func() {
		out, _ := rehearse.Output() // its verdict is read below
		answer <- out
	}()
	eventually(t, 10*time.Second, "a client", func() bool { return locked() && s.Master.Clients == 1 })
	steps := len(s.Walk)

	out, err := bragi("drill", "holdover", "--for", "20s", "--wait", "--json")
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var report status.DrillReport
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if report.Ending != "complete" || report.JudgedS < 15 || report.Passed == nil || len(report.Curve) < 15 || time.Since(report.Begun).Abs() > time.Hour {
		t.Errorf("%+v", report.Drill)
	}
	if !locked() || len(s.Walk) != steps {
		t.Errorf("the served clock went another way: class %d, %+v", s.Clock.ClockClass, s.Walk)
	}
	if text, err := bragi("drill", "report"); err != nil || !strings.Contains(text, "HOLDOVER DRILL "+report.ID) {
		t.Errorf("%v: %s", err, text)
	} else {
		t.Log("\n" + text)
	}
	picture := filepath.Join(t.TempDir(), "drill.svg")
	if out, err := bragi("drill", "report", report.ID, "--svg", picture); err != nil {
		t.Errorf("%v: %s", err, out)
	}

	var client rehearsal.Report
	if err := json.Unmarshal(<-answer, &client); err != nil {
		t.Fatal(err)
	}
	// Its verdict is of rates too, which a busy machine does not hold.
	if client.TimeToLockS == nil || client.Master.Class != 6 || len(client.Steps) > 0 {
		t.Errorf("the client: locked after %v s, class %d, steps %v, %+v", client.TimeToLockS, client.Master.Class, client.Steps, client.Findings)
	}
}
