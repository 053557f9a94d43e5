package udp

import (
	"bragi/board/kernelclock"
	"bragi/gnss/timescale"
)

// Clock is the served clock: what it read when CLOCK_MONOTONIC_RAW was m. It
// must neither block nor allocate.
type Clock interface {
	Local(m timescale.Mono) timescale.Local
}

// Now reads CLOCK_MONOTONIC_RAW.
func Now() timescale.Mono { return kernelclock.Raw() }

// read reads one of the kernel's own clocks, which it does not refuse.
func read(id int32) int64 {
	ns, _ := kernelclock.Read(id)
	return ns
}

// sandwich is kernelclock.Sandwich.
func sandwich(id int32, enough int64) (rawNs, otherNs, widthNs int64) {
	return kernelclock.Sandwich(id, enough)
}
