package master

import (
	"math"
	"net/netip"
	"slices"
	"testing"
	"time"

	"bragi/gnss/timescale"
	"bragi/holdover/quality"
	"bragi/master/wire"
)

func TestEachRequestHasAGrantOfItsOwn(t *testing.T) {
	m, p := newMaster(t, nil), newPeer(1)
	d := p.signaling(t, request(wire.TypeAnnounce, -3, 300), request(wire.TypeSync, -5, 300), request(wire.TypeDelayResp, -4, 300))
	got := say(t, m, start, d)
	want := []wire.UnicastGrant{
		{MessageType: wire.TypeAnnounce, LogInterval: -3, Duration: 300, RenewalInvited: true},
		{MessageType: wire.TypeSync, LogInterval: -5, Duration: 300, RenewalInvited: true},
		{MessageType: wire.TypeDelayResp, LogInterval: -4, Duration: 300, RenewalInvited: true},
	}
	if len(got) != len(want) {
		t.Fatalf("%d messages", len(got))
	}
	for i, a := range got {
		if len(a.grants) != 1 || a.grants[0] != want[i] {
			t.Errorf("message %d grants %+v, want %+v", i, a.grants, want[i])
		}
		s, err := wire.ParseSignaling(a.Payload)
		if err != nil || s.Target != p.id || s.Source != m.Identity() || s.Flags != wire.FlagUnicast || s.LogInterval != 0x7F || s.SequenceID != uint16(i) {
			t.Errorf("header %+v target %v", s.Header, s.Target)
		}
		if a.Event || a.Message.Src != us || a.Dst != p.addr || a.FillOrigin {
			t.Errorf("sent %+v", a.Message)
		}
	}
}

func TestGrantsAreWithinTheLimits(t *testing.T) {
	forever := uint32(math.MaxUint32)
	cases := []struct {
		name    string
		req     wire.UnicastRequest
		seconds uint32 // granted; 0: denied
		why     Reason
	}{
		{"cBR8's Sync", request(wire.TypeSync, -5, 300), 300, Accepted},
		{"fastest Sync", request(wire.TypeSync, -7, 300), 300, Accepted},
		{"slowest Sync", request(wire.TypeSync, 4, 300), 300, Accepted},
		{"Sync at 2^-8 s", request(wire.TypeSync, -8, 300), 0, IntervalTooShort},
		{"Sync at 2^-20 s", request(wire.TypeSync, -20, 3), 0, IntervalTooShort},
		{"Sync at 2^-30 s for ever", request(wire.TypeSync, -30, forever), 0, IntervalTooShort},
		{"Sync at 2^-128 s", request(wire.TypeSync, -128, 300), 0, IntervalTooShort},
		{"Sync at 2^5 s", request(wire.TypeSync, 5, 300), 0, IntervalTooLong},
		{"Sync at 2^127 s", request(wire.TypeSync, 127, 300), 0, IntervalTooLong},
		{"fastest Announce", request(wire.TypeAnnounce, -3, 300), 300, Accepted},
		{"Announce at 2^-4 s", request(wire.TypeAnnounce, -4, 300), 0, IntervalTooShort},
		{"fastest Delay_Resp", request(wire.TypeDelayResp, -7, 300), 300, Accepted},
		{"Delay_Resp at 2^-8 s", request(wire.TypeDelayResp, -8, 300), 0, IntervalTooShort},
		{"a longer time gets the cap", request(wire.TypeSync, -5, 3600), 1000, Accepted},
		{"136 years get the cap", request(wire.TypeSync, -5, forever), 1000, Accepted},
		{"the shortest time", request(wire.TypeSync, -5, 10), 10, Accepted},
		{"9 s", request(wire.TypeSync, -5, 9), 0, DurationTooShort},
		{"0 s", request(wire.TypeSync, -5, 0), 0, DurationTooShort},
		{"Pdelay_Resp", request(wire.TypePdelayResp, 0, 300), 0, UnknownMessage},
		{"Management", request(wire.TypeManagement, 0, 300), 0, UnknownMessage},
		{"reserved type", request(0xF, 0, 300), 0, UnknownMessage},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			m, p := newMaster(t, nil), newPeer(1)
			got := say(t, m, start, p.signaling(t, c.req))
			want := wire.UnicastGrant{MessageType: c.req.MessageType, LogInterval: c.req.LogInterval, Duration: c.seconds, RenewalInvited: c.seconds > 0}
			if len(got) != 1 || len(got[0].grants) != 1 || got[0].grants[0] != want {
				t.Fatalf("answered %+v, want %+v", got, want)
			}
			s := m.Stats()
			if n := s.Requests[c.req.MessageType][c.why]; n != 1 {
				t.Errorf("%d requests counted as %q", n, c.why)
			}
			wantClients := 0
			if c.seconds > 0 {
				wantClients = 1
			}
			if s.ClientsServed != wantClients {
				t.Errorf("%d clients", s.ClientsServed)
			}
		})
	}
}

