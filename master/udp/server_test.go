package udp

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"bragi/gnss/timescale"
	"bragi/holdover/quality"
	"bragi/master"
	"bragi/master/wire"
)

var (
	serverAddr = netip.MustParseAddr("127.0.0.1")
	clientAddr = netip.MustParseAddr("127.0.0.2")
	serverID   = wire.ClockIdentity{0x00, 0x11, 0x22, 0xFF, 0xFE, 0x33, 0x44, 0x55}
	locked     = quality.Announcement{Serve: true, ClockClass: 6, ClockAccuracy: 0x21, TimeSource: 0x20, CurrentUTCOffset: 37, CurrentUTCOffsetValid: true, TimeTraceable: true, FrequencyTraceable: true, PTPTimescale: true}
)

// ahead is a served clock: CLOCK_MONOTONIC_RAW and a constant.
type ahead int64

func (a ahead) Local(m timescale.Mono) timescale.Local {
	return timescale.LocalFromNs(m.Ns() + int64(a))
}

// twoPorts finds two unprivileged ports that are free at both addresses.
func twoPorts(t *testing.T) (event, general uint16) {
	t.Helper()
	var got []uint16
	for range 50 {
		c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4zero})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if got = append(got, uint16(c.LocalAddr().(*net.UDPAddr).Port)); len(got) == 2 {
			return got[0], got[1]
		}
	}
	t.Fatal("no free ports")
	return 0, 0
}

