package socket

import (
	"encoding/binary"
	"net/netip"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"bragi/board/kernelclock"
)

// message lays a control message out as the kernel of this architecture does.
func message(b []byte, level, kind int32, data []byte) []byte {
	h := make([]byte, align(unix.SizeofCmsghdr)+align(len(data)))
	c := (*unix.Cmsghdr)(unsafe.Pointer(&h[0]))
	c.Level, c.Type = level, kind
	c.SetLen(controlLen(len(data)))
	copy(h[align(unix.SizeofCmsghdr):], data)
	return append(b, h...)
}

// stampsAt is a struct scm_timestamping64.
func stampsAt(kernel, device kernelclock.Timespec) []byte {
	b := make([]byte, 48)
	*(*kernelclock.Timespec)(unsafe.Pointer(&b[0])) = kernel
	*(*kernelclock.Timespec)(unsafe.Pointer(&b[32])) = device
	return b
}

// What came: both stamps beyond 2038 and 2106, where it went, its DSCP, what was
// dropped.
func TestControlsOfWhatCame(t *testing.T) {
	b := message(nil, unix.SOL_SOCKET, unix.SO_TIMESTAMPING_NEW, stampsAt(kernelclock.Timespec{Sec: 5_000_000_000, Nsec: 42}, kernelclock.Timespec{Sec: 7_000_000_000, Nsec: 43}))
	b = message(b, 99, 99, []byte{1, 2, 3})
	b = message(b, unix.IPPROTO_IP, unix.IP_TOS, []byte{47 << 2})
	b = message(b, unix.IPPROTO_IP, unix.IP_PKTINFO, []byte{1, 0, 0, 0, 10, 0, 0, 1, 10, 0, 0, 255})
	b = message(b, unix.SOL_SOCKET, unix.SO_RXQ_OVFL, []byte{7, 0, 0, 0})
	r := &Receiver{}
	var p Packet
	r.controls(&p, b)
	if p.DeviceNs != 7_000_000_000_000_000_043 {
		t.Errorf("the device's stamp %d", p.DeviceNs)
	}
	if p.KernelNs != 5_000_000_000_000_000_042 || p.DSCP != 47 || p.Dst.String() != "10.0.0.1" || r.Drops != 7 {
		t.Errorf("%+v, drops %d", p, r.Drops)
	}
	for n := range b { // cut anywhere: nothing read beyond
		var p Packet
		r.controls(&p, b[:n:n])
	}
}

// What left: the stamps and the number that they were asked by, which counts only
// with a stamp of the moment of sending.
func TestControlsOfWhatLeft(t *testing.T) {
	told := func(origin byte, kind, number uint32) []byte {
		e := make([]byte, unsafe.Sizeof(unix.SockExtendedErr{}))
		e[4] = origin
		binary.NativeEndian.PutUint32(e[8:], kind)
		binary.NativeEndian.PutUint32(e[12:], number)
		return e
	}
	stamp := message(nil, unix.SOL_SOCKET, unix.SO_TIMESTAMPING_NEW, stampsAt(kernelclock.Timespec{Sec: 5, Nsec: 42}, kernelclock.Timespec{}))
	for _, c := range []struct {
		what string
		told []byte
		want Departed
	}{
		{"without a number", nil, Departed{Stamps: Stamps{KernelNs: 5_000_000_042}}},
		{"by number", told(unix.SO_EE_ORIGIN_TIMESTAMPING, unix.SCM_TSTAMP_SND, 4711), Departed{Stamps{KernelNs: 5_000_000_042}, 4711, true}},
		{"of the queue", told(unix.SO_EE_ORIGIN_TIMESTAMPING, unix.SCM_TSTAMP_SCHED, 4711), Departed{Stamps{KernelNs: 5_000_000_042}, 4711, false}},
		{"of an error", told(unix.SO_EE_ORIGIN_ICMP, unix.SCM_TSTAMP_SND, 4711), Departed{Stamps{KernelNs: 5_000_000_042}, 4711, false}},
	} {
		b := stamp
		if c.told != nil {
			b = message(stamp[:len(stamp):len(stamp)], unix.IPPROTO_IP, unix.IP_RECVERR, c.told)
		}
		if got := departed(b); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.what, got, c.want)
		}
		for n := range b {
			departed(b[:n:n])
		}
	}
}

// A send's control has the parts that are needed, one after the other, and is read
// back by the same reader.
func TestRequestHasWhatIsNeeded(t *testing.T) {
	r := newRequest()
	r.number = 77
	r.from.put(netip.MustParseAddr("10.0.0.1"))
	for _, c := range []struct {
		wish  Wish
		parts part
		want  []int32 // the kinds of control messages
	}{
		{0, withNumber | withSource, []int32{unix.IP_PKTINFO}},
		{KernelStamp, 0, []int32{unix.SO_TIMESTAMPING_NEW}},
		{KernelStamp, withNumber, []int32{unix.SCM_TS_OPT_ID, unix.SO_TIMESTAMPING_NEW}},
		{DeviceStamp, withSource, []int32{unix.SO_TIMESTAMPING_NEW, unix.IP_PKTINFO}},
		{KernelStamp | DeviceStamp, withNumber | withSource, []int32{unix.SCM_TS_OPT_ID, unix.SO_TIMESTAMPING_NEW, unix.IP_PKTINFO}},
	} {
		var h unix.Msghdr
		r.wish = c.wish
		r.into(&h, c.parts)
		var kinds []int32
		for m, rest, ok := next(unsafe.Slice(h.Control, h.Controllen)); ok; m, rest, ok = next(rest) {
			kinds = append(kinds, m.kind)
			switch m.kind {
			case unix.SCM_TS_OPT_ID:
				if n := binary.NativeEndian.Uint32(m.data); n != 77 {
					t.Errorf("number %d", n)
				}
			case unix.SO_TIMESTAMPING_NEW:
				if w := Wish(binary.NativeEndian.Uint32(m.data)); w != c.wish {
					t.Errorf("asks for %#x, want %#x", w, c.wish)
				}
			case unix.IP_PKTINFO:
				if a, ok := destination(m); !ok || a.String() != "10.0.0.1" {
					t.Errorf("from %v", a)
				}
			}
		}
		if len(kinds) != len(c.want) {
			t.Fatalf("%+v: kinds %v", c, kinds)
		}
		for i, kind := range kinds {
			if kind != c.want[i] {
				t.Errorf("%+v: kinds %v", c, kinds)
			}
		}
	}
}

// An address is the same in both ways, and its port is the network's.
func TestAddressesAreTheKernels(t *testing.T) {
	want := netip.MustParseAddrPort("10.99.0.2:319")
	var s sockaddr
	s.put(want)
	b := (*[sockaddrSize]byte)(unsafe.Pointer(&s))
	if got := [6]byte(b[2:8]); got != [6]byte{0x01, 0x3F, 10, 99, 0, 2} || s.Family != unix.AF_INET || s.get() != want {
		t.Errorf("%x, family %d, read back as %v", got, s.Family, s.get())
	}
}

func TestBindErrorsSayTheFix(t *testing.T) {
	if got := bindError(Options{Address: netip.MustParseAddr("127.0.0.1"), Port: 319}, unix.EACCES).Error(); !strings.Contains(got, "CAP_NET_BIND_SERVICE") {
		t.Errorf("%q", got)
	}
}
