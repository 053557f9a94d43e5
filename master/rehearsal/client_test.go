package rehearsal

import (
	"math"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"

	"bragi/gnss/timescale"
	"bragi/master/wire"
)

var (
	start  = timescale.MonoFromNs(1_000_000_000_000)
	gm     = wire.PortIdentity{Clock: wire.ClockIdentity{0, 0x11, 0x22, 0xFF, 0xFE, 0x33, 0x44, 0x55}, Port: 1}
	me     = wire.PortIdentity{Clock: wire.ClockIdentity{0xA0, 1, 2, 0xFF, 0xFE, 3, 4, 5}, Port: 1}
	gmAddr = netip.MustParseAddr("10.0.0.1")
)

func at(d time.Duration) timescale.Mono { return start.Add(d) }

func newClient(t testing.TB, c Config) *Client {
	t.Helper()
	c.Identity = me
	cl, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return cl
}

// sent takes what the client wants to send at now.
func sent(t testing.TB, c *Client, now timescale.Mono) (list []wire.Header, reqs []wire.UnicastRequest, acks []wire.MessageType) {
	t.Helper()
	for {
		p, event, ok := c.Poll(now)
		if !ok {
			return list, reqs, acks
		}
		h, err := wire.ParseHeader(p)
		if err != nil || event != h.MessageType.Event() || h.Source != me || h.Flags != wire.FlagUnicast || h.LogInterval != 0x7F {
			t.Fatalf("sent %+v: %v", h, err)
		}
		list = append(list, h)
		if h.MessageType != wire.TypeSignaling {
			continue
		}
		s, err := wire.ParseSignaling(p)
		if err != nil || s.Target != (wire.PortIdentity{Clock: wire.AllClocks, Port: 0xFFFF}) {
			t.Fatalf("%+v: %v", s, err)
		}
		typ, v, _ := s.TLVs.Next()
		switch typ {
		case wire.TLVRequestUnicast:
			r, _ := wire.ParseUnicastRequest(v)
			reqs = append(reqs, r)
		case wire.TLVAckCancelUnicast:
			a, _ := wire.ParseUnicastCancelAck(v)
			acks = append(acks, a.MessageType)
		}
		if !s.TLVs.Empty() {
			t.Error("more than one TLV in a message")
		}
	}
}

func signaling(tlv interface{ Append([]byte) []byte }) []byte {
	tlvs, _ := wire.ParseTLVs(tlv.Append(nil))
	return (&wire.Signaling{Header: head(0, 0x7F), Target: me, TLVs: tlvs}).Append(nil)
}

func head(seq uint16, log int8) wire.Header {
	return wire.Header{Flags: wire.FlagUnicast, Source: gm, SequenceID: seq, LogInterval: log}
}

func (c *Client) give(now timescale.Mono, typ wire.MessageType, log int8, seconds uint32) {
	c.Receive(now, false, gmAddr, signaling(wire.UnicastGrant{MessageType: typ, LogInterval: log, Duration: seconds, RenewalInvited: true}), timescale.Mono{})
}

func TestAClientAsksAsItsKind(t *testing.T) {
	for _, c := range []struct {
		kind Kind
		want [3]wire.UnicastRequest
	}{
		{CBR8, [3]wire.UnicastRequest{{MessageType: wire.TypeAnnounce, LogInterval: -3, Duration: 300}, {MessageType: wire.TypeSync, LogInterval: -5, Duration: 300}, {MessageType: wire.TypeDelayResp, LogInterval: -5, Duration: 300}}},
		{RPD, [3]wire.UnicastRequest{{MessageType: wire.TypeAnnounce, LogInterval: -3, Duration: 300}, {MessageType: wire.TypeSync, LogInterval: -5, Duration: 300}, {MessageType: wire.TypeDelayResp, LogInterval: -4, Duration: 300}}},
	} {
		_, reqs, _ := sent(t, newClient(t, Config{Kind: c.kind}), start)
		if len(reqs) != 3 || [3]wire.UnicastRequest(reqs) != c.want {
			t.Errorf("%v asks %+v", c.kind, reqs)
		}
	}
}