// Of an address that was refused, then served, and has gone, the evidence says until when it
// was served; one that was refused since was not.
func TestARefusalIsOlderThanTheServiceThatCameAfter(t *testing.T) {
	m, p := newMaster(t, nil), newPeer(1)
	suspect := func() Suspect { return m.Snapshot(start).Suspects[0] }
	say(t, m, start, p.signaling(t, request(wire.TypeSync, -20, 300)))
	p.subscribe(t, m, at(time.Second), 300)
	if !suspect().Served.IsZero() {
		t.Error("it has not gone yet")
	}
	leave := func(now timescale.Mono) {
		for _, typ := range []wire.MessageType{wire.TypeAnnounce, wire.TypeSync, wire.TypeDelayResp} {
			say(t, m, now, p.signaling(t, wire.UnicastCancel{MessageType: typ}))
		}
	}
	leave(at(9 * time.Second))
	if got := suspect().Served; got != at(9*time.Second) {
		t.Errorf("served until %v, want 9 s", got.Sub(start))
	}
	say(t, m, at(20*time.Second), p.signaling(t, request(wire.TypeSync, -20, 300)))
	if s := suspect(); !s.Served.Before(s.Last) {
		t.Errorf("refused after %v, served until %v", s.Last.Sub(start), s.Served.Sub(start))
	}
}

// A denied request leaves nothing behind: no client, no load, no deadline.
func TestDenialKeepsNothing(t *testing.T) {
	m, p := newMaster(t, nil), newPeer(1)
	say(t, m, start, p.signaling(t, request(wire.TypeSync, -20, 300), request(wire.TypeDelayResp, 0, 0), request(wire.TypeManagement, 0, 300)))
	if _, ok := m.Next(); ok || m.Stats().ClientsServed != 0 || m.Stats().PromisedRate != 0 {
		t.Errorf("a denied request was kept: %+v", m.Snapshot(start).Clients)
	}
	s := m.Snapshot(start)
	if len(s.Suspects) != 1 || s.Suspects[0].Address != p.addr || s.Suspects[0].Count != 3 {
		t.Errorf("evidence: %+v", s.Suspects)
	}
}

// A denied renewal changes nothing: the flow goes on at its old rate and ends
// when it would have ended.
func TestDeniedRenewalChangesNothing(t *testing.T) {
	m, p := newMaster(t, nil), newPeer(1)
	say(t, m, start, p.signaling(t, request(wire.TypeSync, 0, 20)))
	before := m.Snapshot(at(time.Second)).Clients[0].Grants
	for _, r := range []wire.UnicastRequest{request(wire.TypeSync, -12, 300), request(wire.TypeSync, -128, 300), request(wire.TypeSync, 0, 1)} {
		if g := say(t, m, at(time.Second), p.signaling(t, r))[0].grants[0]; g.Duration != 0 {
			t.Fatalf("granted %+v", g)
		}
	}
	c := m.Snapshot(at(time.Second)).Clients[0]
	if c.Grants != before {
		t.Errorf("grants %+v became %+v", before, c.Grants)
	}
	if c.Denials != 3 || c.LastDenial != DurationTooShort || c.LastDenialType != wire.TypeSync {
		t.Errorf("evidence %+v", c)
	}
	n := 0
	run(t, m, at(time.Second), at(time.Minute), func(timescale.Mono, answer) { n++ })
	if n < 19 || n > 20 {
		t.Errorf("%d Syncs in a grant of 20 s at 1/s", n)
	}
}

