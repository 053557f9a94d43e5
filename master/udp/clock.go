package udp

import (
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"bragi/gnss/timescale"
)

// Clock is the served clock: what it read when CLOCK_MONOTONIC_RAW was m. It
// must neither block nor allocate.
type Clock interface {
	Local(m timescale.Mono) timescale.Local
}

// timespec64 is struct __kernel_timespec: 64 bits on every architecture, unlike
// unix.Timespec, which ends in 2038 on 32-bit ARM.
type timespec64 struct{ sec, nsec int64 }

func (t *timespec64) ns() int64 { return t.sec*int64(time.Second) + t.nsec }

func read(clock uintptr) int64 {
	var t timespec64
	// It cannot fail: both clocks are always there, and t is ours.
	_, _, _ = unix.RawSyscall(sysClockGettime, clock, uintptr(unsafe.Pointer(&t)), 0)
	return t.ns()
}

// Now reads CLOCK_MONOTONIC_RAW.
func Now() timescale.Mono { return timescale.MonoFromNs(read(unix.CLOCK_MONOTONIC_RAW)) }

// checkClock makes sure once that the system call is there (Linux 5.1 on 32-bit).
func checkClock() error {
	var t timespec64
	if _, _, e := unix.RawSyscall(sysClockGettime, unix.CLOCK_MONOTONIC_RAW, uintptr(unsafe.Pointer(&t)), 0); e != 0 {
		return os.NewSyscallError("clock_gettime64", e)
	}
	return nil
}

// bridge turns the kernel's stamps, which are of CLOCK_REALTIME, into
// CLOCK_MONOTONIC_RAW. CLOCK_REALTIME is stepped and slewed by others: a stamp
// is only good if the two clocks kept their distance from the last reading to
// this one, but for a slew.
type bridge struct {
	rawNs, realNs int64 // the last sandwich
	good          bool  // no jump between the one before and the last
	jumps         uint64
	voidBefore    int64 // REALTIME: what is stamped before cannot be turned
}

const (
	tight       = 1500 * time.Nanosecond // a sandwich no wider is taken at once
	maxSandwich = 20 * time.Microsecond  // what the narrowest of three is expected to be inside
	maxSlew     = 1e-3                   // what adjtimex can slew, and the error of both oscillators
	grace       = 2 * maxSandwich
	maxStampAge = time.Second
)

// sandwich reads a clock between two readings of CLOCK_MONOTONIC_RAW, again when
// something came between: at most three times, until it is no wider than enough.
func sandwich(clock uintptr, enough int64) (rawNs, otherNs, width int64) {
	for i := range 3 {
		r0 := read(unix.CLOCK_MONOTONIC_RAW)
		t := read(clock)
		r1 := read(unix.CLOCK_MONOTONIC_RAW)
		if i == 0 || r1-r0 < width {
			rawNs, otherNs, width = r0+(r1-r0)/2, t, r1-r0
		}
		if width <= enough {
			break
		}
	}
	return rawNs, otherNs, width
}

// look reads both clocks together.
func (b *bridge) look() { b.take(sandwich(unix.CLOCK_REALTIME, int64(tight))) }

func (b *bridge) take(raw, real, width int64) {
	if b.rawNs != 0 {
		moved := (real - b.realNs) - (raw - b.rawNs)
		may := int64(maxSlew*float64(raw-b.rawNs)) + int64(grace) + width
		b.good = moved <= may && -moved <= may
		if !b.good {
			b.jumps++
		}
	} else {
		b.good = true
	}
	b.rawNs, b.realNs = raw, real
}

// mono turns a stamp into CLOCK_MONOTONIC_RAW; ok is false when it lies across a
// jump or cannot be.
func (b *bridge) mono(stampNs int64) (m timescale.Mono, ok bool) {
	age := b.realNs - stampNs
	if !b.good || age < -int64(maxSandwich) || age > int64(maxStampAge) || stampNs < b.voidBefore {
		return timescale.Mono{}, false
	}
	return timescale.MonoFromNs(b.rawNs - age), true
}
