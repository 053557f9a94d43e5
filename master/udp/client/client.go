// Package client has the sockets of a rehearsing client, or of a crowd of them: it
// carries the messages of a core (rehearsal.Client, rehearsal.Crowd) to a unicast
// master and back, with the kernel's stamps of what came and left.
package client

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"bragi/board/kernelclock"
	"bragi/gnss/timescale"
	"bragi/master/udp/socket"
	"bragi/master/wire"
)

// Peer is the core of a client: rehearsal.Chooser is one. All times are
// CLOCK_MONOTONIC_RAW.
type Peer interface {
	// Poll returns the next message to send at now and the master that it goes to,
	// until ok is false. payload is only looked at before the next call.
	Poll(now timescale.Mono) (to netip.Addr, payload []byte, event, ok bool)
	// Sent tells when the event message with this sequenceId left: first a
	// reading of the clock right before the send, then the kernel's stamp if one
	// comes.
	Sent(sequenceID uint16, at timescale.Mono)
	// Receive takes a datagram; stamp is the kernel's, zero for none.
	Receive(now timescale.Mono, event bool, src netip.Addr, payload []byte, stamp timescale.Mono)
	// NotSent tells that the system refused to send a message, and why.
	NotSent(to netip.Addr, why error)
	// Undelivered tells that a message did not arrive, as the network says (ICMP):
	// nobody listens at the port (closed), else nobody answers ARP.
	Undelivered(to netip.Addr, closed bool)
	// Next is when Poll has something to do.
	Next() timescale.Mono
}

// Config is where a client speaks from and to.
type Config struct {
	Local                  netip.Addr // the zero Addr: whatever the route says
	Masters                []netip.Addr
	Interface              string
	EventPort, GeneralPort uint16 // ours and the master's; 0: 319 and 320
	DSCP                   uint8
	// Device turns a stamp of the device's clock, in ns, into CLOCK_MONOTONIC_RAW; false:
	// it cannot now. nil: the kernel's stamps are used.
	Device func(ns int64) (at timescale.Mono, ok bool)
}

// Client has the sockets of one unicast client.
type Client struct {
	cfg            Config
	event, general *socket.Port
	icmp           *socket.Unreachables // nil: without CAP_NET_RAW nobody hears it
	bridge         kernelclock.Bridge
	sent           uint32 // event messages: the kernel's stamps count them (SOF_TIMESTAMPING_OPT_ID)
	ids            [64]uint16
	readings       [64]timescale.Mono
	device         [64]bool // the device's stamp has come
	stats          Stats
}

// Stats counts what a client's sockets did.
type Stats struct {
	TxStamps   uint64 // kernel stamps of what was sent
	DeviceRx   uint64 // the device's, of what came
	DeviceTx   uint64 // and of what was sent
	StampsVoid uint64
	Jumps      uint64
	SendFailed uint64
}

// Dial opens the sockets of a client.
func Dial(c Config) (*Client, error) {
	var err error
	if c.Local, err = socket.CheckAddress(c.Local); err != nil {
		return nil, err
	}
	if c.Masters = slices.Clone(c.Masters); len(c.Masters) == 0 {
		return nil, errors.New("udp: a client needs a master's address")
	}
	for i, master := range c.Masters {
		if c.Masters[i], err = socket.CheckAddress(master); err != nil {
			return nil, err
		}
		if c.Masters[i].IsUnspecified() {
			return nil, errors.New("udp: a client needs the master's address")
		}
	}
	if err := socket.Ready(&c.EventPort, &c.GeneralPort); err != nil {
		return nil, err
	}
	cl := &Client{cfg: c}
	o := socket.Options{Address: c.Local, Port: c.EventPort, Device: c.Interface, DSCP: c.DSCP, Priority: priority, TxStamps: true}
	if cl.event, err = socket.Open(o); err != nil {
		return nil, err
	}
	o.Port, o.TxStamps = c.GeneralPort, false
	if cl.general, err = socket.Open(o); err != nil {
		_ = cl.event.Close()
		return nil, err
	}
	cl.icmp, _ = socket.OpenUnreachables(c.Local, c.EventPort, c.GeneralPort, func([]byte) bool { return true })
	return cl, nil
}

// priority is SO_PRIORITY of what a client sends.
const priority = 6

// Close gives the ports back. Run must have ended.
func (c *Client) Close() error {
	return errors.Join(c.event.Close(), c.general.Close(), c.icmp.Close())
}

// Run carries peer's messages until ctx ends (then nil). each is called on the
// same goroutine about ten times a second, to look at the peer.
func (c *Client) Run(ctx context.Context, peer Peer, each func(now timescale.Mono, s Stats)) error {
	return RunAll(ctx, []*Client{c}, []Peer{peer}, func(now timescale.Mono) { each(now, c.stats) })
}