func TestWhoIsNotServingGrantsNothing(t *testing.T) {
	m, p := newMaster(t, nil), newPeer(1)
	m.SetAnnouncement(quality.Announcement{})
	for _, a := range say(t, m, start, p.signaling(t, request(wire.TypeSync, -5, 300), request(wire.TypeDelayResp, -5, 300))) {
		if a.grants[0].Duration != 0 {
			t.Errorf("granted %+v before there is a time to serve", a.grants)
		}
	}
	if m.Stats().ClientsServed != 0 {
		t.Error("a client without a time to serve")
	}
	// Grants outlive a pause; nothing is sent in it.
	m.SetAnnouncement(locked)
	p.subscribe(t, m, start, 300)
	m.SetAnnouncement(quality.Announcement{})
	run(t, m, start, at(time.Second), func(_ timescale.Mono, a answer) { t.Errorf("sent %v while not serving", a.MessageType) })
	if got := say(t, m, at(time.Second), p.delayReq(1)); len(got) != 0 {
		t.Error("Delay_Resp while not serving")
	}
	m.SetAnnouncement(locked)
	n := 0
	run(t, m, at(time.Second), at(2*time.Second), func(timescale.Mono, answer) { n++ })
	if n != 40 {
		t.Errorf("%d messages in the second after the pause, want 32 Sync and 8 Announce", n)
	}
}

func TestRenewalKeepsThePhase(t *testing.T) {
	m, p := newMaster(t, nil), newPeer(1)
	p.subscribe(t, m, start, 20)
	var last timescale.Mono
	syncs, renewAt := 0, at(15*time.Second)
	run(t, m, start, at(15*time.Second), func(now timescale.Mono, a answer) {
		if a.MessageType == wire.TypeSync {
			last = now
		}
	})
	p.subscribe(t, m, renewAt, 20)
	run(t, m, renewAt, at(2*time.Minute), func(now timescale.Mono, a answer) {
		if a.MessageType != wire.TypeSync {
			return
		}
		if gap := now.Sub(last); gap < 31250*time.Microsecond-time.Microsecond || gap > 31250*time.Microsecond+time.Microsecond {
			t.Fatalf("gap of %v at %v", gap, now.Sub(start))
		}
		last, syncs = now, syncs+1
	})
	if syncs != 20*32 {
		t.Errorf("%d Syncs after the renewal, want 640", syncs)
	}
	if m.Stats().Renewals != 3 || m.Stats().ClientsServed != 0 || m.Stats().PromisedRate != 0 {
		t.Errorf("after the expiry: %+v", m.Stats())
	}
	if _, ok := m.Next(); ok {
		t.Error("a deadline is left when nobody is served")
	}
}

// A grant that is not renewed ends without a word, within the second.
func TestExpiryIsSilent(t *testing.T) {
	m, p := newMaster(t, nil), newPeer(1)
	p.subscribe(t, m, start, 10)
	run(t, m, start, at(20*time.Second), func(now timescale.Mono, a answer) {
		if a.MessageType == wire.TypeSignaling || now.Sub(start) >= 10*time.Second {
			t.Errorf("%v after %v", a.MessageType, now.Sub(start))
		}
	})
	if got := say(t, m, at(10*time.Second), p.delayReq(1)); len(got) != 0 {
		t.Error("Delay_Resp after the grant")
	}
	var kinds []EventKind
	for _, e := range m.TakeEvents(nil) {
		if e.At.Sub(start) > 11*time.Second {
			t.Errorf("%v only after %v", e.Kind, e.At.Sub(start))
		}
		kinds = append(kinds, e.Kind)
	}
	want := []EventKind{EventClientNew, EventGranted, EventGranted, EventGranted, EventExpired, EventExpired, EventExpired, EventClientGone}
	if !slices.Equal(kinds[:min(8, len(kinds))], want) {
		t.Errorf("events %v", kinds)
	}
}

