package udp

import "golang.org/x/sys/unix"

const sysClockGettime = unix.SYS_CLOCK_GETTIME64
