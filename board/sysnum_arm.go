package board

// 32-bit ARM has them since Linux 5.1 (asm/unistd-eabi.h).
const (
	sysClockGettime64 = 403
	sysClockSettime64 = 404
	sysClockAdjtime64 = 405
)
