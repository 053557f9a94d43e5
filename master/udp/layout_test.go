package udp

import (
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Sizes and offsets of what the kernel reads and writes, from the C headers of
// each architecture (sizeof, offsetof).
func TestLayout(t *testing.T) {
	const word = unsafe.Sizeof(uintptr(0))
	is64 := word == 8
	pick := func(on64, on32 uintptr) uintptr {
		if is64 {
			return on64
		}
		return on32
	}
	for name, c := range map[string][2]uintptr{
		"struct pollfd":            {unsafe.Sizeof(unix.PollFd{}), 8},
		"struct timespec of ppoll": {unsafe.Sizeof(unix.Timespec{}), pick(16, 8)},
	} {
		if c[0] != c[1] {
			t.Errorf("%s: %d octets, want %d", name, c[0], c[1])
		}
	}
}