func TestChangedRateReplaces(t *testing.T) {
	m, p := newMaster(t, nil), newPeer(1)
	p.subscribe(t, m, start, 300)
	say(t, m, at(time.Second), p.signaling(t, request(wire.TypeSync, -2, 300)))
	n := map[wire.MessageType]int{}
	run(t, m, at(time.Second), at(11*time.Second), func(_ timescale.Mono, a answer) { n[a.MessageType]++ })
	if n[wire.TypeSync] != 40 || n[wire.TypeAnnounce] != 80 {
		t.Errorf("in 10 s %d Sync and %d Announce, want 40 and 80", n[wire.TypeSync], n[wire.TypeAnnounce])
	}
	if r := m.Stats().PromisedRate; r != 4+8+32 {
		t.Errorf("promised %v/s", r)
	}
}

func TestCancelIsAcknowledged(t *testing.T) {
	m, p := newMaster(t, nil), newPeer(1)
	p.subscribe(t, m, start, 300)
	for range 2 { // the second as if the first acknowledge was lost
		got := say(t, m, at(time.Second), p.signaling(t, wire.UnicastCancel{MessageType: wire.TypeSync}))
		if len(got) != 1 || len(got[0].acks) != 1 || got[0].acks[0] != wire.TypeSync {
			t.Fatalf("answered %+v", got)
		}
	}
	run(t, m, at(time.Second), at(3*time.Second), func(_ timescale.Mono, a answer) {
		if a.MessageType == wire.TypeSync {
			t.Fatal("Sync after its cancel")
		}
	})
	if got := say(t, m, at(3*time.Second), p.delayReq(1)); len(got) != 1 {
		t.Error("the other flows ended too")
	}
	say(t, m, at(4*time.Second), p.signaling(t, wire.UnicastCancel{MessageType: wire.TypeDelayResp}, wire.UnicastCancel{MessageType: wire.TypeAnnounce}))
	if got := say(t, m, at(5*time.Second), p.delayReq(1)); len(got) != 0 || m.Stats().ClientsServed != 0 {
		t.Error("Delay_Resp after its cancel")
	}
}

// The bits of 1588-2019 in a CANCEL: with maintainRequest the client cancels another
// thing than what it was granted.
func TestACancelThatMaintainsItsRequestEndsNothing(t *testing.T) {
	for flags, ends := range [4]bool{true, false, true, false} {
		m, p := newMaster(t, nil), newPeer(1)
		p.subscribe(t, m, start, 300)
		got := say(t, m, start, p.signaling(t, rawTLV{0, byte(wire.TLVCancelUnicast), 0, 2, byte(wire.TypeSync)<<4 | byte(flags), 0}))
		if len(got) != 1 || len(got[0].acks) != 1 || got[0].Payload[wire.SignalingLen+wire.TLVHeaderLen] != byte(wire.TypeSync)<<4|byte(flags) {
			t.Fatalf("flags %d: answered %+v", flags, got)
		}
		if live := m.Snapshot(start).Clients[0].Grants[FlowSync].Live; live == ends {
			t.Errorf("flags %d: the flow lives: %v", flags, live)
		}
	}
}

// Two clocks behind one address are two clients, and one identity at two
// addresses as well: nobody's stream can be moved or stopped by another.
func TestClientIsAddressAndIdentity(t *testing.T) {
	m := newMaster(t, nil)
	a, b, thief := newPeer(1), newPeer(2), newPeer(3)
	b.addr, thief.id = a.addr, a.id
	for _, p := range []*peer{a, b, thief} {
		p.subscribe(t, m, start, 300)
	}
	say(t, m, start, b.signaling(t, wire.UnicastCancel{MessageType: wire.TypeSync}))
	say(t, m, start, thief.signaling(t, wire.UnicastCancel{MessageType: wire.TypeSync}))
	n := map[netip.Addr]int{}
	run(t, m, start, at(time.Second), func(_ timescale.Mono, x answer) {
		if x.MessageType == wire.TypeSync {
			n[x.Dst]++
		}
	})
	if n[a.addr] != 32 || n[thief.addr] != 0 {
		t.Errorf("Syncs %v, want 32 to %v alone", n, a.addr)
	}
}

