package udp

import (
	"context"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"bragi/board/kernelclock"
	"bragi/master"
	"bragi/master/egress"
	"bragi/master/wire"
)

// held is a socket as a service manager holds it: bound, and nothing else done
// to it.
func held(t *testing.T, address string, port uint16) int {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })                                                  //nolint:errcheck // a test's end
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil { // as systemd does
		t.Fatal(err)
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Port: int(port), Addr: netip.MustParseAddr(address).As4()}); err != nil {
		t.Fatal(err)
	}
	return fd
}

// early is a client whose sockets are bound beside those that hold every
// address, which must come later.
func early(t *testing.T, c Config) *peer {
	t.Helper()
	share := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		return raw.Control(func(fd uintptr) { unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEADDR, 1) }) //nolint:errcheck // the bind tells
	}}
	open := func(port uint16) *net.UDPConn {
		conn, err := share.ListenPacket(t.Context(), "udp4", netip.AddrPortFrom(clientAddr, port).String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		return conn.(*net.UDPConn)
	}
	return &peer{open(c.EventPort), open(c.GeneralPort), serverAddr, &Server{cfg: c}, wire.PortIdentity{Clock: wire.ClockIdentity{1, 2, 3, 0xFF, 0xFE, 4, 5, 6}, Port: 1}}
}

// subscribe asks for the cable network's flows.
func (p *peer) subscribe(t *testing.T) {
	t.Helper()
	p.request(t, p.general, wire.UnicastRequest{MessageType: wire.TypeAnnounce, LogInterval: -3, Duration: 60},
		wire.UnicastRequest{MessageType: wire.TypeSync, LogInterval: -5, Duration: 60}, wire.UnicastRequest{MessageType: wire.TypeDelayResp, LogInterval: -5, Duration: 60})
}

