package board

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// What the kernel offers of a PHC: ioctls of linux/ptp_clock.h on /dev/ptpN,
// and the POSIX clock that the open file is (the "dynamic clock id").

// kernelTimex is struct __kernel_timex of linux/timex.h: 64 bits on all
// architectures. On 64-bit ones it is struct timex too.
type kernelTimex struct {
	Modes     uint32
	_         int32
	Offset    int64
	Freq      int64 // ppm in units of 2^-16
	Maxerror  int64
	Esterror  int64
	Status    int32
	_         int32
	Constant  int64
	Precision int64
	Tolerance int64
	TimeSec   int64
	TimeUsec  int64 // nanoseconds with ADJ_NANO
	Tick      int64
	Ppsfreq   int64
	Jitter    int64
	Shift     int32
	_         int32
	Stabil    int64
	Jitcnt    int64
	Calcnt    int64
	Errcnt    int64
	Stbcnt    int64
	Tai       int32
	_         [11]int32
}

// Modes of clock_adjtime (linux/timex.h).
const (
	adjFrequency = 0x0002
	adjSetOffset = 0x0100
	adjNano      = 0x2000
)

// freqUnitsPerPPB: clock_adjtime's freq is ppm in units of 2^-16.
const freqUnitsPerPPB = 65536.0 / 1000

// ptpDevice is one open /dev/ptpN; tests have a device of software.
type ptpDevice interface {
	ioctl(request uint, arg unsafe.Pointer) error
	gettime() (ns int64, err error)
	adjtime(*kernelTimex) error
	close() error
}

type ptpFile int

func openPTP(path string) (ptpFile, error) {
	fd, err := openDevice(path)
	return ptpFile(fd), err
}

// openDevice opens a device and says what fixes a failure.
func openDevice(path string) (int, error) {
	for {
		fd, err := unix.Open(path, unix.O_RDWR|unix.O_CLOEXEC, 0)
		switch {
		case err == nil:
			return fd, nil
		case errors.Is(err, unix.EINTR):
			continue
		}
		return -1, fmt.Errorf("board: %w: %s", &os.PathError{Op: "open", Path: path, Err: err}, openFix(path, err))
	}
}

func openFix(path string, err error) string {
	kind := strings.TrimRight(filepath.Base(path), "0123456789")
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Sprintf("no driver has registered it; see what is there with: ls /sys/class/%s", kind)
	case errors.Is(err, fs.ErrPermission):
		return "run as root, or give this user read and write access to it (udev rule, group)"
	case errors.Is(err, unix.EBUSY):
		return "another program holds it; stop it (ptp4l, phc2sys, ts2phc, gpsd)"
	case errors.Is(err, unix.ENODEV), errors.Is(err, unix.ENXIO):
		return "its driver is gone; load it, or replug the device"
	}
	return "check the path in the configuration"
}

func (f ptpFile) ioctl(request uint, arg unsafe.Pointer) error {
	return ioctl(int(f), request, arg)
}

func ioctl(fd int, request uint, arg unsafe.Pointer) error {
	for {
		_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), uintptr(request), uintptr(arg))
		switch errno {
		case 0:
			return nil
		case unix.EINTR:
			continue
		}
		return errno
	}
}

// clockID is the open file as a POSIX clock: FD_TO_CLOCKID of the kernel's
// posix-timers.h.
func clockID(fd int) int32 { return int32(^fd<<3 | 3) }

func (f ptpFile) gettime() (int64, error) { return readSlowClock(clockID(int(f))) }

func (f ptpFile) adjtime(t *kernelTimex) error { return clockAdjtime(clockID(int(f)), t) }

func clockAdjtime(id int32, t *kernelTimex) error {
	_, _, errno := unix.Syscall(sysClockAdjtime64, uintptr(id), uintptr(unsafe.Pointer(t)), 0)
	if errno != 0 {
		return os.NewSyscallError("clock_adjtime", errno)
	}
	return nil
}

func (f ptpFile) close() error { return unix.Close(int(f)) }

func ptpNs(t unix.PtpClockTime) int64 { return t.Sec*1e9 + int64(t.Nsec) }
