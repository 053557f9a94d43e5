package state

import (
	"errors"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"bragi/cmd/internal/file"
)

// A FIFO in the place of a state file is refused, and nobody waits for it.
func TestAFIFOIsNoState(t *testing.T) {
	path := filepath.Join(t.TempDir(), "clock.state")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadFile(path, kind); !errors.Is(err, file.ErrNotRegular) {
		t.Errorf("%v", err)
	}
	if err := WriteFile(path, kind, []byte("new")); err != nil {
		t.Fatal(err)
	}
	if content, err := ReadFile(path, kind); err != nil || string(content) != "new" {
		t.Errorf("%q, %v", content, err)
	}
}
