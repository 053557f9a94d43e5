package udp

import (
	"testing"

	"golang.org/x/sys/unix"

	"bragi/master/udp/socket"
)

// The serving sockets: buffers that fifty silent neighbours or a burst of
// renewals do not fill, DSCP and the VLAN's priority, receive stamps, the
// kernel's count of drops; and no IP_RECVERR, by which one destination's error
// would come up at another's send.
func TestSocketOptions(t *testing.T) {
	e, g := twoPorts(t)
	s := listen(t, Config{Address: serverAddr, EventPort: e, GeneralPort: g, DSCP: 47})
	defer s.Close()
	for _, c := range []struct {
		name          string
		level, option int
		least, most   int
		root          bool // as asked for only with CAP_NET_ADMIN
	}{
		{"SO_SNDBUF", unix.SOL_SOCKET, unix.SO_SNDBUF, 2 * socket.SendBuffer, 2 * socket.SendBuffer, true},
		{"SO_RCVBUF", unix.SOL_SOCKET, unix.SO_RCVBUF, 2 * socket.ReceiveBuffer, 2 * socket.ReceiveBuffer, true},
		{"IP_TOS", unix.IPPROTO_IP, unix.IP_TOS, 47 << 2, 47 << 2, false},
		{"SO_PRIORITY", unix.SOL_SOCKET, unix.SO_PRIORITY, 6, 6, false},
		{"SO_RXQ_OVFL", unix.SOL_SOCKET, unix.SO_RXQ_OVFL, 1, 1, false},
		{"IP_RECVERR", unix.IPPROTO_IP, unix.IP_RECVERR, 0, 0, false},
		{"SO_REUSEADDR", unix.SOL_SOCKET, unix.SO_REUSEADDR, 0, 0, false},
	} {
		if c.root && unix.Geteuid() != 0 {
			continue
		}
		for _, p := range []*port{s.event, s.general} {
			got, err := unix.GetsockoptInt(p.FD, c.level, c.option)
			if err != nil || got < c.least || got > c.most {
				t.Errorf("%s is %d, want %d (%v)", c.name, got, c.least, err)
			}
		}
	}
}
