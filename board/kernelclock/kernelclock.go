// Package kernelclock reads and steers the kernel's clocks, and brings time
// stamps of CLOCK_REALTIME to CLOCK_MONOTONIC_RAW.
//
// It uses the 64-bit system calls, so that 32-bit ARM lives beyond 2038: x/sys
// has the 32-bit ones there. One layout serves all architectures (two 64-bit
// words for a time); the calls' numbers are in calls_*.go.
package kernelclock

import (
	"fmt"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"bragi/gnss/timescale"
)

// Timespec is struct __kernel_timespec of linux/time_types.h.
type Timespec struct {
	Sec  int64
	Nsec int64
}

// Ns is the time in ns.
func (t Timespec) Ns() int64 { return t.Sec*int64(time.Second) + t.Nsec }

// Read reads a clock that answers at once, in ns. It allocates nothing.
func Read(id int32) (int64, error) {
	var t Timespec
	if _, _, errno := unix.RawSyscall(GettimeCall, uintptr(id), uintptr(unsafe.Pointer(&t)), 0); errno != 0 {
		return 0, os.NewSyscallError("clock_gettime", errno)
	}
	return t.Ns(), nil
}

// ReadSlow reads a clock that may sleep first (a PHC behind a slow bus), in ns.
func ReadSlow(id int32) (int64, error) {
	var t Timespec
	if _, _, errno := unix.Syscall(GettimeCall, uintptr(id), uintptr(unsafe.Pointer(&t)), 0); errno != 0 {
		return 0, os.NewSyscallError("clock_gettime", errno)
	}
	return t.Ns(), nil
}

// Raw reads CLOCK_MONOTONIC_RAW. It allocates nothing. The kernel does not
// refuse it; were it to, the answer would be the zero Mono, "never".
func Raw() timescale.Mono {
	ns, err := Read(unix.CLOCK_MONOTONIC_RAW)
	if err != nil {
		return timescale.Mono{}
	}
	return timescale.MonoFromNs(ns)
}

// Check makes sure that the kernel has the calls.
func Check() error {
	if _, err := Read(unix.CLOCK_MONOTONIC_RAW); err != nil {
		return fmt.Errorf("%w: the kernel is older than Linux 5.1", err)
	}
	return nil
}

// Pair is CLOCK_MONOTONIC_RAW and CLOCK_REALTIME read together.
type Pair struct {
	Mono     timescale.Mono // middle of the two readings around Realtime
	Realtime timescale.UTC  // what CLOCK_REALTIME claims
	WidthNs  int64          // the two belong together within +- half of it
}

// PairTries is how many sandwiches ReadPair makes: an interrupt spoils one, not
// nine.
const PairTries = 9

// ReadPair reads RAW, REALTIME, RAW several times and keeps the narrowest.
func ReadPair() (Pair, error) {
	raw, realtime, width, err := sandwich(unix.CLOCK_REALTIME, PairTries, 0)
	if err != nil {
		return Pair{}, err
	}
	return Pair{timescale.MonoFromNs(raw), timescale.UTCFromNs(realtime), width}, nil
}

// quickTries is how many sandwiches Sandwich makes: it is called for each batch of
// packets.
const quickTries = 3

// Sandwich reads one of the kernel's own clocks between two readings of
// CLOCK_MONOTONIC_RAW: at most three times, until that took no more than enough
// (ns). What it returns is of the narrowest: the middle of the two readings, the
// clock, and the time between the two, all in ns.
func Sandwich(id int32, enough int64) (rawNs, otherNs, widthNs int64) {
	rawNs, otherNs, widthNs, _ = sandwich(id, quickTries, enough) // the kernel does not refuse its own
	return rawNs, otherNs, widthNs
}

func sandwich(id int32, tries int, enough int64) (rawNs, otherNs, widthNs int64, err error) {
	for i := range tries {
		before, err := Read(unix.CLOCK_MONOTONIC_RAW)
		if err != nil {
			return 0, 0, 0, err
		}
		other, err := Read(id)
		if err != nil {
			return 0, 0, 0, err
		}
		after, err := Read(unix.CLOCK_MONOTONIC_RAW)
		if err != nil {
			return 0, 0, 0, err
		}
		if width := after - before; i == 0 || width < widthNs {
			rawNs, otherNs, widthNs = before+width/2, other, width
		}
		if widthNs <= enough {
			break
		}
	}
	return rawNs, otherNs, widthNs, nil
}

// Timex is struct __kernel_timex of linux/timex.h: 64 bits on all architectures.
// On 64-bit ones it is struct timex too.
type Timex struct {
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
	TimeUsec  int64 // nanoseconds with AdjNano
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

// Modes of Adjust (linux/timex.h).
const (
	AdjFrequency = 0x0002
	AdjSetOffset = 0x0100
	AdjNano      = 0x2000
)

// Adjust is clock_adjtime: it steers a clock by the modes in t, and says there
// how it is set. Without a mode it only reads, which needs no right.
func Adjust(id int32, t *Timex) error {
	if _, _, errno := unix.Syscall(AdjtimeCall, uintptr(id), uintptr(unsafe.Pointer(t)), 0); errno != 0 {
		return os.NewSyscallError("clock_adjtime", errno)
	}
	return nil
}
