package udp

import (
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"bragi/board/kernelclock"
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
	var p pktinfo
	var m unix.Mmsghdr
	for name, c := range map[string][2]uintptr{
		"struct mmsghdr":                       {unsafe.Sizeof(m), pick(64, 32)},
		"struct msghdr":                        {unsafe.Sizeof(m.Hdr), pick(56, 28)},
		"msg_len in mmsghdr":                   {unsafe.Offsetof(m.Len), pick(56, 28)},
		"struct cmsghdr":                       {unsafe.Sizeof(p.hdr), pick(16, 12)},
		"CMSG_SPACE(struct in_pktinfo)":        {unsafe.Sizeof(p), pick(32, 24)},
		"CMSG_DATA of it":                      {unsafe.Offsetof(p.info), pick(16, 12)},
		"ipi_spec_dst":                         {unsafe.Offsetof(p.info.Spec_dst), 4},
		"ipi_addr":                             {unsafe.Offsetof(p.info.Addr), 8},
		"struct sockaddr_in":                   {unsafe.Sizeof(unix.RawSockaddrInet4{}), 16},
		"sin_addr":                             {unsafe.Offsetof(unix.RawSockaddrInet4{}.Addr), 4},
		"struct pollfd":                        {unsafe.Sizeof(unix.PollFd{}), 8},
		"struct timespec of ppoll":             {unsafe.Sizeof(unix.Timespec{}), pick(16, 8)},
		"CMSG_SPACE(uint32), of SCM_TS_OPT_ID": {unsafe.Offsetof(wish{}.hdr), pick(24, 16)},
		"and after SO_TIMESTAMPING":            {unsafe.Offsetof(wish{}.from), pick(48, 32)},
		"CMSG_ALIGN(1)":                        {uintptr(align(1)), pick(8, 4)},
		"CMSG_LEN of scm_timestamping64":       {uintptr(align(unix.SizeofCmsghdr) + 48), pick(64, 60)},
	} {
		if c[0] != c[1] {
			t.Errorf("%s: %d octets, want %d", name, c[0], c[1])
		}
	}
}

// Control messages as a kernel of this architecture lays them out.
func TestControls(t *testing.T) {
	put := func(b []byte, level, typ int32, data []byte) []byte {
		h := make([]byte, align(unix.SizeofCmsghdr)+align(len(data)))
		c := (*unix.Cmsghdr)(unsafe.Pointer(&h[0]))
		c.Level, c.Type = level, typ
		c.SetLen(align(unix.SizeofCmsghdr) + len(data))
		copy(h[align(unix.SizeofCmsghdr):], data)
		return append(b, h...)
	}
	stamps := make([]byte, 48)
	*(*kernelclock.Timespec)(unsafe.Pointer(&stamps[0])) = kernelclock.Timespec{Sec: 5_000_000_000, Nsec: 42} // beyond 2038 and 2106
	*(*kernelclock.Timespec)(unsafe.Pointer(&stamps[32])) = kernelclock.Timespec{Sec: 7_000_000_000, Nsec: 43}
	b := put(nil, unix.SOL_SOCKET, unix.SO_TIMESTAMPING_NEW, stamps)
	b = put(b, 99, 99, []byte{1, 2, 3})
	b = put(b, unix.IPPROTO_IP, unix.IP_TOS, []byte{47 << 2})
	b = put(b, unix.IPPROTO_IP, unix.IP_PKTINFO, []byte{1, 0, 0, 0, 10, 0, 0, 1, 10, 0, 0, 255})
	b = put(b, unix.SOL_SOCKET, unix.SO_RXQ_OVFL, []byte{7, 0, 0, 0})
	r := &receiver{}
	var p packet
	r.controls(&p, b)
	if p.deviceNs != 7_000_000_000_000_000_043 {
		t.Errorf("the device's stamp %d", p.deviceNs)
	}
	if p.stampNs != 5_000_000_000_000_000_042 || p.dscp != 47 || p.dst.String() != "10.0.0.1" || r.drops != 7 {
		t.Errorf("%+v, drops %d", p, r.drops)
	}
	for n := range b { // cut anywhere: nothing read beyond
		var p packet
		r.controls(&p, b[:n:n])
	}
}
