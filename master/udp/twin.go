package udp

import (
	"encoding/binary"
	"net"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"bragi/board/kernelclock"
	"bragi/gnss/timescale"
	"bragi/master/udp/socket"
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
	udpHeaders = socket.EthernetHeader + socket.Headers
	syncFrame  = udpHeaders + wire.SyncLen
	// firstTwins are sent at the start, one each firstEvery, then one each twinEvery
	// while they are wanted.
	firstTwins = 16
	firstEvery = 125 * time.Millisecond
	twinEvery  = 500 * time.Millisecond
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
	departure departure
	fd        int
	index     int // the device's
	message   []byte
	headers   int // how much lies before it in what comes back
	seq       uint16
	next      timescale.Mono // when the next is due; zero: none is wanted
	wait      timescale.Mono // when the last was sent; zero: its stamps have come
	soft      timescale.Local
	on        bool               // they go on after the first ones
	heard     kernelclock.Bridge // as it was when neighbours' messages were last looked for
	rx        *socket.Receiver   // nil: nothing is received
	stats     TwinStats
}

// openTwins makes the socket.
func openTwins(device *net.Interface, c Twins, id wire.ClockIdentity, priority int, port uint16) (*twins, error) {
	t := &twins{index: device.Index}
	t.message = (&wire.Sync{Header: wire.Header{Domain: twinDomain, Flags: wire.FlagTwoStep, Source: wire.PortIdentity{Clock: id, Port: 0xFFFE}, LogInterval: wire.LogIntervalNone}}).Append(nil)
	if c.Group {
		fd, tx, err := socket.OpenGroupSender(device, port, priority)
		if err != nil {
			return nil, err
		}
		t.fd, t.departure, t.headers = fd, tx, udpHeaders
		return t, nil
	}
	fd, e, err := socket.OpenEthernet(device, priority, syncFrame)
	if err != nil {
		return nil, err
	}
	t.fd, t.departure, t.rx, t.headers = fd, e, e.Rx, socket.EthernetHeader
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
	t.message[0] = byte(typ)
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
	wire.PutSequenceID(t.message, t.seq)
	if t.departure.Send(netip.Addr{}, socket.AlternateGroup, t.message, socket.KernelStamp|socket.DeviceStamp, 0) {
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
	for i := range t.rx.Read() {
		p, ok := t.rx.Packet(i)
		if !ok || p.KernelNs == 0 || p.DeviceNs == 0 {
			continue
		}
		soft, ok := kernelclock.Between(&before, &t.heard, p.KernelNs)
		if !ok {
			continue
		}
		if behind := l.clock.Local(soft).Sub(timescale.LocalFromNs(p.DeviceNs)); 0 <= behind && behind <= longestInterrupt {
			l.stamps.interrupt.Add(int64(behind))
		}
	}
}

// takeTwin reads the stamps of the last twin.
func (l *loop) takeTwin(t *twins) {
	s := l.stamps
	looked := false
	for {
		packet, stamp, ok := t.departure.Left()
		if !ok {
			return
		}
		if stamp.Stamps == (socket.Stamps{}) || len(packet) < t.headers+wire.SyncLen || binary.BigEndian.Uint16(packet[t.headers+wire.SequenceOffset:]) != t.seq {
			s.stray++
			continue
		}
		if stamp.KernelNs != 0 {
			if !looked {
				l.bridge.Look()
				looked = true
			}
			t.stats.Left++
			if m, ok := l.bridge.Mono(stamp.KernelNs); ok {
				t.soft = l.clock.Local(m)
			}
		}
		if stamp.DeviceNs != 0 {
			t.stats.Stamped++
			behind := timescale.LocalFromNs(stamp.DeviceNs).Sub(t.soft)
			if t.soft != (timescale.Local{}) && plausible(behind) {
				s.beyond.Add(int64(behind))
			}
			t.wait = timescale.Mono{}
		}
	}
}