// listen is Listen, or the end of a test where the kernel is an emulation that
// knows too little (qemu-user).
func listen(t *testing.T, c Config) *Server {
	t.Helper()
	s, err := Listen(c)
	if errors.Is(err, unix.ENOPROTOOPT) {
		t.Skipf("SKIPPED: no kernel to test on: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// serve runs a server with a locked master until the test ends.
func serve(t *testing.T, address netip.Addr, offset ahead) *Server {
	t.Helper()
	e, g := twoPorts(t)
	s := listen(t, Config{Address: address, EventPort: e, GeneralPort: g, DSCP: 47, Identity: serverID})
	m, err := master.New(master.Config{Identity: serverID, Priority1: 128, Priority2: 128})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, m, offset) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Serve: %v", err)
		}
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	s.SetAnnouncement(locked)
	return s
}

// status asks until ok says so or five seconds are over.
func status(t *testing.T, s *Server, ok func(Status) bool) Status {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	for {
		st, err := s.Status(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if ok(st) {
			return st
		}
	}
}

// peer is a client's two sockets, from the standard library.
type peer struct {
	event, general *net.UDPConn
	server         netip.Addr
	s              *Server
	id             wire.PortIdentity
}

func newPeer(t *testing.T, s *Server, local, server netip.Addr) *peer {
	t.Helper()
	listen := func(port uint16) *net.UDPConn {
		c, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(local, port)))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	return &peer{listen(s.cfg.EventPort), listen(s.cfg.GeneralPort), server, s, wire.PortIdentity{Clock: wire.ClockIdentity{1, 2, 3, 0xFF, 0xFE, 4, 5, 6}, Port: 1}}
}

func (p *peer) header() wire.Header {
	return wire.Header{Flags: wire.FlagUnicast, Source: p.id, LogInterval: wire.LogIntervalNone}
}

func (p *peer) request(t *testing.T, c *net.UDPConn, reqs ...wire.UnicastRequest) {
	t.Helper()
	var raw []byte
	for _, r := range reqs {
		raw = r.Append(raw)
	}
	tlvs, err := wire.ParseTLVs(raw)
	if err != nil {
		t.Fatal(err)
	}
	sig := wire.Signaling{Header: p.header(), Target: wire.PortIdentity{Clock: wire.AllClocks, Port: 0xFFFF}, TLVs: tlvs}
	if _, err := c.WriteToUDPAddrPort(sig.Append(nil), netip.AddrPortFrom(p.server, p.s.cfg.GeneralPort)); err != nil {
		t.Fatal(err)
	}
}

// next reads a datagram and says where it came from.
func next(t *testing.T, c *net.UDPConn) ([]byte, netip.AddrPort) {
	t.Helper()
	b := make([]byte, 2000)
	if err := c.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	n, from, err := c.ReadFromUDPAddrPort(b)
	if err != nil {
		t.Fatal(err)
	}
	return b[:n], from
}

func grantOf(t *testing.T, b []byte) wire.UnicastGrant {
	t.Helper()
	sig, err := wire.ParseSignaling(b)
	if err != nil {
		t.Fatalf("%x: %v", b, err)
	}
	_, v, _ := sig.TLVs.Next()
	g, err := wire.ParseUnicastGrant(v)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestGrantSyncAndDelayResp(t *testing.T) {
	const offset = 1_700_000_000_000_000_000
	const slack = int64(time.Millisecond)
	s := serve(t, serverAddr, offset)
	p := newPeer(t, s, clientAddr, serverAddr)
	// From a port that is none of PTP's: the answer goes to the general port all the same.
	stray, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(clientAddr, 0)))
	if err != nil {
		t.Fatal(err)
	}
	defer stray.Close()
	p.request(t, stray, wire.UnicastRequest{MessageType: wire.TypeSync, LogInterval: -5, Duration: 60}, wire.UnicastRequest{MessageType: wire.TypeDelayResp, LogInterval: -5, Duration: 60})
	for _, typ := range []wire.MessageType{wire.TypeSync, wire.TypeDelayResp} {
		b, from := next(t, p.general)
		if g := grantOf(t, b); g.MessageType != typ || g.Duration != 60 || from != netip.AddrPortFrom(serverAddr, s.cfg.GeneralPort) {
			t.Errorf("grant %+v from %v", g, from)
		}
	}
	var seq uint16
	for i := range 4 {
		before := Now()
		b, from := next(t, p.event)
		sync, err := wire.ParseSync(b)
		if err != nil || from != netip.AddrPortFrom(serverAddr, s.cfg.EventPort) || sync.Flags != wire.FlagUnicast || sync.LogInterval != 0x7F {
			t.Fatalf("%+v from %v: %v", sync, from, err)
		}
		tai, _ := sync.OriginTimestamp.TAI()
		// It says when the Sync is expected to have left, which on a busy machine is
		// some way from when it did.
		if now := Now(); tai.Ns()-offset > now.Ns()+slack || i > 0 && tai.Ns()-offset < before.Ns()-int64(5*time.Second) {
			t.Errorf("originTimestamp %d is not between %d and %d", tai.Ns()-offset, before.Ns(), now.Ns())
		}
		if i > 0 && sync.SequenceID != seq+1 {
			t.Errorf("sequenceId %d after %d", sync.SequenceID, seq)
		}
		seq = sync.SequenceID
	}
	// Delay_Req: receiveTimestamp lies between the moments before and after the send.
	req := wire.DelayReq{Header: p.header()}
	req.SequenceID, req.Correction = 77, 5<<16
	t3 := Now()
	if _, err := p.event.WriteToUDPAddrPort(req.Append(nil), netip.AddrPortFrom(serverAddr, s.cfg.EventPort)); err != nil {
		t.Fatal(err)
	}
	b, from := next(t, p.general)
	t6 := Now()
	resp, err := wire.ParseDelayResp(b)
	if err != nil || from.Port() != s.cfg.GeneralPort {
		t.Fatalf("%x from %v: %v", b, from, err)
	}
	if resp.Requesting != p.id || resp.SequenceID != 77 || resp.Correction != 5<<16 || resp.LogInterval != 0x7F || resp.Flags != wire.FlagUnicast {
		t.Errorf("Delay_Resp %+v", resp)
	}
	// The sandwich that turns the stamp over is narrow when nobody disturbs it.
	if t4, _ := resp.ReceiveTimestamp.TAI(); t4.Ns()-offset < t3.Ns()-slack || t4.Ns()-offset > t6.Ns()+slack {
		t.Errorf("receiveTimestamp %d is not between %d and %d", t4.Ns()-offset, t3.Ns(), t6.Ns())
	}
	st := status(t, s, func(Status) bool { return true })
	if len(st.Clients) != 1 || st.Clients[0].Address != clientAddr || st.Clients[0].DelayReq != 1 || st.Transport.Event.Sent < 4 {
		t.Errorf("status %+v", st)
	}
	var kinds []master.EventKind
	for len(kinds) < 3 {
		select {
		case e := <-s.Events():
			kinds = append(kinds, e.Kind)
		case <-time.After(5 * time.Second):
			t.Fatalf("events %v", kinds)
		}
	}
	if kinds[0] != master.EventClientNew || kinds[1] != master.EventGranted || kinds[2] != master.EventGranted {
		t.Errorf("events %v", kinds)
	}
}

