//go:build amd64 || arm64

package kernelclock

import "golang.org/x/sys/unix"

// 64-bit architectures have had 64-bit time all along.
const (
	GettimeCall = unix.SYS_CLOCK_GETTIME
	AdjtimeCall = unix.SYS_CLOCK_ADJTIME
)
