package udp

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"bragi/master"
	"bragi/master/udp/netns"
	"bragi/master/wire"
)

// namespace makes one for a test, or skips it.
func namespace(t *testing.T) netns.Namespace {
	t.Helper()
	if err := netns.Unavailable(); err != nil {
		t.Skipf("SKIPPED: %v", err)
	}
	n, err := netns.New("udp")
	if err != nil {
		t.Skipf("SKIPPED: no network namespace: %v", err)
	}
	t.Cleanup(n.Close)
	return n
}

// inNamespace runs f on a thread in a network namespace of its own, with the
// commands of `ip` given.
func inNamespace(t *testing.T, commands []string, f func(t *testing.T)) {
	t.Helper()
	n := namespace(t)
	if err := n.IP(commands...); err != nil {
		t.Fatal(err)
	}
	within(t, n, f)
}

// within runs f on a thread in a network namespace.
func within(t *testing.T, n netns.Namespace, f func(t *testing.T)) {
	t.Helper()
	t.Run("namespace", func(t *testing.T) {
		if err := n.Enter(); err != nil {
			t.Skipf("SKIPPED: no network namespace: %v", err)
		}
		f(t)
	})
}

// Fifty clients that no longer answer ARP and one behind a route that is not
// there: the healthy one misses nothing. (The kernel keeps an unresolved
// neighbour's frames on the account of the sending socket.)
func TestDeadNeighbours(t *testing.T) {
	inNamespace(t, []string{
		"link set lo up",
		"link add v0 type veth peer name v1",
		"address add 10.9.0.1/24 dev v0",
		"link set v0 up", "link set v1 up",
		"address add 10.9.0.2/32 dev lo",
	}, func(t *testing.T) {
		s := listen(t, Config{Address: netip.MustParseAddr("10.9.0.1")}) // the ports of the standard: the namespace is ours
		defer s.Close()
		m, err := master.New(master.Config{Identity: serverID})
		if err != nil {
			t.Fatal(err)
		}
		m.SetAnnouncement(locked)
		p := newPeer(t, s, netip.MustParseAddr("10.9.0.2"), netip.MustParseAddr("10.9.0.1"))
		var out master.Outbox
		subscribe := func(a netip.Addr) {
			tlvs, err := wire.ParseTLVs(wire.UnicastRequest{MessageType: wire.TypeAnnounce, LogInterval: -3, Duration: 300}.Append(
				wire.UnicastRequest{MessageType: wire.TypeSync, LogInterval: -7, Duration: 300}.Append(nil)))
			if err != nil {
				t.Fatal(err)
			}
			sig := wire.Signaling{Header: p.header(), Target: wire.PortIdentity{Clock: wire.AllClocks, Port: 0xFFFF}, TLVs: tlvs}
			m.Receive(Now(), master.Datagram{Src: a, Dst: netip.MustParseAddr("10.9.0.1"), Payload: sig.Append(nil)}, &out)
		}
		for i := range 50 {
			subscribe(netip.AddrFrom4([4]byte{10, 9, 0, byte(100 + i)}))
		}
		subscribe(netip.MustParseAddr("203.0.113.9")) // no route
		subscribe(netip.MustParseAddr("10.9.0.2"))
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- s.Serve(ctx, m, ahead(0)) }()
		var last uint16
		for i := range 256 { // two seconds
			b, _ := next(t, p.event)
			sync, err := wire.ParseSync(b)
			if err != nil {
				t.Fatal(err)
			}
			if i > 0 && sync.SequenceID != last+1 {
				t.Errorf("Sync %d after %d", sync.SequenceID, last)
			}
			last = sync.SequenceID
		}
		st := status(t, s, func(Status) bool { return true })
		if st.Transport.Event.Failed == 0 || st.Transport.Event.LastFailed != netip.MustParseAddr("203.0.113.9") {
			t.Errorf("sends without a route were not counted: %+v", st.Transport.Event)
		}
		if st.Transport.Event.Busy != 0 || len(st.Clients) != 52 {
			t.Errorf("%d clients, %+v", len(st.Clients), st.Transport.Event)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// serveIn runs a server at 10.9.0.1 of a namespace until the test ends.
func serveIn(t *testing.T) *Server {
	t.Helper()
	s := listen(t, Config{Address: netip.MustParseAddr("10.9.0.1"), Identity: serverID})
	m, err := master.New(master.Config{Identity: serverID})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, m, ahead(0)) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		_ = s.Close()
	})
	s.SetAnnouncement(locked)
	return s
}

