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

	"bragi/board/kernelclock"
)

// What the kernel offers of a PHC: ioctls of linux/ptp_clock.h on /dev/ptpN,
// and the POSIX clock that the open file is (the "dynamic clock id").

// freqUnitsPerPPB: clock_adjtime's freq is ppm in units of 2^-16.
const freqUnitsPerPPB = 65536.0 / 1000

// ptpDevice is one open /dev/ptpN; tests have a device of software.
type ptpDevice interface {
	ioctl(request uint, arg unsafe.Pointer) error
	gettime() (ns int64, err error)
	adjtime(*kernelclock.Timex) error
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

func (f ptpFile) gettime() (int64, error) { return kernelclock.ReadSlow(clockID(int(f))) }

func (f ptpFile) adjtime(t *kernelclock.Timex) error { return kernelclock.Adjust(clockID(int(f)), t) }

func (f ptpFile) close() error { return unix.Close(int(f)) }

func ptpNs(t unix.PtpClockTime) int64 { return t.Sec*1e9 + int64(t.Nsec) }
