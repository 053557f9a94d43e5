package udp

import (
	"encoding/binary"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"

	"bragi/board/kernelclock"
)

const (
	batch      = 64   // datagrams per system call
	packetSize = 1536 // the longest datagram taken: an Ethernet frame's
	controlMax = 192
)

// packet is one datagram as recvmmsg left it.
type packet struct {
	src, dst netip.Addr // dst is invalid when the kernel did not tell
	dscp     uint8
	payload  []byte
	stampNs  int64 // CLOCK_REALTIME at arrival, 0 for none
	deviceNs int64 // the device's clock at arrival, 0 for none
}

// receiver has the buffers of recvmmsg for one socket.
type receiver struct {
	fd      int
	hdr     [batch]unix.Mmsghdr
	iov     [batch]unix.Iovec
	name    [batch]unix.RawSockaddrInet4
	control [batch][controlMax]byte
	data    [batch][packetSize]byte

	drops     uint32 // the kernel's counter for this socket
	truncated uint64
}

func newReceiver(fd int) *receiver {
	r := &receiver{fd: fd}
	for i := range r.hdr {
		r.iov[i].Base = &r.data[i][0]
		r.iov[i].SetLen(packetSize)
		h := &r.hdr[i].Hdr
		h.Name = (*byte)(unsafe.Pointer(&r.name[i]))
		h.Iov = &r.iov[i]
		h.SetIovlen(1)
		h.Control = &r.control[i][0]
	}
	return r
}

// read takes what has come, at most a batch, without waiting.
func (r *receiver) read() int {
	for i := range r.hdr {
		h := &r.hdr[i].Hdr
		h.Namelen = unix.SizeofSockaddrInet4
		h.SetControllen(controlMax)
		h.Flags = 0
	}
	for {
		n, _, e := unix.RawSyscall6(unix.SYS_RECVMMSG, uintptr(r.fd), uintptr(unsafe.Pointer(&r.hdr[0])), batch, unix.MSG_DONTWAIT, 0, 0)
		switch e {
		case 0:
			return int(n)
		case unix.EINTR:
			continue
		}
		return 0
	}
}

// packet is the i-th datagram of the last read; ok is false for one that was cut.
func (r *receiver) packet(i int) (p packet, ok bool) {
	m := &r.hdr[i]
	if m.Hdr.Flags&(unix.MSG_TRUNC|unix.MSG_CTRUNC) != 0 || m.Hdr.Namelen < unix.SizeofSockaddrInet4 {
		r.truncated++
		return p, false
	}
	p.src = netip.AddrFrom4(r.name[i].Addr)
	p.payload = r.data[i][:m.Len]
	r.controls(&p, r.control[i][:m.Hdr.Controllen])
	return p, true
}

// controls reads the control messages (cmsg(3)): a header of size_t length,
// level and type, data, padding to the size of a word.
func (r *receiver) controls(p *packet, b []byte) {
	for len(b) >= unix.SizeofCmsghdr {
		length, level, typ, data := cmsg(b)
		if data == nil {
			return
		}
		switch {
		case level == unix.SOL_SOCKET && typ == unix.SO_TIMESTAMPING_NEW && len(data) >= 16:
			t := stampsOf(data)
			p.stampNs, p.deviceNs = t.softwareNs, t.deviceNs
		case level == unix.SOL_SOCKET && typ == unix.SO_RXQ_OVFL && len(data) >= 4:
			r.drops = binary.NativeEndian.Uint32(data)
		case level == unix.IPPROTO_IP && typ == unix.IP_PKTINFO && len(data) >= 12:
			p.dst = netip.AddrFrom4([4]byte(data[4:8])) // ipi_spec_dst: ours, even if a broadcast was asked
		case level == unix.IPPROTO_IP && typ == unix.IP_TOS && len(data) >= 1:
			p.dscp = data[0] >> 2
		}
		b = b[min(align(length), len(b)):]
	}
}

// cmsg takes a control message apart; data is nil when it is no whole one.
func cmsg(b []byte) (length int, level, typ int32, data []byte) {
	h := (*unix.Cmsghdr)(unsafe.Pointer(&b[0]))
	length = int(h.Len)
	if length < unix.SizeofCmsghdr || length > len(b) {
		return 0, 0, 0, nil
	}
	return length, h.Level, h.Type, b[align(unix.SizeofCmsghdr):length]
}

// align rounds up to the size of a word, as CMSG_ALIGN does.
func align(n int) int {
	const word = int(unsafe.Sizeof(uintptr(0)))
	return (n + word - 1) &^ (word - 1)
}

// stampNs is the software stamp of a struct scm_timestamping64: its first of
// three timespecs.
func stampNs(data []byte) int64 {
	sec := int64(binary.NativeEndian.Uint64(data))
	nsec := int64(binary.NativeEndian.Uint64(data[8:]))
	return kernelclock.Timespec{Sec: sec, Nsec: nsec}.Ns()
}
