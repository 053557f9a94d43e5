package udp

import (
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"bragi/board/kernelclock"
	"bragi/master"
	"bragi/master/udp/socket"
	"bragi/master/wire"
)

// notebook is a departure by which nothing leaves: it notes what was to, and gives
// the stamps that were asked for.
type notebook struct {
	sent    [][]byte
	wishes  []socket.Wish
	numbers []uint32
	told    int
}

func (n *notebook) Send(_, _ netip.Addr, message []byte, wish socket.Wish, number uint32) bool {
	n.sent = append(n.sent, append(make([]byte, udpHeaders), message...))
	n.wishes, n.numbers = append(n.wishes, wish), append(n.numbers, number)
	return true
}

func (n *notebook) Left() (message []byte, d socket.Departed, ok bool) {
	for n.told < len(n.sent) && n.wishes[n.told] == 0 {
		n.told++
	}
	if n.told == len(n.sent) {
		return nil, d, false
	}
	i := n.told
	n.told++
	d.KernelNs, _ = kernelclock.Read(unix.CLOCK_REALTIME)
	d.Number, d.Numbered = n.numbers[i], true
	return n.sent[i], d, true
}

// All Syncs leave by the loop's departure, whatever that is, and what it tells of
// them teaches the prediction.
func TestSyncsLeaveByTheDeparture(t *testing.T) {
	e, g := twoPorts(t)
	s := listen(t, Config{Address: serverAddr, EventPort: e, GeneralPort: g})
	defer s.Close()
	m, err := master.New(master.Config{Identity: serverID})
	if err != nil {
		t.Fatal(err)
	}
	m.SetAnnouncement(locked)
	p := newPeer(t, s, clientAddr, serverAddr)
	p.request(t, p.general, wire.UnicastRequest{MessageType: wire.TypeSync, LogInterval: -7, Duration: 300})
	l, err := newLoop(s, m, ahead(0))
	if err != nil {
		t.Fatal(err)
	}
	defer l.wait.close()
	out := &notebook{}
	l.departure = out
	l.bridge.Look()
	for l.wait.fds[1].Revents == 0 {
		if err := l.wait.wait(time.Second); err != nil {
			t.Fatal(err)
		}
	}
	l.receive(s.general)
	const syncs = 8
	for end := Now().Add(10 * time.Second); len(out.sent) < syncs && Now().Before(end); {
		next, ok := m.Next()
		if !ok {
			t.Fatal("no grant")
		}
		time.Sleep(next.Sub(Now()))
		m.Tick(Now(), &l.out)
		l.flush()
	}
	asked := 0
	for i, b := range out.sent {
		if sync, err := wire.ParseSync(b[udpHeaders:]); err != nil || sync.OriginTimestamp == (wire.Timestamp{}) {
			t.Errorf("Sync %d: %+v, %v", i, sync, err)
		}
		if out.wishes[i] == socket.KernelStamp {
			asked++
		}
	}
	if len(out.sent) < syncs || s.event.Tx.Stats.Sent != 0 {
		t.Errorf("%d Syncs left by the departure, %d by the socket", len(out.sent), s.event.Tx.Stats.Sent)
	}
	// On a busy machine one may leave so late that its stamp cannot be.
	if taught := l.stamps.predictor.Residual().N; taught == 0 || taught+int(l.stamps.stray) != asked {
		t.Errorf("of %d Syncs %d were to be stamped: %d taught, %d stray", len(out.sent), asked, l.stamps.predictor.Residual().N, l.stamps.stray)
	}
}