// RunAll is Run for several clients, each with a peer of its own.
func RunAll(ctx context.Context, clients []*Client, peers []Peer, each func(now timescale.Mono)) error {
	runtime.LockOSThread() // the thread ends with the timer slack it is given
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)
	defer runtime.UnlockOSThread()
	var fds []unix.PollFd
	for _, c := range clients {
		fds = append(fds, unix.PollFd{Fd: int32(c.event.FD), Events: unix.POLLIN}, unix.PollFd{Fd: int32(c.general.FD), Events: unix.POLLIN})
		c.bridge.Look()
	}
	const tenth = time.Second / 10
	lookAt := kernelclock.Raw()
	for ctx.Err() == nil {
		for i, c := range clients {
			c.send(peers[i])
		}
		now := kernelclock.Raw()
		if !now.Before(lookAt) {
			lookAt = now.Add(tenth)
			for i, c := range clients {
				c.hearUnreachables(peers[i])
				c.stats.Jumps, c.stats.SendFailed = c.bridge.Jumps(), c.event.Tx.Stats.Failed+c.general.Tx.Stats.Failed
			}
			each(now)
		}
		next := lookAt
		for _, peer := range peers {
			if at := peer.Next(); at.Before(next) {
				next = at
			}
		}
		ts := unix.NsecToTimespec(int64(max(0, next.Sub(now))))
		if _, err := unix.Ppoll(fds, &ts, nil); err != nil {
			if errors.Is(err, unix.EINTR) {
				continue
			}
			return fmt.Errorf("udp: %w", os.NewSyscallError("ppoll", err))
		}
		for i, c := range clients {
			c.txStamps(peers[i])
			c.receive(peers[i], c.event)
			c.receive(peers[i], c.general)
		}
	}
	return nil
}

func (c *Client) send(peer Peer) {
	for {
		to, payload, event, ok := peer.Poll(kernelclock.Raw())
		if !ok {
			return
		}
		if !event {
			if !c.general.Tx.Send(netip.Addr{}, to, payload, 0, 0) {
				peer.NotSent(to, c.general.Tx.Refused)
			}
			continue
		}
		h, err := wire.ParseHeader(payload)
		if err != nil {
			continue
		}
		at := kernelclock.Raw()
		if !c.event.Tx.Send(netip.Addr{}, to, payload, 0, 0) {
			peer.NotSent(to, c.event.Tx.Refused)
			continue
		}
		i := c.sent % uint32(len(c.ids))
		c.ids[i], c.readings[i], c.device[i] = h.SequenceID, at, false
		c.sent++
		peer.Sent(h.SequenceID, at)
		c.txStamps(peer)
	}
}

// hearUnreachables tells the peer what the network says of what did not arrive.
func (c *Client) hearUnreachables(peer Peer) {
	if c.icmp == nil {
		return
	}
	for {
		u, ok := c.icmp.Next()
		if !ok {
			return
		}
		peer.Undelivered(u.Address, u.Closed)
	}
}

// maxTxLate is how long after the reading a packet may have left.
const maxTxLate = 10 * time.Millisecond

// txStamps takes the stamps of what was sent: the kernel's, and the device's in the place
// of it where that is wanted and comes.
func (c *Client) txStamps(peer Peer) {
	for {
		_, d, ok := c.event.Tx.Left()
		if !ok {
			return
		}
		id := d.Number
		device := d.DeviceNs != 0 && c.cfg.Device != nil
		if d.KernelNs == 0 && !device || !d.Numbered || c.sent-id > uint32(len(c.ids)) || id >= c.sent {
			continue
		}
		i := id % uint32(len(c.ids))
		var at timescale.Mono
		if device {
			at, ok = c.cfg.Device(d.DeviceNs)
		} else if c.device[i] {
			continue
		} else {
			c.bridge.Look()
			at, ok = c.bridge.Mono(d.KernelNs)
		}
		// A stamp far from its reading is another packet's: the counts differ.
		if late := at.Sub(c.readings[i]); !ok || late < -kernelclock.Slack || late > maxTxLate {
			c.stats.StampsVoid++
			continue
		}
		if c.device[i] = device; device {
			c.stats.DeviceTx++
		} else {
			c.stats.TxStamps++
		}
		peer.Sent(c.ids[i], at)
	}
}

// arrival is when a message came: by the device's stamp where that is wanted and can be
// right, else by the kernel's; zero for neither.
func (c *Client) arrival(now timescale.Mono, s socket.Stamps) (at timescale.Mono) {
	if s.DeviceNs != 0 && c.cfg.Device != nil {
		if at, ok := c.cfg.Device(s.DeviceNs); ok && !now.Before(at) && now.Sub(at) < maxRxLate {
			c.stats.DeviceRx++
			return at
		}
		c.stats.StampsVoid++
	}
	if s.KernelNs != 0 {
		var ok bool
		if at, ok = c.bridge.Mono(s.KernelNs); !ok {
			c.stats.StampsVoid++
		}
	}
	return at
}

// maxRxLate is how long a message may wait to be read.
const maxRxLate = 100 * time.Millisecond

func (c *Client) receive(peer Peer, p *socket.Port) {
	event := p == c.event
	n := p.Rx.Read()
	if n > 0 && event {
		c.bridge.Look()
	}
	now := kernelclock.Raw()
	for i := range n {
		pkt, ok := p.Rx.Packet(i)
		if !ok || !slices.Contains(c.cfg.Masters, pkt.Src) {
			continue
		}
		var stamp timescale.Mono
		if event {
			stamp = c.arrival(now, pkt.Stamps)
		}
		peer.Receive(now, event, pkt.Src, pkt.Payload, stamp)
	}
}
