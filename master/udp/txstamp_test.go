package udp

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"bragi/gnss/timescale"
	"bragi/master/egress"
	"bragi/master/wire"
)

// The kernel says when the Syncs left; each stamp finds its Sync, from a bound
// address and from one among all, and the prediction learns from it.
func TestTransmitStampsTeachThePrediction(t *testing.T) {
	for _, address := range []netip.Addr{serverAddr, netip.IPv4Unspecified()} {
		s := serve(t, address, 0)
		// The answers go to the configured ports, whoever has them: it is the sending
		// that is looked at.
		stray, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(clientAddr, 0)))
		if err != nil {
			t.Fatal(err)
		}
		defer stray.Close()
		p := &peer{server: serverAddr, s: s, id: wire.PortIdentity{Clock: wire.ClockIdentity{9}, Port: 1}}
		p.request(t, stray, wire.UnicastRequest{MessageType: wire.TypeSync, LogInterval: -7, Duration: 300})
		st := status(t, s, func(st Status) bool {
			time.Sleep(20 * time.Millisecond) // the server has other things to do
			return st.Transport.Residual.N >= 30
		})
		if st.Transport.StampsStray != 0 || st.Transport.StampsLost != 0 {
			t.Errorf("at %v: %d stray and %d lost stamps", address, st.Transport.StampsStray, st.Transport.StampsLost)
		}
		if st.Transport.Event.Failed != 0 {
			t.Errorf("at %v: %d sends failed: %v", address, st.Transport.Event.Failed, st.Transport.Event.LastError)
		}
	}
}

// A stamp that belongs to no Sync, or to none that waits, teaches nothing.
func TestStrayStamps(t *testing.T) {
	s := newStamper()
	b := bridge{rawNs: 5_000_000, realNs: 9_000_000, good: true}
	sync := make([]byte, wire.SyncLen)
	sync[30] = 7 // the sequenceId
	s.ask(sync, timescale.MonoFromNs(4_000_000), 100, egress.First)
	other := append([]byte(nil), sync...)
	other[31] = 1
	for name, packet := range map[string][]byte{"another Sync's": append(make([]byte, 42), other...), "cut short": sync[:20], "empty": nil} {
		was := s.stray
		s.take(packet, 8_010_000, &b)
		if s.stray != was+1 || s.predictor.Residual().N != 0 {
			t.Errorf("a stamp with bytes that are %s is taken", name)
		}
	}
	looped := append(make([]byte, 42), sync...) // headers before it
	s.take(looped, 8_010_000, &b)               // 1 ms before the sandwich less 10 us: read + 10 us
	if r := s.predictor.Residual(); r.N != 1 || r.P50 != 9900 {
		t.Errorf("residual %+v, want one of 10000 - 100 ns", r)
	}
	s.take(looped, 8_010_000, &b)
	if r := s.predictor.Residual(); r.N != 1 {
		t.Error("one Sync's second stamp is taken too")
	}
	for range inFlight + 1 {
		s.ask(sync, timescale.MonoFromNs(4_000_000), 100, egress.First)
	}
	if s.lost != 1 {
		t.Errorf("%d lost, want 1 after %d without a stamp", s.lost, inFlight+1)
	}
}
