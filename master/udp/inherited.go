package udp

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"bragi/board/kernelclock"
	"bragi/gnss/timescale"
	"bragi/master/egress"
	"bragi/master/udp/socket"
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

// inherit finds the socket for o among those that were handed over; nil when there
// is none. It is set up anew, since whoever held it knows nothing of PTP. bound: to
// the one address.
func inherit(fds []int, o socket.Options) (p *socket.Port, bound bool, err error) {
	for _, from := range fds {
		at, ok := socket.BoundTo(from)
		if !ok || at.Port() != o.Port {
			continue
		}
		bound = !at.Addr().IsUnspecified()
		if bound && at.Addr() != o.Address {
			return nil, false, fmt.Errorf("udp: the service manager holds %v port %d, not %v: let ListenDatagram= in bragid.socket name the port alone", at.Addr(), at.Port(), o.Address)
		}
		fd, err := unix.FcntlInt(uintptr(from), unix.F_DUPFD_CLOEXEC, 3)
		if err != nil {
			return nil, false, fmt.Errorf("udp: %w", os.NewSyscallError("fcntl", err))
		}
		if err = unix.SetNonblock(fd, true); err == nil {
			err = socket.Configure(fd, o)
		}
		// The group has a socket of its own; and systemd allows others to share the
		// port, which would let them steal datagrams.
		_ = socket.NoGroups(fd)
		_ = socket.KeepPort(fd)
		if err != nil {
			_ = unix.Close(fd)
			return nil, false, fmt.Errorf("udp: a socket of the service manager: %w", err)
		}
		return socket.NewPort(fd, o, bound), bound, nil
	}
	return nil, false, nil
}
