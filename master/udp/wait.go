package udp

import (
	"fmt"
	"os"
	"runtime"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The wait of the serving thread, in two ways, for Go's runtime makes both
// expensive in the wrong place:
//
//	short  ppoll without telling the runtime. The thread keeps its P, which
//	       GOMAXPROCS >= 3 has to spare (with fewer the runtime is told), and is
//	       awake within microseconds of the deadline. To tell it (as every ordinary blocking call does) makes the
//	       runtime's monitor look 20 us later, and 50 times again, whenever the
//	       call outlasts 10 ms: with one client that was more than half of all
//	       that the program used. A garbage collection is not held up: it asks
//	       for a pause by a signal, which ends ppoll with EINTR.
//	long   by the runtime's own poller, so that an idle program sleeps with all
//	       its threads. Waking takes one thread more. The poller sees the sockets
//	       through a gate that is open in long waits only: else each datagram would
//	       wake another thread, in vain.
const (
	longWait = 5 * time.Millisecond
	spareP   = 3
)

// waiter waits for the sockets, the eventfd or the time.
type waiter struct {
	fds    [4]unix.PollFd
	keepP  bool
	epoll  int // has the sockets and the timer
	gate   int // an epoll that has epoll in it
	open   bool
	timer  int
	poller *os.File // gate, as the runtime's poller knows it
	conn   syscall.RawConn
	ready  func(uintptr) bool
	events [5]unix.EpollEvent
}

// newWaiter waits for up to four descriptors; a negative one is none.
func newWaiter(fds ...int) (w *waiter, err error) {
	w = &waiter{epoll: -1, gate: -1, timer: -1, keepP: runtime.GOMAXPROCS(0) >= spareP}
	defer func() {
		if err != nil {
			w.close()
		}
	}()
	if w.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return nil, fmt.Errorf("udp: %w", os.NewSyscallError("epoll_create1", err))
	}
	if w.gate, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return nil, fmt.Errorf("udp: %w", os.NewSyscallError("epoll_create1", err))
	}
	if err = unix.EpollCtl(w.gate, unix.EPOLL_CTL_ADD, w.epoll, &unix.EpollEvent{Fd: int32(w.epoll)}); err != nil {
		return nil, fmt.Errorf("udp: %w", os.NewSyscallError("epoll_ctl", err))
	}
	if w.timer, err = unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC); err != nil {
		return nil, fmt.Errorf("udp: %w", os.NewSyscallError("timerfd_create", err))
	}
	for i, fd := range append(fds, w.timer) {
		if i < len(w.fds) {
			w.fds[i] = unix.PollFd{Fd: int32(fd), Events: unix.POLLIN}
		}
		if fd < 0 {
			continue
		}
		if err = unix.EpollCtl(w.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}); err != nil {
			return nil, fmt.Errorf("udp: %w", os.NewSyscallError("epoll_ctl", err))
		}
	}
	// os.NewFile gives a non-blocking descriptor to the runtime's poller.
	if err = unix.SetNonblock(w.gate, true); err != nil {
		return nil, fmt.Errorf("udp: %w", os.NewSyscallError("fcntl", err))
	}
	w.poller = os.NewFile(uintptr(w.gate), "epoll")
	if w.conn, err = w.poller.SyscallConn(); err != nil {
		return nil, fmt.Errorf("udp: %w", err)
	}
	w.ready = func(uintptr) bool { return w.look() }
	return w, nil
}

func (w *waiter) close() {
	for _, fd := range []int{w.timer, w.epoll} {
		if fd >= 0 {
			_ = unix.Close(fd)
		}
	}
	switch {
	case w.poller != nil:
		_ = w.poller.Close()
	case w.gate >= 0:
		_ = unix.Close(w.gate)
	}
}

// wait waits at most d; fds then tell what is ready. It may return early.
func (w *waiter) wait(d time.Duration) error {
	for i := range w.fds {
		w.fds[i].Revents = 0
	}
	if d < longWait {
		return w.short(d)
	}
	if err := w.setGate(true); err != nil {
		return err
	}
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(d))}
	if err := unix.TimerfdSettime(w.timer, 0, &spec, nil); err != nil {
		return fmt.Errorf("udp: %w", os.NewSyscallError("timerfd_settime", err))
	}
	if err := w.conn.Read(w.ready); err != nil {
		return fmt.Errorf("udp: %w", err)
	}
	return nil
}

// setGate lets the runtime's poller see the sockets, or not.
func (w *waiter) setGate(open bool) error {
	if w.open == open {
		return nil
	}
	ev := unix.EpollEvent{Fd: int32(w.epoll)}
	if open {
		ev.Events = unix.EPOLLIN
	}
	if err := unix.EpollCtl(w.gate, unix.EPOLL_CTL_MOD, w.epoll, &ev); err != nil {
		return fmt.Errorf("udp: %w", os.NewSyscallError("epoll_ctl", err))
	}
	w.open = open
	return nil
}

// short waits without the runtime. The time-out is relative, and so free of the
// difference between CLOCK_MONOTONIC and CLOCK_MONOTONIC_RAW but for its length.
func (w *waiter) short(d time.Duration) error {
	if err := w.setGate(false); err != nil {
		return err
	}
	ts := unix.NsecToTimespec(int64(d))
	var e unix.Errno
	if w.keepP {
		_, _, e = unix.RawSyscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&w.fds[0])), uintptr(len(w.fds)), uintptr(unsafe.Pointer(&ts)), 0, 0, 0)
	} else {
		_, _, e = unix.Syscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&w.fds[0])), uintptr(len(w.fds)), uintptr(unsafe.Pointer(&ts)), 0, 0, 0)
	}
	if e != 0 && e != unix.EINTR {
		return fmt.Errorf("udp: %w", os.NewSyscallError("ppoll", e))
	}
	return nil
}

// nap waits d, whatever comes meanwhile: less often awake than with wait, where
// something comes all the time.
func (w *waiter) nap(d time.Duration) error {
	if err := w.setGate(false); err != nil {
		return err
	}
	ts := unix.NsecToTimespec(int64(d))
	// EINTR ends it early, which is no harm.
	if w.keepP {
		_, _, _ = unix.RawSyscall6(unix.SYS_PPOLL, 0, 0, uintptr(unsafe.Pointer(&ts)), 0, 0, 0)
	} else {
		_, _, _ = unix.Syscall6(unix.SYS_PPOLL, 0, 0, uintptr(unsafe.Pointer(&ts)), 0, 0, 0)
	}
	return nil
}

// look asks without waiting what is ready, the timer included.
func (w *waiter) look() bool {
	n, _, e := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(w.epoll), uintptr(unsafe.Pointer(&w.events[0])), uintptr(len(w.events)), 0, 0, 0)
	if e != 0 {
		return e != unix.EINTR // anything else is an end to the waiting
	}
	for _, ev := range w.events[:n] {
		for i := range w.fds {
			if w.fds[i].Fd == ev.Fd {
				w.fds[i].Revents = int16(ev.Events)
			}
		}
	}
	return n > 0
}
