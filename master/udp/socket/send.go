package socket

import (
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"

	"bragi/board/kernelclock"
	"bragi/gnss/timescale"
)

// Sender has the buffers of what is sent by one socket: of a batch that leaves
// together, and of a message that leaves at once.
type Sender struct {
	*errorQueue // the stamps that were asked for

	Stats SendStats
	// Refused is the errno of the last message that did not leave.
	Refused error

	fd    int
	port  uint16 // where everything goes
	bound bool   // the socket has an address: no need to say from which
	// parts of a request that it can have: withNumber where the socket gives each
	// stamp the number that it is asked by.
	parts part

	// Unsent are those of the batch that did not leave since Begin, and why.
	Unsent []Unsent
	begin  int // how many of the batch have been sent, or not, since then

	n    int // waiting in the batch
	hdr  [Batch]unix.Mmsghdr
	iov  [Batch]unix.Iovec
	name [Batch]sockaddr
	from [Batch]source

	once struct {
		hdr     unix.Msghdr
		iov     unix.Iovec
		name    sockaddr
		request request
	}
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

// Unsent is a message of the batch that did not leave, counted from 0 since Begin, and
// the errno.
type Unsent struct {
	Message int
	Err     error
}

// Trait is what is special of a sender's socket; traits are added up.
type Trait uint8

const (
	Bound    Trait = 1 << iota // to one address: a message need not say from where it leaves
	Numbered                   // stamps have the numbers that they are asked by
)

// NewSender sends to one port by the socket fd.
func NewSender(fd int, port uint16, traits Trait) *Sender {
	s := &Sender{errorQueue: newErrorQueue(fd), fd: fd, port: port, bound: traits&Bound != 0}
	if traits&Numbered != 0 {
		s.parts = withNumber
	}
	for i := range s.hdr {
		h := &s.hdr[i].Hdr
		h.Name, h.Namelen = (*byte)(unsafe.Pointer(&s.name[i])), sockaddrSize
		h.Iov = &s.iov[i]
		h.SetIovlen(1)
		s.from[i] = newSource()
	}
	o := &s.once
	o.hdr.Name, o.hdr.Namelen = (*byte)(unsafe.Pointer(&o.name)), sockaddrSize
	o.hdr.Iov = &o.iov
	o.hdr.SetIovlen(1)
	o.request = newRequest()
	return s
}

// addressed tells whether a message has to say from where it leaves.
func (s *Sender) addressed(src netip.Addr) bool { return !s.bound && src.IsValid() }

// Put adds a message to the batch, from an address if there is a choice. The
// payload must stay until Flush.
func (s *Sender) Put(src, dst netip.Addr, payload []byte) { s.PutTo(src, dst, s.port, payload) }

// PutTo is Put, to another port.
func (s *Sender) PutTo(src, dst netip.Addr, port uint16, payload []byte) {
	if s.n == Batch {
		s.send()
	}
	i := s.n
	s.n++
	s.name[i].put(netip.AddrPortFrom(dst, port))
	s.iov[i].Base = &payload[0]
	s.iov[i].SetLen(len(payload))
	h := &s.hdr[i].Hdr
	h.Control = nil
	h.SetControllen(0)
	if s.addressed(src) {
		s.from[i].put(src)
		h.Control = (*byte)(unsafe.Pointer(&s.from[i]))
		h.SetControllen(int(unsafe.Sizeof(s.from[i])))
	}
}

// Begin forgets which messages did not leave.
func (s *Sender) Begin() { s.Unsent, s.begin = s.Unsent[:0], 0 }

// Flush sends the batch; Unsent then has those of all since Begin that did not leave.
func (s *Sender) Flush() { s.send() }

// send sends the batch. sendmmsg stops at the first that fails and then hides
// why: that one is tried again alone, counted and stepped over, and the rest still
// leaves. A full buffer is no matter of one destination: what is left then is
// dropped, for waiting would hold up the receive side.
func (s *Sender) send() {
	n, begin := s.n, s.begin
	s.n, s.begin = 0, begin+n
	for i := 0; i < n; {
		k, _, e := unix.RawSyscall6(unix.SYS_SENDMMSG, uintptr(s.fd), uintptr(unsafe.Pointer(&s.hdr[i])), uintptr(n-i), unix.MSG_DONTWAIT, 0, 0)
		switch {
		case e == unix.EINTR:
		case e == unix.EAGAIN || e == unix.ENOBUFS:
			s.Stats.Busy += uint64(n - i)
			for ; i < n; i++ {
				s.Unsent = append(s.Unsent, Unsent{begin + i, e})
			}
			return
		case e != 0:
			s.failed(s.name[i].get().Addr(), e)
			s.Unsent = append(s.Unsent, Unsent{begin + i, e})
			i++
		default:
			s.Stats.Sent += uint64(k)
			i += int(k)
		}
	}
}

// Send sends one message, at once, from an address if there is a choice, and asks
// for its stamps, by a number where the socket can do that. When it was not sent,
// Refused is why.
func (s *Sender) Send(src, dst netip.Addr, payload []byte, wish Wish, number uint32) (sent bool) {
	o := &s.once
	o.name.put(netip.AddrPortFrom(dst, s.port))
	addressed := s.addressed(src)
	var e unix.Errno
	if wish == 0 && !addressed {
		// Where no control message is needed, sendto is cheaper than sendmsg: it has no
		// header and no vector to copy.
		e = sendto(s.fd, payload, &o.name)
	} else {
		o.iov.Base = &payload[0]
		o.iov.SetLen(len(payload))
		o.request.wish, o.request.number = wish, number
		parts := s.parts
		if addressed {
			o.request.from.put(src)
			parts |= withSource
		}
		o.request.into(&o.hdr, parts)
		e = sendmsg(s.fd, &o.hdr)
	}
	if e != 0 {
		s.failed(dst, e)
		return false
	}
	s.Stats.Sent++
	return true
}

func (s *Sender) failed(dst netip.Addr, e unix.Errno) {
	s.Refused = e
	if e == unix.EAGAIN || e == unix.ENOBUFS {
		s.Stats.Busy++
		return
	}
	s.Stats.Failed++
	s.Stats.LastError, s.Stats.LastFailed, s.Stats.LastAt = e, dst, kernelclock.Raw()
}

func sendto(fd int, payload []byte, to *sockaddr) unix.Errno {
	for {
		_, _, e := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(&payload[0])), uintptr(len(payload)), unix.MSG_DONTWAIT,
			uintptr(unsafe.Pointer(to)), sockaddrSize)
		if e != unix.EINTR {
			return e
		}
	}
}

func sendmsg(fd int, h *unix.Msghdr) unix.Errno {
	for {
		_, _, e := unix.RawSyscall(unix.SYS_SENDMSG, uintptr(fd), uintptr(unsafe.Pointer(h)), unix.MSG_DONTWAIT)
		if e != unix.EINTR {
			return e
		}
	}
}
