package udp

import (
	"fmt"
	"net"
	"net/netip"

	"bragi/master/udp/socket"
)

// openGroup makes a socket that hears Management messages sent to the group.
func openGroup(c Config, general *port) (*port, error) {
	p, err := socket.OpenGroup(netip.AddrPortFrom(socket.Group, c.GeneralPort), general.Port)
	if err != nil {
		return nil, err
	}
	joined, err := join(p.FD, c.Interface)
	if err != nil {
		_ = p.Close()
		return nil, err
	}
	return &port{Port: p, joined: joined}, nil
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
		if socket.Join(fd, socket.Group, i.Index) == nil {
			n++
		}
	}
	return n, nil
}
