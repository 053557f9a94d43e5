package udp

import (
	"fmt"
	"net/netip"
	"os"

	"golang.org/x/sys/unix"

	"bragi/board/kernelclock"
	"bragi/gnss/timescale"
	"bragi/master/egress"
)

// Before is what another process knew of the same machine, in the same boot.
type Before struct {
	// Mono and Realtime were read together: a datagram that waited in an inherited
	// socket is stamped in CLOCK_REALTIME, and these tell whether that jumped
	// since. Zero: what came before Listen has no stamp.
	Mono     timescale.Mono
	Realtime timescale.UTC
	Latency  Latency
}

// pair is what was read together. Nobody has kept how far apart.
func (b Before) pair() kernelclock.Pair {
	return kernelclock.Pair{Mono: b.Mono, Realtime: b.Realtime, WidthNs: int64(kernelclock.Slack)}
}

// Latency is what the Syncs' latency was learnt from.
type Latency struct {
	Device bool // the device's stamps; else the kernel's
	egress.Saved
}

// learnt teaches the predictor what another process had learnt by the same kind
// of stamp.
func (s *stamper) learnt() {
	if s.before.Device == s.device {
		s.predictor.Resume(s.before.Saved)
	}
}

// inherit finds the socket for o among those that were handed over; fd is -1 when
// there is none. It is set up anew, since whoever held it knows nothing of PTP.
// bound: to the one address.
func inherit(fds []int, o options) (fd int, bound bool, err error) {
	for _, from := range fds {
		address, port, ok := boundTo(from)
		if !ok || port != o.port {
			continue
		}
		if !address.IsUnspecified() && address != o.address {
			return -1, false, fmt.Errorf("udp: the service manager holds %v port %d, not %v: let ListenDatagram= in bragid.socket name the port alone", address, port, o.address)
		}
		if fd, err = unix.FcntlInt(uintptr(from), unix.F_DUPFD_CLOEXEC, 3); err != nil {
			return -1, false, fmt.Errorf("udp: %w", os.NewSyscallError("fcntl", err))
		}
		if err = unix.SetNonblock(fd, true); err == nil {
			err = configure(fd, o)
		}
		// The group has a socket of its own; and systemd allows others to share the
		// port, which would let them steal datagrams.
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_MULTICAST_ALL, 0)
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 0)
		if err != nil {
			_ = unix.Close(fd)
			return -1, false, fmt.Errorf("udp: a socket of the service manager: %w", err)
		}
		return fd, !address.IsUnspecified(), nil
	}
	return -1, false, nil
}

// boundTo is where an IPv4 UDP socket is bound; ok is false for anything else.
func boundTo(fd int) (a netip.Addr, port uint16, ok bool) {
	if kind, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE); err != nil || kind != unix.SOCK_DGRAM {
		return a, 0, false
	}
	name, err := unix.Getsockname(fd)
	in, ipv4 := name.(*unix.SockaddrInet4)
	if err != nil || !ipv4 {
		return a, 0, false
	}
	return netip.AddrFrom4(in.Addr), uint16(in.Port), true
}
