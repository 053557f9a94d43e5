package socket

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"

	"golang.org/x/sys/unix"
)

// ethPTP is the EtherType of PTP (annex E.1).
const ethPTP = 0x88F7

// EthernetHeader is how long the header of a frame is.
const EthernetHeader = 14

// Where Ethernet's PTP messages go (annex E.3): to all, and to the neighbour alone,
// which no bridge forwards.
var (
	groupMAC     = [6]byte{0x01, 0x1B, 0x19, 0x00, 0x00, 0x00}
	neighbourMAC = [6]byte{0x01, 0x80, 0xC2, 0x00, 0x00, 0x0E}
)

// Ethernet sends PTP messages as frames to the neighbour by one device, and
// receives those of both groups.
type Ethernet struct {
	*errorQueue // the stamps that were asked for

	Rx *Receiver

	fd      int
	hdr     unix.Msghdr
	iov     unix.Iovec
	request request
	frame   []byte // the header and room for a message
}

const stampsOfOne = unix.SOF_TIMESTAMPING_SOFTWARE | unix.SOF_TIMESTAMPING_RAW_HARDWARE | unix.SOF_TIMESTAMPING_OPT_TX_SWHW |
	unix.SOF_TIMESTAMPING_RX_SOFTWARE | unix.SOF_TIMESTAMPING_RX_HARDWARE

// OpenEthernet is for frames of length octets, by a device and with a priority
// (SO_PRIORITY).
func OpenEthernet(device *net.Interface, priority, length int) (fd int, e *Ethernet, err error) {
	if len(device.HardwareAddr) != 6 {
		return -1, nil, fmt.Errorf("udp: twins: interface %q is no Ethernet port: choose another board.interface", device.Name)
	}
	fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, nil, fmt.Errorf("udp: twins: %w: run as root or with CAP_NET_RAW", os.NewSyscallError("socket", err))
	}
	errs := []error{
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PRIORITY, priority),
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPING_NEW, stampsOfOne),
		unix.Bind(fd, &unix.SockaddrLinklayer{Ifindex: device.Index, Protocol: ethPTP>>8 | ethPTP&0xFF<<8}),
	}
	for _, group := range [][6]byte{neighbourMAC, groupMAC} {
		join := unix.PacketMreq{Ifindex: int32(device.Index), Type: unix.PACKET_MR_MULTICAST, Alen: 6}
		copy(join.Address[:], group[:])
		errs = append(errs, unix.SetsockoptPacketMreq(fd, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP, &join))
	}
	if err := errors.Join(errs...); err != nil {
		_ = unix.Close(fd)
		return -1, nil, fmt.Errorf("udp: twins: %w", os.NewSyscallError("setsockopt", err))
	}
	e = &Ethernet{errorQueue: newErrorQueue(fd), Rx: NewReceiver(fd), fd: fd, request: newRequest(), frame: make([]byte, length)}
	copy(e.frame, neighbourMAC[:])
	copy(e.frame[6:], device.HardwareAddr)
	binary.BigEndian.PutUint16(e.frame[12:], ethPTP)
	e.iov.Base = &e.frame[0]
	e.iov.SetLen(len(e.frame))
	e.hdr.Iov = &e.iov
	e.hdr.SetIovlen(1)
	return fd, e, nil
}

// Send sends one message, at once, to the neighbour, and asks for its stamps. It
// has no addresses and no numbers.
func (e *Ethernet) Send(_, _ netip.Addr, message []byte, wish Wish, _ uint32) (sent bool) {
	copy(e.frame[EthernetHeader:], message)
	e.request.wish = wish
	e.request.into(&e.hdr, 0)
	return sendmsg(e.fd, &e.hdr) == 0
}

// OpenGroupSender makes a socket by which messages go to groups' port, by one
// device and no further than its link.
func OpenGroupSender(device *net.Interface, port uint16, priority int) (fd int, tx *Sender, err error) {
	fd, err = newDatagram()
	if err != nil {
		return -1, nil, err
	}
	if err := errors.Join(
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PRIORITY, priority),
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPING_NEW, stampsOfOne),
		sendByDevice(fd, device.Index)); err != nil {
		_ = unix.Close(fd)
		return -1, nil, fmt.Errorf("udp: twins: %w", os.NewSyscallError("setsockopt", err))
	}
	return fd, NewSender(fd, port, Bound), nil
}
