package udp

import (
	"net/netip"
	"testing"

	"bragi/master/wire"
)

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
