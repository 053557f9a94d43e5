package udp

import (
	"errors"
	"fmt"
	"net/netip"
	"os"

	"golang.org/x/sys/unix"

	"bragi/board/kernelclock"
)

// The ports of PTP (annex C.2).
const (
	EventPort   = 319
	GeneralPort = 320
)

// What a socket may hold. The kernel takes an unresolved neighbour's frames off
// the sending socket's account (212,992 bytes each at most), so that with the
// default size a few silent clients would silence all; and a renewal that is
// lost in a full receive buffer costs a client its service.
const (
	sendBuffer    = 8 << 20 // the kernel doubles it
	receiveBuffer = 4 << 20
)

// options are the ones of one socket.
type options struct {
	address  netip.Addr
	port     uint16
	device   string
	dscp     uint8
	priority int  // SO_PRIORITY: becomes the VLAN's COS
	numbered bool // stamps have the numbers that they are asked by
	txStamps bool // kernel stamps of what is sent, by the error queue
}

// ready fills in ports that are 0, and makes sure that the kernel is new
// enough.
func ready(event, general *uint16) error {
	if *event == 0 {
		*event = EventPort
	}
	if *general == 0 {
		*general = GeneralPort
	}
	if err := kernelclock.Check(); err != nil {
		return fmt.Errorf("udp: %w", err)
	}
	return nil
}

// open makes a bound, non-blocking socket. SO_REUSEADDR is not set: for UDP it
// would let two PTP programs share a port and steal each other's datagrams.
func open(o options) (fd int, err error) {
	fd, err = unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, unix.IPPROTO_UDP)
	if err != nil {
		return -1, fmt.Errorf("udp: %w", os.NewSyscallError("socket", err))
	}
	defer func() {
		if err != nil {
			_ = unix.Close(fd)
			fd = -1
		}
	}()
	if err := configure(fd, o); err != nil {
		return -1, err
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Port: int(o.port), Addr: o.address.As4()}); err != nil {
		return -1, bindError(o, err)
	}
	return fd, nil
}

// configure sets what a socket needs to serve.
func configure(fd int, o options) error {
	if o.device != "" {
		if err := unix.BindToDevice(fd, o.device); err != nil {
			return deviceError(o.device, err)
		}
	}
	// The larger sizes need CAP_NET_ADMIN; without it the kernel gives what it may.
	for _, s := range []struct{ force, plain, size int }{
		{unix.SO_SNDBUFFORCE, unix.SO_SNDBUF, sendBuffer}, {unix.SO_RCVBUFFORCE, unix.SO_RCVBUF, receiveBuffer},
	} {
		if unix.SetsockoptInt(fd, unix.SOL_SOCKET, s.force, s.size) != nil {
			if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, s.plain, s.size); err != nil {
				return fmt.Errorf("udp: buffer size: %w", os.NewSyscallError("setsockopt", err))
			}
		}
	}
	// Both the kernel's stamps and the device's, of each message that has both.
	stamps := unix.SOF_TIMESTAMPING_RX_SOFTWARE | unix.SOF_TIMESTAMPING_SOFTWARE |
		unix.SOF_TIMESTAMPING_RX_HARDWARE | unix.SOF_TIMESTAMPING_RAW_HARDWARE | unix.SOF_TIMESTAMPING_OPT_TX_SWHW
	if o.txStamps {
		stamps |= unix.SOF_TIMESTAMPING_TX_SOFTWARE
	}
	if o.txStamps || o.numbered {
		stamps |= unix.SOF_TIMESTAMPING_OPT_ID
	}
	if o.txStamps {
		stamps |= unix.SOF_TIMESTAMPING_OPT_TSONLY // else with the message as it left
	}
	for _, s := range []struct {
		name                 string
		level, option, value int
	}{
		{"IP_TOS", unix.IPPROTO_IP, unix.IP_TOS, int(o.dscp) << 2},
		{"SO_PRIORITY", unix.SOL_SOCKET, unix.SO_PRIORITY, o.priority}, // after IP_TOS, which resets it
		// What we send fits every link. Said not to be fragmented, it needs no identification, whose
		// making is 3 % of a send; a path's MTU that somebody claims is not believed.
		{"IP_MTU_DISCOVER", unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_PROBE},
		{"IP_PKTINFO", unix.IPPROTO_IP, unix.IP_PKTINFO, 1},
		{"SO_TIMESTAMPING_NEW", unix.SOL_SOCKET, unix.SO_TIMESTAMPING_NEW, stamps},
	} {
		if err := unix.SetsockoptInt(fd, s.level, s.option, s.value); err != nil {
			return fmt.Errorf("udp: %s: %w (needs Linux 5.1 or later)", s.name, os.NewSyscallError("setsockopt", err))
		}
	}
	// Evidence alone: the DSCP of a client, and what the kernel dropped.
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_RECVTOS, 1)
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RXQ_OVFL, 1)
	return nil
}

func deviceError(device string, err error) error {
	fix := "check its name with `ip link`"
	if errors.Is(err, unix.EPERM) {
		fix = "run as root or with CAP_NET_RAW"
	}
	return fmt.Errorf("udp: cannot bind to interface %q: %w: %s", device, os.NewSyscallError("setsockopt", err), fix)
}

// bindError says what, why and the fix.
func bindError(o options, err error) error {
	fix := ""
	switch {
	case errors.Is(err, unix.EADDRINUSE):
		fix = fmt.Sprintf(": another PTP program has it (`ss -ulpn sport = :%d` names it); stop that one or choose other ports", o.port)
	case errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM):
		fix = ": a port below 1024 needs root or CAP_NET_BIND_SERVICE; or choose ports from 1024 on"
	case errors.Is(err, unix.EADDRNOTAVAIL):
		fix = fmt.Sprintf(": it is no address of this machine; add it (`ip address add %v/32 dev lo`) or choose another", o.address)
	}
	return fmt.Errorf("udp: cannot listen at %v port %d: %w%s", o.address, o.port, os.NewSyscallError("bind", err), fix)
}

// checkAddress takes IPv4 alone; the zero Addr means every address.
func checkAddress(a netip.Addr) (netip.Addr, error) {
	if !a.IsValid() {
		return netip.IPv4Unspecified(), nil
	}
	if a = a.Unmap(); !a.Is4() || a.IsMulticast() {
		return a, fmt.Errorf("udp: %v is not an IPv4 unicast address; PTP over IPv4 is what is served here", a)
	}
	return a, nil
}
