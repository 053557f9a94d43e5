package console

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// screen is a session in tmux, which draws as a terminal does: what stands where, after
// all orders to it.
type screen struct {
	t      *testing.T
	socket string
}

func (s screen) tmux(args ...string) string {
	s.t.Helper()
	out, err := exec.Command("tmux", append([]string{"-S", s.socket, "-f", "/dev/null"}, args...)...).CombinedOutput()
	if err != nil {
		s.t.Fatalf("tmux %v: %v\n%s", args, err, out)
	}
	return string(out)
}

// open begins a session in a terminal of a size.
func open(t *testing.T, socket string, columns, rows int) screen {
	t.Helper()
	if _, err := exec.LookPath("tmux"); err != nil {
		t.Skip("SKIPPED: tmux is not installed (fix: make setup)")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s := screen{t, filepath.Join(t.TempDir(), "tmux")}
	s.tmux("new-session", "-d", "-x", fmt.Sprint(columns), "-y", fmt.Sprint(rows),
		"env BRAGI_TEST_PLAYS=bragi "+self+" console --socket "+socket+" --config "+filepath.Join(t.TempDir(), "none")+"; sleep 60")
	s.tmux("set-option", "-g", "status", "off")
	t.Cleanup(func() { exec.Command("tmux", "-S", s.socket, "kill-server").Run() }) //nolint:errcheck // it may have ended
	return s
}

// types sends keys as they are.
func (s screen) types(keys string) { s.t.Helper(); s.tmux("send-keys", "-l", keys) }

// enters sends a line.
func (s screen) enters(line string) { s.t.Helper(); s.types(line); s.tmux("send-keys", "Enter") }

// shows waits until all texts stand on the screen, and returns it.
func (s screen) shows(texts ...string) string {
	s.t.Helper()
	text := ""
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		text = s.tmux("capture-pane", "-p")
		all := true
		for _, want := range texts {
			all = all && strings.Contains(text, want)
		}
		if all {
			return text
		}
	}
	s.t.Fatalf("not all of %q on the screen:\n%s", texts, text)
	return ""
}

// At 80 and at 40 columns, in 24 rows, every screen is whole: no row is wrapped by the
// terminal, tables drop columns, a page has the height of the terminal, and a live view
// stands still.
func TestTheConsoleFitsSmallTerminals(t *testing.T) {
	_, socket, _ := answers(t, 300)
	for _, columns := range []int{80, 40} {
		t.Run(fmt.Sprintf("%d columns", columns), func(t *testing.T) {
			s := open(t, socket, columns, 24)
			s.shows("PHASE_ALIGNED", "ANTENNA_FAULT", "#")
			s.enters("show clients")
			page := s.shows("ADDRESS", "10.6.0.1 ", "--More--")
			if rows := strings.Split(strings.TrimRight(page, "\n"), "\n"); len(rows) != 24 || !strings.Contains(rows[0], "ADDRESS") && !strings.Contains(rows[0], "show clients") {
				t.Errorf("a page of %d rows:\n%s", len(rows), page)
			}
			s.types("q")
			s.enters("sh ptp cl run")
			s.shows("PTP Ordinary Clock [Domain 0]", "Sessions", "300")
			s.enters("show alarms")
			s.shows("MAJOR     ANTENNA_FAULT", "fix:", "the cable")
			s.enters("show clock watch")
			s.shows("State           PHASE_ALIGNED")
			if live := s.shows("Clock class     6"); strings.Contains(live, "show clock") {
				t.Errorf("the view is not alone on the screen:\n%s", live)
			}
			s.types("x")
			s.shows("#")
			// A line that is longer than the terminal is edited whole.
			line := "show clients filter this-is-a-text-that-no-client-has-and-that-is-longer-than-a-row"
			s.types(line + "XYZ")
			s.tmux("send-keys", "BSpace", "BSpace", "BSpace")
			edited := func(whole string) bool { return strings.Contains(whole, "#"+line) && !strings.Contains(whole, "XYZ") }
			whole := ""
			for end := time.Now().Add(patience); !edited(whole) && time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
				whole = strings.ReplaceAll(s.shows("a-row"), "\n", "")
			}
			if !edited(whole) {
				t.Errorf("the long line:\n%s", whole)
			}
			s.tmux("send-keys", "C-c")
			s.enters("show version")
			s.shows("bragid v1")
		})
	}
}

// A terminal that becomes narrower in a session, and in a live view, gets screens that
// fit; what was there is not wrapped.
func TestALiveViewFollowsTheTerminalsSize(t *testing.T) {
	_, socket, _ := answers(t, 3)
	s := open(t, socket, 80, 24)
	s.shows("#")
	s.enters("show clients watch")
	s.shows("DELAY_RESP")
	s.tmux("resize-window", "-x", "40", "-y", "12")
	narrow := s.shows("(no room for", "10.6.0.2")
	if strings.Contains(narrow, "DELAY_RESP  ") {
		t.Errorf("40 columns:\n%s", narrow)
	}
	s.types("q")
	s.shows("#")
}

// Ctrl-C at login's question ends login, not the console, and no changes are lost by it.
func TestCtrlCAtTheShellsPasswordComesBackToTheConsole(t *testing.T) {
	_, socket, _ := answers(t, 1)
	fake(t, "login", "echo Password:; exec sleep 60\n")
	shadow := filepath.Join(t.TempDir(), "shadow")
	if err := os.WriteFile(shadow, []byte("root:$6$x$y:1::\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("BRAGI_TEST_SHADOW", shadow)
	s := open(t, socket, 80, 24)
	s.shows("Type ? for help")
	for range 2 {
		s.enters("shell")
		s.shows("Password:")
		s.tmux("send-keys", "C-c")
		s.shows("the shell has ended")
		s.enters("show version")
		s.shows("bragid v1")
		s.tmux("clear-history")
		s.tmux("send-keys", "C-l")
	}
}
