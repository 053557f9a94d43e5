package udp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"bragi/board/kernelclock"
	"bragi/gnss/timescale"
	"bragi/master/wire"
)

// Twins are messages that nobody reads, as long as a Sync and on the same queue,
// of the kind that the device stamps although it stamps no unicast. Kernel and
// device both say when a twin left: what the device's stamp is behind the
// kernel's is the way through driver and MAC, which every Sync takes too.
//
// They also tell at the start whether the device stamps at all. And what others
// send of that kind, twins of a neighbour for one, is stamped on arrival by both:
// what the kernel's stamp is behind the device's is what a request that only the
// kernel stamps has waited for it.
type Twins struct {
	// Group sends them by UDP to 224.0.1.130 with TTL 1, else as Ethernet frames to
	// 01-80-C2-00-00-0E, which no bridge forwards (annex E.3).
	Group bool
}

const (
	twinDomain = 127 // nobody's
	syncFrame  = 14 + 20 + 8 + wire.SyncLen
	ethPTP     = 0x88F7
	// firstTwins are sent at the start, one each firstEvery, then one each twinEvery
	// while they are wanted.
	firstTwins = 16
	firstEvery = 125 * time.Millisecond
	twinEvery  = 500 * time.Millisecond
)

var (
	twinMAC   = [6]byte{0x01, 0x80, 0xC2, 0x00, 0x00, 0x0E}
	twinGroup = [4]byte{224, 0, 1, 130}
)

// TwinStats count twins.
type TwinStats struct {
	Sent, Failed uint64
	// Left: the kernel gave it to the device. Stamped: the device said when.
	Left, Stamped uint64
	Error         error // why there can be none
}

// twins sends them and takes their stamps.
type twins struct {
	fd     int
	index  int // the device's
	frame  []byte
	start  int // of the PTP message in what is sent
	looped int // and in what comes back
	tx     *sender
	seq    uint16
	next   timescale.Mono // when the next is due; zero: none is wanted
	wait   timescale.Mono // when the last was sent; zero: its stamps have come
	soft   timescale.Local
	on     bool               // they go on after the first ones
	heard  kernelclock.Bridge // as it was when neighbours' messages were last looked for
	rx     *receiver          // nil: nothing is received
	stats  TwinStats
}

// openTwins makes the socket.
func openTwins(device *net.Interface, c Twins, id wire.ClockIdentity, priority int, port uint16) (_ *twins, err error) {
	t := &twins{fd: -1, index: device.Index, looped: 14}
	defer func() {
		if err != nil {
			t.close()
		}
	}()
	if c.Group {
		t.looped = 14 + 20 + 8
		t.fd, err = unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, unix.IPPROTO_UDP)
	} else {
		t.fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	}
	if err != nil {
		return nil, fmt.Errorf("udp: twins: %w: run as root or with CAP_NET_RAW", os.NewSyscallError("socket", err))
	}
	const stamps = unix.SOF_TIMESTAMPING_SOFTWARE | unix.SOF_TIMESTAMPING_RAW_HARDWARE | unix.SOF_TIMESTAMPING_OPT_TX_SWHW |
		unix.SOF_TIMESTAMPING_RX_SOFTWARE | unix.SOF_TIMESTAMPING_RX_HARDWARE
	errs := []error{
		unix.SetsockoptInt(t.fd, unix.SOL_SOCKET, unix.SO_PRIORITY, priority),
		unix.SetsockoptInt(t.fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPING_NEW, stamps),
	}
	message := (&wire.Sync{Header: wire.Header{Domain: twinDomain, Flags: wire.FlagTwoStep, Source: wire.PortIdentity{Clock: id, Port: 0xFFFE}, LogInterval: wire.LogIntervalNone}}).Append(nil)
	if c.Group {
		errs = append(errs,
			unix.SetsockoptInt(t.fd, unix.IPPROTO_IP, unix.IP_MULTICAST_TTL, 1),
			unix.SetsockoptInt(t.fd, unix.IPPROTO_IP, unix.IP_MULTICAST_LOOP, 0),
			unix.SetsockoptIPMreqn(t.fd, unix.IPPROTO_IP, unix.IP_MULTICAST_IF, &unix.IPMreqn{Ifindex: int32(device.Index)}))
		t.tx = newSender(t.fd, port, true)
		t.frame = message
	} else {
		errs = append(errs, unix.Bind(t.fd, &unix.SockaddrLinklayer{Ifindex: device.Index, Protocol: ethPTP>>8 | ethPTP&0xFF<<8}))
		for _, group := range [][6]byte{twinMAC, {0x01, 0x1B, 0x19}} { // those of IEEE 1588, annex E.3
			join := unix.PacketMreq{Ifindex: int32(device.Index), Type: unix.PACKET_MR_MULTICAST, Alen: 6}
			copy(join.Address[:], group[:])
			errs = append(errs, unix.SetsockoptPacketMreq(t.fd, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP, &join))
		}
		t.rx = newReceiver(t.fd)
		t.tx = newSender(t.fd, 0, true)
		t.tx.hdr[0].Hdr.Name, t.tx.hdr[0].Hdr.Namelen = nil, 0 // bound to its device
		if len(device.HardwareAddr) != 6 {
			err = fmt.Errorf("udp: twins: interface %q is no Ethernet port: choose another board.interface", device.Name)
			return nil, err
		}
		t.start = 14
		t.frame = make([]byte, syncFrame)
		copy(t.frame, twinMAC[:])
		copy(t.frame[6:], device.HardwareAddr)
		binary.BigEndian.PutUint16(t.frame[12:], ethPTP)
		copy(t.frame[t.start:], message)
	}
	if err = errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("udp: twins: %w", os.NewSyscallError("setsockopt", err))
	}
	return t, nil
}

