package master

import (
	"net/netip"
	"testing"
	"time"

	"bragi/gnss/timescale"
	"bragi/master/wire"
)

// twoStepMaster serves one client with two-step Syncs at 32 a second, and one
// with one-step ones.
func twoStepMaster(t testing.TB) (m *Master, followed *peer) {
	t.Helper()
	followed = newPeer(1)
	m = newMaster(t, func(c *Config) { c.TwoStepFor = []netip.Prefix{netip.PrefixFrom(followed.addr, 32)} })
	for _, p := range []*peer{followed, newPeer(2)} {
		m.Receive(start, p.signaling(t, request(wire.TypeSync, -5, 300)), new(Outbox))
	}
	return m, followed
}

// syncs ticks for d from at(from) and returns the Syncs.
func syncs(t testing.TB, m *Master, from, d time.Duration) (list []answer) {
	t.Helper()
	for now := at(from); now.Before(at(from + d)); now = now.Add(time.Millisecond) {
		for {
			if next, ok := m.Next(); !ok || now.Before(next) {
				break
			}
			var out Outbox
			m.Tick(now, &out)
			list = append(list, answers(t, &out)...)
		}
	}
	return list
}

// A client whose prefix asks for it gets Syncs with the twoStepFlag and a token,
// and one Follow_Up for each stamp, with the Sync's sequenceId and the moment of
// the stamp; the others' Syncs have neither.
func TestATwoStepSyncHasOneFollowUp(t *testing.T) {
	m, followed := twoStepMaster(t)
	before := len(syncs(t, m, 0, 100*time.Millisecond)) / 2 // nobody shows their tokens
	n := 0
	for ms := 100; ms < 1100; ms++ {
		list := syncs(t, m, time.Duration(ms)*time.Millisecond, time.Millisecond)
		if len(list) == 0 {
			continue
		}
		s := list[0] // the two are in different slots
		two := s.Flags&wire.FlagTwoStep != 0
		if is := s.Dst == followed.addr; two != is || (s.Token != 0) != is {
			t.Fatalf("Sync to %v: two-step %v, token %d", s.Dst, two, s.Token)
		}
		if !two {
			continue
		}
		n++
		origin := timescale.LocalFromNs(1_735_689_600_000_000_000 + int64(n))
		var out Outbox
		left := origin.Add(-412)
		if !m.FollowUp(at(time.Duration(ms+30)*time.Millisecond), s.Token, origin, left, &out) {
			t.Fatalf("no Follow_Up of Sync %d: %+v", s.SequenceID, m.Stats().Stamps)
		}
		f, err := wire.ParseFollowUp(out.Messages()[0].Payload)
		if err != nil {
			t.Fatal(err)
		}
		msg := out.Messages()[0]
		if out.Len() != 1 || msg.Event || msg.Dst != followed.addr || msg.Src != us || msg.Stamped() {
			t.Errorf("%d messages, the first %+v; want one to %v, to the general port", out.Len(), msg, followed.addr)
		}
		if f.SequenceID != s.SequenceID || f.PreciseOriginTimestamp != wire.TimestampFromLocal(left) || f.Flags&wire.FlagTwoStep != 0 || f.Correction != 0 {
			t.Errorf("Follow_Up %+v of Sync %d", f, s.SequenceID)
		}
	}
	if n != 32 {
		t.Errorf("%d two-step Syncs in a second, want 32", n)
	}
	if got := m.Stats(); got.Sent[wire.TypeFollowUp] != 32 || got.Stamps != (StampCounts{Lost: uint64(before)}) {
		t.Errorf("%d Follow_Ups, %+v", got.Sent[wire.TypeFollowUp], got.Stamps)
	}
}

