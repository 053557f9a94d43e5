package kernelclock

import "golang.org/x/sys/unix"

// 32-bit ARM has them since Linux 5.1.
const (
	GettimeCall = unix.SYS_CLOCK_GETTIME64
	AdjtimeCall = unix.SYS_CLOCK_ADJTIME64
)
