package file

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// ErrLocked is what Lock wraps where another process has the lock.
var ErrLocked = errors.New("another process has it")

// Lock takes the lock that path stands for; it is free again when release is called,
// and when the process ends, however it ends. The file stays.
func Lock(path string) (release func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = ErrLocked
		}
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return func() { f.Close() }, nil
}
