package udp

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"bragi/board/kernelclock"
	"bragi/gnss/timescale"
	"bragi/master/wire"
)

// Peer is the core of a client: rehearsal.Client is one. All times are
// CLOCK_MONOTONIC_RAW.
type Peer interface {
	// Poll returns the next message to send at now, until ok is false. payload
	// is only looked at before the next call.
	Poll(now timescale.Mono) (payload []byte, event, ok bool)
	// Sent tells when the event message with this sequenceId left: first a
	// reading of the clock right before the send, then the kernel's stamp if one
	// comes.
	Sent(sequenceID uint16, at timescale.Mono)
	// Receive takes a datagram; stamp is the kernel's, zero for none.
	Receive(now timescale.Mono, event bool, src netip.Addr, payload []byte, stamp timescale.Mono)
	// Next is when Poll has something to do.
	Next() timescale.Mono
}

// ClientConfig is where a client speaks from and to.
type ClientConfig struct {
	Local                  netip.Addr // the zero Addr: whatever the route says
	Master                 netip.Addr
	Interface              string
	EventPort, GeneralPort uint16 // ours and the master's; 0: 319 and 320
	DSCP                   uint8
}

// Client has the sockets of one unicast client.
type Client struct {
	cfg            ClientConfig
	event, general *port
	bridge         kernelclock.Bridge
	sent           uint32 // event messages: the kernel's stamps count them (SOF_TIMESTAMPING_OPT_ID)
	ids            [64]uint16
	readings       [64]timescale.Mono
	control        [controlMax]byte
	data           [64]byte
	stats          ClientStats
}

// ClientStats counts what a client's sockets did.
type ClientStats struct {
	TxStamps   uint64 // kernel stamps of what was sent
	StampsVoid uint64
	Jumps      uint64
	SendFailed uint64
}

// Dial opens the sockets of a client.
func Dial(c ClientConfig) (*Client, error) {
	var err error
	if c.Local, err = checkAddress(c.Local); err != nil {
		return nil, err
	}
	if c.Master, err = checkAddress(c.Master); err != nil {
		return nil, err
	}
	if c.Master.IsUnspecified() {
		return nil, errors.New("udp: a client needs the master's address")
	}
	if err := ready(&c.EventPort, &c.GeneralPort); err != nil {
		return nil, err
	}
	cl := &Client{cfg: c}
	for _, p := range []struct {
		to     **port
		number uint16
		stamps bool
	}{{&cl.event, c.EventPort, true}, {&cl.general, c.GeneralPort, false}} {
		fd, err := open(options{address: c.Local, port: p.number, device: c.Interface, dscp: c.DSCP, priority: 6, txStamps: p.stamps})
		if err != nil {
			_ = cl.Close()
			return nil, err
		}
		*p.to = &port{fd: fd, rx: newReceiver(fd), tx: newSender(fd, p.number, true)}
	}
	return cl, nil
}

// closePorts closes what is open of a client's sockets.
func closePorts(ports ...*port) error {
	var errs []error
	for _, p := range ports {
		if p != nil && p.fd >= 0 {
			errs = append(errs, os.NewSyscallError("close", unix.Close(p.fd)))
			p.fd = -1
		}
	}
	return errors.Join(errs...)
}

// Close gives the ports back. Run must have ended.
func (c *Client) Close() error {
	return closePorts(c.event, c.general)
}

// Run carries peer's messages until ctx ends (then nil). each is called on the
// same goroutine about ten times a second, to look at the peer.
func (c *Client) Run(ctx context.Context, peer Peer, each func(now timescale.Mono, s ClientStats)) error {
	runtime.LockOSThread() // the thread ends with the timer slack it is given
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)
	defer runtime.UnlockOSThread()
	fds := []unix.PollFd{{Fd: int32(c.event.fd), Events: unix.POLLIN}, {Fd: int32(c.general.fd), Events: unix.POLLIN}}
	const tenth = time.Second / 10
	c.bridge.Look()
	lookAt := Now()
	for ctx.Err() == nil {
		c.send(peer)
		now := Now()
		if !now.Before(lookAt) {
			lookAt = now.Add(tenth)
			c.stats.Jumps, c.stats.SendFailed = c.bridge.Jumps(), c.event.tx.stats.Failed+c.general.tx.stats.Failed
			each(now, c.stats)
		}
		wait := max(0, min(peer.Next().Sub(now), lookAt.Sub(now)))
		ts := unix.NsecToTimespec(int64(wait))
		if _, err := unix.Ppoll(fds, &ts, nil); err != nil {
			if errors.Is(err, unix.EINTR) {
				continue
			}
			return fmt.Errorf("udp: %w", os.NewSyscallError("ppoll", err))
		}
		c.txStamps(peer)
		c.receive(peer, c.event, true)
		c.receive(peer, c.general, false)
	}
	return nil
}

