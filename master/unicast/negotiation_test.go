package unicast

import (
	"testing"
	"time"

	"bragi/gnss/timescale"
	"bragi/master/wire"
)

var (
	start  = timescale.MonoFromNs(int64(time.Hour))
	me     = wire.PortIdentity{Clock: wire.ClockIdentity{1}, Port: 1}
	master = wire.PortIdentity{Clock: wire.ClockIdentity{2}, Port: 1}
	other  = wire.PortIdentity{Clock: wire.ClockIdentity{3}, Port: 1}
)

func habit() *Habit {
	return &Habit{Domain: 44, LogIntervals: [Flows]int8{-3, -5, -4}, Duration: 300, LastRetry: 16 * time.Second,
		Renew: func(lasts time.Duration) time.Duration { return lasts * 9 / 10 }}
}

// said is one message of a client.
type said struct {
	what Sent
	flow Flow
}

// all takes what the client says at now.
func all(t *testing.T, n *Negotiation, h *Habit, now timescale.Mono) (list []said) {
	t.Helper()
	var buf [128]byte
	for {
		payload, f, what, ok := n.Poll(h, now, buf[:0])
		if !ok {
			return list
		}
		s, err := wire.ParseSignaling(payload)
		if err != nil || s.Source != me || s.Domain != h.Domain {
			t.Fatalf("%+v: %v", s, err)
		}
		list = append(list, said{what, f})
	}
}

// tell gives the client TLVs of a sender.
func tell(t *testing.T, n *Negotiation, h *Habit, now timescale.Mono, from wire.PortIdentity, list ...interface{ Append([]byte) []byte }) (answers []Answer) {
	t.Helper()
	var b []byte
	for _, tlv := range list {
		b = tlv.Append(b)
	}
	tlvs, err := wire.ParseTLVs(b)
	if err != nil {
		t.Fatal(err)
	}
	m := wire.Signaling{Header: wire.Header{Source: from}, TLVs: tlvs}
	for {
		a, ok := n.Answers(h, now, &m)
		if !ok {
			return answers
		}
		answers = append(answers, a)
	}
}

func grant(f Flow, log int8, seconds uint32) wire.UnicastGrant {
	return wire.UnicastGrant{MessageType: f.MessageType(), LogInterval: log, Duration: seconds}
}

func cancel(f Flow) wire.UnicastCancel { return wire.UnicastCancel{MessageType: f.MessageType()} }

// negotiated is a client that has asked at start, and was granted what it asked for.
func negotiated(t *testing.T, h *Habit) *Negotiation {
	t.Helper()
	n := &Negotiation{Me: me}
	all(t, n, h, start)
	for f, log := range h.LogIntervals {
		tell(t, n, h, start, master, grant(Flow(f), log, 300))
	}
	if !n.GrantedAll() {
		t.Fatal("not granted")
	}
	return n
}

func equal(a []said, b ...said) bool {
	for i := range b {
		if len(a) != len(b) || a[i] != b[i] {
			return false
		}
	}
	return len(a) == len(b)
}

func TestAFlowIsAskedForEverLaterUntilItIsGranted(t *testing.T) {
	h, n := habit(), &Negotiation{Me: me}
	var at []time.Duration
	for now := start; now.Sub(start) < time.Minute; {
		if list := all(t, n, h, now); len(list) != Flows {
			t.Fatalf("%v: %v", now.Sub(start), list)
		}
		at = append(at, now.Sub(start)/time.Second)
		tell(t, n, h, now, master, grant(Sync, -5, 0)) // a denial is asked again no sooner
		now, _ = n.Next(now)
	}
	want := []time.Duration{0, 1, 3, 7, 15, 31, 47}
	for i := range want {
		if len(at) != len(want) || at[i] != want[i] {
			t.Fatalf("asked after %d s", at)
		}
	}
	if !n.Of(Sync).Denied || n.Of(Announce).Denied {
		t.Error("only Sync was denied")
	}
}

// A grant is renewed at the habit, and ends at its end, also while its renewal is denied.
func TestAGrantIsRenewedAtTheHabitAndEnds(t *testing.T) {
	h := habit()
	n := negotiated(t, h)
	if at, _ := n.Next(start); at.Sub(start) != 270*time.Second {
		t.Errorf("renewed after %v", at.Sub(start))
	}
	all(t, n, h, start.Add(270*time.Second))
	if a := tell(t, n, h, start.Add(270*time.Second), master, grant(Sync, -5, 0), grant(Announce, -3, 20)); len(a) != 2 || a[0].Verdict != Denied || a[1].Anew {
		t.Errorf("%+v", a)
	}
	for f, ends := range [Flows]time.Duration{290 * time.Second, 300 * time.Second, 300 * time.Second} {
		if n.Expire(Flow(f), start.Add(ends-1)) || !n.Expire(Flow(f), start.Add(ends)) || n.Of(Flow(f)).Granted {
			t.Errorf("flow %d does not end after %v", f, ends)
		}
	}
}

