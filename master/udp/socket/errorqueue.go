package socket

import (
	"encoding/binary"
	"unsafe"

	"golang.org/x/sys/unix"
)

// errorQueue has the stamps of what has left by a socket.
type errorQueue struct {
	fd      int
	hdr     unix.Msghdr
	iov     unix.Iovec
	control [controlMax]byte
	data    [256]byte
}

// Departed is what the kernel tells of a message that has left.
type Departed struct {
	Stamps
	// Number is the one it was asked by, or the socket's own count; only if Numbered.
	Number   uint32
	Numbered bool
}

func newErrorQueue(fd int) *errorQueue {
	q := &errorQueue{fd: fd}
	q.iov.Base = &q.data[0]
	q.iov.SetLen(len(q.data))
	q.hdr.Iov = &q.iov
	q.hdr.SetIovlen(1)
	q.hdr.Control = &q.control[0]
	return q
}

// Left takes the next stamps that have come back, and the message as it left with
// all its headers, unless the socket's stamps come alone; ok is false when there
// are none. message is good until the next call.
func (q *errorQueue) Left() (message []byte, d Departed, ok bool) {
	for {
		q.hdr.SetControllen(controlMax)
		n, _, e := unix.RawSyscall(unix.SYS_RECVMSG, uintptr(q.fd), uintptr(unsafe.Pointer(&q.hdr)), unix.MSG_ERRQUEUE|unix.MSG_DONTWAIT)
		switch e {
		case 0:
			return q.data[:n], departed(q.control[:q.hdr.Controllen]), true
		case unix.EINTR:
			continue
		}
		return nil, d, false
	}
}

func departed(b []byte) (d Departed) {
	for c, rest, ok := next(b); ok; c, rest, ok = next(rest) {
		if s, ok := stampsOf(c); ok {
			d.Stamps = s
		} else if e, ok := extendedErr(c); ok {
			// ee_origin, ee_info (the kind of stamp), ee_data (the number)
			d.Numbered = e[4] == unix.SO_EE_ORIGIN_TIMESTAMPING && binary.NativeEndian.Uint32(e[8:]) == unix.SCM_TSTAMP_SND
			d.Number = binary.NativeEndian.Uint32(e[12:])
		}
	}
	return d
}
