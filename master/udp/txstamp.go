package udp

import (
	"bytes"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"

	"bragi/gnss/timescale"
	"bragi/master/egress"
	"bragi/master/wire"
)

// stamper asks the kernel when some of the Syncs left and teaches the egress
// predictor by it. A stamp comes back on the socket's error queue with the
// message it belongs to; nobody waits for it.
type stamper struct {
	predictor *egress.Predictor
	asked     [inFlight]asked
	next      int
	last      [2]timescale.Mono // the last sample of each path
	woke      bool              // the thread has slept since the last Sync

	hdr     unix.Msghdr
	iov     unix.Iovec
	control [controlMax]byte
	data    [256]byte

	lost, stray uint64
}

// asked is a Sync whose stamp has not come yet.
type asked struct {
	waiting   bool
	payload   [wire.SyncLen]byte
	read      timescale.Mono
	predicted int64
	path      egress.Path
}

const (
	inFlight    = 16
	sampleEvery = 10_000_000 // ns between samples of one path
)

func newStamper() *stamper {
	s := &stamper{predictor: egress.New()}
	s.iov.Base = &s.data[0]
	s.iov.SetLen(len(s.data))
	s.hdr.Iov = &s.iov
	s.hdr.SetIovlen(1)
	s.hdr.Control = &s.control[0]
	return s
}

// path is what the next Sync runs through.
func (s *stamper) path() egress.Path {
	if s.woke {
		s.woke = false
		return egress.First
	}
	return egress.Later
}

// due tells whether a Sync on this path, read at now, is to be stamped.
func (s *stamper) due(on egress.Path, now timescale.Mono) bool {
	if !s.last[on].IsZero() && int64(now.Sub(s.last[on])) < sampleEvery {
		return false
	}
	s.last[on] = now
	return true
}

// ask remembers a Sync that was sent with the wish for a stamp.
func (s *stamper) ask(payload []byte, read timescale.Mono, predicted int64, on egress.Path) {
	a := &s.asked[s.next]
	s.next = (s.next + 1) % inFlight
	if a.waiting {
		s.lost++
	}
	*a = asked{waiting: true, read: read, predicted: predicted, path: on}
	copy(a.payload[:], payload)
}

// drain takes the stamps that have come.
func (s *stamper) drain(fd int, b *bridge) {
	looked := false
	for {
		s.hdr.SetControllen(controlMax)
		n, _, e := unix.RawSyscall(unix.SYS_RECVMSG, uintptr(fd), uintptr(unsafe.Pointer(&s.hdr)), unix.MSG_ERRQUEUE|unix.MSG_DONTWAIT)
		if e == unix.EINTR {
			continue
		}
		if e != 0 {
			return
		}
		ns, _, ok := txStamp(s.control[:s.hdr.Controllen])
		if !ok {
			s.stray++
			continue
		}
		if !looked {
			b.look()
			looked = true
		}
		s.take(s.data[:n], ns, b)
	}
}

// take matches a stamp with its Sync by the bytes at the looped packet's end:
// the identity, the sequenceId and the origin in them are no other's.
func (s *stamper) take(packet []byte, stampNs int64, b *bridge) {
	if len(packet) < wire.SyncLen {
		s.stray++
		return
	}
	tail := packet[len(packet)-wire.SyncLen:]
	for i := range s.asked {
		a := &s.asked[i]
		if !a.waiting || !bytes.Equal(a.payload[:], tail) {
			continue
		}
		a.waiting = false
		if left, ok := b.mono(stampNs); !ok || !s.predictor.Observe(a.path, int64(left.Sub(a.read)), a.predicted) {
			s.stray++
		}
		return
	}
	s.stray++
}

// wish is the control of a send that wants a stamp: which stamp, and after it
// from which address to send.
type wish struct {
	hdr   unix.Cmsghdr
	flags uint32
	from  pktinfo
}

func newWish() *wish {
	w := &wish{flags: unix.SOF_TIMESTAMPING_TX_SOFTWARE}
	w.hdr.Level, w.hdr.Type = unix.SOL_SOCKET, unix.SO_TIMESTAMPING_NEW
	w.hdr.SetLen(align(unix.SizeofCmsghdr) + 4)
	w.from.hdr.Level, w.from.hdr.Type = unix.IPPROTO_IP, unix.IP_PKTINFO
	w.from.hdr.SetLen(align(unix.SizeofCmsghdr) + unix.SizeofInet4Pktinfo)
	return w
}

// stamped sends one datagram, now, and asks for its stamp.
func (s *sender) stamped(src, dst netip.Addr, payload []byte) (sent bool) {
	s.set(0, src, dst, payload)
	h := &s.hdr[0].Hdr
	length := unsafe.Offsetof(s.wish.from)
	if h.Control != nil {
		s.wish.from.info.Spec_dst = src.As4()
		length = unsafe.Sizeof(*s.wish)
	}
	h.Control = (*byte)(unsafe.Pointer(s.wish))
	h.SetControllen(int(length))
	return s.transmit()
}