func (t *twins) close() {
	if t != nil && t.fd >= 0 {
		_ = unix.Close(t.fd)
		t.fd = -1
	}
}

// begin sends the first ones anew, and goes on if they are wanted later too.
// oneStep: the device writes the time into each Sync and stamps none, so that the
// twins are Delay_Reqs.
func (t *twins) begin(now timescale.Mono, on, oneStep bool) {
	typ := wire.TypeSync
	if oneStep {
		typ = wire.TypeDelayReq
	}
	t.frame[t.start] = byte(typ)
	t.on, t.next, t.stats = on, now, TwinStats{}
}

// due is when the next twin is to be sent; ok is false when none is.
func (t *twins) due() (at timescale.Mono, ok bool) {
	if t == nil {
		return at, false
	}
	return t.next, !t.next.IsZero()
}

// send sends one.
func (t *twins) send(now timescale.Mono) {
	t.seq++
	wire.PutSequenceID(t.frame[t.start:], t.seq)
	t.tx.iov[0].Base = &t.frame[0]
	t.tx.iov[0].SetLen(len(t.frame))
	if t.start == 0 {
		t.tx.name[0].Addr = twinGroup
	}
	h := &t.tx.hdr[0].Hdr
	start, length := t.tx.wish.control(softwareStamp|deviceStamp, false, false)
	h.Control = start
	h.SetControllen(length)
	if t.tx.transmit() {
		t.stats.Sent++
		t.wait, t.soft = now, timescale.Local{}
	} else {
		t.stats.Failed++
	}
	switch {
	case t.stats.Sent+t.stats.Failed < firstTwins:
		t.next = now.Add(firstEvery)
	case t.on:
		t.next = now.Add(twinEvery)
	default:
		t.next = timescale.Mono{}
	}
}

// twin sends the twin that is due and takes the stamps of the one before.
func (l *loop) twin(now timescale.Mono) {
	t := l.twins
	if t == nil {
		return
	}
	if !t.wait.IsZero() {
		l.takeTwin(t)
	}
	if at, ok := t.due(); ok && !now.Before(at) {
		l.hearTwins(t)
		t.send(now)
	}
}

// hearTwins takes the receive stamps of what neighbours have sent since it was
// last asked, at most a batch.
func (l *loop) hearTwins(t *twins) {
	if t.rx == nil {
		return
	}
	before := t.heard
	l.bridge.Look()
	t.heard = l.bridge
	for i := range t.rx.read() {
		p, ok := t.rx.packet(i)
		if !ok || p.stampNs == 0 || p.deviceNs == 0 {
			continue
		}
		soft, ok := kernelclock.Between(&before, &t.heard, p.stampNs)
		if !ok {
			continue
		}
		if behind := l.clock.Local(soft).Sub(timescale.LocalFromNs(p.deviceNs)); 0 <= behind && behind <= longestInterrupt {
			l.stamps.interrupt.Add(int64(behind))
		}
	}
}

// takeTwin reads the stamps of the last twin.
func (l *loop) takeTwin(t *twins) {
	s := l.stamps
	looked := false
	for {
		n, e := s.read(t.fd)
		if e != 0 {
			return
		}
		stamp, ok := txStamps(s.control[:s.hdr.Controllen])
		packet := s.data[:n]
		if !ok || n < t.looped+wire.SyncLen || binary.BigEndian.Uint16(packet[t.looped+wire.SequenceOffset:]) != t.seq {
			s.stray++
			continue
		}
		if stamp.softwareNs != 0 {
			if !looked {
				l.bridge.Look()
				looked = true
			}
			t.stats.Left++
			if m, ok := l.bridge.Mono(stamp.softwareNs); ok {
				t.soft = l.clock.Local(m)
			}
		}
		if stamp.deviceNs != 0 {
			t.stats.Stamped++
			behind := timescale.LocalFromNs(stamp.deviceNs).Sub(t.soft)
			if t.soft != (timescale.Local{}) && plausible(behind) {
				s.beyond.Add(int64(behind))
			}
			t.wait = timescale.Mono{}
		}
	}
}
