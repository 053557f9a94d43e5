package udp

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"bragi/master"
	"bragi/master/wire"
)

// A two-step client over real sockets gets a Follow_Up for each Sync, with the
// kernel's moment of departure: later than the Sync's reading of the clock, and
// before it arrives.
func TestTwoStepOverSockets(t *testing.T) {
	inNamespace(t, []string{"link set lo up", "address add 10.9.0.1/32 dev lo", "address add 10.9.0.2/32 dev lo"}, func(t *testing.T) {
		ours, theirs := netip.MustParseAddr("10.9.0.1"), netip.MustParseAddr("10.9.0.2")
		s := listen(t, Config{Address: ours})
		defer s.Close()
		m, err := master.New(master.Config{Identity: serverID, TwoStepFor: []netip.Prefix{netip.PrefixFrom(theirs, 32)}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- s.Serve(ctx, m, ahead(0)) }()
		s.SetAnnouncement(locked)
		p := newPeer(t, s, theirs, ours)
		p.request(t, p.general, wire.UnicastRequest{MessageType: wire.TypeSync, LogInterval: -5, Duration: 300})
		for range 32 {
			b, _ := next(t, p.event)
			sync, err := wire.ParseSync(b)
			if err != nil || sync.Flags&wire.FlagTwoStep == 0 {
				t.Fatalf("%+v, %v; want a two-step Sync", sync, err)
			}
			b, _ = next(t, p.general)
			for wire.MessageType(b[0]&15) == wire.TypeSignaling {
				b, _ = next(t, p.general)
			}
			f, err := wire.ParseFollowUp(b)
			if err != nil || f.SequenceID != sync.SequenceID {
				t.Fatalf("%+v, %v; want the Follow_Up of Sync %d", f, err, sync.SequenceID)
			}
			left, _ := f.PreciseOriginTimestamp.TAI()
			said, _ := sync.OriginTimestamp.TAI()
			if d := time.Duration(left.Ns() - said.Ns()); d < -5*time.Millisecond || d > 5*time.Millisecond {
				t.Errorf("the Follow_Up is %v from what the Sync says", d)
			}
		}
		st := status(t, s, func(Status) bool { return true })
		if n := st.Stats.Stamps; n.Lost+n.Late+n.Repeated+n.Impossible != 0 {
			t.Errorf("%+v", n)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
