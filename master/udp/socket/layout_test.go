package socket

import (
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"bragi/board/kernelclock"
)

// Sizes and offsets of what the kernel reads and writes, from the C headers of
// each architecture (sizeof, offsetof).
func TestLayout(t *testing.T) {
	pick := func(on64, on32 uintptr) uintptr {
		if unsafe.Sizeof(uintptr(0)) == 8 {
			return on64
		}
		return on32
	}
	var p source
	var m unix.Mmsghdr
	for name, c := range map[string][2]uintptr{
		"struct __kernel_timespec":             {unsafe.Sizeof(kernelclock.Timespec{}), 16},
		"struct mmsghdr":                       {unsafe.Sizeof(m), pick(64, 32)},
		"struct msghdr":                        {unsafe.Sizeof(m.Hdr), pick(56, 28)},
		"msg_len in mmsghdr":                   {unsafe.Offsetof(m.Len), pick(56, 28)},
		"struct cmsghdr":                       {unsafe.Sizeof(p.hdr), pick(16, 12)},
		"CMSG_SPACE(struct in_pktinfo)":        {unsafe.Sizeof(p), pick(32, 24)},
		"CMSG_DATA of it":                      {unsafe.Offsetof(p.info), pick(16, 12)},
		"ipi_spec_dst":                         {unsafe.Offsetof(p.info.Spec_dst), 4},
		"ipi_addr":                             {unsafe.Offsetof(p.info.Addr), 8},
		"struct sockaddr_in":                   {unsafe.Sizeof(sockaddr{}), 16},
		"sin_addr":                             {unsafe.Offsetof(sockaddr{}.Addr), 4},
		"CMSG_SPACE(uint32), of SCM_TS_OPT_ID": {unsafe.Offsetof(request{}.hdr), pick(24, 16)},
		"and after SO_TIMESTAMPING":            {unsafe.Offsetof(request{}.from), pick(48, 32)},
		"CMSG_ALIGN(1)":                        {uintptr(align(1)), pick(8, 4)},
		"CMSG_LEN of scm_timestamping64":       {uintptr(controlLen(48)), pick(64, 60)},
	} {
		if c[0] != c[1] {
			t.Errorf("%s: %d octets, want %d", name, c[0], c[1])
		}
	}
}
