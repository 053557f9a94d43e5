package socket

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
	SendBuffer    = 8 << 20 // the kernel doubles it
	ReceiveBuffer = 4 << 20
)

// Options are the ones of one socket.
type Options struct {
	Address  netip.Addr // unspecified: every address
	Port     uint16     // ours, and where everything goes
	Device   string     // to be bound to; "" for any
	DSCP     uint8
	Priority int  // SO_PRIORITY: becomes the VLAN's COS
	Numbered bool // stamps have the numbers that they are asked by
	TxStamps bool // stamps of all that is sent, the kernel's and the device's, by the error queue
}

// Port is a socket with its buffers.
type Port struct {
	FD int
	Rx *Receiver
	Tx *Sender
}

// NewPort is for a socket that is set up; bound: to one address.
func NewPort(fd int, o Options, bound bool) *Port {
	var traits Trait
	if bound {
		traits |= Bound
	}
	if o.Numbered {
		traits |= Numbered
	}
	return &Port{FD: fd, Rx: NewReceiver(fd), Tx: NewSender(fd, o.Port, traits)}
}

// Close closes the socket; a second time, and of none, it does nothing.
func (p *Port) Close() error {
	if p == nil || p.FD < 0 {
		return nil
	}
	fd := p.FD
	p.FD = -1
	return os.NewSyscallError("close", unix.Close(fd))
}

// Ready fills in ports that are 0, and makes sure that the kernel is new enough.
func Ready(event, general *uint16) error {
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

func newDatagram() (fd int, err error) {
	fd, err = unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, unix.IPPROTO_UDP)
	if err != nil {
		return -1, fmt.Errorf("udp: %w", os.NewSyscallError("socket", err))
	}
	return fd, nil
}

// Open makes a bound, non-blocking socket. SO_REUSEADDR is not set: for UDP it
// would let two PTP programs share a port and steal each other's datagrams. An
// error says what, why and the fix.
func Open(o Options) (*Port, error) {
	fd, err := newDatagram()
	if err != nil {
		return nil, err
	}
	if err = Configure(fd, o); err == nil {
		if err = bind(fd, netip.AddrPortFrom(o.Address, o.Port)); err != nil {
			err = bindError(o, err)
		}
	}
	if err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	return NewPort(fd, o, !o.Address.IsUnspecified()), nil
}

// Configure sets what a socket needs to serve.
func Configure(fd int, o Options) error {
	if o.Device != "" {
		if err := unix.BindToDevice(fd, o.Device); err != nil {
			return deviceError(o.Device, err)
		}
	}
	// The larger sizes need CAP_NET_ADMIN; without it the kernel gives what it may.
	for _, s := range []struct{ force, plain, size int }{
		{unix.SO_SNDBUFFORCE, unix.SO_SNDBUF, SendBuffer}, {unix.SO_RCVBUFFORCE, unix.SO_RCVBUF, ReceiveBuffer},
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
	if o.TxStamps {
		stamps |= unix.SOF_TIMESTAMPING_TX_SOFTWARE | unix.SOF_TIMESTAMPING_TX_HARDWARE
	}
	if o.TxStamps || o.Numbered {
		stamps |= unix.SOF_TIMESTAMPING_OPT_ID
	}
	if o.TxStamps {
		stamps |= unix.SOF_TIMESTAMPING_OPT_TSONLY // else with the message as it left
	}
	for _, s := range append(familyOptions(o),
		option{"SO_PRIORITY", unix.SOL_SOCKET, unix.SO_PRIORITY, o.Priority}, // after the DSCP, which resets it
		option{"SO_TIMESTAMPING_NEW", unix.SOL_SOCKET, unix.SO_TIMESTAMPING_NEW, stamps},
	) {
		if err := unix.SetsockoptInt(fd, s.level, s.number, s.value); err != nil {
			return fmt.Errorf("udp: %s: %w (needs Linux 5.1 or later)", s.name, os.NewSyscallError("setsockopt", err))
		}
	}
	tellDSCP(fd)
	tellDrops(fd)
	return nil
}

// tellDrops asks for the kernel's count of what it dropped: evidence alone.
func tellDrops(fd int) { _ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RXQ_OVFL, 1) }

// SharePort lets others be bound to a socket's port, if they allow it too.
func SharePort(fd int) error { return reuse(fd, 1) }

// KeepPort lets nobody else be bound to it.
func KeepPort(fd int) error { return reuse(fd, 0) }

func reuse(fd, value int) error {
	return os.NewSyscallError("setsockopt", unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, value))
}

// OpenGroup makes a socket that hears what is sent to a group's port. It is bound
// to the group's address, so that it takes nothing from the socket that is bound
// to the port; other programs may listen there as well.
func OpenGroup(group netip.AddrPort, beside *Port) (*Port, error) {
	fd, err := newDatagram()
	if err != nil {
		return nil, err
	}
	err = SharePort(fd)
	if err == nil {
		err = NoGroups(fd)
	}
	if err == nil {
		err = tellDestination(fd)
	}
	if err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("udp: %w", err)
	}
	tellDrops(fd)
	// Beside a socket that is bound to every address this one may be bound only
	// while both allow it; then nobody else's may again.
	_ = SharePort(beside.FD)
	err = bind(fd, group)
	_ = KeepPort(beside.FD)
	if err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("udp: cannot listen to management at %v port %d: %w: set management off, or stop the program that has it",
			group.Addr(), group.Port(), err)
	}
	return &Port{FD: fd, Rx: NewReceiver(fd)}, nil
}

// NumbersStamps tells whether the kernel takes the number of a stamp from its
// sender: an older one refuses the control message before it looks at anything
// else.
func NumbersStamps() bool {
	fd, err := newDatagram()
	if err != nil {
		return false
	}
	defer unix.Close(fd) //nolint:errcheck // nothing was written
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPING_NEW, unix.SOF_TIMESTAMPING_SOFTWARE|unix.SOF_TIMESTAMPING_OPT_ID) != nil {
		return false
	}
	const discard = 9
	s := NewSender(fd, discard, Bound|Numbered)
	s.Send(netip.Addr{}, loopback, []byte{0}, KernelStamp, 1)
	return s.Stats.LastError != unix.EINVAL
}

func deviceError(device string, err error) error {
	fix := "check its name with `ip link`"
	if errors.Is(err, unix.EPERM) {
		fix = "run as root or with CAP_NET_RAW"
	}
	return fmt.Errorf("udp: cannot bind to interface %q: %w: %s", device, os.NewSyscallError("setsockopt", err), fix)
}

// bindError says what, why and the fix.
func bindError(o Options, err error) error {
	fix := ""
	switch {
	case errors.Is(err, unix.EADDRINUSE):
		fix = fmt.Sprintf(": another PTP program has it (`ss -ulpn sport = :%d` names it); stop that one or choose other ports", o.Port)
	case errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM):
		fix = ": a port below 1024 needs root or CAP_NET_BIND_SERVICE; or choose ports from 1024 on"
	case errors.Is(err, unix.EADDRNOTAVAIL):
		fix = fmt.Sprintf(": it is no address of this machine; add it (`ip address add %v/32 dev lo`) or choose another", o.Address)
	}
	return fmt.Errorf("udp: cannot listen at %v port %d: %w%s", o.Address, o.Port, err, fix)
}