func TestAFullTableDeniesNewClients(t *testing.T) {
	m := newMaster(t, func(c *Config) { c.MaxClients = 3 })
	for i := range 3 {
		newPeer(i).subscribe(t, m, start, 300)
	}
	late := newPeer(9)
	if g := say(t, m, start, late.signaling(t, request(wire.TypeSync, -5, 300)))[0].grants[0]; g.Duration != 0 {
		t.Error("a fourth client in a table of three")
	}
	newPeer(1).subscribe(t, m, at(time.Second), 300) // a renewal needs no room
	for _, typ := range []wire.MessageType{wire.TypeSync, wire.TypeAnnounce, wire.TypeDelayResp} {
		say(t, m, at(time.Second), newPeer(0).signaling(t, wire.UnicastCancel{MessageType: typ}))
	}
	late.subscribe(t, m, at(2*time.Second), 300)
}

func TestTheBudgetBoundsThePromisedRate(t *testing.T) {
	m := newMaster(t, func(c *Config) { c.MaxRate = 100 })
	newPeer(1).subscribe(t, m, start, 300) // 72/s
	p := newPeer(2)
	if g := say(t, m, start, p.signaling(t, request(wire.TypeSync, -5, 300)))[0].grants[0]; g.Duration != 0 {
		t.Error("104/s promised of 100")
	}
	if g := say(t, m, start, p.signaling(t, request(wire.TypeSync, -4, 300)))[0].grants[0]; g.Duration != 300 {
		t.Error("88/s of 100 refused")
	}
	newPeer(1).subscribe(t, m, at(time.Second), 300) // a renewal costs nothing
	if r := m.Stats().PromisedRate; r != 88 {
		t.Errorf("promised %v/s", r)
	}
}

func TestTLVsPerMessageAreBounded(t *testing.T) {
	m, p := newMaster(t, nil), newPeer(1)
	var many []interface{ Append([]byte) []byte }
	for range 100 {
		many = append(many, request(wire.TypeSync, -5, 300))
	}
	if got := say(t, m, start, p.signaling(t, many...)); len(got) != maxTLVs {
		t.Errorf("%d answers to one message of 100 requests, want %d", len(got), maxTLVs)
	}
	if received(m, TooManyTLVs) != 1 {
		t.Error("not counted")
	}
}

func TestUnknownTLVsAreSkipped(t *testing.T) {
	req := request(wire.TypeSync, -5, 300)
	for name, tlv := range map[string]rawTLV{
		"unknown":                 {0x7F, 0, 0, 2, 1, 2},
		"empty":                   {0x7F, 0, 0, 0},
		"PAD":                     {0x80, 0x08, 0, 4, 0, 0, 0, 0},
		"organization's":          {0, 3, 0, 8, 0, 0x11, 0x22, 0, 0, 1, 0, 0},
		"PATH_TRACE":              {0, 8, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8},
		"GRANT, not for us":       {0, 5, 0, 8, 0, 0xFB, 0, 0, 1, 0x2C, 0, 1},
		"short GRANT, not for us": {0, 5, 0, 2, 0, 0},
	} {
		for _, order := range [][]interface{ Append([]byte) []byte }{{tlv, req}, {req, tlv}} {
			m, p := newMaster(t, nil), newPeer(1)
			got := say(t, m, start, p.signaling(t, order...))
			if len(got) != 1 || got[0].grants[0].Duration != 300 {
				t.Errorf("%s TLV: answered %+v", name, got)
			}
		}
	}
}

// A malformed TLV refuses the message whole, the good request before it too.
func TestMalformedMessageChangesNothing(t *testing.T) {
	good := request(wire.TypeSync, -5, 300).Append(nil)
	for name, bad := range map[string][]byte{
		"odd length":    {0x7F, 0, 0, 1, 0, 0},
		"past the end":  {0x7F, 0, 0, 8, 0, 0},
		"half a header": {0x7F, 0},
		"short REQUEST": {0, 4, 0, 4, 0, 0xFB, 0, 0},
		"empty REQUEST": {0, 4, 0, 0},
		"empty CANCEL":  {0, 6, 0, 0},
	} {
		m, p := newMaster(t, nil), newPeer(1)
		d := p.signaling(t)
		d.Payload = append(append(d.Payload, good...), bad...)
		d.Payload[3] = byte(len(d.Payload))
		if got := say(t, m, start, d); len(got) != 0 || m.Stats().ClientsServed != 0 || received(m, BadTLV) != 1 {
			t.Errorf("%s: answered %+v", name, got)
		}
	}
}
