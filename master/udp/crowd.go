package udp

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"bragi/board/kernelclock"
	"bragi/gnss/timescale"
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
	event, general *port
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
	if c.Master, err = checkAddress(c.Master); err != nil {
		return nil, err
	}
	if err := ready(&c.EventPort, &c.GeneralPort); err != nil {
		return nil, err
	}
	for _, a := range []netip.Addr{c.First, c.Last} {
		if err := checkLocal(a); err != nil {
			return nil, err
		}
	}
	w := &Crowd{cfg: c}
	for _, p := range []struct {
		to     **port
		number uint16
	}{{&w.event, c.EventPort}, {&w.general, c.GeneralPort}} {
		fd, err := open(options{address: netip.IPv4Unspecified(), port: p.number, dscp: c.DSCP, priority: 6})
		if err != nil {
			_ = w.Close()
			return nil, err
		}
		*p.to = &port{fd: fd, rx: newReceiver(fd), tx: newSender(fd, p.number, false)}
	}
	return w, nil
}

// checkLocal makes sure that the kernel takes an address as ours.
func checkLocal(a netip.Addr) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, unix.IPPROTO_UDP)
	if err != nil {
		return fmt.Errorf("udp: %w", os.NewSyscallError("socket", err))
	}
	defer unix.Close(fd) //nolint:errcheck // nothing was written
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: a.As4()}); err != nil {
		return fmt.Errorf("udp: cannot speak from %v: %w (fix: `ip route add local CIDR dev lo`, as root, makes every address of CIDR this machine's)", a, os.NewSyscallError("bind", err))
	}
	return nil
}

// Close gives the ports back. Run must have ended.
func (w *Crowd) Close() error {
	return closePorts(w.event, w.general)
}

// Run carries the clients' messages until ctx ends (then nil). each is called on
// the same goroutine about a hundred times a second.
func (w *Crowd) Run(ctx context.Context, peer CrowdPeer, each func(now timescale.Mono, s CrowdStats)) error {
	runtime.LockOSThread() // the thread ends with the timer slack it is given
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)
	defer runtime.UnlockOSThread()
	w.bridge.Look()
	lookAt := Now()
	for ctx.Err() == nil {
		w.send(peer)
		w.receive(peer, w.event, true)
		w.receive(peer, w.general, false)
		now := Now()
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
		now := Now()
		var n [2]int
		for n[0]+n[1] < crowdBatch {
			src, payload, event, ok := peer.Poll(now)
			if !ok {
				more = false
				break
			}
			kind, p := 0, w.general
			if event {
				kind, p = 1, w.event
			}
			p.tx.set(n[kind], src, w.cfg.Master, payload)
			n[kind]++
		}
		w.event.tx.flush(n[1])
		w.general.tx.flush(n[0])
	}
}

// receive takes what has come to a socket.
func (w *Crowd) receive(peer CrowdPeer, p *port, event bool) {
	n := batch
	for turn := 0; n == batch && turn < crowdTurn; turn++ {
		if n = p.rx.read(); n == 0 {
			return
		}
		w.bridge.Look()
		now := Now()
		for i := range n {
			pkt, ok := p.rx.packet(i)
			if !ok || pkt.src != w.cfg.Master {
				continue
			}
			w.oneWay.note(pkt.dst, pkt.payload, pkt.stampNs)
			var stamp timescale.Mono
			if pkt.stampNs != 0 {
				if stamp, ok = w.bridge.Mono(pkt.stampNs); !ok {
					w.void++
				}
			}
			peer.Receive(now, event, pkt.dst, pkt.payload, stamp)
		}
	}
}

func (w *Crowd) stats() CrowdStats {
	e, g := w.event, w.general
	return CrowdStats{Dropped: uint64(e.rx.drops) + uint64(g.rx.drops), SendBusy: e.tx.stats.Busy + g.tx.stats.Busy,
		SendFailed: e.tx.stats.Failed + g.tx.stats.Failed, StampsVoid: w.void, Jumps: w.bridge.Jumps()}
}