// A server of all addresses answers from the one that was asked.
func TestAnswersFromTheAddressAsked(t *testing.T) {
	s := serve(t, netip.Addr{}, 0)
	asked := netip.MustParseAddr("127.0.0.77")
	// The server has the ports at every address, so the client is a raw one: a
	// socket of its own port to ask, and the answer is refused by nobody; what
	// the server sent is seen by its own sockets.
	stray, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(clientAddr, 0)))
	if err != nil {
		t.Fatal(err)
	}
	defer stray.Close()
	p := &peer{server: asked, s: s, id: wire.PortIdentity{Clock: wire.ClockIdentity{9}, Port: 1}}
	p.request(t, stray, wire.UnicastRequest{MessageType: wire.TypeAnnounce, LogInterval: 0, Duration: 60})
	st := status(t, s, func(st Status) bool { return len(st.Clients) == 1 })
	if c := st.Clients[0]; c.Asked != asked {
		t.Errorf("client asked %v, want %v", c.Asked, asked)
	}
	// The grant went to clientAddr's general port, which is the server's own: it
	// came back from the address asked and was refused as carrying our identity.
	st = status(t, s, func(st Status) bool { return len(st.Suspects) > 0 })
	if x := st.Suspects[0]; x.Address != asked || x.Reason != master.OwnIdentity {
		t.Errorf("the answer came from %v (%v), want %v", x.Address, x.Reason, asked)
	}
}

func TestListenErrorsSayTheFix(t *testing.T) {
	e, g := twoPorts(t)
	first := listen(t, Config{Address: serverAddr, EventPort: e, GeneralPort: g})
	defer first.Close()
	cases := []struct {
		name  string
		c     Config
		errno error
		words []string
	}{
		{"occupied port", Config{Address: serverAddr, EventPort: e, GeneralPort: g}, unix.EADDRINUSE, []string{"127.0.0.1", "another PTP program", "ss -ulpn"}},
		{"not our address", Config{Address: netip.MustParseAddr("192.0.2.1"), EventPort: e, GeneralPort: g}, unix.EADDRNOTAVAIL, []string{"192.0.2.1", "ip address add"}},
		{"no such interface", Config{Address: serverAddr, Interface: "nowhere0", EventPort: g, GeneralPort: e}, unix.ENODEV, []string{"nowhere0", "ip link"}},
		{"IPv6", Config{Address: netip.MustParseAddr("2001:db8::1")}, nil, []string{"2001:db8::1", "IPv4"}},
		{"multicast", Config{Address: netip.MustParseAddr("224.0.1.129")}, nil, []string{"224.0.1.129"}},
		{"DSCP", Config{Address: serverAddr, DSCP: 64}, nil, []string{"64", "0..63"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s, err := Listen(c.c)
			if err == nil {
				s.Close()
				t.Fatal("no error")
			}
			if c.errno != nil && !errors.Is(err, c.errno) {
				t.Errorf("%v is not %v", err, c.errno)
			}
			for _, w := range c.words {
				if !strings.Contains(err.Error(), w) || strings.Contains(err.Error(), "\n") {
					t.Errorf("%q does not say %q", err, w)
				}
			}
		})
	}
}

// A destination that the kernel refuses does not hold up the others.
func TestOneBadDestinationHarmsNobody(t *testing.T) {
	e, g := twoPorts(t)
	s := listen(t, Config{Address: serverAddr, EventPort: e, GeneralPort: g})
	defer s.Close()
	c, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(clientAddr, g)))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	bad := netip.MustParseAddr("255.255.255.255") // EACCES without SO_BROADCAST
	tx := s.general.Tx
	for i, dst := range []netip.Addr{bad, clientAddr, bad, bad, clientAddr, clientAddr, bad} {
		tx.Put(serverAddr, dst, []byte{byte(i)})
	}
	tx.Flush()
	for _, want := range []byte{1, 4, 5} {
		if b, _ := next(t, c); len(b) != 1 || b[0] != want {
			t.Fatalf("received %v, want %d", b, want)
		}
	}
	if tx.Stats.Sent != 3 || tx.Stats.Failed != 4 || tx.Stats.LastFailed != bad || !errors.Is(tx.Stats.LastError, unix.EACCES) {
		t.Errorf("%+v", tx.Stats)
	}
	tx.Send(serverAddr, bad, []byte{9}, 0, 0)
	tx.Send(serverAddr, clientAddr, []byte{10}, 0, 0)
	if b, _ := next(t, c); b[0] != 10 || tx.Stats.Failed != 5 {
		t.Errorf("received %v", b)
	}
}