var oneHost = []string{
	"link set lo up",
	"link add v0 type veth peer name v1",
	"address add 10.9.0.1/24 dev v0",
	"link set v0 up", "link set v1 up",
	"address add 10.9.0.2/32 dev lo",
}

// Somebody asks in the name of a machine that has no PTP, and of one that is not
// there: ICMP and the missing neighbour end the flows.
func TestAClosedPortEndsTheFlows(t *testing.T) {
	inNamespace(t, oneHost, func(t *testing.T) {
		s := serveIn(t)
		// The source port is none of PTP's, so that nobody listens where the answers go.
		victim, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.MustParseAddrPort("10.9.0.2:4711")))
		if err != nil {
			t.Fatal(err)
		}
		defer victim.Close()
		p := &peer{server: netip.MustParseAddr("10.9.0.1"), s: s, id: wire.PortIdentity{Clock: wire.ClockIdentity{7}, Port: 1}}
		p.request(t, victim, wire.UnicastRequest{MessageType: wire.TypeSync, LogInterval: -7, Duration: 1000})
		absent := netip.MustParseAddr("10.9.0.77")
		s.post(func(m *master.Master, l *loop) {
			tlvs, _ := wire.ParseTLVs(wire.UnicastRequest{MessageType: wire.TypeSync, LogInterval: -7, Duration: 1000}.Append(nil))
			sig := wire.Signaling{Header: p.header(), Target: wire.PortIdentity{Clock: wire.AllClocks, Port: 0xFFFF}, TLVs: tlvs}
			m.Receive(Now(), master.Datagram{Src: absent, Dst: p.server, Payload: sig.Append(nil)}, &l.out)
			l.flush()
		})
		st := status(t, s, func(st Status) bool { time.Sleep(20 * time.Millisecond); return st.Stats.Refused == 2 })
		if st.Transport.Deaf != nil || len(st.Clients) != 0 {
			t.Errorf("%d clients are left; deaf: %v", len(st.Clients), st.Transport.Deaf)
		}
	})
}

// Our address goes, or the MTU is too small: what does not leave is not counted as
// sent, and the client's evidence has the errno.
func TestWhatTheSystemRefusesIsNotSent(t *testing.T) {
	for _, c := range []struct {
		name, command string
		want          error
	}{
		{"our address is deleted", "address del 10.9.0.1/24 dev v0", unix.ENETUNREACH},
		{"the MTU is 68", "link set lo mtu 68", unix.EMSGSIZE},
		{"the route is gone", "address del 10.9.0.2/32 dev lo", unix.ENETUNREACH},
	} {
		n := namespace(t)
		if err := n.IP(oneHost...); err != nil {
			t.Fatal(err)
		}
		within(t, n, func(t *testing.T) {
			s := serveIn(t)
			p := newPeer(t, s, netip.MustParseAddr("10.9.0.2"), netip.MustParseAddr("10.9.0.1"))
			p.request(t, p.general, wire.UnicastRequest{MessageType: wire.TypeAnnounce, LogInterval: -3, Duration: 300},
				wire.UnicastRequest{MessageType: wire.TypeSync, LogInterval: -5, Duration: 300})
			status(t, s, func(st Status) bool { return st.Stats.Sent[wire.TypeAnnounce] > 1 })
			if err := n.IP(c.command); err != nil {
				t.Fatal(err)
			}
			if c.name == "the route is gone" {
				if err := n.IP("link set v0 down"); err != nil {
					t.Fatal(err)
				}
			}
			st := status(t, s, func(st Status) bool {
				return st.Stats.Unsent[wire.TypeSync] > 10 && st.Stats.Unsent[wire.TypeAnnounce] > 3
			})
			before := st.Stats.Sent
			st = status(t, s, func(st Status) bool { return st.Stats.Unsent[wire.TypeAnnounce] > 8 })
			x := st.Clients[0]
			if st.Stats.Sent != before || !x.Failing || !errors.Is(x.SendError, c.want) {
				t.Errorf("%s: sent %v, then %v; failing %v: %v, want %v", c.name, before, st.Stats.Sent, x.Failing, x.SendError, c.want)
			}
		})
	}
}

