package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestAFileOfTheDataPartitionIsWrittenAndReadAndNoDeviceIsLeft(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("SKIPPED: it needs root for a loop device")
	}
	for _, tool := range []string{"losetup", "mkfs.ext4", "e2fsck", "debugfs"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("SKIPPED: %s is not installed (fix: scripts/setup image, as root)", tool)
		}
	}
	dir := t.TempDir()
	b := &bench{dir: dir, machine: &machine{disk: filepath.Join(dir, "medium.img")}}
	if err := os.WriteFile(b.disk, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(b.disk, dataOffset+(16<<20)); err != nil {
		t.Fatal(err)
	}
	if _, err := sh("mkfs.ext4", "-q", "-E", fmt.Sprintf("offset=%d", dataOffset), b.disk, "16M"); err != nil {
		t.Fatal(err)
	}
	from := filepath.Join(dir, "from")
	if err := os.WriteFile(from, []byte("a key\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := b.write(from, "/lost+found", "file"); err != nil {
		t.Fatal(err)
	}
	if text, err := b.read("/lost+found/file"); err != nil || text != "a key\n" {
		t.Errorf("the file holds %q, %v", text, err)
	}
	if text, err := b.read("/nothing"); err == nil {
		t.Errorf("a file that is not there holds %q", text)
	}
	if err := b.onData(func(string) error { return os.ErrInvalid }); !errors.Is(err, os.ErrInvalid) {
		t.Errorf("an error on the partition became %v", err)
	}
	if left, err := exec.Command("losetup", "--all").Output(); err == nil && strings.Contains(string(left), dir) {
		t.Errorf("a device is left: %s", left)
	}
}

func TestTheMachineGoesBeforeWhatRunsInOtherSessions(t *testing.T) {
	if _, err := os.Stat("/proc/self/autogroup"); err != nil || os.Geteuid() != 0 {
		t.Skip("SKIPPED: it needs root, and a kernel that schedules sessions as groups")
	}
	c := exec.Command("sleep", "100")
	if err := startFirst(c); err != nil {
		t.Fatal(err)
	}
	defer c.Wait()         //nolint:errcheck // it is killed
	defer c.Process.Kill() //nolint:errcheck // it runs
	own, err := os.ReadFile("/proc/self/autogroup")
	if err != nil {
		t.Fatal(err)
	}
	its, err := os.ReadFile(fmt.Sprintf("/proc/%d/autogroup", c.Process.Pid))
	if err != nil || !strings.HasSuffix(string(its), "nice -10\n") || string(its) == string(own) {
		t.Errorf("the machine is scheduled as %q, %v, and the test as %q", its, err, own)
	}
	if nice, err := syscall.Getpriority(syscall.PRIO_PROCESS, c.Process.Pid); err != nil || 20-nice != -10 {
		t.Errorf("in its session it has the priority %d, %v", 20-nice, err)
	}
}
