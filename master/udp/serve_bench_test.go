package udp

import (
	"context"
	"encoding/binary"
	"net/netip"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"bragi/master"
	"bragi/master/udp/socket"
	"bragi/master/wire"
)

// BenchmarkServe serves a cable hub over loopback for as many milliseconds as it
// is asked for: 100 RPDs and a cBR8, 5,672 packets a second out and 1,632 in. It
// tells what the serving thread computed per packet, in and out alike, the
// kernel's part included. Under an emulator that takes one instruction for one
// nanosecond (qemu -icount shift=0) that is the number of instructions.
func BenchmarkServe(b *testing.B) {
	const event, general = 23190, 23200
	s, err := Listen(Config{Address: serverAddr, EventPort: event, GeneralPort: general, Identity: serverID})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	m, err := master.New(master.Config{Identity: serverID})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, m, ahead(0)) }()
	s.SetAnnouncement(locked)
	const loopback = 1
	if err := s.OriginWriter(loopback); err != nil {
		b.Logf("without the kernel's program: %v", err)
	}
	hub := newHub(b, event, general)
	hub.join(ctx, b, s)
	thread := make(chan int, 1)
	s.post(func(*master.Master, *loop) { thread <- unix.Gettid() })
	tid := <-thread
	go hub.run()
	time.Sleep(time.Second)
	before, err := s.Status(ctx)
	if err != nil {
		b.Fatal(err)
	}
	was, start := computed(b, tid), Now()
	for b.Loop() {
		time.Sleep(time.Millisecond)
	}
	used, took := computed(b, tid)-was, Now().Sub(start)
	after, err := s.Status(ctx)
	if err != nil {
		b.Fatal(err)
	}
	in := after.Transport.Received - before.Transport.Received
	out := after.Transport.Event.Sent + after.Transport.General.Sent - before.Transport.Event.Sent - before.Transport.General.Sent
	b.ReportMetric(float64(used)/float64(in+out), "ns-cpu/packet")
	b.ReportMetric(float64(in)/took.Seconds(), "in/s")
	b.ReportMetric(float64(out)/took.Seconds(), "out/s")
	b.ReportMetric(100*float64(used)/float64(took), "%core")
	hub.stop.Store(true)
	cancel()
	if err := <-done; err != nil {
		b.Fatal(err)
	}
}

// computed is what a thread of this process has computed (schedstat).
func computed(b *testing.B, tid int) time.Duration {
	text, err := os.ReadFile("/proc/self/task/" + strconv.Itoa(tid) + "/schedstat")
	if err != nil {
		b.Skipf("SKIPPED: %v", err)
	}
	ns, err := strconv.ParseInt(strings.Fields(string(text))[0], 10, 64)
	if err != nil {
		b.Fatal(err)
	}
	return time.Duration(ns)
}

// hub is 101 clients at one address, which differ by their portIdentity.
type hub struct {
	event, general *socket.Port
	reqs, asks     [101][]byte
	stop           atomic.Bool
}

func newHub(b *testing.B, event, general uint16) *hub {
	h := &hub{}
	for _, p := range []struct {
		to     **socket.Port
		number uint16
	}{{&h.event, event}, {&h.general, general}} {
		opened, err := socket.Open(socket.Options{Address: clientAddr, Port: p.number})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = opened.Close() })
		*p.to = opened
	}
	for i := range h.reqs {
		head := wire.Header{Flags: wire.FlagUnicast, Source: identity(i), LogInterval: wire.LogIntervalNone}
		req := wire.DelayReq{Header: head}
		h.reqs[i] = req.Append(nil)
		var text []byte
		for _, r := range []wire.UnicastRequest{{MessageType: wire.TypeAnnounce, LogInterval: -3}, {MessageType: wire.TypeSync, LogInterval: -5}, {MessageType: wire.TypeDelayResp, LogInterval: -5}} {
			r.Duration = 1000
			text = r.Append(text)
		}
		tlvs, err := wire.ParseTLVs(text)
		if err != nil {
			b.Fatal(err)
		}
		sig := wire.Signaling{Header: head, Target: wire.PortIdentity{Clock: wire.AllClocks, Port: 0xFFFF}, TLVs: tlvs}
		h.asks[i] = sig.Append(nil)
	}
	return h
}

// join asks until all are served: the rate limit of their one address lets a few
// through at a time.
func (h *hub) join(ctx context.Context, b *testing.B, s *Server) {
	for range 1000 {
		st, err := s.Status(ctx)
		if err != nil {
			b.Fatal(err)
		}
		served := map[wire.PortIdentity]bool{}
		for _, c := range st.Clients {
			served[c.Identity] = true
		}
		if len(served) == len(h.asks) {
			return
		}
		for i := range h.asks {
			if !served[identity(i)] {
				h.general.Tx.Send(netip.Addr{}, serverAddr, h.asks[i], 0, 0)
			}
		}
		time.Sleep(20 * time.Millisecond)
	}
	b.Fatal("not all clients are served")
}

func identity(i int) wire.PortIdentity {
	return wire.PortIdentity{Clock: wire.IdentityFromMAC([6]byte{2, 0, 0, 0, 0, byte(i + 1)}), Port: 1}
}

// run sends Delay_Req, one of each RPD in 62.5 ms and of the cBR8 (the last) in
// half of that, spread, and throws away what comes.
func (h *hub) run() {
	runtime.LockOSThread()
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)
	start, sent := Now(), int64(0)
	turn := time.Second / 16 / 102
	for !h.stop.Load() {
		for ; sent < int64(Now().Sub(start)/turn); sent++ {
			place := sent % 102
			if place == 51 {
				place = 100
			} else if place > 51 {
				place--
			}
			req := h.reqs[place]
			binary.BigEndian.PutUint16(req[wire.SequenceOffset:], uint16(sent/102))
			h.event.Tx.Send(netip.Addr{}, serverAddr, req, 0, 0)
		}
		for h.event.Rx.Read() == socket.Batch {
		}
		for h.general.Rx.Read() == socket.Batch {
		}
		ts := unix.NsecToTimespec(int64(turn))
		_, _ = unix.Ppoll(nil, &ts, nil)
	}
}