// generation runs a server on held sockets and returns its end.
func generation(t *testing.T, c Config, m *master.Master) (s *Server, end func()) {
	t.Helper()
	s = listen(t, c)
	m.SetAnnouncement(locked)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, m, ahead(0)) }()
	return s, func() {
		t.Helper()
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

func makeMaster(t *testing.T) *master.Master {
	t.Helper()
	m, err := master.New(master.Config{Identity: serverID, Management: true})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// What comes while no process serves waits in the sockets and is answered, by
// the next process, from the address that was asked; a Delay_Req with the time of
// its arrival.
func TestRequestsWaitInInheritedSockets(t *testing.T) {
	e, g := twoPorts(t)
	c := Config{Address: serverAddr, EventPort: e, GeneralPort: g, Management: true}
	p := early(t, c)
	c.Inherited = []int{held(t, "0.0.0.0", e), held(t, "0.0.0.0", g)}
	first := makeMaster(t)
	s, end := generation(t, c, first)
	p.subscribe(t)
	status(t, s, func(st Status) bool { return st.Stats.ClientsServed == 1 })
	var saved master.Saved
	if err := s.Export(t.Context(), &saved); err != nil || len(saved.Clients) != 1 {
		t.Fatalf("%d clients exported: %v", len(saved.Clients), err)
	}
	now, err := kernelclock.ReadPair()
	if err != nil {
		t.Fatal(err)
	}
	pair := Before{Mono: now.Mono, Realtime: now.Realtime}
	end()
	for { // what the first server has sent
		p.event.SetReadDeadline(time.Now().Add(50 * time.Millisecond)) //nolint:errcheck // the read tells
		if _, _, err := p.event.ReadFromUDP(make([]byte, 2048)); err != nil {
			break
		}
	}
	p.event.SetReadDeadline(time.Time{})   //nolint:errcheck // the reads tell
	p.general.SetReadDeadline(time.Time{}) //nolint:errcheck // likewise
	req := wire.DelayReq{Header: p.header()}
	req.SequenceID = 4711
	sent := Now()
	if _, err := p.event.WriteToUDPAddrPort(req.Append(nil), netip.AddrPortFrom(serverAddr, e)); err != nil {
		t.Fatal(err)
	}
	time.Sleep(300 * time.Millisecond)

	second := makeMaster(t)
	if done, err := second.Import(Now(), &saved); err != nil || done.Clients != 1 {
		t.Fatalf("%+v, %v", done, err)
	}
	c.Before = pair
	began := Now()
	_, end = generation(t, c, second)
	defer end()
	for {
		b, from := next(t, p.general)
		h, err := wire.ParseHeader(b)
		if err != nil {
			t.Fatal(err)
		}
		if h.MessageType != wire.TypeDelayResp || h.SequenceID != 4711 {
			continue
		}
		r, err := wire.ParseDelayResp(b)
		if err != nil || from.Addr() != serverAddr {
			t.Fatalf("%+v from %v: %v", r, from, err)
		}
		at, ok := r.ReceiveTimestamp.TAI()
		stamped := time.Duration(at.Ns() - sent.Ns()) // the served clock is CLOCK_MONOTONIC_RAW here
		if !ok || stamped < -time.Millisecond || stamped > 20*time.Millisecond {
			t.Errorf("it came %v after it was sent, says the answer; the server began %v after", stamped, began.Sub(sent))
		}
		return
	}
}

func TestInheritedSocketsOfOthersAreLeftAlone(t *testing.T) {
	e, g := twoPorts(t)
	tcp, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	file, err := tcp.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	s := listen(t, Config{Address: serverAddr, EventPort: e, GeneralPort: g, Inherited: []int{int(file.Fd()), held(t, "127.0.0.1", 0)}})
	defer s.Close()
	if s.event.wide || s.general.wide {
		t.Error("a socket that is bound to no port of ours is served")
	}
	other := held(t, "127.0.0.3", e)
	if _, err := Listen(Config{Address: netip.MustParseAddr("127.0.0.4"), EventPort: e, GeneralPort: g, Inherited: []int{other}}); err == nil || !strings.Contains(err.Error(), "ListenDatagram=") {
		t.Errorf("a socket that is bound to another address: %v", err)
	}
}

// A wide socket hears one address alone.
func TestAWideSocketHearsOneAddress(t *testing.T) {
	e, g := twoPorts(t)
	c := Config{Address: serverAddr, EventPort: e, GeneralPort: g}
	p := early(t, c)
	c.Inherited = []int{held(t, "0.0.0.0", e), held(t, "0.0.0.0", g)}
	m := makeMaster(t)
	s, end := generation(t, c, m)
	defer end()
	tlvs, err := wire.ParseTLVs(wire.UnicastRequest{MessageType: wire.TypeAnnounce, LogInterval: -3, Duration: 300}.Append(nil))
	if err != nil {
		t.Fatal(err)
	}
	sig := wire.Signaling{Header: p.header(), Target: wire.PortIdentity{Clock: wire.AllClocks, Port: 0xFFFF}, TLVs: tlvs}
	if _, err := p.general.WriteToUDPAddrPort(sig.Append(nil), netip.MustParseAddrPort("127.0.0.77:"+strconv.Itoa(int(g)))); err != nil {
		t.Fatal(err)
	}
	status(t, s, func(st Status) bool { return st.Transport.Received > 0 })
	p.subscribe(t)
	st := status(t, s, func(st Status) bool { return st.Stats.ClientsServed == 1 })
	if n := st.Stats.Requests[wire.TypeAnnounce][master.Accepted]; n != 1 {
		t.Errorf("%d requests for Announce were granted, want the one to our address", n)
	}
}

// The first Sync of a new process is predicted from what the last one learnt.
func TestLatencyIsKnownFromBefore(t *testing.T) {
	s := newStamper()
	s.before = Latency{Saved: egress.Saved{First: []int64{9000, 9000, 9000}}}
	s.learnt()
	if got := s.predictor.Predict(egress.First); got != 9000 {
		t.Errorf("%d ns are predicted, want 9000", got)
	}
	s.use(deviceStamps)
	if got := s.predictor.Predict(egress.First); got != 9000 {
		t.Errorf("%d ns are predicted before the other kind of stamp has taught anything, want 9000", got)
	}
	if got := s.predictor.Residual().N; got != 0 {
		t.Errorf("%d residuals of another kind of stamp", got)
	}
}

func TestChangesAreTold(t *testing.T) {
	s := serve(t, serverAddr, 0)
	p := newPeer(t, s, clientAddr, serverAddr)
	p.subscribe(t)
	deadline := time.After(5 * time.Second)
	for {
		if grants, _ := s.Changes(); grants >= 3 {
			break
		}
		select {
		case <-s.Changed():
		case <-deadline:
			t.Fatal("three grants changed nothing")
		}
	}
}
