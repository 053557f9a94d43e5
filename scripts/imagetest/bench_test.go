package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
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