// Unanswered or denied, it asks again after 1, 2, 4, 8, 16, 16 s.
func TestAClientAsksAgainEverLater(t *testing.T) {
	for _, denied := range []bool{false, true} {
		c := newClient(t, Config{})
		var times []time.Duration
		for now := start; now.Sub(start) < 50*time.Second; {
			if _, reqs, _ := sent(t, c, now); len(reqs) == 3 {
				times = append(times, now.Sub(start))
				if denied {
					for _, r := range reqs {
						c.give(now, r.MessageType, r.LogInterval, 0)
					}
				}
			}
			now = c.Next()
		}
		want := []time.Duration{0, 1, 3, 7, 15, 31, 47}
		for i := range want {
			if i >= len(times) || times[i] != want[i]*time.Second {
				t.Fatalf("denied %v: asked after %v", denied, times)
			}
		}
		if d := c.Report(at(50 * time.Second)).Grants["sync"].Denials; denied != (d == 7) {
			t.Errorf("%d denials", d)
		}
	}
}

// It renews before the end, asks again when that is not answered, and lets go
// at the end.
func TestAClientRenewsBeforeTheEnd(t *testing.T) {
	c := newClient(t, Config{})
	sent(t, c, start)
	c.give(start, wire.TypeSync, -5, 300)
	var asked []time.Duration
	for now := c.Next(); now.Sub(start) < 299*time.Second; now = c.Next() {
		_, reqs, _ := sent(t, c, now)
		for _, r := range reqs {
			if r.MessageType == wire.TypeSync {
				asked = append(asked, now.Sub(start))
			}
		}
	}
	if len(asked) < 4 || asked[0] < 260*time.Second || asked[0] > 280*time.Second {
		t.Errorf("renewed after %v", asked)
	}
	sent(t, c, at(299*time.Second))
	if !c.Report(at(299 * time.Second)).Grants["sync"].Granted {
		t.Error("let go before the end")
	}
	sent(t, c, at(300*time.Second))
	if c.Report(at(300 * time.Second)).Grants["sync"].Granted {
		t.Error("holds on after the end")
	}
}

func TestAClientAcknowledgesCancel(t *testing.T) {
	c := newClient(t, Config{})
	sent(t, c, start)
	c.give(start, wire.TypeSync, -5, 300)
	c.Receive(start, false, gmAddr, signaling(wire.UnicastCancel{MessageType: wire.TypeSync}), timescale.Mono{})
	_, _, acks := sent(t, c, start)
	if len(acks) != 1 || acks[0] != wire.TypeSync || c.Report(start).Grants["sync"].Granted {
		t.Errorf("acknowledged %v", acks)
	}
	if _, _, again := sent(t, c, start); len(again) != 0 {
		t.Error("twice")
	}
}

// world is a master's clock and a path, to feed a client by hand.
type world struct {
	c        *Client
	seq, ann uint16
	delay    time.Duration
	twoStep  bool
	skip     int // sequence numbers, after each Sync
	also     int // each so many-th Sync is followed by a multicast one of the next number; 0: none
	drop     int // each so many-th Sync does not come; 0: none
	ticks    int
	ppb      int64 // of the master's clock
	ahead    int64
	egress   func() time.Duration // how much later than it says a Sync leaves; nil: never
	back     time.Duration        // the way back; 0: delay
	announce func(*wire.Announce) // nil: class 6 without flags
	send     func(*wire.Sync)     // changes a Sync that is sent; nil: none
	answer   func(*wire.DelayResp)
}

func (w *world) time(m timescale.Mono) wire.Timestamp {
	return wire.TimestampFromLocal(timescale.LocalFromNs(1_700_000_000_000_000_000 + m.Ns() + m.Ns()/1000*w.ppb/1_000_000 + w.ahead))
}

