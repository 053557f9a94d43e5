package udp

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"bragi/master"
	"bragi/master/wire"
)

// Over real sockets the turnaround of a Pdelay_Resp is no more than the whole
// exchange took.
func TestPdelayTurnaround(t *testing.T) {
	e, g := twoPorts(t)
	s := listen(t, Config{Address: serverAddr, EventPort: e, GeneralPort: g})
	m, err := master.New(master.Config{Identity: serverID, Pdelay: true})
	if err != nil {
		t.Fatal(err)
	}
	m.SetAnnouncement(locked)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, m, ahead(1_700_000_000_000_000_000)) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		s.Close()
	}()
	p := newPeer(t, s, clientAddr, serverAddr)
	const slack = int64(time.Millisecond) // of the sandwich that turns the stamp over
	for seq := range uint16(3) {
		req := wire.PdelayReq{Header: p.header()}
		req.SequenceID = seq
		t1 := Now()
		if _, err := p.event.WriteToUDPAddrPort(req.Append(nil), netip.AddrPortFrom(serverAddr, e)); err != nil {
			t.Fatal(err)
		}
		b, from := next(t, p.event)
		t4 := Now()
		resp, err := wire.ParsePdelayResp(b)
		if err != nil || from.Port() != e || resp.Requesting != p.id || resp.SequenceID != seq || resp.RequestReceiptTimestamp != (wire.Timestamp{}) {
			t.Fatalf("%+v from %v: %v", resp, from, err)
		}
		if turnaround := resp.Correction >> 16; turnaround < -slack || turnaround > int64(t4.Sub(t1))+slack {
			t.Errorf("turnaround of %d ns in an exchange of %v", turnaround, t4.Sub(t1))
		}
	}
}
