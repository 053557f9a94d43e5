// Package file reads and writes files that somebody may have made wrong or may
// have replaced while nobody looked: reading never waits and has a limit, writing
// leaves the old file or the new one.
package file

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Why a file is not read; errors.Is finds them.
var (
	ErrNotRegular = errors.New("not a regular file")
	ErrTooLarge   = errors.New("too large")
)

// patience is how long a file of the kernel's may keep a reader that waits for more.
const patience = time.Second

// Read is the content of a regular file of at most limit bytes. It never waits:
// a FIFO without a writer, a terminal or a folder is ErrNotRegular, a longer file
// is ErrTooLarge. Other errors are the system's, with the path.
func Read(path string, limit int64) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	if errors.Is(err, unix.ENXIO) {
		return nil, fmt.Errorf("%s is a socket or a device without its driver: %w", path, ErrNotRegular)
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is %s: %w", path, kind(info.Mode()), ErrNotRegular)
	case info.Size() > limit:
		return nil, fmt.Errorf("%s has %d bytes, more than %d: %w", path, info.Size(), limit, ErrTooLarge)
	}
	f.SetReadDeadline(time.Now().Add(patience)) //nolint:errcheck // what can have none never waits
	content, err := io.ReadAll(io.LimitReader(f, limit+1))
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded): // one of the kernel's that goes on and on
		return nil, fmt.Errorf("%s does not end: %w", path, ErrNotRegular)
	case err != nil:
		return nil, err
	case int64(len(content)) > limit: // it grows, or it is one of the kernel's that tells no size
		return nil, fmt.Errorf("%s has more than %d bytes: %w", path, limit, ErrTooLarge)
	}
	return content, nil
}

func kind(m fs.FileMode) string {
	switch {
	case m.IsDir():
		return "a folder"
	case m&fs.ModeNamedPipe != 0:
		return "a FIFO"
	case m&fs.ModeSocket != 0:
		return "a socket"
	}
	return "a device"
}

// Until is how far a file has come when Replace returns.
type Until bool

// Replace returns when the kernel has the file, or when the disk has it.
const (
	InMemory Until = false
	OnDisk   Until = true
)

// Replace puts content at path at once: whoever reads it finds the old file or
// the new one, after a loss of power too when it was written OnDisk. The owner of
// the old file keeps it. A file that cannot be written whole leaves the old one.
func Replace(path string, content []byte, mode fs.FileMode, until Until) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	if err = f.Chmod(mode); err != nil {
		return err
	}
	if old, err := os.Stat(path); err == nil {
		if owner, ok := old.Sys().(*syscall.Stat_t); ok {
			f.Chown(int(owner.Uid), int(owner.Gid)) //nolint:errcheck // only root may, and only root must
		}
	}
	if _, err = f.Write(content); err != nil {
		return err
	}
	if until == OnDisk {
		if err = f.Sync(); err != nil {
			return err
		}
	}
	if err = f.Close(); err != nil {
		return err
	}
	if err = os.Rename(f.Name(), path); err != nil {
		return err
	}
	if until == OnDisk {
		return SyncFolder(filepath.Dir(path))
	}
	return nil
}

// SyncFolder makes what was renamed or removed in a folder last.
func SyncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
