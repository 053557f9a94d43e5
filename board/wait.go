package board

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// errCalled ends a wait that was called off.
var errCalled = errors.New("called off")

// waiter waits for a device to become readable, and can be called off. The
// devices here cannot go to Go's poller: read on them blocks whatever O_NONBLOCK
// says.
type waiter struct {
	wake int // eventfd

	mu     sync.Mutex // a late call must not write to a closed eventfd
	closed bool
}

func newWaiter() (*waiter, error) {
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("board: %w", os.NewSyscallError("eventfd", err))
	}
	return &waiter{wake: fd}, nil
}

// call ends the wait that is on, or the next one, with errCalled.
func (w *waiter) call() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.closed {
		// An eventfd takes 8 bytes; it is full only when it is readable anyway.
		_, _ = unix.Write(w.wake, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	}
}

// lookAgain is how long one poll lasts. A PHC that is unplugged wakes its readers
// before it is gone, so that a poll goes back to sleep for ever; the next poll
// sees it (ptp_clock_unregister, posix_clock_poll).
const lookAgain = 1000 // ms

// readable waits until fd can be read, ctx ended (its error) or call was called
// (errCalled, perhaps late: of a ctx that has ended since).
func (w *waiter) readable(ctx context.Context, fd int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	defer context.AfterFunc(ctx, w.call)()
	for {
		fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}, {Fd: int32(w.wake), Events: unix.POLLIN}}
		n, err := unix.Poll(fds, lookAgain)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return os.NewSyscallError("poll", err)
		case n == 0:
			continue
		case fds[1].Revents != 0:
			var count [8]byte
			_, _ = unix.Read(w.wake, count[:]) // sets it back; empty is as good
			if err := ctx.Err(); err != nil {
				return err
			}
			return errCalled
		case fds[0].Revents&unix.POLLIN != 0:
			return nil
		}
		return os.NewSyscallError("poll", unix.ENODEV)
	}
}

func (w *waiter) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	_ = unix.Close(w.wake)
}
