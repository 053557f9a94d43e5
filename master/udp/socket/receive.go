package socket

import (
	"encoding/binary"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	Batch      = 64   // datagrams per system call
	packetSize = 1536 // the longest datagram taken: an Ethernet frame's
)

// Packet is one datagram as recvmmsg left it.
type Packet struct {
	Src, Dst netip.Addr // Dst is invalid when the kernel did not tell
	Port     uint16     // of Src
	DSCP     uint8
	Payload  []byte // good until the next Read
	Stamps          // of its arrival
}

// Receiver has the buffers of recvmmsg for one socket.
type Receiver struct {
	// Drops is the kernel's count of what found the socket's buffer full; Truncated
	// counts what was longer than any PTP message.
	Drops     uint32
	Truncated uint64

	fd      int
	hdr     [Batch]unix.Mmsghdr
	iov     [Batch]unix.Iovec
	name    [Batch]sockaddr
	control [Batch][controlMax]byte
	data    [Batch][packetSize]byte
}

// NewReceiver is for the socket fd.
func NewReceiver(fd int) *Receiver {
	r := &Receiver{fd: fd}
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

// Read takes what has come, at most a batch, without waiting, and tells how many.
func (r *Receiver) Read() int {
	for i := range r.hdr {
		h := &r.hdr[i].Hdr
		h.Namelen = sockaddrSize
		h.SetControllen(controlMax)
		h.Flags = 0
	}
	for {
		n, _, e := unix.RawSyscall6(unix.SYS_RECVMMSG, uintptr(r.fd), uintptr(unsafe.Pointer(&r.hdr[0])), Batch, unix.MSG_DONTWAIT, 0, 0)
		switch e {
		case 0:
			return int(n)
		case unix.EINTR:
			continue
		}
		return 0
	}
}

// Packet is the i-th datagram of the last Read; ok is false for one that was cut.
func (r *Receiver) Packet(i int) (p Packet, ok bool) {
	m := &r.hdr[i]
	if m.Hdr.Flags&(unix.MSG_TRUNC|unix.MSG_CTRUNC) != 0 || m.Hdr.Namelen < sockaddrSize {
		r.Truncated++
		return p, false
	}
	from := r.name[i].get()
	p.Src, p.Port = from.Addr(), from.Port()
	p.Payload = r.data[i][:m.Len]
	r.controls(&p, r.control[i][:m.Hdr.Controllen])
	return p, true
}

func (r *Receiver) controls(p *Packet, b []byte) {
	for c, rest, ok := next(b); ok; c, rest, ok = next(rest) {
		if s, ok := stampsOf(c); ok {
			p.Stamps = s
		} else if a, ok := destination(c); ok {
			p.Dst = a
		} else if d, ok := dscp(c); ok {
			p.DSCP = d
		} else if c.is(unix.SOL_SOCKET, unix.SO_RXQ_OVFL, 4) {
			r.Drops = binary.NativeEndian.Uint32(c.data)
		}
	}
}