// The interval is the one granted; Delay_Req are sent no faster than granted or asked for.
func TestAGrantMayBeSlowerOrFasterThanAsked(t *testing.T) {
	for _, c := range []struct {
		log         int8
		every, send time.Duration
	}{{0, time.Second, time.Second}, {-4, time.Second / 16, time.Second / 16}, {-7, time.Second / 128, time.Second / 16}} {
		h := habit()
		n := negotiated(t, h)
		tell(t, n, h, start, master, grant(DelayResp, c.log, 300))
		if a, b := n.Every(h, DelayResp), n.DelayEvery(h); a != c.every || b != c.send {
			t.Errorf("granted 2^%d s: every %v, sent every %v", c.log, a, b)
		}
	}
	// No interval that a master may write is zero, or none at all.
	for log := -128; log < 128; log++ {
		if d := Interval(int8(log)); d <= 0 {
			t.Errorf("2^%d s is %v", log, d)
		}
	}
}

// A CANCEL of the one who granted is acknowledged once, also by a client that leaves.
func TestACancelIsAcknowledged(t *testing.T) {
	for _, leaves := range []bool{false, true} {
		h := habit()
		n := negotiated(t, h)
		if a := tell(t, n, h, start, other, cancel(Sync)); len(a) > 0 || !n.Of(Sync).Granted {
			t.Errorf("another one's CANCEL: %+v", a)
		}
		if a := tell(t, n, h, start, master, cancel(Sync)); len(a) != 1 || a[0].Verdict != Cancelled || n.Of(Sync).Granted {
			t.Errorf("%+v", a)
		}
		want := []said{{CancelAck, Sync}}
		if leaves {
			n.Leave()
			want = []said{{Cancel, Announce}, {CancelAck, Sync}, {Cancel, DelayResp}}
		}
		if list := all(t, n, h, start); !equal(list, want...) {
			t.Errorf("leaves %t: said %v", leaves, list)
		}
		if list := all(t, n, h, start.Add(afterCancel)); leaves != (len(list) == 0) {
			t.Errorf("leaves %t: after a while %v", leaves, list)
		}
	}
	// The GRANT was lost, and the CANCEL came.
	h, n := habit(), &Negotiation{Me: me}
	all(t, n, h, start)
	tell(t, n, h, start, master, cancel(Sync))
	if list := all(t, n, h, start); !equal(list, said{CancelAck, Sync}) {
		t.Errorf("before any grant: said %v", list)
	}
}

// Who leaves cancels what it holds, and what it asked for without an answer, each once; a
// GRANT that comes later is cancelled too.
func TestWhoLeavesHoldsNothing(t *testing.T) {
	h, n := habit(), &Negotiation{Me: me}
	all(t, n, h, start)
	tell(t, n, h, start, master, grant(Announce, -3, 300), grant(DelayResp, -4, 0)) // and Sync's is lost
	n.Leave()
	if list := all(t, n, h, start); !equal(list, said{Cancel, Announce}, said{Cancel, Sync}) {
		t.Errorf("said %v", list)
	}
	if _, ok := n.Next(start); ok {
		t.Error("something is planned")
	}
	tell(t, n, h, start, master, grant(Sync, -5, 300))
	if list := all(t, n, h, start.Add(time.Hour)); !equal(list, said{Cancel, Sync}) || n.Of(Sync).Granted {
		t.Errorf("after a late grant: said %v", list)
	}
}

// A flow that was given up is asked for again when it is wanted.
func TestAFlowThatWasGivenUpMayBeWantedAgain(t *testing.T) {
	h := habit()
	n := negotiated(t, h)
	n.GiveUp(Sync)
	if list := all(t, n, h, start); !equal(list, said{Cancel, Sync}) || n.Wants(Sync) {
		t.Errorf("said %v", list)
	}
	n.AskAt(Sync, start.Add(time.Second))
	if list := all(t, n, h, start.Add(time.Second)); !equal(list, said{Request, Sync}) {
		t.Errorf("said %v", list)
	}
}

func TestAnotherClockThatGrantsIsAStranger(t *testing.T) {
	h := habit()
	n := negotiated(t, h)
	a := tell(t, n, h, start, other, grant(Sync, -5, 300), grant(Announce, -3, 300), wire.UnicastGrant{MessageType: wire.TypePdelayResp, Duration: 9})
	if len(a) != 2 || !a[0].Stranger || a[0].Anew || a[1].Stranger || n.Master != other {
		t.Errorf("%+v", a)
	}
}

func TestNegotiatingAllocatesNothing(t *testing.T) {
	h := habit()
	n := negotiated(t, h)
	buf, now := make([]byte, 0, 128), start
	tlvs, _ := wire.ParseTLVs(cancel(Sync).Append(grant(Announce, -3, 300).Append(nil)))
	if allocs := testing.AllocsPerRun(100, func() {
		now = now.Add(time.Minute)
		m := wire.Signaling{Header: wire.Header{Source: master}, TLVs: tlvs}
		for {
			if _, ok := n.Answers(h, now, &m); !ok {
				break
			}
		}
		for {
			if _, _, _, ok := n.Poll(h, now, buf); !ok {
				break
			}
		}
	}); allocs > 0 {
		t.Errorf("%v allocations", allocs)
	}
}
