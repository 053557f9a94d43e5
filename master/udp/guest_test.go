package udp

import (
	"context"
	"net/netip"
	"sync"
	"testing"
	"time"

	"bragi/board/kernelclock"
	"bragi/gnss/timescale"
	"bragi/master"
	"bragi/master/udp/socket"
	"bragi/master/wire"
)

// asker is a guest that asks one address once, and takes what comes from there but
// Delay_Req and Signaling.
type asker struct {
	to netip.Addr

	mu    sync.Mutex
	at    timescale.Mono
	asked bool
	left  []timescale.Local
	seqs  []uint16
	taken []wire.MessageType
	stamp bool
}

func (a *asker) Next() (timescale.Mono, bool) { return a.at, !a.asked }

func (a *asker) Tick(now timescale.Mono, out *master.Outbox) {
	a.asked = true
	h := wire.Header{Flags: wire.FlagUnicast, SequenceID: 77}
	out.Add(master.Message{Src: serverAddr, Dst: a.to, Event: true, FillOrigin: true, Report: true, Payload: wire.AppendNetSyncRequest(nil, h)})
	out.Add(master.Message{Src: serverAddr, Dst: a.to, Payload: (&wire.FollowUp{Header: h}).Append(nil)})
}

// Leave lets it ask once more, so that its last message is seen.
func (a *asker) Leave() { a.at, a.asked = Now(), false }

func (a *asker) Take(_ timescale.Mono, d master.Datagram) bool {
	typ := wire.MessageType(d.Payload[0] & 15)
	if d.Src != a.to || typ == wire.TypeDelayReq || typ == wire.TypeSignaling {
		return false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.taken = append(a.taken, typ)
	a.stamp = a.stamp || d.HasStamp
	return true
}

func (a *asker) Left(seq uint16, at timescale.Local) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.left, a.seqs = append(a.left, at), append(a.seqs, seq)
}

// A guest's message leaves from the master's ports and is stamped as it leaves; the
// answers are the guest's alone, and the master counts neither.
func TestAGuestSharesTheMastersPorts(t *testing.T) {
	e, g := twoPorts(t)
	s := listen(t, Config{Address: serverAddr, EventPort: e, GeneralPort: g, Identity: serverID})
	m, err := master.New(master.Config{Identity: serverID})
	if err != nil {
		t.Fatal(err)
	}
	p := newPeer(t, s, clientAddr, serverAddr)
	guest := &asker{to: clientAddr, at: Now()}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	before := Now()
	go func() { done <- s.Serve(ctx, m, ahead(1000), guest) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		s.Close() //nolint:errcheck // nothing depends on it
	})
	b, from := next(t, p.event)
	q, err := wire.ParseDelayReq(b)
	if err != nil || q.SequenceID != 77 || from != netip.AddrPortFrom(serverAddr, e) || len(b) != wire.NetSyncRequestLen {
		t.Fatalf("%+v, %v from %v", q, err, from)
	}
	if b, from = next(t, p.general); wire.MessageType(b[0]&15) != wire.TypeFollowUp || from.Port() != g {
		t.Errorf("% x from %v", b, from)
	}
	sync := (&wire.Sync{Header: p.header()}).Append(nil)
	resp := (&wire.DelayResp{Header: p.header()}).Append(nil)
	p.event.WriteToUDPAddrPort(sync, netip.AddrPortFrom(serverAddr, e))   //nolint:errcheck // what is missing fails the test
	p.general.WriteToUDPAddrPort(resp, netip.AddrPortFrom(serverAddr, g)) //nolint:errcheck // likewise
	st := status(t, s, func(Status) bool {
		guest.mu.Lock()
		defer guest.mu.Unlock()
		return len(guest.left) == 1 && len(guest.taken) == 2
	})
	after := Now()
	if at := guest.left[0].Ns() - 1000; at < before.Ns() || at > after.Ns() || guest.seqs[0] != 77 {
		t.Errorf("message %d left at %d, want within %d..%d", guest.seqs[0], at, before.Ns(), after.Ns())
	}
	if !guest.stamp {
		t.Error("an event message came without its stamp")
	}
	var n uint64
	for _, byReason := range st.Stats.Received {
		for _, byAnswer := range byReason {
			n += byAnswer[0] + byAnswer[1]
		}
	}
	if n != 0 || st.Stats.Sent != [16]uint64{} || st.Stats.Unsent != [16]uint64{} || st.Transport.StampsStray != 0 {
		t.Errorf("the master counts %d received, sent %v, unsent %v; %d stray stamps", n, st.Stats.Sent, st.Stats.Unsent, st.Transport.StampsStray)
	}
	if err := s.On(t.Context(), func() { guest.asked = false }); err != nil {
		t.Error(err)
	}
	if b, _ = next(t, p.event); len(b) != wire.NetSyncRequestLen {
		t.Errorf("% x", b)
	}
	cancel()
	if b, _ = next(t, p.event); len(b) != wire.NetSyncRequestLen {
		t.Errorf("at parting: % x", b)
	}
}

