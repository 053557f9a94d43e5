package e2e

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"bragi/master/udp/netns"
)

// wire watches what the grandmaster sends as it arrives at the clients' side: the
// kernel stamps each packet, so that a busy machine moves no gap.
type wire struct {
	running sync.WaitGroup

	mu        sync.Mutex
	flows     map[flowKey]flowSeen
	gaps      [16]time.Duration // the longest, by messageType
	packets   uint64
	backwards []string
	classes   map[uint8]int
	cancels   int
	ended     bool
}

type flowKey struct {
	client netip.Addr
	typ    uint8
}

type flowSeen struct {
	at  time.Duration // CLOCK_REALTIME
	seq uint16
}

const (
	typeSync     = 0
	typeAnnounce = 0xB
	typeSignal   = 0xC
)

// tap is a device in a namespace.
type tap struct {
	namespace netns.Namespace
	device    string
}

// watchWire listens on the clients' devices.
func (b *hosts) watchWire(taps ...tap) *wire {
	b.t.Helper()
	w := &wire{flows: map[flowKey]flowSeen{}, classes: map[uint8]int{}}
	b.t.Cleanup(w.stop)
	for _, tap := range taps {
		var fd int
		err := tap.namespace.Do(func() error {
			const ip = 0x0008 // ETH_P_IP as the network orders it
			device, err := net.InterfaceByName(tap.device)
			if err != nil {
				return err
			}
			if fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, ip); err != nil {
				return err
			}
			const ignoreOutgoing = 23 // PACKET_IGNORE_OUTGOING
			return errors.Join(
				unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 64<<20),
				unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1),
				unix.SetsockoptInt(fd, unix.SOL_PACKET, ignoreOutgoing, 1),
				unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 100_000}),
				unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: ip, Ifindex: device.Index}))
		})
		if err != nil {
			b.t.Fatal(err)
		}
		w.running.Go(func() { w.run(fd) })
	}
	return w
}

func (w *wire) stop() {
	w.mu.Lock()
	w.ended = true
	w.mu.Unlock()
	w.running.Wait()
}

func (w *wire) run(fd int) {
	defer unix.Close(fd) //nolint:errcheck // it was only read
	packet, control := make([]byte, 2048), make([]byte, 256)
	for {
		n, m, _, _, err := unix.Recvmsg(fd, packet, control, 0)
		w.mu.Lock()
		if w.ended {
			w.mu.Unlock()
			return
		}
		if err == nil {
			w.take(packet[:n], control[:m])
		}
		w.mu.Unlock()
	}
}

// take looks at one IPv4 packet.
func (w *wire) take(p, control []byte) {
	head := 4 * int(p[0]&15)
	if len(p) < head+8+34 || p[9] != unix.IPPROTO_UDP || netip.AddrFrom4([4]byte(p[12:16])) != netip.MustParseAddr(serviceAddress) {
		return
	}
	at, ok := arrival(control)
	if !ok {
		return
	}
	w.packets++
	to, message := netip.AddrFrom4([4]byte(p[16:20])), p[head+8:]
	typ := message[0] & 15
	if typ == typeSignal && len(message) >= 46 && binary.BigEndian.Uint16(message[44:]) == 6 { // CANCEL_UNICAST_TRANSMISSION
		w.cancels++
	}
	if typ != typeSync && typ != typeAnnounce && typ != typeSignal {
		return
	}
	if typ == typeAnnounce && len(message) > 48 {
		w.classes[message[48]]++
	}
	key, now := flowKey{to, typ}, flowSeen{at, binary.BigEndian.Uint16(message[30:])}
	if last, known := w.flows[key]; known {
		if ahead := int16(now.seq - last.seq); ahead < 1 && len(w.backwards) < 10 {
			w.backwards = append(w.backwards, fmt.Sprintf("type %x to %v: %d after %d", typ, to, now.seq, last.seq))
		}
		if typ != typeSignal {
			w.gaps[typ] = max(w.gaps[typ], at-last.at)
		}
	}
	w.flows[key] = now
}

// arrival is the kernel's stamp.
func arrival(control []byte) (time.Duration, bool) {
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil {
		return 0, false
	}
	for _, m := range messages {
		if m.Header.Level == unix.SOL_SOCKET && m.Header.Type == unix.SCM_TIMESTAMPNS && len(m.Data) >= 16 {
			return time.Duration(binary.NativeEndian.Uint64(m.Data))*time.Second + time.Duration(binary.NativeEndian.Uint64(m.Data[8:])), true
		}
	}
	return 0, false
}

// seen is what there was since the last call.
type seen struct {
	announce, sync time.Duration // the longest gap of a client
	packets        uint64
	backwards      []string
	classes        map[uint8]int
	cancels        int
}

// window is what there was since the last one; the flows go on, so that a gap across it
// is in the next one.
func (w *wire) window() seen {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := seen{w.gaps[typeAnnounce], w.gaps[typeSync], w.packets, w.backwards, w.classes, w.cancels}
	w.gaps, w.packets, w.backwards, w.classes, w.cancels = [16]time.Duration{}, 0, nil, map[uint8]int{}, 0
	return s
}
