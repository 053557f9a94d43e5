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
