package udp

import (
	"math/rand/v2"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"testing"
	"time"

	"bragi/master"
	"bragi/master/wire"
)

// A flood over real sockets, as fast as two senders can: random, cut and
// forged datagrams from 200 addresses to both ports. The client that is served
// keeps its grants and hears every Sync in sequence, each datagram that arrived
// is counted once, and the heap does not grow with the flood.
func TestFloodOverSockets(t *testing.T) {
	s := serve(t, serverAddr, 0)
	p := newPeer(t, s, clientAddr, serverAddr)
	p.request(t, p.general, wire.UnicastRequest{MessageType: wire.TypeSync, LogInterval: -5, Duration: 60},
		wire.UnicastRequest{MessageType: wire.TypeDelayResp, LogInterval: -5, Duration: 60})
	status(t, s, func(st Status) bool { return len(st.Clients) == 1 && st.Clients[0].Grants[master.FlowDelayResp].Live })
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()

	tlvs, err := wire.ParseTLVs(wire.UnicastRequest{MessageType: wire.TypeSync, LogInterval: -7, Duration: 300}.Append(nil))
	if err != nil {
		t.Fatal(err)
	}
	forged := wire.Signaling{Header: p.header(), Target: wire.PortIdentity{Clock: wire.AllClocks, Port: 0xFFFF}, TLVs: tlvs}
	forged.LogInterval, forged.Domain = wire.LogIntervalNone, 9
	good := forged.Append(nil)
	const senders, each = 2, 50_000
	began := Now()
	type result struct {
		sent int
		err  error
	}
	results := make(chan result, senders)
	for k := range senders {
		go func() {
			r := rand.New(rand.NewPCG(uint64(k), 1))
			var conns []*net.UDPConn
			for i := range 100 {
				c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, byte(1+k), byte(1+i))})
				if err != nil {
					results <- result{0, err}
					return
				}
				defer c.Close()
				conns = append(conns, c)
			}
			junk, sent := make([]byte, len(good)), 0
			for range each {
				n := copy(junk, good)
				switch r.IntN(4) {
				case 0:
					for i := range junk {
						junk[i] = byte(r.Uint32())
					}
				case 1:
					n = r.IntN(n)
				case 2:
					junk[r.IntN(n)] ^= byte(r.IntN(256))
				}
				port := s.cfg.EventPort
				if r.IntN(2) == 0 {
					port = s.cfg.GeneralPort
				}
				if _, err := conns[r.IntN(len(conns))].WriteToUDPAddrPort(junk[:n], netip.AddrPortFrom(serverAddr, port)); err == nil {
					sent++
				}
			}
			results <- result{sent, nil}
		}()
	}
	sent := 0
	for range senders {
		r := <-results
		if r.err != nil {
			t.Fatal(r.err)
		}
		sent += r.sent
	}
	took := Now().Sub(began)

	var last uint16
	heard := 0
	for until := Now().Add(200 * time.Millisecond); Now().Before(until) || heard < 16; heard++ {
		b, _ := next(t, p.event)
		sync, err := wire.ParseSync(b)
		if err != nil || heard > 0 && sync.SequenceID != last+1 {
			t.Fatalf("Sync %d after %d: %v", sync.SequenceID, last, err)
		}
		last = sync.SequenceID
	}
	after := heap()
	st := status(t, s, func(Status) bool { return true })
	kept := slices.ContainsFunc(st.Clients, func(c master.ClientStatus) bool {
		sync := c.Grants[master.FlowSync]
		return c.Address == clientAddr && c.Identity == p.id && sync.Live && sync.LogInterval == -5 && c.Grants[master.FlowDelayResp].Live
	})
	if !kept {
		t.Errorf("clients %+v", st.Clients)
	}
	var counted uint64
	for _, byReason := range st.Stats.Received {
		for _, n := range byReason {
			counted += n[0] + n[1]
		}
	}
	dropped := uint64(st.Transport.DroppedEvent) + uint64(st.Transport.DroppedGeneral)
	if counted != st.Transport.Received || counted+dropped > uint64(sent)+1 || counted == 1 {
		t.Errorf("%d datagrams sent, %d taken, %d counted, %d dropped by the kernel", sent, st.Transport.Received, counted, dropped)
	}
	if after > before+1<<20 {
		t.Errorf("the heap grew from %d to %d bytes", before, after)
	}
	t.Logf("%d datagrams in %v (%.0f/s): %d taken, %d dropped by the kernel; heap %d kB, then %d kB", sent, took.Round(time.Millisecond),
		float64(sent)/took.Seconds(), counted, dropped, before/1024, after/1024)
}