// The master's address may be a loopback /32 that is reached through any
// interface; a server of all addresses answers from it as well.
func TestLoopbackAddress(t *testing.T) {
	for _, bound := range []netip.Addr{netip.MustParseAddr("15.88.15.88"), {}} {
		inNamespace(t, []string{
			"link set lo up",
			"address add 15.88.15.88/32 dev lo",
			"link add v0 type veth peer name v1",
			"address add 10.9.0.1/24 dev v0",
			"link set v0 up", "link set v1 up",
		}, func(t *testing.T) {
			s := listen(t, Config{Address: bound})
			defer s.Close()
			m, err := master.New(master.Config{Identity: serverID})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(context.Background())
			ended := make(chan error, 1)
			go func() { ended <- s.Serve(ctx, m, ahead(0)) }()
			s.SetAnnouncement(locked)
			local, asked := netip.MustParseAddr("10.9.0.1"), netip.MustParseAddr("15.88.15.88")
			// The client's port is not the server's, so that both fit into one namespace:
			// it asks, and the status tells whom it asked.
			c, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(local, 1320)))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if bound.IsValid() { // else the server hears its own answers
				general, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(local, GeneralPort)))
				if err != nil {
					t.Fatal(err)
				}
				defer general.Close()
			}
			p := &peer{server: asked, s: s, id: wire.PortIdentity{Clock: wire.ClockIdentity{7}, Port: 1}}
			p.request(t, c, wire.UnicastRequest{MessageType: wire.TypeAnnounce, Duration: 300})
			st := status(t, s, func(st Status) bool { return len(st.Clients) == 1 })
			if x := st.Clients[0]; x.Asked != asked || x.Address != local {
				t.Errorf("%v asked %v", x.Address, x.Asked)
			}
			cancel()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		})
	}
}

// linuxptp's management client, in a namespace of its own, asks by multicast
// for each data set and gets its answers by unicast.
func TestPMC(t *testing.T) {
	for _, tool := range []string{"pmc", "sh"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("SKIPPED: needs %s (the Debian package linuxptp)", tool)
		}
	}
	ours, theirs := namespace(t), namespace(t)
	if err := netns.Join(netns.End{In: ours, Device: "v0", Address: "10.9.0.1/24"}, netns.End{In: theirs, Device: "v1", Address: "10.9.0.2/24"}); err != nil {
		t.Fatal(err)
	}
	within(t, ours, func(t *testing.T) {
		s := listen(t, Config{Address: netip.MustParseAddr("10.9.0.1"), Management: true})
		defer s.Close()
		m, err := master.New(master.Config{Identity: serverID, Priority1: 77, Priority2: 128, Management: true})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- s.Serve(ctx, m, ahead(0)) }()
		defer func() {
			cancel()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}()
		s.SetAnnouncement(locked)
		status(t, s, func(st Status) bool { return st.Announcement == locked })

		// It waits a tenth of a second for answers, which a busy machine may need
		// longer for, as for the link: so it is run until it has heard all, at most
		// ten times, and not faster than questions are answered.
		pmc := theirs.Command("sh", "-c", `for try in 1 2 3 4 5 6 7 8 9 10; do
			said=$(pmc -4 -i v1 -b 1 -d 0 'GET DEFAULT_DATA_SET' 'GET CURRENT_DATA_SET' 'GET PARENT_DATA_SET' 'GET TIME_PROPERTIES_DATA_SET' \
			'GET PORT_DATA_SET' 'GET GRANDMASTER_SETTINGS_NP' 'GET CLOCK_DESCRIPTION' 'GET USER_DESCRIPTION' 'GET PRIORITY1' 'SET PRIORITY1 1' 'GET FAULT_LOG')
			echo "$said"
			[ "$(echo "$said" | grep -c RESPONSE)" -ge 10 ] && break
			sleep 2
			done`)
		out, err := pmc.CombinedOutput()
		if err != nil {
			t.Errorf("pmc: %v", err)
		}
		answers := strings.Join(strings.Fields(string(out)), " ")
		for _, want := range []string{
			"RESPONSE MANAGEMENT DEFAULT_DATA_SET", "RESPONSE MANAGEMENT CURRENT_DATA_SET", "RESPONSE MANAGEMENT PARENT_DATA_SET",
			"RESPONSE MANAGEMENT TIME_PROPERTIES_DATA_SET", "RESPONSE MANAGEMENT PORT_DATA_SET", "RESPONSE MANAGEMENT GRANDMASTER_SETTINGS_NP",
			"RESPONSE MANAGEMENT CLOCK_DESCRIPTION", "RESPONSE MANAGEMENT USER_DESCRIPTION", "RESPONSE MANAGEMENT PRIORITY1",
			"001122.fffe.334455-1", "clockClass 6", "priority1 77",
			"currentUtcOffsetValid 1", "timeSource 0x20", "portState MASTER", "RESPONSE MANAGEMENT_ERROR_STATUS",
		} {
			if !strings.Contains(answers, want) {
				t.Errorf("no %q", want)
			}
		}
		if t.Failed() {
			t.Logf("%s", out)
		}
	})
}

