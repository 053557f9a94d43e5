package board

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"

	"bragi/gnss/timescale"
)

// The kernel's clocks by the 64-bit system calls, so that 32-bit ARM lives
// beyond 2038: x/sys has the 32-bit ones there. One layout serves all
// architectures (struct __kernel_timespec: two 64-bit words); the numbers are
// in sysnum_*.go.

// kernelTimespec is struct __kernel_timespec of linux/time_types.h.
type kernelTimespec struct {
	Sec  int64
	Nsec int64
}

func (t kernelTimespec) ns() int64 { return t.Sec*1e9 + t.Nsec }

// readClock reads a clock that answers at once, in ns.
func readClock(id int32) (int64, error) {
	var t kernelTimespec
	if _, _, errno := unix.RawSyscall(sysClockGettime64, uintptr(id), uintptr(unsafe.Pointer(&t)), 0); errno != 0 {
		return 0, os.NewSyscallError("clock_gettime", errno)
	}
	return t.ns(), nil
}

// readSlowClock reads a clock that may sleep first (a PHC behind a slow bus).
func readSlowClock(id int32) (int64, error) {
	var t kernelTimespec
	if _, _, errno := unix.Syscall(sysClockGettime64, uintptr(id), uintptr(unsafe.Pointer(&t)), 0); errno != 0 {
		return 0, os.NewSyscallError("clock_gettime", errno)
	}
	return t.ns(), nil
}

// Raw reads CLOCK_MONOTONIC_RAW. It allocates nothing. The kernel does not
// refuse it; were it to, the answer would be the zero Mono, "never".
func Raw() timescale.Mono {
	ns, err := readClock(unix.CLOCK_MONOTONIC_RAW)
	if err != nil {
		return timescale.Mono{}
	}
	return timescale.MonoFromNs(ns)
}

// Pair is CLOCK_MONOTONIC_RAW and CLOCK_REALTIME read together.
type Pair struct {
	Mono     timescale.Mono // middle of the two readings around Realtime
	Realtime timescale.UTC  // what CLOCK_REALTIME claims
	WidthNs  int64          // the two belong together within +- half of it
}

// pairTries is how many sandwiches ReadPair makes: an interrupt spoils one, not
// nine.
const pairTries = 9

// ReadPair reads RAW, REALTIME, RAW several times and keeps the narrowest.
func ReadPair() (Pair, error) {
	var best Pair
	for i := range pairTries {
		before, err := readClock(unix.CLOCK_MONOTONIC_RAW)
		if err != nil {
			return Pair{}, err
		}
		rt, err := readClock(unix.CLOCK_REALTIME)
		if err != nil {
			return Pair{}, err
		}
		after, err := readClock(unix.CLOCK_MONOTONIC_RAW)
		if err != nil {
			return Pair{}, err
		}
		if width := after - before; i == 0 || width < best.WidthNs {
			best = Pair{timescale.MonoFromNs(before + width/2), timescale.UTCFromNs(rt), width}
		}
	}
	return best, nil
}