// Stamps that come in another order all make their Follow_Up; one that comes
// twice, late, never, 1 s off, or for a Sync that was not sent makes none, and
// is counted.
func TestStampsThatAreNoGoodMakeNoFollowUp(t *testing.T) {
	const origin = int64(1_735_689_600_000_000_000)
	const clients = 8
	m := newMaster(t, func(c *Config) { c.TwoStepFor = []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")} })
	for i := range clients {
		m.Receive(start, newPeer(i).signaling(t, request(wire.TypeSync, -1, 300)), new(Outbox))
	}
	before := len(syncs(t, m, 0, 100*time.Millisecond))
	sent := syncs(t, m, 100*time.Millisecond, 500*time.Millisecond) // one each
	if len(sent) != clients {
		t.Fatalf("%d Syncs, want %d", len(sent), clients)
	}
	soon := at(600 * time.Millisecond).Add(-time.Microsecond)
	show := func(s answer, now timescale.Mono, late time.Duration) bool {
		return m.FollowUp(now, s.Token, timescale.LocalFromNs(origin), timescale.LocalFromNs(origin+int64(late)), new(Outbox))
	}
	if !show(sent[7], soon, time.Microsecond) || !show(sent[6], soon, time.Microsecond) {
		t.Errorf("out of order: %+v", m.Stats().Stamps)
	}
	if show(sent[7], soon, time.Microsecond) || show(answer{Message: Message{Token: 123_456}}, soon, 0) || show(answer{}, soon, 0) {
		t.Error("a token is good for two Follow_Ups, or for one that was never given")
	}
	if show(sent[5], soon.Add(500*time.Millisecond), time.Microsecond) {
		t.Error("a stamp that comes after the client's next Sync makes a Follow_Up")
	}
	if show(sent[4], soon, time.Second) || show(sent[3], soon, -time.Second) {
		t.Error("a stamp that is 1 s off makes a Follow_Up")
	}
	syncs(t, m, time.Second, 100*time.Millisecond) // the others' time is over
	n := m.Stats().Stamps
	if n.Repeated != 3 || n.Late != 1 || n.Impossible != 2 || n.Lost != uint64(before+3) {
		t.Errorf("%+v; want 3 repeated, 1 late, 2 impossible, %d lost", n, before+3)
	}
	if got := m.Stats().Sent[wire.TypeFollowUp]; got != 2 {
		t.Errorf("%d Follow_Ups, want 2", got)
	}
}

func (q *departures) waiting() (n uint64) {
	for i := range q.rows {
		if q.rows[i].token != 0 {
			n++
		}
	}
	return n
}

// More Syncs than the ring holds wait for stamps that never come: the oldest are
// given up, the newest are followed.
func TestTheOldestWaitingSyncsAreGivenUp(t *testing.T) {
	q, lost := new(departures), uint64(0)
	var tokens []uint32
	for range followUps + 100 {
		tokens = append(tokens, q.add(start, departure{deadline: at(time.Minute)}, &lost))
	}
	if _, ok := q.take(tokens[99]); ok || lost != 100 {
		t.Errorf("one that was overwritten is taken, or %d lost; want 100", lost)
	}
	if _, ok := q.take(tokens[100]); !ok {
		t.Error("the oldest that has room is gone")
	}
	q.expire(at(time.Hour), &lost)
	if lost != 100+followUps-1 || q.waiting() != 0 {
		t.Errorf("%d lost, %d wait; want all but one lost", lost, q.waiting())
	}
	q.last, q.old = ^uint32(0)-1, ^uint32(0)-1 // the tokens begin anew
	for range 4 {
		if k := q.add(at(time.Hour), departure{deadline: at(2 * time.Hour)}, &lost); k == 0 {
			t.Error("token 0 is given")
		} else if _, ok := q.take(k); !ok {
			t.Errorf("token %d is not found", k)
		}
	}
}

// SetTwoStep is for everyone, and back.
func TestSetTwoStepIsForEveryoneAndBack(t *testing.T) {
	m := newMaster(t, nil)
	m.Receive(start, newPeer(1).signaling(t, request(wire.TypeSync, -5, 300)), new(Outbox))
	for i, on := range []bool{false, true, false} {
		m.SetTwoStep(on)
		for _, s := range syncs(t, m, time.Duration(i)*time.Second, time.Second) {
			if (s.Flags&wire.FlagTwoStep != 0) != on || (s.Token != 0) != on {
				t.Fatalf("two-step for all %v: flags %04x, token %d", on, s.Flags, s.Token)
			}
		}
	}
}

// The corrections of the configuration are in each Sync and Delay_Resp.
func TestConfiguredCorrectionsAreInEachMessage(t *testing.T) {
	m := newMaster(t, func(c *Config) { c.SyncCorrection, c.DelayRespCorrection = 3<<16+5, -7 })
	p := newPeer(1)
	m.Receive(start, p.signaling(t, request(wire.TypeSync, -5, 300), request(wire.TypeDelayResp, -5, 300)), new(Outbox))
	if s := syncs(t, m, 0, 100*time.Millisecond); len(s) == 0 || s[0].Correction != 3<<16+5 {
		t.Errorf("Sync %+v", s)
	}
	d := p.delayReq(5)
	d.Payload[wire.CorrectionOffset+7] = 9
	var out Outbox
	m.Receive(at(time.Second), d, &out)
	if a := answers(t, &out); len(a) != 1 || a[0].Correction != 2 {
		t.Errorf("Delay_Resp %+v", a)
	}
}

// A two-step client costs the hot path no memory either.
func TestFollowUpDoesNotAllocate(t *testing.T) {
	m, _ := twoStepMaster(t)
	var out Outbox
	now, origin := start, timescale.LocalFromNs(1_735_689_600_000_000_000)
	step := func() {
		now = now.Add(time.Millisecond)
		m.Tick(now, &out)
		for i := range out.Messages() {
			if token := out.Messages()[i].Token; token != 0 {
				m.FollowUp(now, token, origin, origin, &out)
			}
		}
		out.Reset()
	}
	for range 100 {
		step()
	}
	if n := testing.AllocsPerRun(1000, step); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// A restart forgets no two-step client, and the budget knows that each of its
// Syncs is two packets.
func TestTwoStepOutlivesARestart(t *testing.T) {
	m, followed := twoStepMaster(t)
	if got := m.Stats().PromisedRate; got != 32+64 {
		t.Errorf("%v packets a second promised to one one-step and one two-step client, want 96", got)
	}
	next, _ := restarted(t, m, at(time.Second), at(time.Second), func(c *Config) { *c = m.cfg })
	if got := next.Stats().PromisedRate; got != 96 {
		t.Errorf("%v promised after the restart, want 96", got)
	}
	for _, s := range syncs(t, next, 1100*time.Millisecond, time.Second) {
		if (s.Token != 0) != (s.Dst == followed.addr) {
			t.Fatalf("Sync to %v has token %d", s.Dst, s.Token)
		}
	}
}
