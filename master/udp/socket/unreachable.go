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

// Unreachables hears what the network says of messages that did not arrive: ICMP
// destination unreachable, about what we sent from our PTP ports.
//
// It has a socket of its own. IP_RECVERR on the sockets that serve would bring the
// same, but then one client's error is returned by the next send to another, and
// whoever forges such messages stops the service.
type Unreachables struct {
	fd      int
	routes  int // a socket that is asked for a route, and sends nothing
	ports   [2]uint16
	address netip.Addr // ours; unspecified: every one
	source  func(ptp []byte) bool
	own     netip.Addr // that our own system's word came from last
	data    [576]byte
}

// Unreachable is one message.
type Unreachable struct {
	Address netip.Addr
	// Closed: its port is. Else nobody answered ARP, as our own system says.
	Closed bool
	Type   uint8 // messageType of what did not arrive; typeUnknown where too little of it came back
}

const (
	icmpFilter             = 1 // of SOL_RAW: the types that are not heard
	icmpUnreachable        = 3
	icmpHeader             = 8
	codeHost               = 1
	codePort               = 3
	typeUnknown            = 16
	unreachablesBuffer     = 64 << 10
	solRaw                 = 255
	ipv4Header, udpHeader  = 20, 8
	protocolICMP, protoUDP = 1, 17
)

// OpenUnreachables needs CAP_NET_RAW. ours tells whether a PTP message, of at least
// a header, is one of ours.
func OpenUnreachables(address netip.Addr, event, general uint16, ours func(ptp []byte) bool) (*Unreachables, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, protocolICMP)
	if err != nil {
		return nil, fmt.Errorf("udp: ICMP: %w: run as root or with CAP_NET_RAW", os.NewSyscallError("socket", err))
	}
	others := ^uint32(1 << icmpUnreachable)
	filter := (*[4]byte)(unsafe.Pointer(&others))[:]
	if err := unix.SetsockoptString(fd, solRaw, icmpFilter, string(filter)); err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("udp: ICMP: %w", os.NewSyscallError("setsockopt", err))
	}
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, unreachablesBuffer)
	routes, err := newDatagram()
	if err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	return &Unreachables{fd: fd, routes: routes, ports: [2]uint16{event, general}, address: address, source: ours}, nil
}

// Close closes it; of none it does nothing.
func (u *Unreachables) Close() error {
	if u == nil || u.fd < 0 {
		return nil
	}
	fd := u.fd
	u.fd = -1
	return os.NewSyscallError("close", errors.Join(unix.Close(fd), unix.Close(u.routes)))
}

// Next takes the next message that concerns us, without waiting; ok is false when
// none is left, or enough have been looked at.
func (u *Unreachables) Next() (m Unreachable, ok bool) {
	for range Batch {
		n, _, e := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(u.fd), uintptr(unsafe.Pointer(&u.data[0])), uintptr(len(u.data)), unix.MSG_DONTWAIT, 0, 0)
		if e == unix.EINTR {
			continue
		}
		if e != 0 {
			return m, false
		}
		if m, ok = u.about(u.data[:n]); ok {
			return m, true
		}
	}
	return m, false
}

// about takes a message apart: an IP header, ICMP's, and the headers of what was
// sent, with as much of it as whoever answered has put there.
func (u *Unreachables) about(b []byte) (m Unreachable, ok bool) {
	outer, b, ok := cutIPv4(b, protocolICMP)
	if !ok || len(b) < icmpHeader || b[0] != icmpUnreachable {
		return m, false
	}
	code := b[1]
	inner, b, ok := cutIPv4(b[icmpHeader:], protoUDP)
	if !ok || len(b) < udpHeader {
		return m, false
	}
	from, to := binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
	if from != to || from != u.ports[0] && from != u.ports[1] || !u.address.IsUnspecified() && inner.source != u.address {
		return m, false
	}
	const ptpHeader = 34
	m.Type = typeUnknown
	if ptp := b[udpHeader:]; len(ptp) >= ptpHeader {
		if !u.source(ptp) {
			return m, false
		}
		m.Type = ptp[0] & 0x0F
	}
	m.Address, m.Closed = inner.destination, code == codePort
	// Only our own system knows that nobody answers ARP; others' word for it may be a
	// route that comes back.
	return m, m.Closed || code == codeHost && u.ourselves(outer.source)
}

// ourselves tells whether an address is this machine's. From outside none of them
// comes: the kernel drops such a packet.
func (u *Unreachables) ourselves(a netip.Addr) bool {
	const discard = 9
	// To an address of ours one speaks from that address.
	if a != u.own && unix.Connect(u.routes, &unix.SockaddrInet4{Port: discard, Addr: a.As4()}) == nil {
		if from, ok := BoundTo(u.routes); ok && from.Addr() == a {
			u.own = a
		}
	}
	return a == u.own
}

type ipv4 struct{ source, destination netip.Addr }

// cutIPv4 takes an IP header off a packet of a protocol.
func cutIPv4(b []byte, protocol uint8) (h ipv4, rest []byte, ok bool) {
	if len(b) < ipv4Header || b[0]>>4 != 4 || b[9] != protocol {
		return h, nil, false
	}
	length := int(b[0]&0x0F) * 4
	if length < ipv4Header || length > len(b) {
		return h, nil, false
	}
	return ipv4{netip.AddrFrom4([4]byte(b[12:])), netip.AddrFrom4([4]byte(b[16:]))}, b[length:], true
}
