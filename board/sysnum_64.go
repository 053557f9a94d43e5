//go:build amd64 || arm64

package board

import "golang.org/x/sys/unix"

// 64-bit architectures have had 64-bit time all along.
const (
	sysClockGettime64 = unix.SYS_CLOCK_GETTIME
	sysClockAdjtime64 = unix.SYS_CLOCK_ADJTIME
)
