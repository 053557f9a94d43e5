package client

import (
	"context"
	"errors"
	"net/netip"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"bragi/board/kernelclock"
	"bragi/gnss/timescale"
	"bragi/master/udp/socket"
)

// CrowdPeer is the core of many clients: rehearsal.Crowd is one. All times are
// CLOCK_MONOTONIC_RAW.
type CrowdPeer interface {
	// Poll returns the next message to send, until ok is false. payload stays as
	// it is for crowdBatch more calls.
	Poll(now timescale.Mono) (src netip.Addr, payload []byte, event, ok bool)
	// Receive takes a datagram to one of the clients; stamp is the kernel's, zero
	// for none.
	Receive(now timescale.Mono, event bool, dst netip.Addr, payload []byte, stamp timescale.Mono)
	// Next is when Poll may have something to do.
	Next() timescale.Mono
}

// CrowdConfig is where many clients speak from and to.
type CrowdConfig struct {
	Master                 netip.Addr
	First, Last            netip.Addr // of the clients: both must be local
	EventPort, GeneralPort uint16     // 0: 319 and 320
	DSCP                   uint8
}

// CrowdStats counts what a crowd's sockets did.
type CrowdStats struct {
	Dropped    uint64 `json:"dropped"` // by the kernel: the sockets' buffers were full
	SendBusy   uint64 `json:"send_busy"`
	SendFailed uint64 `json:"send_failed"`
	StampsVoid uint64 `json:"stamps_void"`
	Jumps      uint64 `json:"jumps"`
}

// Crowd has the sockets of many clients: one pair for all, bound to every
// address. IP_PKTINFO says for each datagram which client it is from or to.
type Crowd struct {
	cfg            CrowdConfig
	event, general *socket.Port
	bridge         kernelclock.Bridge
	void           uint64
	oneWay         oneWay
}

const (
	crowdBatch = 16                   // datagrams per sendmmsg: the last leaves some 50 us after the first
	crowdNap   = 2 * time.Millisecond // stamps are the kernel's, so that nothing is lost by reading late
	crowdTurn  = 64                   // batches at most before the other side has its turn
)

// DialCrowd opens the sockets. The addresses need not be an interface's:
// `ip route add local CIDR dev lo` makes all of them local.
func DialCrowd(c CrowdConfig) (*Crowd, error) {
	var err error
	if c.Master, err = socket.CheckAddress(c.Master); err != nil {
		return nil, err
	}
	if err := socket.Ready(&c.EventPort, &c.GeneralPort); err != nil {
		return nil, err
	}
	for _, a := range []netip.Addr{c.First, c.Last} {
		if err := socket.CheckLocal(a); err != nil {
			return nil, err
		}
	}
	w := &Crowd{cfg: c}
	o := socket.Options{Address: socket.EveryAddress, Port: c.EventPort, DSCP: c.DSCP, Priority: priority}
	if w.event, err = socket.Open(o); err != nil {
		return nil, err
	}
	o.Port = c.GeneralPort
	if w.general, err = socket.Open(o); err != nil {
		_ = w.event.Close()
		return nil, err
	}
	return w, nil
}

// Close gives the ports back. Run must have ended.
func (w *Crowd) Close() error { return errors.Join(w.event.Close(), w.general.Close()) }

// Run carries the clients' messages until ctx ends (then nil). each is called on
// the same goroutine about a hundred times a second.
func (w *Crowd) Run(ctx context.Context, peer CrowdPeer, each func(now timescale.Mono, s CrowdStats)) error {
	runtime.LockOSThread() // the thread ends with the timer slack it is given
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)
	defer runtime.UnlockOSThread()
	w.bridge.Look()
	lookAt := kernelclock.Raw()
	for ctx.Err() == nil {
		w.send(peer)
		w.receive(peer, w.event)
		w.receive(peer, w.general)
		now := kernelclock.Raw()
		if !now.Before(lookAt) {
			lookAt = now.Add(10 * time.Millisecond)
			each(now, w.stats())
		}
		if d := min(peer.Next().Sub(now), lookAt.Sub(now), crowdNap); d > 0 {
			ts := unix.NsecToTimespec(int64(d))
			// EINTR ends the nap early, which is no harm.
			_, _ = unix.Ppoll(nil, &ts, nil)
		}
	}
	return nil
}

// send sends what is due, in batches that have the same reading of the clock.
func (w *Crowd) send(peer CrowdPeer) {
	more := true
	for turn := 0; more && turn < crowdTurn; turn++ {
		now := kernelclock.Raw()
		for range crowdBatch {
			src, payload, event, ok := peer.Poll(now)
			if !ok {
				more = false
				break
			}
			p := w.general
			if event {
				p = w.event
			}
			p.Tx.Put(src, w.cfg.Master, payload)
		}
		w.event.Tx.Flush()
		w.general.Tx.Flush()
	}
}

// receive takes what has come to a socket.
func (w *Crowd) receive(peer CrowdPeer, p *socket.Port) {
	event := p == w.event
	n := socket.Batch
	for turn := 0; n == socket.Batch && turn < crowdTurn; turn++ {
		if n = p.Rx.Read(); n == 0 {
			return
		}
		w.bridge.Look()
		now := kernelclock.Raw()
		for i := range n {
			pkt, ok := p.Rx.Packet(i)
			if !ok || pkt.Src != w.cfg.Master {
				continue
			}
			w.oneWay.note(pkt.Dst, pkt.Payload, pkt.KernelNs)
			var stamp timescale.Mono
			if pkt.KernelNs != 0 {
				if stamp, ok = w.bridge.Mono(pkt.KernelNs); !ok {
					w.void++
				}
			}
			peer.Receive(now, event, pkt.Dst, pkt.Payload, stamp)
		}
	}
}

func (w *Crowd) stats() CrowdStats {
	e, g := w.event, w.general
	return CrowdStats{Dropped: uint64(e.Rx.Drops) + uint64(g.Rx.Drops), SendBusy: e.Tx.Stats.Busy + g.Tx.Stats.Busy,
		SendFailed: e.Tx.Stats.Failed + g.Tx.Stats.Failed, StampsVoid: w.void, Jumps: w.bridge.Jumps()}
}