func (c *Client) send(peer Peer) {
	for {
		payload, event, ok := peer.Poll(Now())
		if !ok {
			return
		}
		if !event {
			c.general.tx.one(netip.Addr{}, c.cfg.Master, payload)
			continue
		}
		h, err := wire.ParseHeader(payload)
		if err != nil {
			continue
		}
		was := c.event.tx.stats.Sent
		at := Now()
		c.event.tx.one(netip.Addr{}, c.cfg.Master, payload)
		if c.event.tx.stats.Sent == was {
			continue
		}
		i := c.sent % uint32(len(c.ids))
		c.ids[i], c.readings[i] = h.SequenceID, at
		c.sent++
		peer.Sent(h.SequenceID, at)
		c.txStamps(peer)
	}
}

// maxTxLate is how long after the reading a packet may have left.
const maxTxLate = 10 * time.Millisecond

// txStamps reads the kernel's stamps of what was sent from the error queue. A
// client may do so: it waits for none of them.
func (c *Client) txStamps(peer Peer) {
	for {
		_, n, _, _, err := unix.Recvmsg(c.event.fd, c.data[:], c.control[:], unix.MSG_ERRQUEUE|unix.MSG_DONTWAIT)
		if err != nil {
			return
		}
		ns, id, ok := txStamp(c.control[:n])
		if !ok || c.sent-id > uint32(len(c.ids)) || id >= c.sent {
			continue
		}
		c.bridge.Look()
		at, ok := c.bridge.Mono(ns)
		i := id % uint32(len(c.ids))
		// A stamp far from its reading is another packet's: the counts differ.
		if late := at.Sub(c.readings[i]); !ok || late < -kernelclock.Slack || late > maxTxLate {
			c.stats.StampsVoid++
			continue
		}
		c.stats.TxStamps++
		peer.Sent(c.ids[i], at)
	}
}

// txStamp finds stamp and number in the control messages of the error queue.
func txStamp(b []byte) (ns int64, id uint32, ok bool) {
	var stamped, numbered bool
	for len(b) >= unix.SizeofCmsghdr {
		length, level, typ, data := cmsg(b)
		if data == nil {
			break
		}
		switch {
		case level == unix.SOL_SOCKET && typ == unix.SO_TIMESTAMPING_NEW && len(data) >= 16:
			ns, stamped = stampNs(data), true
		case level == unix.IPPROTO_IP && typ == unix.IP_RECVERR && len(data) >= int(unsafe.Sizeof(unix.SockExtendedErr{})):
			// ee_origin, ee_info (the kind of stamp), ee_data (the number)
			numbered = data[4] == unix.SO_EE_ORIGIN_TIMESTAMPING && binary.NativeEndian.Uint32(data[8:]) == unix.SCM_TSTAMP_SND
			id = binary.NativeEndian.Uint32(data[12:])
		}
		b = b[min(align(length), len(b)):]
	}
	return ns, id, stamped && numbered
}

func (c *Client) receive(peer Peer, p *port, event bool) {
	n := p.rx.read()
	if n > 0 && event {
		c.bridge.Look()
	}
	now := Now()
	for i := range n {
		pkt, ok := p.rx.packet(i)
		if !ok || pkt.src != c.cfg.Master {
			continue
		}
		var stamp timescale.Mono
		if event && pkt.stampNs != 0 {
			if stamp, ok = c.bridge.Mono(pkt.stampNs); !ok {
				c.stats.StampsVoid++
			}
		}
		peer.Receive(now, event, pkt.src, pkt.payload, stamp)
	}
}