// tick is 1/32 s: a Sync, a Delay_Req answered, and each fourth time an Announce.
func (w *world) tick(t testing.TB, now timescale.Mono) {
	t.Helper()
	if w.ticks++; w.ticks%4 == 1 {
		a := wire.Announce{Header: head(w.ann, -3), ClockClass: 6, Grandmaster: gm.Clock}
		if w.announce != nil {
			w.announce(&a)
		}
		w.c.Receive(now, false, gmAddr, a.Append(nil), timescale.Mono{})
		w.ann++
	}
	said := now
	if w.egress != nil {
		said = now.Add(-w.egress())
	}
	s := wire.Sync{Header: head(w.seq, 0x7F), OriginTimestamp: w.time(said)}
	arrives := now.Add(w.delay)
	if w.twoStep {
		s.Flags |= wire.FlagTwoStep
		s.OriginTimestamp = wire.Timestamp{}
	}
	// A transparent clock on the way took 3 us and says so.
	s.Correction = 3000 << 16
	if w.send != nil {
		w.send(&s)
	}
	dropped := w.drop > 0 && w.ticks%w.drop == 0
	if !dropped {
		w.c.Receive(arrives, true, gmAddr, s.Append(nil), arrives.Add(3*time.Microsecond))
	}
	if w.twoStep && !dropped {
		f := wire.FollowUp{Header: head(w.seq, -5), PreciseOriginTimestamp: w.time(now)}
		w.c.Receive(arrives, false, gmAddr, f.Append(nil), timescale.Mono{})
	}
	w.seq += uint16(1 + w.skip)
	if w.also > 0 && w.ticks%w.also == 0 {
		w.seq++
	}
	for {
		p, event, ok := w.c.Poll(arrives)
		if !ok {
			return
		}
		if !event {
			continue
		}
		h, _ := wire.ParseHeader(p)
		w.c.Sent(h.SequenceID, arrives)
		back := w.back
		if back == 0 {
			back = w.delay
		}
		r := wire.DelayResp{Header: head(h.SequenceID, 0x7F), ReceiveTimestamp: w.time(arrives.Add(back)), Requesting: me}
		if w.answer != nil {
			w.answer(&r)
		}
		w.c.Receive(arrives.Add(2*w.delay), false, gmAddr, r.Append(nil), timescale.Mono{})
	}
}

func (w *world) run(t testing.TB, from time.Duration, seconds int) {
	t.Helper()
	for i := range 32 * seconds {
		w.tick(t, at(from+time.Duration(i)*time.Second/32))
	}
}

func locked(t testing.TB, w world, cfg Config) *world {
	t.Helper()
	w.c = newClient(t, cfg)
	sent(t, w.c, start)
	for f, typ := range []wire.MessageType{wire.TypeAnnounce, wire.TypeSync, wire.TypeDelayResp} {
		w.c.give(start, typ, []int8{-3, -5, -5}[f], 1000)
	}
	return &w
}

// One step and two: in phase with the master within a nanosecond of rounding,
// the delay measured, the correction of the path taken off.
func TestAClientLocksWithinANanosecond(t *testing.T) {
	for _, two := range []bool{false, true} {
		w := locked(t, world{delay: 250 * time.Microsecond, twoStep: two, ppb: -12_345}, Config{PhaseLimit: time.Microsecond})
		w.run(t, 0, 40)
		r := w.c.Report(at(40 * time.Second))
		if r.State != "PHASE_ALIGNED" || r.OneStep == two || r.WindowOffset < -20 || r.WindowOffset > 20 {
			t.Errorf("two-step %v: %+v", two, r)
		}
		if r.PathDelayNs < 249_980 || r.PathDelayNs > 250_020 || r.FreqPPB < -12_360 || r.FreqPPB > -12_330 {
			t.Errorf("delay %v ns, %v ppb", r.PathDelayNs, r.FreqPPB)
		}
		if r.Rates["sync"] < 31.5 || r.Rates["sync"] > 32.5 || r.Rates["announce"] < 7.5 || r.Rates["announce"] > 8.5 {
			t.Errorf("rates %v", r.Rates)
		}
	}
}

