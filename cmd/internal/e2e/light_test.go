package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The board's LED is steady when the clock is locked, changes when the antenna is cut,
// and is off when bragid has ended.
func TestTheLightShowsTheState(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("SKIPPED in short mode: needs half a minute")
	}
	led := t.TempDir()
	for name, text := range map[string]string{"brightness": "1\n", "max_brightness": "3\n", "trigger": "[heartbeat] none\n"} {
		if err := os.WriteFile(filepath.Join(led, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	shows := func() string {
		text, err := os.ReadFile(filepath.Join(led, "brightness"))
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(text))
	}
	// over looks for as long as a slow pattern takes, and tells what was seen.
	over := func() (on, off int) {
		for end := time.Now().Add(2500 * time.Millisecond); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
			switch shows() {
			case "3":
				on++
			case "0":
				off++
			}
		}
		return on, off
	}
	l := startLocal(t, localPorts(t), "board.led="+led, "holdover.learning=0s")
	eventually(t, 60*time.Second, "a steady light", func() bool { on, off := over(); return on > 0 && off == 0 })
	if err := l.client().Post(t.Context(), "/v1/sim/antenna", map[string]bool{"ok": false}, &struct{}{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, 60*time.Second, "a light that changes", func() bool { on, off := over(); return on > 0 && off > 0 })
	if note, err := os.ReadFile(filepath.Join(l.dir, "led")); err != nil || strings.TrimSpace(string(note)) != led {
		t.Errorf("the note for who puts it out: %q, %v", note, err)
	}
	if err := l.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if said, err := l.wait(t); err != nil {
		t.Errorf("SIGTERM: %v: %s", err, said)
	}
	if got := shows(); got != "0" {
		t.Errorf("the light shows %s when bragid has ended", got)
	}
}
