package udp

import (
	"net/netip"
	"testing"
	"time"

	"bragi/master"
	"bragi/master/wire"
)

// The loop's own part allocates nothing: a slot with its sends, a batch with its
// answers.
func TestLoopAllocatesNothing(t *testing.T) {
	e, g := twoPorts(t)
	s := listen(t, Config{Address: serverAddr, EventPort: e, GeneralPort: g})
	defer s.Close()
	m, err := master.New(master.Config{Identity: serverID})
	if err != nil {
		t.Fatal(err)
	}
	m.SetAnnouncement(locked)
	p := newPeer(t, s, clientAddr, serverAddr)
	p.request(t, p.general, wire.UnicastRequest{MessageType: wire.TypeSync, LogInterval: -7, Duration: 300},
		wire.UnicastRequest{MessageType: wire.TypeAnnounce, LogInterval: -3, Duration: 300},
		wire.UnicastRequest{MessageType: wire.TypeDelayResp, LogInterval: -7, Duration: 300})
	l, err := newLoop(s, m, ahead(0))
	if err != nil {
		t.Fatal(err)
	}
	defer l.wait.close()
	wait := func(i int) {
		for l.wait.fds[i].Revents = 0; l.wait.fds[i].Revents == 0; {
			if err := l.wait.wait(time.Second); err != nil {
				t.Fatal(err)
			}
		}
	}
	l.bridge.Look()
	wait(1)
	l.receive(s.general)
	now, ok := m.Next()
	if !ok {
		t.Fatal("no grant")
	}
	for _, l.marks = range []bool{false, true} {
		if n := testing.AllocsPerRun(500, func() {
			now, _ = m.Next()
			m.Tick(now, &l.out)
			l.flush()
		}); n != 0 {
			t.Errorf("%v allocations a slot, marked for the kernel: %v", n, l.marks)
		}
	}
	if s.event.Tx.Stats.Sent < 800 {
		t.Errorf("only %d Syncs left: %+v", s.event.Tx.Stats.Sent, s.event.Tx.Stats)
	}
	answered := s.general.Tx.Stats.Sent
	for range 5 {
		req := wire.DelayReq{Header: p.header()}
		b := req.Append(nil)
		for range 8 {
			if _, err := p.event.WriteToUDPAddrPort(b, netip.AddrPortFrom(serverAddr, e)); err != nil {
				t.Fatal(err)
			}
		}
		wait(0)
		// AllocsPerRun would want a second run: the count is taken around one.
		if n := testing.AllocsPerRun(1, func() { l.receive(s.event) }); n != 0 {
			t.Errorf("%v allocations a batch", n)
		}
	}
	if n := s.general.Tx.Stats.Sent - answered; n < 16 {
		t.Errorf("%d Delay_Resp", n)
	}
}