// A one-step master that predicts the moment of egress is right on the whole
// and off by up to 20 us in each Sync: the client sees no offset in that. The
// earliest packet of a window would show one of 10 us.
func TestPredictedEgressIsNoOffset(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	w := locked(t, world{delay: 100 * time.Microsecond, ppb: 3000, egress: func() time.Duration { return time.Duration(r.IntN(40_001) - 20_000) }}, Config{})
	w.run(t, 0, 60)
	rep := w.c.Report(at(60 * time.Second))
	if rep.State != "PHASE_ALIGNED" || rep.Offset.Median < -2000 || rep.Offset.Median > 2000 || rep.WindowOffset < -8000 || rep.WindowOffset > 8000 {
		t.Errorf("%v, offset %+v, of the last window %d ns", rep.State, rep.Offset, rep.WindowOffset)
	}
	if rep.PathDelayNs < 98_000 || rep.PathDelayNs > 102_000 {
		t.Errorf("delay %v ns, want 100 us", rep.PathDelayNs)
	}
}

func TestStatesComeInOrder(t *testing.T) {
	w := locked(t, world{delay: time.Millisecond, ppb: 80_000}, Config{Kind: RPD, PhaseLimit: time.Microsecond})
	w.run(t, 0, 30)
	// Silence: an RPD waits 11 Announce intervals, 1.375 s; Sync is missed after a second.
	sent(t, w.c, at(30*time.Second+900*time.Millisecond))
	if s := w.c.State(); s != PhaseAligned {
		t.Errorf("%v after 0.9 s of silence", s)
	}
	sent(t, w.c, at(31*time.Second))
	sent(t, w.c, at(31*time.Second+200*time.Millisecond))
	if s := w.c.State(); s != Holdover {
		t.Errorf("%v after 1.2 s of silence", s)
	}
	if w.c.Report(start).Counts["announce_timeouts"] != 0 {
		t.Error("Announce timed out before 11 intervals")
	}
	sent(t, w.c, at(31*time.Second+400*time.Millisecond))
	w.run(t, 40*time.Second, 10)
	var words []string
	for _, m := range w.c.Report(at(50 * time.Second)).Moves {
		words = append(words, m.State)
	}
	got := strings.Join(words, " ")
	if !strings.HasPrefix(got, "ACQUIRING ") || !strings.Contains(got, "PHASE_ALIGNED HOLDOVER ACQUIRING") || !strings.HasSuffix(got, "PHASE_ALIGNED") {
		t.Errorf("states %s", got)
	}
	c := w.c.Report(at(50 * time.Second)).Counts
	if c["announce_timeouts"] != 1 || c["sync_timeouts"] != 1 {
		t.Errorf("%v", c)
	}
}

func TestSequenceGapsAreCounted(t *testing.T) {
	w := locked(t, world{delay: time.Millisecond}, Config{})
	w.run(t, 0, 1)
	w.skip = 2
	w.tick(t, at(time.Second)) // this one is in order; the next comes after two missing
	w.skip = 0
	w.run(t, time.Second+time.Second/32, 1)
	w.seq = 60_000 // a restarted master, not 59,900 lost
	w.run(t, 3*time.Second, 1)
	if n := w.c.Report(at(4 * time.Second)).Counts["sync_gaps"]; n != 2 {
		t.Errorf("%d missing, want 2", n)
	}
	var s sequence
	var gaps uint64
	for _, seq := range []uint16{65534, 65535, 0, 1} {
		s.see(seq, &gaps)
	}
	if gaps != 0 {
		t.Error("the wrap of sequenceId was counted as a loss")
	}
}

