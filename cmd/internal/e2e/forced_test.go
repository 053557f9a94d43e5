package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"bragi/cmd/internal/status"
)

// bragi runs the operator's program at the daemon of l, as uid; 0 is the test's user.
func (l *local) bragi(t *testing.T, uid int, args ...string) (string, error) {
	t.Helper()
	c := exec.Command(filepath.Join(binaries, "bragi"), args...)
	c.Env = append(os.Environ(), "BRAGI_SOCKET="+filepath.Join(l.dir, "control.sock"))
	if uid != 0 {
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}}
	}
	out, err := c.CombinedOutput()
	return string(out), err
}

// An operator forces holdover while pulses are good. All faces say so, a reload and a
// restart of the daemon do not end it, and its release is the way back of any holdover.
func TestAForcedHoldoverIsSeenEverywhereAndStaysUntilItsRelease(t *testing.T) {
	t.Parallel()
	c := startConfigured(t)
	now := func() (s status.Status) {
		if err := c.client().Get(t.Context(), "/v1/status", &s); err != nil {
			t.Fatal(err)
		}
		return s
	}
	says := func(words ...string) string {
		t.Helper()
		out, err := c.bragi(t, 0, words...)
		if err != nil {
			t.Fatalf("bragi %v: %v\n%s", words, err, out)
		}
		return out
	}
	if out, err := c.bragi(t, 0, "holdover", "release"); err == nil || !strings.Contains(out, "holdover is not forced") || strings.Count(out, "\n") != 1 {
		t.Errorf("a release of nothing: %v, %s", err, out)
	}
	eventually(t, 60*time.Second, "class 6, learned", func() bool { s := now(); return s.Clock.ClockClass == 6 && s.Holdover.Learned })
	if out := says("holdover", "force"); !strings.Contains(out, "Holdover is forced") || !strings.Contains(out, "bragi holdover release ends it") {
		t.Errorf("force says %s", out)
	}
	forced := func(when string) {
		t.Helper()
		s := now()
		if s.Clock.State != "HOLDOVER" || s.Clock.ClockClass != 7 || !s.Holdover.Forced {
			t.Errorf("%s: %s, class %d, forced %t: %v", when, s.Clock.State, s.Clock.ClockClass, s.Holdover.Forced, s.Clock.Why)
		}
		if a := alarm(s, "HOLDOVER_FORCED"); a == nil || a.Severity != "warning" || alarm(s, "CLOCK_HOLDOVER") != nil {
			t.Errorf("%s: alarms %+v", when, s.Alarms)
		}
	}
	forced("at once")
	for _, screen := range [][]string{{"show", "clock"}, {"show", "holdover"}, {"show", "alarms"}, {"show", "ptp", "clock", "running"}} {
		if out := says(screen...); !strings.Contains(strings.ToLower(out), "forced") {
			t.Errorf("%v does not tell:\n%s", screen, out)
		}
	}
	log := says("show", "log")
	for _, want := range []string{"CHANGE: root (uid 0) asks for: holdover force", "HOLDOVER_FORCED: the operator forces holdover"} {
		if os.Geteuid() == 0 && !strings.Contains(log, want) {
			t.Errorf("the log lacks %q:\n%s", want, log)
		}
	}
	used := now().Clock.Pulses
	says("reload")
	time.Sleep(3 * time.Second)
	forced("after a reload")
	c.again(t)
	time.Sleep(3 * time.Second)
	forced("after a restart")
	if log := says("show", "log"); !strings.Contains(log, "HOLDOVER_FORCED: holdover is still forced") {
		t.Errorf("the log of the next process does not tell:\n%s", log)
	}
	if got := now().Clock.Pulses; got > used+1 {
		t.Errorf("%d pulses used meanwhile", got-used)
	}
	says("holdover", "release")
	if now().Holdover.Forced {
		t.Error("it is forced after its release")
	}
	eventually(t, 60*time.Second, "class 6 again", func() bool { s := now(); return s.Clock.ClockClass == 6 && alarm(s, "HOLDOVER_FORCED") == nil })
}
