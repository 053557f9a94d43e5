package port

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// waiter waits for a port's bytes in Go's poller. A read by go.bug.st/serial
// waits in a system call of its own, and one that lasts keeps the runtime's
// monitor awake: some 60 times for each, more than all else that the port costs.
type waiter struct {
	file    *os.File
	conn    syscall.RawConn
	fds     [1]unix.PollFd
	isReady func(fd uintptr) bool
}

// newWaiter opens the device once more. It must come before the port is taken
// for exclusive use.
func newWaiter(device string) (*waiter, error) {
	file, err := os.OpenFile(device, os.O_RDONLY|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		var pe *os.PathError
		if errors.As(err, &pe) {
			err = pe.Err // who tells it names the device
		}
		return nil, err
	}
	w := &waiter{file: file}
	w.isReady = func(fd uintptr) bool {
		w.fds[0] = unix.PollFd{Fd: int32(fd), Events: unix.POLLIN}
		n, err := unix.Poll(w.fds[:], 0)
		return n > 0 || err != nil && !errors.Is(err, unix.EINTR)
	}
	if w.conn, err = file.SyscallConn(); err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("gnss/port: %w", err)
	}
	return w, nil
}

// readable waits until a read would not: there are bytes, or the port is gone.
// It is false after a time-out.
func (w *waiter) readable(timeout time.Duration) (bool, error) {
	if err := w.file.SetReadDeadline(time.Now().Add(timeout)); err != nil {
		return false, err
	}
	err := w.conn.Read(w.isReady)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return false, nil
	}
	return err == nil, err
}

func (w *waiter) close() { _ = w.file.Close() }
