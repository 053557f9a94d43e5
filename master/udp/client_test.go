package udp

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"bragi/gnss/timescale"
	"bragi/master"
	"bragi/master/rehearsal"
	"bragi/master/wire"
)

// The rehearsing client against the server, over real sockets: grants, one-step
// Sync at its rate, every Delay_Req answered, an offset that a loaded machine
// without hardware stamps still keeps.
func TestRehearsalLocks(t *testing.T) {
	s := serve(t, serverAddr, 1_700_000_000_000_000_000)
	c, err := Dial(ClientConfig{Local: clientAddr, Master: serverAddr, EventPort: s.cfg.EventPort, GeneralPort: s.cfg.GeneralPort, DSCP: 47})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	// The limit is wide, for this machine may be busy with other things: what is
	// tested here is the way, not the accuracy.
	r, err := rehearsal.New(rehearsal.Config{Kind: rehearsal.CBR8, PhaseLimit: 2 * time.Millisecond, Identity: wire.PortIdentity{Clock: wire.ClockIdentity{1}, Port: 1}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	var stats ClientStats
	err = c.Run(ctx, r, func(_ timescale.Mono, s ClientStats) {
		stats = s
		if r.State() == rehearsal.PhaseAligned {
			cancel()
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	rep := r.Report(Now())
	if rep.State != "PHASE_ALIGNED" || !rep.OneStep || rep.GM.ClockClass != 6 || rep.GM.Identity != serverID.String() {
		t.Fatalf("%+v", rep)
	}
	if rep.Counts["no_stamp"] != 0 || rep.Counts["malformed"] != 0 || rep.Counts["strangers"] != 0 || rep.Counts["sync"] < 64 {
		t.Errorf("%v", rep.Counts)
	}
	if stats.TxStamps == 0 {
		t.Error("the kernel stamped none of the Delay_Req")
	}
	st := status(t, s, func(Status) bool { return true })
	if x := st.Clients[0]; x.Kind != "cBR8" || x.DSCP != 47 || x.DelayReq == 0 || st.Transport.StampsMissing != 0 {
		t.Errorf("%+v", x)
	}
	if d := st.Clients[0].DelayReqInterval; d < 25*time.Millisecond || d > 40*time.Millisecond {
		t.Errorf("Delay_Req every %v", d)
	}
}

// A drain reaches a client over the wire and is acknowledged.
func TestDrainOverTheWire(t *testing.T) {
	s := serve(t, serverAddr, 0)
	p := newPeer(t, s, clientAddr, serverAddr)
	p.request(t, p.general, wire.UnicastRequest{MessageType: wire.TypeAnnounce, LogInterval: 4, Duration: 60})
	grantOf(t, first(t, p))
	s.Drain()
	sig, err := wire.ParseSignaling(first(t, p))
	if err != nil {
		t.Fatal(err)
	}
	if typ, v, _ := sig.TLVs.Next(); typ != wire.TLVCancelUnicast || v[0]>>4 != byte(wire.TypeAnnounce) {
		t.Fatalf("TLV %x %x", typ, v)
	}
	tlvs, err := wire.ParseTLVs(wire.UnicastCancelAck{MessageType: wire.TypeAnnounce}.Append(nil))
	if err != nil {
		t.Fatal(err)
	}
	ack := wire.Signaling{Header: p.header(), Target: sig.Source, TLVs: tlvs}
	if _, err := p.general.WriteToUDPAddrPort(ack.Append(nil), netip.AddrPortFrom(serverAddr, s.cfg.GeneralPort)); err != nil {
		t.Fatal(err)
	}
	status(t, s, func(st Status) bool { return st.Draining && len(st.Clients) == 0 })
	s.Resume()
	status(t, s, func(st Status) bool { return !st.Draining })
	p.request(t, p.general, wire.UnicastRequest{MessageType: wire.TypeAnnounce, LogInterval: 4, Duration: 60})
	if g := grantOf(t, first(t, p)); g.Duration != 60 {
		t.Errorf("after the drain: %+v", g)
	}
}

// first is the next Signaling at the general port.
func first(t *testing.T, p *peer) []byte {
	t.Helper()
	for {
		b, _ := next(t, p.general)
		if h, err := wire.ParseHeader(b); err == nil && h.MessageType == wire.TypeSignaling {
			return b
		}
	}
}

func TestDialErrors(t *testing.T) {
	e, g := twoPorts(t)
	listen(t, Config{Address: serverAddr, EventPort: e, GeneralPort: g}).Close()
	for name, c := range map[string]ClientConfig{
		"no master":      {Local: clientAddr, EventPort: e, GeneralPort: g},
		"IPv6":           {Master: netip.MustParseAddr("::1"), EventPort: e, GeneralPort: g},
		"not our source": {Local: netip.MustParseAddr("192.0.2.7"), Master: serverAddr, EventPort: e, GeneralPort: g},
	} {
		if cl, err := Dial(c); err == nil {
			cl.Close()
			t.Errorf("%s: taken", name)
		} else if strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %q", name, err)
		}
	}
	if _, err := Dial(ClientConfig{Local: netip.MustParseAddr("192.0.2.7"), Master: serverAddr, EventPort: e, GeneralPort: g}); !errors.Is(err, unix.EADDRNOTAVAIL) {
		t.Errorf("%v", err)
	}
}

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
	l.receive(s.general, false)
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
	if s.event.tx.stats.Sent < 800 {
		t.Errorf("only %d Syncs left: %+v", s.event.tx.stats.Sent, s.event.tx.stats)
	}
	answered := s.general.tx.stats.Sent
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
		if n := testing.AllocsPerRun(1, func() { l.receive(s.event, true) }); n != 0 {
			t.Errorf("%v allocations a batch", n)
		}
	}
	if n := s.general.tx.stats.Sent - answered; n < 16 {
		t.Errorf("%d Delay_Resp", n)
	}
}
