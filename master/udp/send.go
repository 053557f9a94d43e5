package udp

import (
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"

	"bragi/gnss/timescale"
)

// sender has the buffers of sendmmsg for one socket.
type sender struct {
	fd      int
	port    uint16 // where everything goes
	bound   bool   // the socket has an address: no need to say from which
	hdr     [batch]unix.Mmsghdr
	iov     [batch]unix.Iovec
	name    [batch]unix.RawSockaddrInet4
	control [batch]pktinfo
	wish    *wish
	// numbered: the socket gives each stamp the number that it is asked by.
	numbered bool

	stats SendStats
}

// SendStats counts what left.
type SendStats struct {
	Sent uint64
	// Busy: not sent since the socket's buffer or the device's queue was full.
	Busy uint64
	// Failed: refused by the kernel for its destination (no route, no neighbour).
	Failed     uint64
	LastError  error // of the last that failed, and where it was to go
	LastFailed netip.Addr
	LastAt     timescale.Mono
}

// pktinfo is a control message of IP_PKTINFO: the address to send from.
type pktinfo struct {
	hdr  unix.Cmsghdr
	info unix.Inet4Pktinfo
}

func newSender(fd int, port uint16, bound bool) *sender {
	s := &sender{fd: fd, port: port, bound: bound, wish: newWish()}
	for i := range s.hdr {
		h := &s.hdr[i].Hdr
		h.Name = (*byte)(unsafe.Pointer(&s.name[i]))
		h.Namelen = unix.SizeofSockaddrInet4
		h.Iov = &s.iov[i]
		h.SetIovlen(1)
		s.name[i] = unix.RawSockaddrInet4{Family: unix.AF_INET}
		*(*[2]byte)(unsafe.Pointer(&s.name[i].Port)) = [2]byte{byte(port >> 8), byte(port)}
		c := &s.control[i]
		c.hdr.Level, c.hdr.Type = unix.IPPROTO_IP, unix.IP_PKTINFO
		c.hdr.SetLen(align(unix.SizeofCmsghdr) + unix.SizeofInet4Pktinfo)
	}
	return s
}

// set prepares place i for a datagram. The payload must stay until it is sent.
func (s *sender) set(i int, src, dst netip.Addr, payload []byte) {
	s.name[i].Addr = dst.As4()
	s.iov[i].Base = &payload[0]
	s.iov[i].SetLen(len(payload))
	h := &s.hdr[i].Hdr
	h.Control = nil
	h.SetControllen(0)
	if !s.bound && src.Is4() {
		s.control[i].info.Spec_dst = src.As4()
		h.Control = (*byte)(unsafe.Pointer(&s.control[i]))
		h.SetControllen(int(unsafe.Sizeof(s.control[i])))
	}
}

// one sends one datagram, now. Where no control message is needed, sendto is
// cheaper than sendmsg: it has no header and no vector to copy.
func (s *sender) one(src, dst netip.Addr, payload []byte) {
	if !s.bound && src.Is4() {
		s.set(0, src, dst, payload)
		s.transmit()
		return
	}
	s.name[0].Addr = dst.As4()
	for {
		_, _, e := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(s.fd), uintptr(unsafe.Pointer(&payload[0])), uintptr(len(payload)), unix.MSG_DONTWAIT,
			uintptr(unsafe.Pointer(&s.name[0])), unix.SizeofSockaddrInet4)
		switch e {
		case 0:
			s.stats.Sent++
			return
		case unix.EINTR:
			continue
		}
		s.failed(0, e)
		return
	}
}

// transmit sends place 0.
func (s *sender) transmit() (sent bool) {
	for {
		_, _, e := unix.RawSyscall(unix.SYS_SENDMSG, uintptr(s.fd), uintptr(unsafe.Pointer(&s.hdr[0].Hdr)), unix.MSG_DONTWAIT)
		switch e {
		case 0:
			s.stats.Sent++
			return true
		case unix.EINTR:
			continue
		}
		s.failed(0, e)
		return false
	}
}

// flush sends places 0 to n-1. sendmmsg stops at the first that fails and then
// hides why: that one is tried again alone, counted and stepped over, and the
// rest still leaves. A full buffer is no matter of one destination: what is
// left then is dropped, for waiting would hold up the receive side.
func (s *sender) flush(n int) {
	for i := 0; i < n; {
		k, _, e := unix.RawSyscall6(unix.SYS_SENDMMSG, uintptr(s.fd), uintptr(unsafe.Pointer(&s.hdr[i])), uintptr(n-i), unix.MSG_DONTWAIT, 0, 0)
		switch {
		case e == unix.EINTR:
		case e == unix.EAGAIN || e == unix.ENOBUFS:
			s.stats.Busy += uint64(n - i)
			return
		case e != 0:
			s.failed(i, e)
			i++
		default:
			s.stats.Sent += uint64(k)
			i += int(k)
		}
	}
}

func (s *sender) failed(i int, e unix.Errno) {
	if e == unix.EAGAIN || e == unix.ENOBUFS {
		s.stats.Busy++
		return
	}
	s.stats.Failed++
	s.stats.LastError, s.stats.LastFailed, s.stats.LastAt = e, netip.AddrFrom4(s.name[i].Addr), Now()
}
