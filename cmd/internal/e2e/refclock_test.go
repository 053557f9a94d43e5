package e2e

import (
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Debian's chronyd locks to bragid: it selects the reference clock once bragid is at
// class 6, and agrees with it within a millisecond. chronyd does not touch the system
// clock here (-x).
func TestChronyLocksToBragid(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("chronyd"); err != nil {
		t.Skip("SKIPPED: chronyd is not installed (fix: make setup as root)")
	}
	if testing.Short() || os.Geteuid() != 0 {
		t.Skip("SKIPPED: it needs root and half a minute")
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	reference, command := filepath.Join(dir, "ref.sock"), filepath.Join(dir, "chronyd.sock")
	conf := filepath.Join(dir, "chrony.conf")
	text := fmt.Sprintf("refclock SOCK %s refid GNSS poll 0 delay 0.0002\nport 0\ncmdport 0\nbindcmdaddress %s\npidfile %s/pid\ndriftfile %s/drift\n", reference, command, dir, dir)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	chronyd := exec.Command("chronyd", "-x", "-d", "-u", "root", "-f", conf)
	chronyd.Stdout, chronyd.Stderr = &said, &said
	chronyd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := startOnOneThread(chronyd); err != nil {
		t.Fatal(err)
	}
	defer func() { chronyd.Process.Signal(syscall.SIGTERM); chronyd.Wait() }() //nolint:errcheck // it ends with the test
	l := startLocal(t, localPorts(t), fmt.Sprintf("ntp.refclock=%q", reference))
	source := func() []string {
		out, err := exec.Command("chronyc", "-h", command, "-c", "sources").Output()
		if fields := strings.Split(strings.TrimSpace(string(out)), ","); err == nil && len(fields) >= 10 {
			return fields
		}
		return nil
	}
	eventually(t, 60*time.Second, "chrony follows bragid", func() bool { s := source(); return s != nil && s[1] == "*" && s[2] == "GNSS" })
	offset, err := strconv.ParseFloat(source()[8], 64)
	if err != nil || math.Abs(offset) > 0.001 {
		t.Errorf("chrony says %v s, %v", offset, err)
	}
	t.Logf("chronyc sources: %s", strings.Join(source(), ","))
	if err := l.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if said, err := l.wait(t); err != nil {
		t.Errorf("SIGTERM: %v: %s", err, said)
	}
}
