package board

// 32-bit ARM has them since Linux 5.1 (asm/unistd-eabi.h).
const (
	sysClockGettime64 = 403
	sysClockAdjtime64 = 405
)