// What is done in parts lets the loop do all else between two of them.
func TestACommandInPartsHoldsUpNoOther(t *testing.T) {
	s := serve(t, serverAddr, 0)
	var enough atomic.Bool
	begun, whole := make(chan struct{}), make(chan int, 1)
	parts := 0
	s.postParts(func(*master.Master, *loop) (more bool) {
		if parts++; parts == 1 {
			close(begun)
		}
		if enough.Load() {
			whole <- parts
			return false
		}
		return true
	})
	<-begun
	first := status(t, s, func(Status) bool { return true })
	status(t, s, func(later Status) bool { return later.Transport.Wakes > first.Transport.Wakes+10 })
	enough.Store(true)
	if n := <-whole; n < 10 {
		t.Errorf("%d parts meanwhile", n)
	}
}

func TestStatusAfterServe(t *testing.T) {
	e, g := twoPorts(t)
	s := listen(t, Config{Address: serverAddr, EventPort: e, GeneralPort: g})
	m, err := master.New(master.Config{Identity: serverID})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Serve(ctx, m, ahead(0)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Status(context.Background()); !errors.Is(err, ErrNotServing) {
		t.Errorf("got %v", err)
	}
	if err := s.Serve(ctx, m, ahead(0)); err == nil {
		t.Error("served twice")
	}
	for range 2 {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	s.SetAnnouncement(locked) // after Close: nothing
}

// A monitor that is not root asks from a port of its own, and is answered there.
func TestManagementIsAnsweredAtThePortThatAsked(t *testing.T) {
	e, g := twoPorts(t)
	s := listen(t, Config{Address: serverAddr, EventPort: e, GeneralPort: g, Identity: serverID})
	defer s.Close()
	m, err := master.New(master.Config{Identity: serverID, Management: true})
	if err != nil {
		t.Fatal(err)
	}
	m.SetAnnouncement(locked)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	const offset = 1_700_000_000_000_000_000
	go func() { ended <- s.Serve(ctx, m, ahead(offset)) }()
	defer func() { cancel(); <-ended }()
	monitor, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(clientAddr, 0)))
	if err != nil {
		t.Fatal(err)
	}
	defer monitor.Close()
	q := wire.Management{Header: wire.Header{Source: wire.PortIdentity{Clock: wire.ClockIdentity{3}, Port: 1}}, Target: wire.PortIdentity{Clock: wire.AllClocks, Port: 0xFFFF}}
	q.TLVs, _ = wire.ParseTLVs(wire.AppendManagementTLV(nil, wire.IDTime, nil))
	if _, err := monitor.WriteToUDPAddrPort(q.Append(nil), netip.AddrPortFrom(serverAddr, g)); err != nil {
		t.Fatal(err)
	}
	b, from := next(t, monitor)
	r, err := wire.ParseManagement(b)
	if err != nil || from != netip.AddrPortFrom(serverAddr, g) {
		t.Fatalf("%x from %v: %v", b, from, err)
	}
	// TIME is the served clock's.
	_, v, _ := r.TLVs.Next()
	_, data, _ := wire.ParseManagementTLV(v)
	near(t, "TIME", data, offset)
}

// near fails unless ten octets of a timestamp are now, on a clock that is offset
// ahead of CLOCK_MONOTONIC_RAW.
func near(t *testing.T, what string, b []byte, offset int64) {
	t.Helper()
	stamp := wire.OriginOf(append(make([]byte, wire.OriginOffset), b...)).Local()
	if age := Now().Ns() + offset - stamp.Ns(); age < 0 || age > int64(5*time.Second) {
		t.Errorf("%s is %v old", what, time.Duration(age))
	}
}

// Announce's originTimestamp is an estimate, not 0.
func TestAnnounceHasAnEstimateOfItsOrigin(t *testing.T) {
	const offset = 1_700_000_000_000_000_000
	s := serve(t, serverAddr, offset)
	p := newPeer(t, s, clientAddr, serverAddr)
	p.request(t, p.general, wire.UnicastRequest{MessageType: wire.TypeAnnounce, LogInterval: -3, Duration: 60})
	for {
		b, _ := next(t, p.general)
		if _, err := wire.ParseAnnounce(b); err == nil {
			near(t, "originTimestamp", b[wire.OriginOffset:wire.OriginOffset+10], offset)
			return
		}
	}
}
