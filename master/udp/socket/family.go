package socket

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// All that is IPv4 about the sockets. The rest speaks of netip.AddrPort.

const family = unix.AF_INET

// Headers is how long those of IP and UDP are, without options.
const Headers = 20 + 8

// Groups of PTP: of all messages but the peer delay's (annex C.3), and one of the
// alternates of PTP's first edition, where nobody listens.
var (
	Group          = netip.AddrFrom4([4]byte{224, 0, 1, 129})
	AlternateGroup = netip.AddrFrom4([4]byte{224, 0, 1, 130})
)

// EveryAddress is where a socket is bound that serves all of the machine's
// addresses.
var EveryAddress = netip.IPv4Unspecified()

var loopback = netip.AddrFrom4([4]byte{127, 0, 0, 1})

// sockaddr is an address as the kernel reads and writes it: struct sockaddr_in.
type sockaddr struct{ unix.RawSockaddrInet4 }

const sockaddrSize = unix.SizeofSockaddrInet4

// put is for the kernel to read.
func (s *sockaddr) put(a netip.AddrPort) {
	s.Family = family
	s.Addr = a.Addr().As4()
	binary.BigEndian.PutUint16((*[2]byte)(unsafe.Pointer(&s.Port))[:], a.Port())
}

// get is what the kernel wrote.
func (s *sockaddr) get() netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4(s.Addr), binary.BigEndian.Uint16((*[2]byte)(unsafe.Pointer(&s.Port))[:]))
}

// source is the control message that says from which address to send: struct
// in_pktinfo.
type source struct {
	hdr  unix.Cmsghdr
	info unix.Inet4Pktinfo
}

func newSource() (s source) {
	s.hdr.Level, s.hdr.Type = unix.IPPROTO_IP, unix.IP_PKTINFO
	s.hdr.SetLen(controlLen(unix.SizeofInet4Pktinfo))
	return s
}

func (s *source) put(a netip.Addr) { s.info.Spec_dst = a.As4() }

// destination is the address that was asked, of the control messages of one that
// came.
func destination(c control) (a netip.Addr, ok bool) {
	if !c.is(unix.IPPROTO_IP, unix.IP_PKTINFO, unix.SizeofInet4Pktinfo) {
		return a, false
	}
	return netip.AddrFrom4([4]byte(c.data[4:8])), true // ipi_spec_dst: ours, even if a broadcast was asked
}

// dscp is the DSCP that a message came with.
func dscp(c control) (value uint8, ok bool) {
	if !c.is(unix.IPPROTO_IP, unix.IP_TOS, 1) {
		return 0, false
	}
	return c.data[0] >> 2, true
}

// extendedErr is the struct sock_extended_err that comes with a stamp of what has
// left.
func extendedErr(c control) (data []byte, ok bool) {
	return c.data, c.is(unix.IPPROTO_IP, unix.IP_RECVERR, int(unsafe.Sizeof(unix.SockExtendedErr{})))
}

// CheckAddress takes IPv4 alone; the zero Addr means every address.
func CheckAddress(a netip.Addr) (netip.Addr, error) {
	if !a.IsValid() {
		return EveryAddress, nil
	}
	if a = a.Unmap(); !a.Is4() || a.IsMulticast() {
		return a, fmt.Errorf("udp: %v is not an IPv4 unicast address; PTP over IPv4 is what is served here", a)
	}
	return a, nil
}

// CheckLocal makes sure that the kernel takes an address as ours.
func CheckLocal(a netip.Addr) error {
	fd, err := newDatagram()
	if err != nil {
		return err
	}
	defer unix.Close(fd) //nolint:errcheck // nothing was written
	if err := bind(fd, netip.AddrPortFrom(a, 0)); err != nil {
		return fmt.Errorf("udp: cannot speak from %v: %w (fix: `ip route add local CIDR dev lo`, as root, makes every address of CIDR this machine's)", a, err)
	}
	return nil
}

// BoundTo is where a UDP socket is bound; ok is false for anything else.
func BoundTo(fd int) (a netip.AddrPort, ok bool) {
	if kind, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE); err != nil || kind != unix.SOCK_DGRAM {
		return a, false
	}
	name, err := unix.Getsockname(fd)
	in, ours := name.(*unix.SockaddrInet4)
	if err != nil || !ours {
		return a, false
	}
	return netip.AddrPortFrom(netip.AddrFrom4(in.Addr), uint16(in.Port)), true
}

func bind(fd int, a netip.AddrPort) error {
	return os.NewSyscallError("bind", unix.Bind(fd, &unix.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().As4()}))
}

// option is one that is set by setsockopt.
type option struct {
	name                 string
	level, number, value int
}

// familyOptions are what a socket needs of its family.
func familyOptions(o Options) []option {
	return []option{
		{"IP_TOS", unix.IPPROTO_IP, unix.IP_TOS, int(o.DSCP) << 2},
		// What we send fits every link. Said not to be fragmented, it needs no identification, whose
		// making is 3 % of a send; a path's MTU that somebody claims is not believed.
		{"IP_MTU_DISCOVER", unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_PROBE},
		{"IP_PKTINFO", unix.IPPROTO_IP, unix.IP_PKTINFO, 1},
	}
}

// tellDestination asks for the address that each message was sent to.
func tellDestination(fd int) error {
	return os.NewSyscallError("setsockopt", unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_PKTINFO, 1))
}

// tellDSCP asks for the DSCP of what comes: evidence alone.
func tellDSCP(fd int) { _ = unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_RECVTOS, 1) }

// SetDSCP sets the DSCP of what is sent, and after it SO_PRIORITY, which it
// resets.
func SetDSCP(fd int, dscp uint8, priority int) error {
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_TOS, int(dscp)<<2); err != nil {
		return fmt.Errorf("udp: DSCP %d: %w", dscp, os.NewSyscallError("setsockopt", err))
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PRIORITY, priority); err != nil {
		return fmt.Errorf("udp: %w", os.NewSyscallError("setsockopt", err))
	}
	return nil
}

// NoGroups keeps from a socket what comes to groups that others have joined.
func NoGroups(fd int) error {
	return os.NewSyscallError("setsockopt", unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_MULTICAST_ALL, 0))
}

// Join joins a group on the interface with an index.
func Join(fd int, group netip.Addr, ifindex int) error {
	m := unix.IPMreqn{Multiaddr: group.As4(), Ifindex: int32(ifindex)}
	return os.NewSyscallError("setsockopt", unix.SetsockoptIPMreqn(fd, unix.IPPROTO_IP, unix.IP_ADD_MEMBERSHIP, &m))
}

// sendByDevice lets a socket send to groups by the interface with an index alone,
// no further than the link, and not to ourselves.
func sendByDevice(fd, ifindex int) error {
	return os.NewSyscallError("setsockopt", errors.Join(
		unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_MULTICAST_TTL, 1),
		unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_MULTICAST_LOOP, 0),
		unix.SetsockoptIPMreqn(fd, unix.IPPROTO_IP, unix.IP_MULTICAST_IF, &unix.IPMreqn{Ifindex: int32(ifindex)})))
}