// What is sent to a client that has died waits for its address, and goes nowhere: it is
// counted as not delivered, all of it, and nothing of a client that is there.
func TestWhatADeadNeighbourNeverGotIsNotDelivered(t *testing.T) {
	inNamespace(t, []string{
		"link set lo up",
		"link add v0 type veth peer name v1",
		"address add 10.9.0.1/24 dev v0",
		"link set v0 up", "link set v1 up",
		"address add 10.9.0.2/32 dev lo",
	}, func(t *testing.T) {
		s := listen(t, Config{Address: netip.MustParseAddr("10.9.0.1"), Identity: serverID})
		defer s.Close()
		if s.unreachables == nil {
			t.Skipf("SKIPPED: %v", s.deaf)
		}
		m, err := master.New(master.Config{Identity: serverID})
		if err != nil {
			t.Fatal(err)
		}
		m.SetAnnouncement(locked)
		var out master.Outbox
		alive, dead := netip.MustParseAddr("10.9.0.2"), netip.MustParseAddr("10.9.0.100")
		p := newPeer(t, s, alive, netip.MustParseAddr("10.9.0.1"))
		for _, a := range []netip.Addr{alive, dead} {
			tlvs, err := wire.ParseTLVs(wire.UnicastRequest{MessageType: wire.TypeSync, LogInterval: -5, Duration: 300}.Append(nil))
			if err != nil {
				t.Fatal(err)
			}
			sig := wire.Signaling{Header: p.header(), Target: wire.PortIdentity{Clock: wire.AllClocks, Port: 0xFFFF}, TLVs: tlvs}
			m.Receive(Now(), master.Datagram{Src: a, Dst: netip.MustParseAddr("10.9.0.1"), Payload: sig.Append(nil)}, &out)
			req := wire.DelayReq{Header: p.header()}
			m.Receive(Now(), master.Datagram{Src: a, Dst: netip.MustParseAddr("10.9.0.1"), Event: true, Payload: req.Append(nil)}, &out)
		}
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- s.Serve(ctx, m, ahead(0)) }()
		var st Status
		for began := time.Now(); st.Snapshot == nil || st.Stats.Undelivered[wire.TypeSync] < 200; time.Sleep(200 * time.Millisecond) {
			if time.Since(began) > 30*time.Second {
				t.Fatalf("of %d Syncs only %d are said not to be delivered", st.Stats.Sent[wire.TypeSync], st.Stats.Undelivered[wire.TypeSync])
			}
			st = status(t, s, func(Status) bool { return true })
		}
		for _, c := range st.Clients {
			switch sent := c.Grants[master.FlowSync].Sent; {
			case c.Address == alive && c.Undelivered != 0:
				t.Errorf("%d of %d Syncs to the living client are said not to be delivered", c.Undelivered, sent)
			case c.Address == dead && (c.Undelivered > sent || c.Undelivered+32*4 < sent):
				t.Errorf("%d of %d Syncs to the dead client are said not to be delivered; the kernel asks for 3 s", c.Undelivered, sent)
			}
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