// A guest's message that cannot be sent is in no count of the master's.
func TestAGuestsMessageThatDoesNotLeaveIsNotTheMasters(t *testing.T) {
	e, g := twoPorts(t)
	s := listen(t, Config{Address: serverAddr, EventPort: e, GeneralPort: g})
	defer s.Close()
	m, err := master.New(master.Config{Identity: serverID})
	if err != nil {
		t.Fatal(err)
	}
	l, err := newLoop(s, m, ahead(0))
	if err != nil {
		t.Fatal(err)
	}
	defer l.wait.close()
	guest := &asker{to: netip.MustParseAddr("0.0.0.1")} // EINVAL
	l.guests = []Guest{guest}
	l.visit(Now())
	if l.out.Len() != 0 || l.turn != nil {
		t.Error("the outbox is not empty after a visit")
	}
	if st := m.Stats(); st.Sent != [16]uint64{} || st.Unsent != [16]uint64{} {
		t.Errorf("sent %v, unsent %v", st.Sent, st.Unsent)
	}
}

// Where the kernel gives stamps no numbers, the message that comes back tells whose a
// stamp is, also when it is longer than a Sync.
func TestAGuestsStampIsFoundWithoutANumber(t *testing.T) {
	l := bench(t, false)
	l.stamps.numbered = false
	guest := &asker{}
	b := wire.AppendNetSyncRequest(nil, wire.Header{SequenceID: 5})
	origin := timescale.LocalFromNs(5_000_100)
	wire.PutTimestamp(b[wire.OriginOffset:], wire.TimestampFromLocal(origin))
	l.stamps.ask(b, asked{guest: guest, seq: 5, want: socket.KernelStamp, read: timescale.MonoFromNs(5_000_000), origin: origin, predicted: 100})
	other := l.asks(5_000_100, 5) // a Sync that says the same
	headers := make([]byte, socket.EthernetHeader+socket.Headers)
	l.left(append(headers, b...), byKernel(9_000_700, 0))
	if len(guest.left) != 1 || guest.left[0].Ns() != 5_000_700 {
		t.Fatalf("left %v", guest.left)
	}
	l.left(other, byKernel(9_000_900, 0))
	if len(guest.left) != 1 || l.stamps.stray != 0 {
		t.Errorf("a Sync's stamp is the guest's: %v; %d stray", guest.left, l.stamps.stray)
	}
	// One that is a second off is nobody's.
	l.stamps.ask(b, asked{guest: guest, seq: 5, want: socket.KernelStamp, read: timescale.MonoFromNs(5_000_000), origin: origin, predicted: 100})
	l.bridge.Take(kernelclock.Pair{Mono: timescale.MonoFromNs(5_000_000 + int64(time.Second)), Realtime: timescale.UTCFromNs(9_000_000 + int64(time.Second))})
	if l.left(append(headers, b...), byKernel(9_000_000+int64(time.Second), 0)); len(guest.left) != 1 {
		t.Errorf("left %v", guest.left)
	}
}