// What is not its master's, not for it, or broken, is counted and not believed.
func TestWhatIsNotItsMastersIsNotBelieved(t *testing.T) {
	w := locked(t, world{delay: time.Millisecond}, Config{})
	w.run(t, 0, 5)
	before := w.c.Report(at(5 * time.Second))
	sync := wire.Sync{Header: head(1000, 0x7F), OriginTimestamp: wire.Timestamp{Seconds: 1}}
	stranger, domain := sync, sync
	stranger.Source.Port = 7
	domain.Domain = 4
	resp := wire.DelayResp{Header: head(1, 0x7F), Requesting: gm}
	now := at(5 * time.Second)
	bad := sync.Append(nil)
	bad[40] = 0xFF // nanoseconds beyond a second
	for _, d := range []struct {
		event bool
		b     []byte
		count string
	}{
		{true, stranger.Append(nil), "strangers"}, {true, domain.Append(nil), "wrong_domain"}, {false, sync.Append(nil), "wrong_port"},
		{false, resp.Append(nil), "strangers"}, {true, bad, "malformed"}, {true, []byte{1, 2}, "malformed"},
		{true, (&wire.Sync{Header: head(1000, 0x7F), OriginTimestamp: wire.Timestamp{Seconds: 1<<48 - 1}}).Append(nil), "malformed"},
	} {
		was := w.c.Report(now).Counts[d.count]
		w.c.Receive(now, d.event, gmAddr, d.b, now)
		if got := w.c.Report(now).Counts[d.count]; got != was+1 {
			t.Errorf("%s: %d, was %d", d.count, got, was)
		}
	}
	if after := w.c.Report(now); after.State != before.State || after.WindowOffset != before.WindowOffset || after.Counts["steps"] != 0 {
		t.Errorf("%+v", after)
	}
}

func TestParseKindKnowsEachKind(t *testing.T) {
	for s, want := range map[string]Kind{"cbr8": CBR8, "cBR8": CBR8, "RPD": RPD, "generic": Generic} {
		if k, err := ParseKind(s); err != nil || k != want {
			t.Errorf("%q: %v %v", s, k, err)
		}
	}
	if _, err := ParseKind("modem"); err == nil || !strings.Contains(err.Error(), "cbr8") {
		t.Errorf("%v", err)
	}
	if _, err := New(Config{}); err == nil {
		t.Error("a client without identity")
	}
	if _, err := New(Config{Identity: me, LogIntervals: &[3]int8{0, 0, 40}}); err == nil {
		t.Error("an interval of 2^40 s")
	}
}

func FuzzReceive(f *testing.F) {
	f.Add(signaling(wire.UnicastGrant{MessageType: wire.TypeSync, LogInterval: -5, Duration: 300}), false)
	f.Add((&wire.Sync{Header: head(1, 0x7F), OriginTimestamp: wire.Timestamp{Seconds: 1_700_000_000}}).Append(nil), true)
	f.Add((&wire.Announce{Header: head(1, -3)}).Append(nil), false)
	f.Add((&wire.DelayResp{Header: head(0, 0x7F), Requesting: me}).Append(nil), false)
	f.Fuzz(func(t *testing.T, b []byte, event bool) {
		w := locked(t, world{delay: time.Millisecond}, Config{})
		w.run(t, 0, 1)
		for i := range 3 {
			now := at(time.Second + time.Duration(i)*time.Second)
			w.c.Receive(now, event, gmAddr, b, now)
			for range 10 {
				if _, _, ok := w.c.Poll(now); !ok {
					break
				}
			}
			if w.c.Next().IsZero() {
				t.Fatal("no deadline")
			}
			w.c.Report(now)
		}
	})
}

// A step in the midst of a second is one step of its whole size: a second that has both
// sides of it shows a half, or two ways that contradict each other.
func TestAStepIsToldWholeWheneverItHappens(t *testing.T) {
	for _, size := range []time.Duration{-37 * time.Second, 3 * time.Second, 5 * time.Millisecond, -1500 * time.Microsecond} {
		for tick := range 33 {
			w := locked(t, world{delay: 100 * time.Microsecond}, Config{})
			for i := range 32 * 20 {
				if i == 32*15+tick {
					w.ahead = int64(size)
				}
				w.tick(t, at(time.Duration(i)*time.Second/32))
			}
			r := w.c.Report(at(20 * time.Second))
			if len(r.Steps) != 1 || math.Abs(float64(r.Steps[0].Ns-int64(size))) > 1000 || math.Abs(r.Steps[0].AtS-15) > 2.1 || r.misfits > 1 {
				t.Errorf("%v at tick %d: steps %+v, %d misfits", size, tick, r.Steps, r.misfits)
			}
		}
	}
}
