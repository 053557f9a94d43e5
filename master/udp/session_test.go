package udp

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// A process that leads its session raises the session's group; one in another's
// session, such as a program started from a shell, leaves it alone.
func TestFavour(t *testing.T) {
	const asked = "BRAGI_TEST_FAVOUR"
	if os.Getenv(asked) != "" {
		favour(-7)
		text, err := os.ReadFile("/proc/self/autogroup")
		if err != nil {
			t.Fatal(err)
		}
		os.Stdout.Write(text) //nolint:errcheck // the parent misses it
		return
	}
	if _, err := os.Stat("/proc/self/autogroup"); err != nil || os.Geteuid() != 0 {
		t.Skip("SKIPPED: needs root and a kernel that schedules sessions as groups")
	}
	for _, c := range []struct {
		leads bool
		want  bool
	}{{true, true}, {false, false}} {
		child := exec.Command(os.Args[0], "-test.run=^TestFavour$")
		child.Env = append(os.Environ(), asked+"=1")
		child.SysProcAttr = &syscall.SysProcAttr{Setsid: c.leads}
		out, err := child.Output()
		if errors.Is(err, syscall.ENOEXEC) {
			t.Skip("SKIPPED: this program cannot start itself here (qemu-user)")
		}
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		if got := strings.Contains(string(out), "nice -7\n"); got != c.want {
			t.Errorf("leads its session: %v; its group is %q", c.leads, out)
		}
	}
}
