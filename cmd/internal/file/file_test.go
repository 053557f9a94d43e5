package file

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Whatever stands at a path, reading it ends at once: with the content, or with
// an error that says what stands there.
func TestReadingNeverWaitsAndSaysWhatStandsThere(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.WriteFile(at("whole"), []byte("12345678"), 0o600))
	must(os.WriteFile(at("longer"), []byte("123456789"), 0o600))
	must(os.WriteFile(at("huge"), nil, 0o600))
	must(os.Truncate(at("huge"), 1<<30))
	must(unix.Mkfifo(at("fifo"), 0o600))
	must(os.Mkdir(at("folder"), 0o700))
	must(os.Symlink(at("fifo"), at("link")))
	socket, err := net.Listen("unix", at("socket"))
	must(err)
	defer socket.Close()
	for _, c := range []struct {
		path  string
		is    error
		words string
	}{
		{at("whole"), nil, ""},
		{at("longer"), ErrTooLarge, "9 bytes, more than 8"},
		{at("huge"), ErrTooLarge, "1073741824 bytes"},
		{at("fifo"), ErrNotRegular, "is a FIFO"},
		{at("link"), ErrNotRegular, "is a FIFO"},
		{at("folder"), ErrNotRegular, "is a folder"},
		{at("socket"), ErrNotRegular, "is a socket"},
		{"/dev/zero", ErrNotRegular, "is a device"},
		{"/proc/self/status", ErrTooLarge, "more than 8"}, // the kernel says that it has none
		{at("absent"), fs.ErrNotExist, "absent"},
		{at("whole") + "/below", unix.ENOTDIR, "not a directory"},
	} {
		done := reading(func() ([]byte, error) { return Read(c.path, 8) })
		select {
		case got := <-done:
			if !errors.Is(got.err, c.is) || got.err != nil && !strings.Contains(got.err.Error(), c.words) {
				t.Errorf("%s: %v, want %v with %q", c.path, got.err, c.is, c.words)
			}
			if c.is == nil && string(got.content) != "12345678" {
				t.Errorf("%s: %q", c.path, got.content)
			}
		case <-time.After(10 * time.Second):
			t.Errorf("%s: reading it waits", c.path)
		}
	}
}

type read struct {
	content []byte
	err     error
}

func reading(f func() ([]byte, error)) <-chan read {
	done := make(chan read, 1)
	go func() {
		content, err := f()
		done <- read{content, err}
	}()
	return done
}

// A file that cannot be written whole leaves the old one, and nothing beside it.
func TestAFileIsReplacedWholeOrNotAtAll(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	for _, text := range []string{"old", "new"} {
		if err := Replace(path, []byte(text), 0o640, OnDisk); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if got, readErr := os.ReadFile(path); err != nil || readErr != nil || string(got) != text || info.Mode() != 0o640 {
			t.Errorf("%q, %v, %v, %v", got, info.Mode(), err, readErr)
		}
	}
	folder := filepath.Join(dir, "folder")
	if err := os.MkdirAll(filepath.Join(folder, "full"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := Replace(folder, []byte("x"), 0o600, OnDisk); err == nil {
		t.Error("a folder was replaced")
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 2 {
		t.Errorf("%v is left", entries)
	}
}

// Some files of the kernel's are regular by name, and never end.
func TestAFileThatNeverEndsIsNotWaitedFor(t *testing.T) {
	const path = "/proc/kmsg"
	if f, err := os.Open(path); err != nil {
		t.Skipf("SKIPPED: %v", err)
	} else {
		f.Close()
	}
	done := make(chan error, 1)
	go func() {
		_, err := Read(path, 1<<30)
		done <- err
	}()
	select {
	case err := <-done:
		if !errors.Is(err, ErrNotRegular) {
			t.Error(err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("it waits")
	}
}
