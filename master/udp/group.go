package udp

import (
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// ptpGroup is the group of all PTP messages but the peer delay's (annex C.3).
var ptpGroup = [4]byte{224, 0, 1, 129}

// openGroup makes a socket that hears Management messages sent to the group. It
// is bound to the group's address, so that it takes nothing from the serving
// sockets; other PTP programs may listen there as well.
func openGroup(c Config, general *port) (p *port, err error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, unix.IPPROTO_UDP)
	if err != nil {
		return nil, fmt.Errorf("udp: %w", os.NewSyscallError("socket", err))
	}
	defer func() {
		if err != nil {
			_ = unix.Close(fd)
		}
	}()
	for _, s := range [][3]int{
		{unix.SOL_SOCKET, unix.SO_REUSEADDR, 1},
		{unix.IPPROTO_IP, unix.IP_MULTICAST_ALL, 0},
		{unix.IPPROTO_IP, unix.IP_PKTINFO, 1},
	} {
		if err := unix.SetsockoptInt(fd, s[0], s[1], s[2]); err != nil {
			return nil, fmt.Errorf("udp: %w", os.NewSyscallError("setsockopt", err))
		}
	}
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RXQ_OVFL, 1)
	// Beside a socket that is bound to every address this one may be bound only
	// while both allow it; then nobody else's may again.
	_ = unix.SetsockoptInt(general.fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
	err = unix.Bind(fd, &unix.SockaddrInet4{Port: int(c.GeneralPort), Addr: ptpGroup})
	_ = unix.SetsockoptInt(general.fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 0)
	if err != nil {
		return nil, fmt.Errorf("udp: cannot listen to management at %v port %d: %w: set management off, or stop the program that has it",
			net.IP(ptpGroup[:]), c.GeneralPort, os.NewSyscallError("bind", err))
	}
	joined, err := join(fd, c.Interface)
	if err != nil {
		return nil, err
	}
	return &port{fd: fd, rx: newReceiver(fd), joined: joined}, nil
}

// join joins the group on an interface, or on all that are up. One that refuses
// costs management on it, not the service.
func join(fd int, only string) (n int, err error) {
	list, err := net.Interfaces()
	if err != nil {
		return 0, fmt.Errorf("udp: interfaces: %w", err)
	}
	for _, i := range list {
		if only != "" && i.Name != only || i.Flags&(net.FlagUp|net.FlagMulticast) != net.FlagUp|net.FlagMulticast {
			continue
		}
		if unix.SetsockoptIPMreqn(fd, unix.IPPROTO_IP, unix.IP_ADD_MEMBERSHIP, &unix.IPMreqn{Multiaddr: ptpGroup, Ifindex: int32(i.Index)}) == nil {
			n++
		}
	}
	return n, nil
}
